"""Encrypted 7z archives: each member with the right password, none with another; whatever the bytes, no surprise."""

import hashlib
import random
import struct
import zlib

import libarchive
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import Kind
from gateway.scan.budget import Budget, Limits, OverLimit
from gateway.scan.containers import archive, seven_zip, seven_zip_coders, seven_zip_reader
from gateway.scan.look import Blob, Corrupt
from tests.makers import seven_zip as maker
from tests.makers.looks import Notes, look

PROGRAM = bytes(range(256)) * 40 + b"\xe8\x01\x02\x03\x04" * 200 + b"\xe9\x10"
FILES = {"a.txt": b"hello " * 50, "é/b.bin": PROGRAM, "empty": b"", "c": b"x"}
CHAINS = {
    "copy": (maker.COPY,),
    "lzma": (maker.LZMA,),
    "lzma2": (maker.LZMA2,),
    "deflate": (maker.DEFLATE,),
    "bzip2": (maker.BZIP2,),
    "bcj": (maker.BCJ, maker.LZMA),
    "bcj-lzma2": (maker.BCJ, maker.LZMA2),
    "bcj-copy": (maker.BCJ,),
    "delta": (maker.DELTA, maker.LZMA),
    "both": (maker.BCJ, maker.DELTA, maker.BZIP2),
}
LOCK = maker.aes("1234", rounds=6)
STRANGE = maker.aes("nobody knows", rounds=6)


def own(data: bytes) -> dict[str, bytes]:
    """What our reader makes of an archive."""
    files = list(seven_zip.files(Blob(data, "x"), Notes()))
    assert not [file for file in files if file.trouble or file.encrypted]
    return {file.name: file.content for file in files}


def by_libarchive(**options: str) -> bytes:
    pieces: list[bytes] = []

    def keep(piece: bytes) -> int:
        pieces.append(bytes(piece))
        return len(piece)

    with libarchive.custom_writer(keep, "7zip", options=options.get("options", "")) as target:
        for name, content in FILES.items():
            target.add_file_from_memory(name, len(content), content)
    return b"".join(pieces)


@pytest.mark.parametrize("compression", ["store", "deflate", "bzip2", "lzma1", "lzma2"])
def test_what_libarchive_writes_is_read_the_same(compression: str) -> None:
    data = by_libarchive(options=f"compression={compression}")
    assert own(data) == dict(look(archive.unpack, data).handed) == FILES


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("solid", [False, True])
@pytest.mark.parametrize("chain", CHAINS)
def test_every_chain_is_undone(chain: str, solid: bool, backwards: bool) -> None:
    coders = CHAINS[chain]
    assert own(maker.build(FILES, coders, solid=solid, backwards=backwards)) == FILES
    for header in ((), (maker.LZMA,), (maker.LZMA, LOCK), (LOCK,)):
        data = maker.build(FILES, (*coders, LOCK), header=header, solid=solid, backwards=backwards)
        noted = look(archive.unpack, data)
        assert dict(noted.handed) == FILES
        assert [(kind, where) for kind, where, _ in noted.found] == [(Kind.DECRYPTED, "x")]


def test_libarchive_reads_the_same_filters() -> None:
    for chain in ("bcj", "bcj-lzma2"):
        data = maker.build(FILES, CHAINS[chain], backwards=True)
        assert dict(look(archive.unpack, data).handed) == FILES


def test_the_key_is_that_of_the_format() -> None:
    for power in (0, 3, 17):
        plain = hashlib.sha256(b"".join(b"saltpw" + number.to_bytes(8, "little") for number in range(1 << power)))
        assert seven_zip_coders.Keys(b"pw", Budget(Limits())).of(power, b"salt") == plain.digest()
    assert seven_zip_coders.Keys(b"pw", Budget(Limits())).of(63, b"salt") == b"saltpw".ljust(32, b"\x00")


def test_an_unknown_password_leaves_names_or_says_that_they_are_hidden() -> None:
    noted = look(archive.unpack, maker.build(FILES, (maker.LZMA, STRANGE)))
    assert noted.handed == [("empty", b"")]
    assert noted.found == [
        (Kind.ENCRYPTED, "x", "3 encrypted members, not opened (no password is known): a.txt, é/b.bin, c")
    ]
    noted = look(archive.unpack, maker.build(FILES, (maker.LZMA, LOCK), header=(maker.LZMA, STRANGE)))
    [(kind, _, sentence)] = noted.found
    assert (kind, noted.handed) == (Kind.ENCRYPTED, [])
    assert sentence == "is encrypted, the names of its members included, and no password is known"


