import uuid

import pytest

from gateway.closed_sets import Kind, Verdict
from gateway.scan.documents import activex
from tests.unit.scan.documents.recorder import Recorder

FLASH = "D27CDB6E-AE6D-11CF-96B8-444553540000"
NEWEST_REMOTE_DESKTOP = "A0C63C30-F08D-4AB4-907C-34905D770C7D"


def told(clsid: bytes | str) -> Recorder:
    look = Recorder()
    activex.tell(clsid, "2/a.docx", look)
    return look


@pytest.mark.parametrize("name", [FLASH, NEWEST_REMOTE_DESKTOP, "3050F4D8-98B5-11CF-BB82-00AA00BDCE0B"])
def test_a_dangerous_class_is_told_however_it_is_written(name):
    for form in (name, name.lower(), f"{{{name}}}", f" {{{name}}} ", uuid.UUID(name).bytes_le):
        look = told(form)
        assert look.kinds == [Kind.ACTIVEX]
        assert look.verdict is Verdict.SUSPICIOUS
        assert look.findings[0].reference == f"{{{name}}}"


@pytest.mark.parametrize("name", ["8BD21D40-EC42-11CE-9E0D-00AA006002F3", "", "no class", b"", b"short", bytes(16)])
def test_a_form_or_nothing_is_nothing(name):
    assert not told(name).findings


def test_every_class_is_written_as_it_is_compared():
    assert [str(uuid.UUID(name)) for name in activex.DANGEROUS] == list(activex.DANGEROUS)
