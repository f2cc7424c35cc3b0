import io
from collections.abc import Iterator

import pytest

from gateway import samples
from gateway.scan.budget import Budget, Limits
from gateway.scan.documents import encryption
from gateway.scan.documents.compound import CompoundFile
from gateway.scan.passwords import LISTED, Passwords
from tests.makers import ole
from tests.unit.scan.documents.test_ole import encrypted

LOCKED = encrypted(samples.xlsm_workbook_open(), "VelvetSweatshop")


def decrypt(
    data: bytes, info: bytes = b"", listed: tuple[str, ...] = (), budget: Budget | None = None
) -> tuple[bytes, str] | None:
    return encryption.decrypt(data, info, "2/x", Passwords(20, listed), budget or Budget(Limits()))


def test_the_plain_document_comes_back_and_is_paid_for():
    budget = Budget(Limits())
    assert decrypt(LOCKED, budget=budget) == (samples.xlsm_workbook_open(), encryption.BY_ITSELF)
    assert budget.unpacked == len(LOCKED)


@pytest.mark.parametrize("password", ["/01Hannes Ruescher/01", "x", "correct horse", "パスワード", "a" * 255])
def test_the_document_opens_with_its_password(password):
    locked = encrypted(samples.docm_autoopen(), password)
    plain, _ = decrypt(locked, listed=(password,)) or (b"", "")
    assert plain == samples.docm_autoopen()


def test_a_wrong_password_opens_nothing():
    assert decrypt(encrypted(samples.docm_autoopen(), "correct horse"), listed=("Correct horse", "")) is None


def test_a_package_that_office_would_repair_comes_back_as_it_is():
    document = samples.docm_autoopen()
    assert decrypt(encrypted_unchecked(document[:-100]), listed=("x",)) == (document[:-100], LISTED)


def encrypted_unchecked(content: bytes) -> bytes:
    """What the library writes for anything, a damaged document too."""
    from msoffcrypto.method.ecma376_agile import ECMA376Agile

    return ECMA376Agile.encrypt("x", io.BytesIO(content), spin_count=10)


def test_what_is_no_encrypted_document_is_none():
    for data in (b"", b"nonsense", samples.docx(), samples.xls(), LOCKED[:2000]):
        assert decrypt(data) is None


def test_a_number_of_rounds_made_to_be_slow_is_not_tried(monkeypatch):
    def never(self: Passwords, *_: object) -> None:
        raise AssertionError("tried")

    monkeypatch.setattr(Passwords, "try_on", never)
    assert decrypt(LOCKED, b'<keyEncryptor spinCount="10000000"/>') is None


def test_the_rounds_of_office_are_tried():
    file = CompoundFile(LOCKED)
    info = file.read(file.streams("EncryptionInfo")[0])
    assert b"spinCount" in info
    assert decrypt(LOCKED, info) is not None


def test_what_the_library_cannot_read_costs_one_try(monkeypatch):
    tried: list[str] = []

    def fits(self: object, password: str) -> bool:
        tried.append(password)
        raise ValueError(password)

    monkeypatch.setattr(encryption._Document, "_fits", fits)
    assert decrypt(LOCKED, listed=("one", "two")) is None
    assert tried == ["VelvetSweatshop"]


def damaged() -> Iterator[bytes]:
    yield from (LOCKED[:at] + bytes(64) + LOCKED[at + 64 :] for at in range(512, len(LOCKED), 1500))
    yield ole.compound({"EncryptionInfo": b"\x04\x00\x04\x00\x40\0\0\0<encryption/>", "EncryptedPackage": b"x" * 99})
    yield ole.compound({"EncryptionInfo": b"", "EncryptedPackage": b""})


def test_a_damaged_document_is_none_or_what_can_be_read():
    for data in damaged():
        decrypt(data)
