"""Records of a zip file: what is there, or None."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.scan.containers import zip_records
from tests.makers.zips import Item, build

FILE = build([Item("a", b"x" * 50), Item("é", b"y")], prefix=b"12345")


def test_both_sides_of_a_file() -> None:
    directory = zip_records.directory_at(FILE, FILE.index(zip_records.END))
    assert directory is not None
    assert (directory.base, directory.count) == (5, 2)
    entries = list(zip_records.central_entries(FILE, directory))
    assert [entry.name for entry in entries] == ["a", "é"]
    locals_ = [zip_records.local_entry(FILE, entry.at) for entry in entries]
    assert [local and (local.raw_name, local.size, local.crc) for local in locals_] == [
        (entry.raw_name, entry.size, entry.crc) for entry in entries
    ]


def test_what_is_not_there_is_none() -> None:
    assert zip_records.local_entry(FILE, 0) is None
    assert zip_records.local_entry(FILE, -1) is None
    assert zip_records.local_entry(FILE[:20], 5) is None
    assert zip_records.directory_at(FILE, len(FILE) - 3) is None


@given(st.binary(max_size=120), st.integers(0, 120))
def test_any_bytes(data: bytes, at: int) -> None:
    for head in (zip_records.LOCAL, zip_records.CENTRAL, zip_records.END):
        whole = data[:at] + head + data[at:]
        zip_records.local_entry(whole, at)
        directory = zip_records.directory_at(whole, at)
        if directory is not None:
            list(zip_records.central_entries(whole, directory))
