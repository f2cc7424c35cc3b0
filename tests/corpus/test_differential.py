"""What was found stays found: every file of the corpus again, wrapped, renamed, padded, cut and encoded in other ways.

A wrapping changes nothing about what is inside, so the verdict may not fall. A cut may take the reason away with the
bytes; what is left is then broken, and broken is never clean.

Every file is tried in a third of the ways, always the same ones; with ``MACROGATE_ALL_WRAPPINGS`` set, in all of them.
"""

import io
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from gateway.closed_sets import FileType, Verdict
from gateway.scan import Limits, examine
from gateway.scan.containers import bounded
from gateway.scan.families import OLE_TYPES, OOXML_TYPES
from gateway.scan.sniff import sniff
from tests.corpus.test_corpus import FOLDERS, files_of, reports_of, rules
from tests.makers import mail, museum

CUT_IS_BROKEN = OOXML_TYPES | OLE_TYPES | {FileType.ZIP, FileType.SEVEN_ZIP, FileType.GZIP, FileType.XZ, FileType.BZIP2}
"""Formats that say how long they are, so that a cut shows."""
PADDED = 5 << 20
LONG_RUN = 2 << 20
"""What counts as a long run here, so that a few megabytes stand for the half gigabyte that d55-d56-padding has."""
LARGEST = 1 << 20
"""Bytes of a file that is wrapped in every way; what is larger is there for its size."""
SHARE = 1 if os.environ.get("MACROGATE_ALL_WRAPPINGS") else 3
EXTENSIONS = ("docx", "txt", "png", "tmp", "")


def zipped(content: bytes, name: str, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        archive.writestr("first.txt", "Hello")
        archive.writestr(name, content)
    return target.getvalue()


def tarball(content: bytes, name: str) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w:xz", preset=0) as archive:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return target.getvalue()


def attached(content: bytes, name: str, coding: str) -> bytes:
    return mail.message([mail.text(), mail.part(content, name=name, coding=coding)])


# (what is done, whether the result is a mail)
WRAPPINGS: dict[str, tuple[Callable[[bytes, str], bytes], bool]] = {
    "zip": (zipped, False),
    "stored": (lambda content, name: zipped(content, name, zipfile.ZIP_STORED), False),
    "bzip2": (lambda content, name: zipped(content, name, zipfile.ZIP_BZIP2), False),
    "lzma": (lambda content, name: zipped(content, name, zipfile.ZIP_LZMA), False),
    "zip in zip": (lambda content, name: zipped(zipped(content, name), "inner.zip"), False),
    "tar.xz": (tarball, False),
    "padded": (lambda content, name: museum.padded_zip(name, content, PADDED), False),
    "base64": (lambda content, name: attached(content, name, "base64"), True),
    "quoted-printable": (lambda content, name: attached(content, name, "quoted-printable"), True),
    "uuencode": (lambda content, name: attached(content, name, "x-uuencode"), True),
    "inline": (lambda content, name: mail.single(b"Hello\r\n" + mail.uuencode(content, name or "file")), True),
    "forwarded": (
        lambda content, name: mail.message(
            [mail.part(attached(content, name, "base64"), "message/rfc822", coding="7bit")]
        ),
        True,
    ),
    "forwarded in base64": (
        lambda content, name: mail.message(
            [mail.part(attached(content, name, "base64"), "message/rfc822", coding="base64")]
        ),
        True,
    ),
}


@cache
def stopped(folder: Path) -> dict[str, tuple[bytes, Verdict]]:
    """The files of a folder that are small enough and not clean."""
    files = files_of(folder)
    return {
        name: (files[name], report.verdict)
        for name, report in reports_of(folder).items()
        if report.verdict > Verdict.MACRO and len(files[name]) <= LARGEST
    }


def verdict(data: bytes, name: str, *, as_mail: bool) -> Verdict:
    return examine(data, rules=rules(), limits=Limits(), name=name, mail=as_mail).verdict


@pytest.mark.parametrize("way", WRAPPINGS)
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_wrapping_hides_a_file(folder, way, monkeypatch):
    monkeypatch.setattr(bounded, "LONG_RUN", LONG_RUN)
    wrap, as_mail = WRAPPINGS[way]
    for name, (content, before) in stopped(folder).items():
        if name.endswith(".eml") or zlib.crc32(f"{name} {way}".encode()) % SHARE:
            continue  # mails: see below
        got = verdict(wrap(content, name), "wrapped", as_mail=as_mail)
        least = min(before, Verdict.UNSCANNABLE) if way == "padded" else before  # zeros behind some archives break them
        assert got >= least, f"{name} is {before.label}, and {got.label} in {way}"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_no_name_hides_a_document(folder):
    for name, (content, before) in stopped(folder).items():
        if before is not Verdict.AUTOEXEC or sniff(content) not in OOXML_TYPES | OLE_TYPES:
            continue
        for extension in EXTENSIONS:
            got = verdict(content, f"file.{extension}", as_mail=False)
            assert got >= before, f"{name} is {before.label}, and {got.label} when it is called .{extension}"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_cut_document_is_never_clean(folder):
    for name, (content, before) in stopped(folder).items():
        if before is not Verdict.AUTOEXEC or sniff(content) not in CUT_IS_BROKEN:
            continue
        for part in (4, 8, 12, 14, 15):
            cut = content[: len(content) * part // 16]
            assert verdict(cut, name, as_mail=False) is not Verdict.CLEAN, f"{name} cut at {part}/16"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_mail_forwarded_or_packed_is_as_bad_as_before(folder):
    for name, (content, before) in stopped(folder).items():
        if not name.endswith(".eml"):
            continue
        forwarded = mail.message([mail.text(), mail.part(content, "message/rfc822", coding="base64")])
        for way, data, as_mail in (
            ("forwarded", forwarded, True),
            ("attached", attached(content, "letter.eml", "base64"), True),
            ("zipped", zipped(content, "letter.eml"), False),
        ):
            got = verdict(data, "wrapped", as_mail=as_mail)
            assert got >= before, f"{name} is {before.label}, and {got.label} {way}"
