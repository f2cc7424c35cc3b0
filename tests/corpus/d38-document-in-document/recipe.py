from gateway import samples
from gateway.samples.compound import compound_file, streams_of
from gateway.samples.package import package, parts_of
from tests.makers import mail


def inside(outer: bytes, storage: tuple[str, ...], inner: bytes) -> bytes:
    """The streams of one document in a storage of another."""
    return compound_file({**streams_of(outer), **streams_of(inner, under=storage)})


def as_stream(outer: bytes, path: tuple[str, ...], inner: bytes) -> bytes:
    return compound_file({**streams_of(outer), path: inner})


def beside(name: str, content: bytes) -> bytes:
    """A package with a file that is no part of it, which whoever opens it as a zip file finds."""
    return package({**parts_of(samples.docx()), name: content})


def web_archive(content: bytes) -> bytes:
    return mail.single(content, "application/x-mso", name="editdata.mso", coding="base64")


FILES = {
    "armed-object-pool.doc": lambda: inside(samples.doc(), ("ObjectPool", "_1234567890"), samples.xls_workbook_open()),
    "armed-object-in-object.doc": lambda: inside(
        samples.doc(),
        ("ObjectPool", "_1"),
        inside(samples.xls(), ("MBD00000001",), samples.doc_autoopen()),
    ),
    "armed-embedding.xls": lambda: inside(samples.xls(), ("MBD0001F0A2",), samples.doc_autoopen()),
    "armed-file-in-a-stream.doc": lambda: as_stream(
        samples.doc(), ("ObjectPool", "_1", "CONTENTS"), samples.doc_autoopen()
    ),
    "armed-package-in-a-stream.xls": lambda: as_stream(samples.xls(), ("MBD1", "Package"), samples.docm_autoopen()),
    "clean-object-pool.doc": lambda: inside(samples.doc(), ("ObjectPool", "_1"), samples.xls()),
    "clean-package-in-a-stream.xls": lambda: as_stream(samples.xls(), ("MBD1", "Package"), samples.docx()),
    "armed-web-archive-in-a-stream.doc": lambda: as_stream(
        samples.doc(), ("ObjectPool", "_1", "Package"), web_archive(samples.doc_autoopen())
    ),
    "armed-native-data-of-another-program.doc": lambda: as_stream(
        samples.doc(), ("ObjectPool", "_1", "\x01Ole10Native"), bytes(8) + samples.docm_autoopen()
    ),
    "armed-web-archive-beside-the-parts.zip": lambda: beside("word/invoice.doc", web_archive(samples.doc_autoopen())),
    "clean-web-archive-beside-the-parts.zip": lambda: beside("word/invoice.doc", web_archive(samples.doc())),
}
