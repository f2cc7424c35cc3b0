"""Types are told by content, and a file that is two things is both."""

import io
import lzma
import tarfile
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import FileType
from gateway.scan import ole_directory
from gateway.scan.sniff import candidates, sniff
from tests.makers import mail
from tests.makers.looks import SHORTCUT
from tests.makers.ole import compound
from tests.makers.zips import Item, build


def package(main: str, *names: str) -> bytes:
    types = f'<Types><Override PartName="/x" ContentType="application/{main}"/></Types>'
    return build([Item("[Content_Types].xml", types.encode()), *(Item(name, b"x") for name in names)])


WORD = "vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
MACRO_WORD = "vnd.ms-word.document.macroEnabled.main+xml"
SHEET = "vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"
BINARY_SHEET = "vnd.ms-excel.sheet.binary.macroEnabled.main"
FLAT = "<?xml version='1.0'?><x:package xmlns:x='http://schemas.microsoft.com/office/2006/xmlPackage'/>"
SLIDES = "vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"", FileType.EMPTY),
        (b"Hello there\r\n", FileType.TEXT),
        ("Grüße".encode(), FileType.TEXT),
        ("Grüße".encode("utf-16"), FileType.TEXT),
        (b"\x01\x02\x03 nothing known", FileType.BINARY),
        (b"<!DOCTYPE html><p>x", FileType.HTML),
        (b"text with <b>markup</b> <p> in it", FileType.HTML),
        (b"<?xml version='1.0'?><a/>", FileType.XML),
        (FLAT.encode(), FileType.FLAT_OPC),
        (FLAT.encode("utf-16"), FileType.FLAT_OPC),
        (b"<?xml?><w:wordDocument xmlns:w='http://schemas.microsoft.com/office/word/2003/wordml'/>", FileType.WORD_XML),
        (b"<html><hta:application id=x>", FileType.SCRIPT),
        (b"{\\rtf1 x}", FileType.RTF),
        (b"  {\\rt x}", FileType.RTF),
        (b"%PDF-1.7\n", FileType.PDF),
        (b"\x89PNG\r\n\x1a\n", FileType.IMAGE),
        (b"MZ" + bytes(58) + b"\x40\0\0\0PE\0\0", FileType.EXECUTABLE),
        (b"MZ is also how a text may begin. " * 3, FileType.TEXT),
        (SHORTCUT, FileType.LNK),
        (b"\x1f\x8b\x08\0", FileType.GZIP),
        (b"BZh9", FileType.BZIP2),
        (b"ActiveMime\0\0", FileType.ACTIVEMIME),
        (bytes(32769) + b"CD001", FileType.DISK_IMAGE),
        (bytes(257) + b"ustar", FileType.TAR),
        (mail.single(b"x"), FileType.EMAIL),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n\r\n", FileType.MHT),
        (b"Subject: this is only text\r\n\r\nno mail", FileType.TEXT),
        (package(WORD, "word/document.xml"), FileType.DOCX),
        (package(MACRO_WORD, "word/document.xml"), FileType.DOCM),
        (package(WORD, "word/vbaProject.bin"), FileType.DOCM),
        (package(SHEET, "xl/workbook.xml"), FileType.XLSX),
        (package(SHEET, "xl/macrosheets/sheet1.xml"), FileType.XLSM),
        (package(BINARY_SHEET, "xl/workbook.bin"), FileType.XLSB),
        (package(SLIDES, "ppt/presentation.xml"), FileType.PPTX),
        (package("nothing-known"), FileType.OOXML),
        (build([Item("mimetype", b"x"), Item("content.xml", b"<a/>")]), FileType.ODF),
        (build([Item("a.txt", b"x")]), FileType.ZIP),
        (build([]), FileType.ZIP),
        (b"PK\x03\x04 cut off", FileType.ZIP),
        (compound({"WordDocument": b"x"}), FileType.DOC),
        (compound({"Workbook": b"x"}), FileType.XLS),
        (compound({"PowerPoint Document": b"x"}), FileType.PPT),
        (compound({"__properties_version1.0": b"x"}), FileType.MSG),
        (compound({"Something": b"x"}), FileType.OLE),
        (bytes.fromhex("D0CF11E0A1B11AE1") + b"cut off", FileType.OLE),
    ],
)  # fmt: skip
def test_what_it_is(data: bytes, kind: FileType) -> None:
    assert sniff(data) is kind
    assert sniff(memoryview(data)) is kind


