"""Files that need no macro, and files that are locked."""

import pytest

from gateway.closed_sets import FileType, Kind
from gateway.scan.carriers import CARRIERS
from tests.makers.looks import SHORTCUT, look


def kinds(kind: FileType, data: bytes) -> set[Kind]:
    readers = [reader for types, reader in CARRIERS if kind in types]
    assert readers
    return {found for reader in readers for found in look(reader, data).kinds}


@pytest.mark.parametrize("kind", [FileType.LNK, FileType.EXECUTABLE, FileType.SCRIPT, FileType.DISK_IMAGE])
def test_what_is_always_a_carrier(kind: FileType) -> None:
    assert kinds(kind, SHORTCUT) == {Kind.SCRIPT_CARRIER}
