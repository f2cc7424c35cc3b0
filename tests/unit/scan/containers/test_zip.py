"""Zip files are read from both sides; whatever one of them tells of is found, and every disagreement is said."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import Kind
from gateway.scan.budget import Budget, Limits, OverLimit
from gateway.scan.containers import zip as zip_container
from gateway.scan.containers import zip_records
from gateway.scan.containers.zip_walk import Walk
from gateway.scan.look import Blob, Corrupt
from tests.makers.looks import Notes, look
from tests.makers.zips import Item, build


def unpacked(data: bytes, **limits: int) -> Notes:
    return look(zip_container.unpack, data, limits=Limits(**limits))


def standard(compression: int, *members: tuple[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA], ids=str
)
def test_what_the_standard_library_writes(method: int) -> None:
    members = [("a.txt", b"hello " * 100), ("b/c.bin", bytes(range(256))), ("empty", b"")]
    notes = unpacked(standard(method, *members))
    assert notes.handed == members
    assert notes.found == []


@settings(max_examples=50)
@given(st.dictionaries(st.text("abc/é", min_size=1, max_size=8), st.binary(max_size=200), min_size=1, max_size=5))
def test_members_equal_the_standard_library(members: dict[str, bytes]) -> None:
    kept = {name: content for name, content in members.items() if content or not name.endswith("/")}
    data = standard(zipfile.ZIP_DEFLATED, *members.items())
    assert dict(unpacked(data).handed) == kept


def test_streamed_members_have_their_sizes_behind_them() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    file = Pipe()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"x" * 500)
        archive.writestr("b", b"y" * 500)
    whole = file.getvalue()
    assert unpacked(whole).found == []
    assert dict(unpacked(whole).handed) == {"a": b"x" * 500, "b": b"y" * 500}
    without = unpacked(whole[: whole.index(b"PK\x01\x02")])
    assert dict(without.handed) == {"a": b"x" * 500, "b": b"y" * 500}
    assert Kind.ARCHIVE_AMBIGUOUS in without.kinds


X = b"x" * 100
TWO = [Item("a", X), Item("b", b"y" * 100)]
INNER = build([Item("c", X)])


@pytest.mark.parametrize(
    ("data", "words", "names"),
    [
        pytest.param(build(TWO) + build([Item("c", X)]), "joined", ["a", "b", "c"], id="two archives"),
        pytest.param(build([Item("a", X), Item("b", X, central=False)]), "does not list", ["a", "b"], id="only local"),
        pytest.param(build([Item("a", X), Item("b", X, has_local=False)]), "not there", ["a"], id="only central"),
        pytest.param(build(TWO)[: build(TWO).index(b"PK\x01\x02")], "missing", ["a", "b"], id="no directory"),
        pytest.param(build([Item("a", X), Item("a", b"other")]), "two members", ["a", "a"], id="one name twice"),
        pytest.param(build([Item("a", X, local={"name": b"z"})]), "called 'z'", ["a", "z"], id="two names"),
        pytest.param(build([Item("a", X, local={"method": 0})]), "method 8 or 0", ["a", "a"], id="two methods"),
        pytest.param(build([Item("a", X, local={"flags": 1})]), "one side only", ["a"], id="encrypted once"),
        pytest.param(build([Item("a", X, local={"size": 7})]), "different sizes", ["a"], id="two sizes"),
        pytest.param(build([Item("a", X, size=7)]), "as long as it claims", ["a"], id="wrong size"),
        pytest.param(build([Item("a", X, crc=7)]), "checksum", ["a"], id="wrong checksum"),
        pytest.param(build(TWO, count=5), "says 5 members and lists 2", ["a", "b"], id="wrong count"),
        pytest.param(build([Item("a", X, flags=1)]), "and is not", ["a"], id="not encrypted after all"),
    ],
)
def test_the_sides_disagree(data: bytes, words: str, names: list[str]) -> None:
    notes = unpacked(data)
    assert any(kind is Kind.ARCHIVE_AMBIGUOUS and words in said for kind, _, said in notes.found), notes.found
    assert sorted(name for name, _ in notes.handed) == names


def test_a_member_that_lies_about_its_method_is_inflated() -> None:
    packed = Item("a", X).data()
    notes = unpacked(build([Item("a", X, method=0, packed=packed)]))
    assert notes.handed == [("a", X)]
    assert "says it is stored" in notes.found[0][2]
    notes = unpacked(build([Item("a", X, method=8, packed=X)]))
    assert notes.handed == [("a", X)]
    assert "says it is compressed" in notes.found[0][2]


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_something_before_and_behind_is_no_doubt(size: int) -> None:
    data = build(TWO, prefix=b"MZ" * size, comment=b"c" * min(size, 60_000)) + bytes(size)
    notes = unpacked(data)
    assert [name for name, _ in notes.handed][:2] == ["a", "b"]  # a long comment is looked into as well
    assert notes.found == []


def test_a_zip_in_a_zip_is_the_business_of_the_inner_one() -> None:
    inner = build(TWO)
    notes = unpacked(build([Item("in.zip", inner, method=0), Item("c", X)]))
    assert notes.handed == [("in.zip", inner), ("c", X)]
    assert notes.found == []


def test_a_directory_with_data_is_handed_on() -> None:
    notes = unpacked(build([Item("folder/", X), Item("empty/", b"")]))
    assert notes.handed == [("folder/", X)]


def test_encrypted_members_are_named() -> None:
    secret = Item("secret.doc", b"plain", method=0, flags=1, packed=b"\x91" * 17)
    notes = unpacked(build([secret, Item("a", X)]))
    assert [name for name, _ in notes.handed] == ["a"]
    assert [(kind, said) for kind, _, said in notes.found] == [
        (Kind.ENCRYPTED, "1 encrypted members, and no password is known: secret.doc")
    ]


def test_a_method_nobody_reads_is_named() -> None:
    notes = unpacked(build([Item("a", X, method=98, packed=b"??"), Item("b", X)]))
    assert [name for name, _ in notes.handed] == ["b"]
    assert notes.found == [(Kind.CORRUPT, "x/a", "is compressed by method 98 (PPMd), which is not supported")]


def test_deflate64_is_read() -> None:
    # Without long matches or distances deflate64 is the same stream as deflate.
    notes = unpacked(build([Item("a", b"hello", method=9, packed=Item("", b"hello").data())]))
    assert notes.handed == [("a", b"hello")]
    broken = unpacked(build([Item("a", b"hello", method=9, packed=b"\xff\xff\xff")]))
    assert broken.kinds == {Kind.CORRUPT}


def test_zip64() -> None:
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a", "w", force_zip64=True) as member,
    ):
        member.write(X)
    notes = unpacked(file.getvalue())
    assert notes.handed == [("a", X)]
    assert notes.found == []


def bomb_of_zeros() -> bytes:
    return build([Item("zeros", b"01" * (32 << 20))])


def overlapping() -> bytes:
    """A thousand entries of the directory for one local header."""
    first = build([Item("a", bytes(1 << 20))])
    return repeated(first, 1000)


def repeated(archive: bytes, times: int) -> bytes:
    """The directory of ``archive`` written out ``times``."""
    start, stop = archive.index(b"PK\x01\x02"), archive.index(b"PK\x05\x06")
    directory = archive[start:stop] * times
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(directory), start, 0)
    return archive[:start] + directory + end


def a_million_entries() -> bytes:
    return repeated(build([Item("a", b"", method=0)]), 1_000_000)


@pytest.mark.parametrize("bomb", [bomb_of_zeros, overlapping, a_million_entries])
def test_bombs_end_at_a_limit(bomb: Callable[[], bytes]) -> None:
    data = bomb()
    notes = Notes(Limits(max_unpacked_size=8 << 20, max_files=500))
    try:
        zip_container.unpack(Blob(data, "x"), notes)
    except OverLimit:
        pass
    else:
        assert Kind.LIMIT in notes.kinds
    assert notes.budget.unpacked <= 10 << 20


def test_too_many_directories_are_a_limit() -> None:
    with pytest.raises(OverLimit, match="directories"):
        unpacked(build([Item("a", b"")]) * 100)


class Counted(bytes):
    """Bytes that know how many of them were copied."""

    copied = 0

    def __getitem__(self, key):
        found = super().__getitem__(key)
        self.copied += len(found) if isinstance(key, slice) else 1
        return found


def test_overlapping_members_of_one_name_are_not_compared_again_and_again() -> None:
    size, number = 100_000, 300
    header = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 0, 0, 0, 0, size, size, 1, 0) + b"a"
    record = struct.Struct("<4s6H3I5H2I1s")
    entries = b"".join(
        record.pack(b"PK\1\2", 20, 20, 0, 0, 0, 0, 0, size, size, 1, 0, 0, 0, 0, 0, at * len(header), b"a")
        for at in range(number)
    )
    body = header * number + bytes(size)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, number, number, len(entries), len(body), 0)
    data, doubts = Counted(body + entries + end), []
    walk = Walk(data, Budget(Limits()), doubts.append)
    assert len(walk.readings) == number
    assert {"two members are called 'a'", "members overlap each other"} <= set(doubts)
    assert data.copied < 4 * len(data)


@given(st.lists(st.sampled_from([zip_records.END, b"PK", b"x" * 30, bytes(4), INNER]), max_size=5), st.booleans())
def test_end_records_that_end_nothing_change_nothing(junk: list[bytes], twice: bool) -> None:
    """Wherever they stand: before the archive, right behind another one, and inside a member."""
    before, inside = b"".join(junk), build([Item("inner", b"".join(junk), method=0), Item("b", X)])
    data = before.replace(INNER, b"") + inside * (1 + twice)
    doubts: list[str] = []
    walk = Walk(data, Budget(Limits()), doubts.append)
    assert sorted({reading.entry.name for reading in walk.readings}) == ["b", "inner"]
    joined = ["the end of the zip file points to several directories", "several zip archives are joined in one file"]
    assert set(doubts) <= set(joined) if twice else doubts == []
    assert (joined[1] in doubts) is twice


def test_nothing_readable_is_corrupt() -> None:
    with pytest.raises(Corrupt, match="no member"):
        unpacked(b"PK\x03\x04 cut off")
    assert unpacked(build([])).found == []


def test_names_alone_are_cheap_and_never_raise() -> None:
    found = zip_container.names(build(TWO), Budget(Limits()))
    assert [(name, read()) for name, read in found.items()] == [("a", X), ("b", b"y" * 100)]


@settings(max_examples=150)
@given(st.data())
def test_any_change_of_bytes_is_survived(data: st.DataObject) -> None:
    whole = bytearray(build([*TWO, Item("c", b"z" * 50, method=0)], prefix=b"##", comment=b"end"))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)))
    notes = Notes(Limits(max_unpacked_size=1 << 20))
    for member in zip_container.members(bytes(whole[:cut]), notes.budget):
        try:
            member.read()
        except (Corrupt, OverLimit):
            continue


def test_checksum_of_the_maker() -> None:
    assert zlib.crc32(X) == zipfile.ZipFile(io.BytesIO(build(TWO))).getinfo("a").CRC
