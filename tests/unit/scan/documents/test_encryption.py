from gateway import samples
from gateway.scan.budget import Budget, Limits
from gateway.scan.documents import encryption
from gateway.scan.documents.compound import CompoundFile
from tests.unit.scan.documents.test_ole import encrypted

LOCKED = encrypted(samples.xlsm_workbook_open(), "VelvetSweatshop")


def test_the_plain_document_comes_back_and_is_paid_for():
    budget = Budget(Limits())
    assert encryption.decrypt(LOCKED, b"", budget) == samples.xlsm_workbook_open()
    assert budget.unpacked == len(samples.xlsm_workbook_open())


def test_the_password_of_powerpoint_is_tried_too():
    locked = encrypted(samples.docm_autoopen(), "/01Hannes Ruescher/01")
    assert encryption.decrypt(locked, b"", Budget(Limits())) == samples.docm_autoopen()


def test_what_is_no_encrypted_document_is_none():
    for data in (b"", b"nonsense", samples.docx(), samples.xls(), LOCKED[:2000]):
        assert encryption.decrypt(data, b"", Budget(Limits())) is None


def test_a_number_of_rounds_made_to_be_slow_is_not_tried(monkeypatch):
    def never(content: bytes, password: str) -> bytes:
        raise AssertionError("tried")

    monkeypatch.setattr(encryption, "_decrypt_with", never)
    assert encryption.decrypt(LOCKED, b'<keyEncryptor spinCount="10000000"/>', Budget(Limits())) is None


def test_the_rounds_of_office_are_tried():
    file = CompoundFile(LOCKED)
    info = file.read(file.streams("EncryptionInfo")[0])
    assert b"spinCount" in info
    assert encryption.decrypt(LOCKED, info, Budget(Limits())) is not None