@pytest.mark.parametrize(
    "front", [b"GIF89a" + bytes(100), b"%PDF-1.4\n" + b"x" * 5000, b"MZ" + bytes(70_000), b"text\n"]
)
def test_a_zip_behind_something_is_both(front: bytes) -> None:
    kinds = candidates(front + build([Item("a.txt", b"x")]) + b"tail" * 30_000)
    assert len(kinds) == 2
    assert FileType.ZIP in kinds


def test_a_web_archive_in_a_pdf_is_both() -> None:
    data = b"%PDF-1.7\n1 0 obj\nMIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n--b\n"
    assert candidates(data) == (FileType.PDF, FileType.MHT)


def test_zip_files_in_the_streams_of_an_ole_document_are_not_the_document() -> None:
    inner = build([Item("a.txt", b"x" * 600)])
    assert candidates(compound({"Workbook": inner})) == (FileType.XLS,)
    assert candidates(compound({"Workbook": b"x"}) + inner) == (FileType.XLS, FileType.ZIP)


def test_the_standard_library_writes_zip_files_too() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", "<a/>")
        archive.writestr("[Content_Types].xml", f"<Types><Default ContentType='application/{WORD}'/></Types>")
    assert candidates(file.getvalue()) == (FileType.DOCX,)


@given(
    st.binary(max_size=200),
    st.sampled_from(
        [b"", b"PK\x03\x04", b"PK\x05\x06", b"<", b"MZ", b"A: b\n", bytes.fromhex("D0CF11E0A1B11AE1") + bytes(600)]
    ),
)
def test_any_bytes_are_something(data: bytes, head: bytes) -> None:
    kinds = candidates(head + data)
    assert kinds
    assert len(set(kinds)) == len(kinds)


def old_tar(content: bytes) -> bytes:
    """A tar file in the form before POSIX, which has no magic."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo("a.doc")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    header = bytearray(file.getvalue()[:512])
    header[257:] = bytes(255)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\x00 " % sum(header)
    return bytes(header) + file.getvalue()[512:]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (old_tar(b"x"), FileType.TAR),
        (lzma.compress(b"x" * 1000, lzma.FORMAT_ALONE), FileType.XZ),
        (bytes(1 << 16) + b"conectix" + bytes(504), FileType.DISK_IMAGE),
        (b"\x00\x05\x16\x00" + bytes(100), FileType.MACINTOSH),
        (b"\x00\x05a.doc".ljust(128, b"\x00") + ole_directory.MAGIC + bytes(100), FileType.MACINTOSH),
        (b"\x00\x01 junk" * 50 + b"7z\xbc\xaf\x27\x1c" + bytes(100), FileType.SEVEN_ZIP),
        (b"some words\r\n" * 50 + b"Rar!\x1a\x07\x00" + bytes(100), FileType.RAR),
        (b"Received: x\r\n" * 9000 + b"MIME-Version: 1.0\r\n\r\nx", FileType.EMAIL),
        (b'<?xml version="1.0"?><!--' + b"x" * 99000 + b'--><a xmlns="x/office/2006/xmlPackage"/>', FileType.FLAT_OPC),
        (b'<?xml version="1.0"?><a xmlns:w="x/office/word/2003/word&#109;l"/>', FileType.WORD_XML),
    ],
)
def test_what_hides_its_type(data: bytes, kind: FileType) -> None:
    assert kind in candidates(data)


@pytest.mark.parametrize(
    "front", [b"GIF89a/*", b"\x01\x02", b"%PDF-1.4 ", b"{\\rtf1 ", b"MZ" + bytes(80), b"words " * 999]
)
def test_a_page_behind_something_else(front: bytes) -> None:
    assert FileType.HTML in candidates(front + b"<SCRIPT>x</SCRIPT>")
    assert FileType.HTML not in candidates(front + b"<b>x</b>")


def test_a_list_of_types_too_long_to_be_read_may_hide_that_something_runs() -> None:
    entry = b"<Default Extension='abc' ContentType='x/y'/>"
    types = WORD.encode() + entry * ((17 << 20) // len(entry)) + MACRO_WORD.encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", types)
    assert sniff(file.getvalue()) is FileType.DOCM