@pytest.mark.parametrize("coder", [maker.PPMD, maker.aes("1234", rounds=6)], ids=["ppmd", "no-checksum"])
def test_what_cannot_be_proved_or_read_says_why(coder: maker.Coder) -> None:
    readable = coder is not maker.PPMD
    data = maker.build(FILES, (coder,) if readable else (coder, LOCK), checksums=not readable)
    [(kind, _, sentence)] = look(archive.unpack, data).found
    assert kind is Kind.ENCRYPTED
    assert ("checksum" if readable else "PPMd") in sentence


def test_a_dear_password_is_not_tried() -> None:
    lock = maker.Coder(LOCK.method, bytes([0x40 | 24]) + LOCK.properties[1:], LOCK.pack)
    for header in ((), (maker.LZMA, lock)):
        [(kind, _, sentence)] = look(archive.unpack, maker.build(FILES, (maker.LZMA, lock), header=header)).found
        assert kind is Kind.ENCRYPTED
        assert "2^24" in sentence


def test_a_bomb_behind_a_password_stops_at_the_limit() -> None:
    data = maker.build({"zeros": bytes(3 << 20) + b"x", "b": b"y"}, (maker.LZMA2, LOCK))
    noted = look(archive.unpack, data, limits=Limits(max_unpacked_size=1 << 20))
    assert (Kind.LIMIT, "x/zeros") in {(kind, where) for kind, where, _ in noted.found}
    assert ("b", b"y") in noted.handed


def test_wrong_passwords_cost_no_budget() -> None:
    content = random.Random(7).randbytes(200_000)
    noted = look(archive.unpack, maker.build({"a": content}, (maker.COPY, STRANGE)))
    assert noted.kinds == {Kind.ENCRYPTED}
    assert noted.budget.unpacked < 1000


def test_damage_behind_the_first_file_is_told_and_the_rest_is_handed_on() -> None:
    data = bytearray(maker.build({"a": b"A" * 64, "b": b"B" * 64, "c": b"C" * 64}, (LOCK,), solid=True))
    data[32 + 64 + 16] ^= 1
    noted = look(archive.unpack, bytes(data))
    assert [name for name, _ in noted.handed] == ["a", "b", "c"]
    assert {(kind, where) for kind, where, _ in noted.found} == {(Kind.DECRYPTED, "x"), (Kind.CORRUPT, "x/b")}


def test_an_archive_behind_a_program_is_opened() -> None:
    data = maker.build(FILES, (maker.LZMA, LOCK), header=(maker.LZMA, LOCK))
    assert dict(look(archive.unpack, b"MZ" + bytes(500) + data).handed) == FILES


def test_what_lies_behind_an_opened_archive_is_handed_on() -> None:
    noted = look(archive.unpack, maker.build(FILES, (maker.LZMA, LOCK)) + b"a document, say, of some length")
    assert noted.handed[-1] == ("behind the end", b"a document, say, of some length")


@pytest.mark.parametrize("value", [0, 1, 127, 128, 16383, 16384, 1 << 30, 1 << 56, (1 << 64) - 1])
def test_numbers_of_every_length(value: int) -> None:
    assert seven_zip_reader.Reader(maker.number(value)).number() == value


def survived(data: bytes) -> None:
    noted = Notes(Limits(max_unpacked_size=1 << 20))
    blob = Blob(data, "x")
    for read in (lambda: seven_zip.is_locked(blob, noted), lambda: list(seven_zip.files(blob, noted))):
        try:
            read()
        except (Corrupt, OverLimit):
            assert noted.budget.unpacked < 2 << 20


WHOLE = tuple(
    maker.build(FILES, (*coders, LOCK), header=header, solid=solid)
    for coders in ((maker.BCJ, maker.LZMA), (maker.BZIP2,))
    for header in ((), (LOCK,))
    for solid in (False, True)
)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(WHOLE), st.data())
def test_any_cut_is_survived(whole: bytes, data: st.DataObject) -> None:
    survived(whole[: data.draw(st.integers(0, len(whole)))])


def with_header(header: bytes, body: bytes = bytes(64)) -> bytes:
    """An archive with that header, its checksum right."""
    start = struct.pack("<QQI", len(body), len(header), zlib.crc32(header))
    return maker.SIGNATURE + b"\x00\x04" + bytes(4) + start + body + header


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([whole for whole in WHOLE if len(whole) < 1 << 16]), st.data())
def test_any_change_of_the_header_is_survived(whole: bytes, data: st.DataObject) -> None:
    offset, size = struct.unpack_from("<QQ", whole, 12)
    header = bytearray(whole[32 + offset : 32 + offset + size])
    for _ in range(data.draw(st.integers(1, 4))):
        header[data.draw(st.integers(0, len(header) - 1))] = data.draw(st.integers(0, 255))
    survived(with_header(bytes(header), whole[32 : 32 + offset]))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([b"", b"\x01\x04", b"\x01\x05", b"\x17\x06"]), st.binary(max_size=200))
def test_any_header_is_survived(start: bytes, rest: bytes) -> None:
    survived(with_header(start + rest))
    survived(start + rest)
