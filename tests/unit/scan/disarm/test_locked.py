"""Encrypted documents come out encrypted, with the same password, and without what ran in them."""

from __future__ import annotations

import io
import struct

import msoffcrypto
import pytest

from gateway import samples
from gateway.closed_sets import Kind, Verdict
from gateway.samples import biff
from gateway.samples.compound import compound_file, streams_of
from gateway.scan import Limits, examine
from gateway.scan.disarm import CannotDisarm, locked
from tests.makers import mail
from tests.makers.locks import office, office_2007, workbook_rc4
from tests.makers.looks import RULES
from tests.makers.zips import Item, build
from tests.unit.scan.disarm import stand_in
from tests.unit.scan.disarm.stand_in import ARMED, QUIET, run

PASSWORD = "tulip 77"


@pytest.fixture(autouse=True)
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in.use(monkeypatch)


def opened(content: bytes, password: str, *, proof: bool = True) -> bytes:
    """By the library, its proof of the package included."""
    file = msoffcrypto.OfficeFile(io.BytesIO(content))
    file.load_key(password=password, verify_password=True)
    plain = io.BytesIO()
    file.decrypt(plain, verify_integrity=proof and file.type == "agile")
    return plain.getvalue()


@pytest.mark.parametrize("password", [PASSWORD, "VelvetSweatshop", "パスワード"])
@pytest.mark.parametrize("lock", [office, office_2007])
def test_the_same_password_opens_it(lock: object, password: str) -> None:
    data = lock(ARMED, password)  # type: ignore[operator]
    result = run(data, "x.docm", password)
    assert (result.name, result.removed) == ("x.docx", ("its macros",))
    assert opened(result.content, password) == QUIET
    assert len(result.content) <= len(data) * 1.01
    report = examine(result.content, rules=RULES, limits=Limits(), mail=False, passwords=(password,))
    assert report.verdict is Verdict.CLEAN
    assert [finding.kind for finding in report.findings] == [Kind.DECRYPTED]


def test_all_else_in_the_compound_file_stays() -> None:
    streams = streams_of(office(ARMED, PASSWORD))
    more = {("\x06DataSpaces", "Version"): b"v" * 76, ("\x05SummaryInformation",): b"s" * 5000}
    result = streams_of(run(compound_file({**more, **streams}), "x.docm", PASSWORD).content)
    assert {path: result[path] for path in more} == more
    old, new = streams["EncryptionInfo",], result["EncryptionInfo",]
    assert len(old) == len(new)
    assert old.split(b"<keyEncryptors>")[1] == new.split(b"<keyEncryptors>")[1]


def test_the_data_are_salted_anew() -> None:
    """Both files have one key; where they are the same must not show."""
    data = office(ARMED, PASSWORD)
    old = streams_of(data)["EncryptedPackage",]
    new = streams_of(run(data, "x.docm", PASSWORD).content)["EncryptedPackage",]
    assert old[8:24] != new[8:24]


@pytest.mark.parametrize("name", ["SHA1", "SHA256", "SHA384"])
def test_other_hashes_are_kept(name: str) -> None:
    result = run(office(ARMED, PASSWORD, hash_name=name), "x.docm", PASSWORD)
    assert f'hashAlgorithm="{name}"'.encode() in streams_of(result.content)["EncryptionInfo",]
    # the library compares the blanks behind a SHA-1 value, too
    assert opened(result.content, PASSWORD, proof=name != "SHA1") == QUIET
    assert opened_by_scan(result.content) == "clean"


def opened_by_scan(content: bytes) -> str:
    return examine(content, rules=RULES, limits=Limits(), mail=False, passwords=(PASSWORD,)).verdict.label


def test_a_locked_document_in_a_zip_file_beside_the_note_with_its_password() -> None:
    note = b"Password: tulip-77\r\n"
    data = build([Item("readme.txt", note), Item("x.docm", office(ARMED, "tulip-77"))])
    result = run(data, "a.zip")
    assert examine(result.content, rules=RULES, limits=Limits(), mail=False).verdict is Verdict.CLEAN
    assert b"x.docx" in result.content


def test_no_password_is_told() -> None:
    with pytest.raises(CannotDisarm) as refused:
        run(build([Item("a.txt", b"x"), Item("b.lnk", office(b"PK\x03\x04", PASSWORD))]), "a.zip", PASSWORD)
    assert PASSWORD not in str(refused.value)


def workbook(password: str, *sheets: biff.Sheet) -> bytes:
    stream = biff.workbook_stream([biff.Sheet("Sheet1", biff.WORKSHEET), *sheets], auto_open=len(sheets))
    return compound_file({("Workbook",): workbook_rc4(stream, password)})


RUNNING = biff.Sheet("Macro1", biff.MACRO_SHEET, 2)


def test_a_workbook_with_the_password_of_excel_stays_without_it() -> None:
    result = run(workbook("VelvetSweatshop", RUNNING), "x.xls")
    assert (result.name, result.media_type) == ("x.xls", "application/vnd.ms-excel")
    report = examine(result.content, rules=RULES, limits=Limits(), mail=False)
    assert report.verdict is Verdict.CLEAN
    assert not report.findings


REFUSED = {
    "a workbook with a password": (workbook(PASSWORD, RUNNING), "not written any more"),
    "a workbook with an unknown password": (workbook("nobody knows", RUNNING), "no password is known"),
    "a workbook with nothing in it": (workbook("VelvetSweatshop"), "nothing that could be taken out"),
    "a password nobody knows": (office(ARMED, "nobody knows"), "no password is known"),
    "nothing in it": (office(QUIET, PASSWORD), "nothing that could be taken out"),
    "not a document": (compound_file({("EncryptionInfo",): b"x" * 9, ("EncryptedPackage",): b"y"}), "no password"),
    "cut off": (office(ARMED, PASSWORD)[:-4000], "without a directory"),
    "macros beside the package": (
        compound_file({**streams_of(samples.doc_autoopen(), ("Macros",)), **streams_of(office(ARMED, PASSWORD))}),
        "still shows",
    ),
    "a cipher nobody uses": (
        office(ARMED, PASSWORD).replace(b"ChainingModeCBC", b"ChainingModeCFB", 1),
        "not written any more",
    ),
}


@pytest.mark.parametrize(("data", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_certain_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(CannotDisarm, match=why):
        run(data, "x.xls" if b"W\0o\0r\0k\0b\0o\0o\0k" in data else "x.docm", PASSWORD)


def test_other_compound_files_are_not_taken_for_locked_ones() -> None:
    assert not locked.is_locked(samples.doc_autoopen())
    assert not locked.is_locked(mail.text())
    assert not locked.is_locked(struct.pack("<8s", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"))
