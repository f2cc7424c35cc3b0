"""The names of an OLE directory, whatever the file is like."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.scan.ole_directory import MAGIC, names
from tests.makers.ole import compound

FILE = compound({"WordDocument": b"x", "Macros/VBA": b"y", **{f"stream {n}": b"z" for n in range(20)}})


def test_every_storage_and_stream() -> None:
    assert {"WordDocument", "Macros", "VBA", "stream 19"} <= names(FILE)
    assert "Root Entry" not in names(FILE)
    assert names(memoryview(FILE)) == names(FILE)


def test_a_table_beyond_the_header_is_followed() -> None:
    large = compound({"first": bytes(9 << 20), "last": b"x"})
    assert names(large) == {"first", "last"}


def test_a_loop_ends() -> None:
    looped = bytearray(FILE)
    fat = FILE.rindex(b"\xfd\xff\xff\xff") // 512 * 512
    looped[fat : fat + 4] = bytes(4)
    assert "WordDocument" in names(bytes(looped))


@given(st.binary(max_size=700), st.integers(0, len(FILE)))
def test_any_bytes(data: bytes, cut: int) -> None:
    names(data)
    names(MAGIC + data)
    names(FILE[:cut])
    names(FILE[:24] + data + FILE[24 + len(data) :])
