"""Members by libarchive: whole ones, damaged ones, and the directories of an ISO image one by one."""

import pytest

from gateway.scan.budget import Budget, Limits
from gateway.scan.containers import by_libarchive
from gateway.scan.look import Corrupt
from tests.makers import archives

CONTENT = bytes(range(256)) * 400


def test_what_came_before_the_damage_is_kept() -> None:
    whole = archives.tar("a", CONTENT)
    file = next(by_libarchive.files(whole[: 512 + 50_000], "tar", "none", Budget(Limits())))
    assert isinstance(file.trouble, Corrupt)
    assert CONTENT.startswith(file.content)
    assert len(file.content) > 40_000


def test_extensions_can_be_switched_off() -> None:
    data = archives.written("iso9660", "a long name.text", CONTENT)
    names = {
        switched_off: [
            file.name for file in by_libarchive.files(data, "iso9660", "none", Budget(Limits()), switched_off)
        ]
        for switched_off in ((), ("joliet", "rockridge"))
    }
    assert names[()] == ["a long name.text"]
    assert names["joliet", "rockridge"] != names[()]


def test_zstandard() -> None:
    packed = archives.written("ustar", "a", CONTENT, filter_name="zstd")
    content, rest = by_libarchive.unzstd(packed, Budget(Limits()))
    assert (CONTENT in content, rest) == (True, 0)
    with pytest.raises(Corrupt):
        by_libarchive.unzstd(packed[:20], Budget(Limits()))
