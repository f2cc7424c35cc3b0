"""Files that need no macro, and files that are locked."""

import pytest

from gateway.message import FileType, Kind
from gateway.scan.carriers import CARRIERS
from tests.makers.looks import SHORTCUT, look

ENVELOPED = bytes.fromhex("3082010006092A864886F70D010703")
OPAQUE = bytes.fromhex("3082010006092A864886F70D010702") + bytes(20) + bytes.fromhex("06092A864886F70D010701A080")
DETACHED = bytes.fromhex("3082010006092A864886F70D010702") + bytes(20) + bytes.fromhex("06092A864886F70D010701A182")


def kinds(kind: FileType, data: bytes) -> set[Kind]:
    readers = [reader for types, reader in CARRIERS if kind in types]
    assert readers
    return {found for reader in readers for found in look(reader, data).kinds}


@pytest.mark.parametrize("kind", [FileType.LNK, FileType.EXECUTABLE, FileType.SCRIPT, FileType.DISK_IMAGE])
def test_what_is_always_a_carrier(kind: FileType) -> None:
    assert kinds(kind, SHORTCUT) == {Kind.SCRIPT_CARRIER}


@pytest.mark.parametrize(
    ("kind", "data", "found"),
    [
        (FileType.BINARY, ENVELOPED, {Kind.ENCRYPTED}),
        (FileType.BINARY, OPAQUE, {Kind.CORRUPT}),
        (FileType.BINARY, DETACHED, set()),
        (FileType.BINARY, b"anything", set()),
    ],
)
def test_what_depends_on_the_content(kind: FileType, data: bytes, found: set[Kind]) -> None:
    assert kinds(kind, data) == found
