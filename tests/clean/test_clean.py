"""No false alarm: clean documents as people's programs write them come out clean, alone and inside a mail.

The documents are made here by python-docx, openpyxl, XlsxWriter and python-pptx, and turned into the older and the
other formats by LibreOffice: more than 300 of them.
"""

import io
import tarfile
import warnings
import zipfile
from functools import cache
from pathlib import Path

import pytest

from gateway.closed_sets import Verdict
from gateway.message import Report
from gateway.scan import Limits, examine
from tests import libreoffice
from tests.clean import written
from tests.corpus.test_corpus import rules
from tests.e2e.tools import need
from tests.makers import mail

TURNED = (
    *(("docx", kind) for kind in ("doc", "rtf", "odt", "html", "pdf")),
    *(("xlsx", kind) for kind in ("xls", "ods", "csv")),
    *(("pptx", kind) for kind in ("ppt", "odp")),
)
PICTURES = {".png", ".gif", ".jpg"}
"""What LibreOffice writes beside an HTML page."""


@cache
def documents() -> dict[str, bytes]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own
        return dict(written.documents())


def looked(data: bytes, name: str, *, as_mail: bool) -> Report:
    return examine(data, rules=rules(), limits=Limits(), name=name, mail=as_mail)


def told(report: Report) -> list[tuple[str, str, str]]:
    return [(finding.kind.value, finding.where, finding.detail) for finding in report.findings]


def wrapped(name: str, content: bytes) -> dict[str, bytes]:
    """``content`` as it travels: attached, zipped, forwarded, in a tarball."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
        archive.writestr("folder/read me.txt", "Hello")
    ball = io.BytesIO()
    with tarfile.open(fileobj=ball, mode="w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    letter = mail.message([mail.text(), mail.part(content, name=name)])
    return {
        "attached": letter,
        "quoted": mail.message([mail.text(), mail.part(content, name=name, coding="quoted-printable")]),
        "zipped": mail.message([mail.text(), mail.part(target.getvalue(), "application/zip", name="files.zip")]),
        "tarball": mail.message([mail.text(), mail.part(ball.getvalue(), "application/gzip", name="files.tgz")]),
        "forwarded": mail.message([mail.text(), mail.part(letter, "message/rfc822", coding="7bit")]),
    }


def test_documents_by_library_are_clean():
    wrong = {
        name: told(report)
        for name, content in documents().items()
        if (report := looked(content, name, as_mail=False)).verdict is not Verdict.CLEAN
    }
    assert not wrong
    assert len(documents()) > 70


def test_documents_in_a_mail_are_clean():
    wrong = {}
    for name, content in list(documents().items())[::6]:
        for way, data in wrapped(name, content).items():
            report = looked(data, "mail", as_mail=True)
            if report.verdict is not Verdict.CLEAN:
                wrong[name, way] = told(report)
    assert not wrong


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every document in every other format, a folder a format."""
    need("soffice")
    folder = tmp_path_factory.mktemp("office")
    for name, content in documents().items():
        (folder / name).write_bytes(content)
    libreoffice.turn(
        libreoffice.Job(kind, folder / kind, tuple(sorted(folder.glob(f"*.{source}")))) for source, kind in TURNED
    )
    return folder


def test_documents_by_libreoffice_are_clean(office: Path):
    found = [path for _, kind in TURNED for path in (office / kind).iterdir() if path.suffix not in PICTURES]
    wrong = {
        path.name: told(report)
        for path in found
        if (report := looked(path.read_bytes(), path.name, as_mail=False)).verdict is not Verdict.CLEAN
    }
    assert not wrong
    assert len(found) + len(documents()) > 300
