"""The zip an analyst gets: opened by other people's programs, and never by itself."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime

import libarchive
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.web.parcel import PASSWORD, length, parcel

WHEN = datetime(2026, 11, 24, 12, 34, 56, tzinfo=UTC)


def packed(content: bytes, name: str = "0123456789abcdef.eml") -> bytes:
    made = b"".join(parcel(name, len(content), [content[:7], content[7:]], WHEN))
    assert len(made) == length(name, len(content))
    return made


@given(st.binary(max_size=200))
@settings(max_examples=20, deadline=None)
def test_libarchive_opens_it_with_the_password_analysts_expect(content: bytes) -> None:
    with libarchive.memory_reader(packed(content), passphrase=PASSWORD) as archive:
        found = [(entry.pathname, b"".join(entry.get_blocks())) for entry in archive]
    assert found == [("0123456789abcdef.eml", content)]


def test_it_is_a_zip_like_any_other() -> None:
    with zipfile.ZipFile(io.BytesIO(packed(b"x" * 1000))) as archive:
        (entry,) = archive.infolist()
        assert (entry.filename, entry.file_size, entry.compress_type, entry.CRC) == (
            "0123456789abcdef.eml",
            1000,
            99,
            0,
        )
        assert entry.date_time == (2026, 11, 24, 12, 34, 56)
        assert entry.flag_bits & 1
        with pytest.raises((RuntimeError, NotImplementedError)):
            archive.read(entry)


def test_its_content_cannot_be_seen_and_no_two_are_alike() -> None:
    assert b"secret" not in packed(b"secret" * 100)
    assert packed(b"secret" * 100) != packed(b"secret" * 100)


def test_a_content_of_another_length_is_no_whole_zip() -> None:
    with pytest.raises(ValueError, match="3 bytes came of 4"):
        list(parcel("x", 4, [b"abc"], WHEN))
    with pytest.raises(ValueError, match="too large"):
        length("x", 1 << 32)
