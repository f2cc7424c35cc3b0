import contextlib
import io
import struct

import olefile
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.samples.compound import compound_file, streams_of
from gateway.scan.disarm.compound_edit import EditedFile
from gateway.scan.disarm.parts import CannotDisarm
from gateway.scan.documents.compound import CompoundFile
from tests.makers.ole import compound

LARGE, SMALL = b"large stream " * 700, b"small stream " * 20


def removed(content: bytes, *names: str) -> bytes:
    file = EditedFile(content)
    for entry in file.entries:
        if entry.name in names:
            file.remove(entry)
    return file.finished()


def places(content: bytes) -> dict[tuple[str, ...], int]:
    return {entry.path: entry.start for entry in CompoundFile(content).entries}


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from(["", "Storage", "Other"]), st.from_regex(r"[A-Za-z_]{1,31}", fullmatch=True)),
        st.binary(max_size=300) | st.just(LARGE),
        min_size=1,
        max_size=25,
    ),
    st.data(),
)
def test_what_stays_is_where_it_was(streams, data):
    folded = {
        (storage, name.casefold()): ((storage, name) if storage else (name,), content)
        for (storage, name), content in streams.items()
    }
    kept = {
        path: content
        for path, content in folded.values()
        if path[0].casefold() not in {"storage", "other"} or len(path) == 2
    }
    content = compound_file(kept)
    gone = data.draw(st.sets(st.sampled_from(sorted({path[-1] for path in kept} | {"Nothing"}))))
    result = removed(content, *gone)
    stays = {path: stream for path, stream in kept.items() if path[-1] not in gone}
    assert len(result) == len(content)
    assert streams_of(result) == stays
    before, after = places(content), places(result)
    assert all(after[path] == before[path] for path in stays)
    with olefile.OleFileIO(io.BytesIO(result), raise_defects=olefile.DEFECT_POTENTIAL) as independent:
        assert {tuple(path) for path in independent.listdir()} == set(stays)
        for path, stream in stays.items():
            assert independent.openstream(list(path)).read() == stream


def test_what_goes_is_overwritten():
    content = compound_file(
        {("Macros", "VBA", "One"): LARGE, ("Macros", "VBA", "Two"): SMALL, ("Text",): b"text" * 2000}
    )
    result = removed(content, "Macros")
    assert b"stream" not in result
    assert "Macros".encode("utf-16-le") not in result
    assert streams_of(result) == {("Text",): b"text" * 2000}


def test_what_an_earlier_save_left_is_overwritten():
    content = bytearray(compound_file({("Text",): b"text" * 1900, ("Small",): SMALL, ("Gone",): b"x"}))
    slack = content.rindex(b"text") + 4
    content[slack : slack + 6] = b"secret"
    result = removed(bytes(content) + b"behind".ljust(512, b"\0"), "Gone")
    assert b"secret" not in result
    assert b"behind" not in result
    assert streams_of(result) == {("Text",): b"text" * 1900, ("Small",): SMALL}


def test_the_tree_of_a_large_directory_is_sound():
    names = [f"{'x' * (number % 7)}{number}" for number in range(200)]
    content = compound_file({(name,): name.encode() for name in names})
    result = removed(content, *names[::3])
    file = EditedFile(result)
    assert {entry.name for entry in file.entries} == set(names) - set(names[::3])
    assert _black_height(file, file._table[0][6], red_above=True) > 0  # a root is black


def _black_height(file: EditedFile, number: int, *, red_above: bool) -> int:
    """The number of black nodes on every way down, after the rules of such trees are checked (MS-CFB 2.6.4)."""
    if number == 0xFFFFFFFF:
        return 1
    _, _, _, colour, left, right, *_ = file._table[number]
    assert not (red_above and colour == 0)
    heights = {_black_height(file, side, red_above=colour == 0) for side in (left, right)}
    assert len(heights) == 1
    return heights.pop() + colour


def test_a_shorter_stream_gives_its_sectors_back():
    content = compound_file({("Text",): LARGE, ("Small",): SMALL})
    file = EditedFile(content)
    file.write(file.streams("Text")[0], b"new")
    file.write(file.streams("Small")[0], b"tiny")
    result = file.finished()
    assert len(result) == len(content)
    assert streams_of(result) == {("Text",): b"new".ljust(4096, b"\0"), ("Small",): b"tiny"}
    assert b"stream" not in result


def test_a_longer_stream_is_refused():
    file = EditedFile(compound_file({("Text",): SMALL}))
    with pytest.raises(CannotDisarm, match="grow"):
        file.write(file.streams("Text")[0], SMALL + b"x")


def test_two_streams_of_one_name_are_refused():
    content = compound({"Book": b"one", "book": b"two"})
    with pytest.raises(CannotDisarm, match="one name"):
        EditedFile(content)


def test_chains_that_cross_are_refused():
    content = bytearray(compound({"Book": b"one", "Text": b"two"}))
    first = content.index("Book".encode("utf-16-le"))
    second = content.index("Text".encode("utf-16-le"))
    content[second + 116 : second + 120] = content[first + 116 : first + 120]
    with pytest.raises(CannotDisarm, match="over one another"):
        EditedFile(bytes(content))


def test_a_stream_that_breaks_off_is_refused():
    content = samples.doc_autoopen()
    with pytest.raises(CannotDisarm):
        EditedFile(content[: len(content) // 2])


def test_a_directory_that_no_table_covers_is_refused():
    content = bytearray(samples.doc_autoopen())
    first = 1 + struct.unpack_from("<I", content, 76)[0]
    size = 512 * (first + 1)
    with pytest.raises(CannotDisarm):
        EditedFile(bytes(content[: first * 512]) + b"\xff" * 512 + bytes(content[size:]))


@settings(max_examples=150)
@given(st.binary(max_size=600) | st.builds(lambda tail: samples.doc_autoopen()[:76] + tail, st.binary(max_size=3000)))
def test_any_bytes_are_opened_or_refused(content):
    with contextlib.suppress(CannotDisarm):
        EditedFile(content).finished()
