import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.samples.compound import compound_file
from gateway.scan.documents.compound import STORAGE, STREAM, CompoundFile
from gateway.scan.look import Corrupt
from tests.makers.ole import compound

CONTENTS = {
    ("small",): b"x" * 100,
    ("large",): bytes(range(256)) * 40,
    ("one", "two", "deep"): b"deep" * 30,
    ("one", "empty"): b"",
}
FILE = compound_file(CONTENTS)


def streams(data: bytes) -> dict[tuple[str, ...], bytes]:
    file = CompoundFile(data)
    return {entry.path: file.read(entry) for entry in file.entries if entry.kind == STREAM}


def test_every_stream_is_read_with_its_path():
    assert streams(FILE) == CONTENTS
    assert streams(memoryview(FILE)) == CONTENTS


def test_storages_are_listed_and_looked_into():
    file = CompoundFile(FILE)
    assert {e.path for e in file.entries if e.kind == STORAGE} == {("one",), ("one", "two")}
    assert {e.name for e in file.inside(("one",))} == {"two", "empty"}
    assert [e.path for e in file.streams("DEEP")] == [("one", "two", "deep")]


def test_the_beginning_of_a_stream_can_be_read_alone():
    file = CompoundFile(FILE)
    entry = next(e for e in file.entries if e.name == "large")
    assert file.read(entry, 10) == CONTENTS[("large",)][:10]


def test_a_library_reads_the_same():
    olefile = pytest.importorskip("olefile")
    for data in (FILE, samples.doc_autoopen(), samples.xls_workbook_open()):
        with olefile.OleFileIO(data) as other:
            expected = {tuple(path): other.openstream(path).read() for path in other.listdir()}
        assert streams(data) == expected


@pytest.mark.parametrize("data", [b"", FILE[:100], b"PK" + FILE[2:], FILE[:512]])
def test_what_has_no_directory_is_corrupt(data):
    with pytest.raises(Corrupt):
        CompoundFile(data)


def test_sectors_of_another_size_are_refused():
    with pytest.raises(Corrupt, match="sectors"):
        CompoundFile(FILE[:30] + struct.pack("<H", 31) + FILE[32:])


def with_fat(data: bytes, sector: int, following: int) -> bytes:
    """``data`` with one entry of its sector table changed."""
    changed = bytearray(data)
    table = (struct.unpack_from("<I", data, 76)[0] + 1) * 512
    struct.pack_into("<I", changed, table + 4 * sector, following)
    return bytes(changed)


def test_a_stream_that_breaks_off_is_read_as_far_as_it_goes_and_told():
    whole = compound_file({("broken",): b"y" * 8192})
    entry = CompoundFile(whole).streams("broken")[0]
    file = CompoundFile(with_fat(whole, entry.start, 0xFFFFFFFE))
    assert file.damaged == ""
    assert file.read(entry) == b"y" * 512
    assert "'broken' breaks off" in file.damaged


def test_a_sector_chain_that_bites_its_tail_ends():
    whole = compound_file({("loop",): b"y" * 8192})
    entry = CompoundFile(whole).streams("loop")[0]
    assert CompoundFile(with_fat(whole, entry.start, entry.start)).read(entry) == b"y" * 8192


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_gives_entries_or_corrupt(data):
    damaged = bytearray(FILE)
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(8, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        file = CompoundFile(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))
    except Corrupt:
        return
    for entry in file.entries:
        assert len(file.read(entry)) <= len(damaged)


def test_a_usual_file_is_finite():
    for data in (samples.doc_autoopen(), samples.xls(), compound({"a": b"x" * 9000, "b/c": b"y"})):
        assert CompoundFile(data).is_finite()


def test_sectors_of_the_table_that_are_not_used_yet_are_no_circle():
    data = bytearray(compound({"a": b"x" * 9000}))
    more = len(data) // 512 - 1
    struct.pack_into("<2I", data, 76 + 4, more, more + 1)
    struct.pack_into("<I", data, 44, 3)
    assert CompoundFile(bytes(data) + b"\xff" * 1024).is_finite()
    struct.pack_into("<I", data, 76 + 8, more)
    assert not CompoundFile(bytes(data) + b"\xff" * 1024).is_finite()


@given(st.integers(0, 127), st.integers(0, 40))
def test_a_chain_in_a_circle_or_through_another_is_not_finite(at: int, target: int):
    data = bytearray(samples.doc_autoopen())
    fat = struct.unpack_from("<I", data, 76)[0]
    struct.pack_into("<I", data, (fat + 1) * 512 + 4 * at, target)
    file = CompoundFile(bytes(data))
    if file.is_finite():
        used = [file.read(entry) for entry in file.entries if entry.kind == STREAM]
        assert sum(map(len, used)) <= len(data)


def test_a_stream_that_runs_in_a_circle_is_told():
    data = bytearray(compound({"a": b"x" * 9000}))
    file = CompoundFile(bytes(data))
    start = file.streams("a")[0].start
    fat = struct.unpack_from("<I", data, 76)[0]
    struct.pack_into("<I", data, (fat + 1) * 512 + 4 * start, start)
    assert not CompoundFile(bytes(data)).is_finite()


def nested(depth: int) -> bytes:
    """A file of nothing but storages, each in the one before."""
    free, end = 0xFFFFFFFF, 0xFFFFFFFE

    def entry(name: str, kind: int, child: int) -> bytes:
        raw = name.encode("utf-16-le")
        numbers = (len(raw) + 2, kind, 1, free, free, child, bytes(16), 0, 0, 0, end, 0)
        return struct.pack("<64sHBBIII16sIQQIQ", raw, *numbers)

    children = [*range(1, depth + 1), free]
    directory = b"".join(entry("a" if at else "Root Entry", 1 if at else 5, child) for at, child in enumerate(children))
    directory += bytes(-len(directory) % 512)
    sectors = len(directory) // 512
    tables = sectors // 126 + 1
    table = [0xFFFFFFFD] * tables + [*range(tables + 1, tables + sectors), end]
    table += [free] * (tables * 128 - len(table))
    magic = bytes.fromhex("D0CF11E0A1B11AE1")
    header = struct.pack(
        "<8s16sHHHHH6x9I", magic, bytes(16), 62, 3, 65534, 9, 6, 0, tables, tables, 0, 4096, end, 0, end, 0
    )
    named = struct.pack("<109I", *range(tables), *[free] * (109 - tables))
    return header + named + struct.pack(f"<{len(table)}I", *table) + directory


def test_storages_nested_as_deep_as_documents_are_keep_their_paths():
    file = CompoundFile(nested(100))
    assert not file.damaged
    assert max(len(entry.path) for entry in file.entries) == 100


def test_storages_nested_deeper_are_listed_in_bounded_memory_and_told():
    file = CompoundFile(nested(5000))
    assert "nested deeper" in file.damaged
    assert len({entry.number for entry in file.entries}) == 5000
    assert sum(len(entry.path) for entry in file.entries) < 5000 * 101
