"""What begins like a document inside a file that nobody reads is looked into, and not without end."""

import pytest

from gateway import samples
from gateway.scan.budget import Limits, OverLimit
from gateway.scan.containers import carve
from tests.makers.looks import look

DOCUMENT = samples.doc()


def test_documents_are_handed_on_from_where_they_begin() -> None:
    data = bytes(1000) + DOCUMENT + bytes(24) + samples.docx()
    handed = look(carve.carve, data).handed
    assert [name for name, _ in handed] == ["at byte 1000", f"at byte {1024 + len(DOCUMENT)}"]
    assert handed[0][1].startswith(DOCUMENT)


def test_nothing_is_nothing() -> None:
    assert look(carve.carve, bytes(range(256)) * 10).handed == []


def test_many_of_them_are_paid_for() -> None:
    data = DOCUMENT[:8] * 100_000
    assert len(look(carve.carve, data).handed) <= 100
    with pytest.raises(OverLimit):
        look(carve.carve, data, limits=Limits(max_unpacked_size=1 << 20))
