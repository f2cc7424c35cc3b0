"""Zip files as ordinary programs write them raise no doubt, whatever liberties these programs take."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import pytest

from gateway import samples
from gateway.closed_sets import Verdict
from gateway.samples.package import package, parts_of
from gateway.scan import Limits, examine
from tests.makers import archives
from tests.makers.looks import RULES
from tests.makers.zips import Item, build, deflate, extra

DOCUMENT, LETTER = samples.doc(), samples.docx()


class Pipe(io.BytesIO):
    """Where nobody can go back to fill in the sizes."""

    def seekable(self) -> bool:
        return False


def streamed() -> bytes:
    """Java and browsers: sizes behind the data, and a folder first."""
    file = Pipe()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/", b"")
        archive.writestr("folder/a.docx", LETTER)
        archive.writestr(zipfile.ZipInfo("stored.doc"), DOCUMENT)
    return file.getvalue()


def mac() -> bytes:
    """The Finder: data descriptors, and a second file beside each that holds its icon."""
    packed = deflate(LETTER)
    behind = struct.pack("<4s3I", b"PK\x07\x08", zlib.crc32(LETTER), len(packed), len(LETTER))
    later = {"crc": 0, "packed": 0, "size": 0}
    icon = bytes.fromhex("00051607000200004d6163204f53205820202020202020200002") + bytes(80)
    return build([Item("a.docx", LETTER, flags=8, local=later, behind=behind), Item("__MACOSX/._a.docx", icon)])


def large_file_form() -> bytes:
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.doc", "w", force_zip64=True) as member,
    ):
        member.write(DOCUMENT)
    return file.getvalue()


def appended() -> bytes:
    file = io.BytesIO()
    for name in ("a.docx", "b.docx"):
        with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(name, LETTER)
    return file.getvalue()


def open_document() -> bytes:
    """LibreOffice: the type comes first and is stored."""
    return build(
        [
            Item("mimetype", b"application/vnd.oasis.opendocument.text", method=0),
            Item("content.xml", b"<office:document-content/>"),
            Item("META-INF/manifest.xml", b"<manifest:manifest/>"),
        ]
    )


def signed_package() -> bytes:
    """Android: a block of signatures between the last member and the directory."""
    block = struct.pack("<Q", 200) + bytes(range(176)) + struct.pack("<Q", 200) + b"APK Sig Block 42"
    return build([Item("a.txt", b"text"), Item("b.docx", LETTER, method=0, behind=block)])


def streamed_document() -> bytes:
    """A document written by a program that cannot go back."""
    file = Pipe()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts_of(LETTER).items():
            archive.writestr(name, content)
    return file.getvalue()


TIMES = extra(0x5455, b"\x01" + bytes(4)) + extra(0x7875, b"\x01\x04" + bytes(4) + b"\x04" + bytes(4))

HONEST: dict[str, Callable[[], bytes]] = {
    "streamed": streamed,
    "mac": mac,
    "zip64": large_file_form,
    "appended": appended,
    "open document": open_document,
    "signed package": signed_package,
    "streamed document": streamed_document,
    "libarchive": lambda: archives.written("zip", "a.doc", DOCUMENT),
    "unix extras": lambda: build([Item("a.doc", DOCUMENT, extra=TIMES, local={"extra": TIMES[:9]})]),
    "utf-8 name": lambda: build([Item("Lebenslauf für Müller.doc", DOCUMENT, flags=0x800)]),
    "dos name": lambda: build([Item("Müller.doc".encode("cp437"), DOCUMENT)]),
    "comment": lambda: build([Item("a.doc", DOCUMENT)], comment=b"made by a program\r\n" * 20),
    "zeros behind": lambda: build([Item("a.doc", DOCUMENT)]) + bytes(1000),
    "line end behind": lambda: build([Item("a.doc", DOCUMENT)]) + b"\r\n",
    "document and line end": lambda: LETTER + b"\r\n",
    "document and zeros": lambda: LETTER + bytes(512),
    "empty": lambda: build([]),
    "folders only": lambda: build([Item("a/", b"", method=0), Item("a/b/", b"", method=0)]),
    "same content twice": lambda: build([Item("a.doc", DOCUMENT), Item("copy of a.doc", DOCUMENT)]),
    "package in package": lambda: build([Item("a.zip", package({"b.txt": "text"}), method=0), Item("c.docx", LETTER)]),
}


@pytest.mark.parametrize("name", HONEST)
def test_no_doubt_about_an_honest_file(name: str) -> None:
    report = examine(HONEST[name](), rules=RULES, limits=Limits(), name="a.zip", mail=False)
    assert report.findings == ()
    assert report.verdict is Verdict.CLEAN
