"""The content of one zip member, whatever its header says about it (PKWARE APPNOTE 6.3.10 §4.4.5, §5).

Contract: ``content`` returns what the packed bytes decode to, paid for, and how many of them lie behind it; it tells
``doubt`` where the header is wrong about method, size or checksum. Raises ``Corrupt`` for damaged data and for methods
nobody reads, ``OverLimit`` out of the budget.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from gateway.scan.budget import Budget, OverLimit
from gateway.scan.containers import bounded, by_libarchive, zip_crypto, zip_records
from gateway.scan.containers.zip_records import Entry
from gateway.scan.look import Corrupt

Doubt = Callable[[str], None]
Bytes = bytes | memoryview
Decoder = Callable[[Bytes, Entry, Budget], tuple[bytes, int]]

STORED, DEFLATED, DEFLATE64, BZIP2, LZMA, ZSTD, XZ = 0, 8, 9, 12, 14, 93, 95
_HEAD = 512
"""Packed bytes that hold the first few of the content, behind the tables of a deflate block."""
METHOD_NAMES = {
    1: "shrink",
    **dict.fromkeys(range(2, 6), "reduce"),
    6: "implode",
    10: "PKWARE DCL",
    16: "IBM CMPSC",
    18: "IBM TERSE",
    19: "IBM LZ77",
    20: "zstd",
    93: "zstd",
    94: "MP3",
    95: "xz",
    96: "JPEG",
    97: "WavPack",
    98: "PPMd",
    99: "AES",
}

_MAGIC: tuple[tuple[bytes, int], ...] = ((b"BZh", BZIP2), (b"\xfd7zXZ\x00", XZ), (b"\x28\xb5\x2f\xfd", ZSTD))
"""Compressed data that say themselves by which method; encrypted data begin with none of these."""


def is_plain(packed: Bytes, entry: Entry, doubt: Doubt) -> bool:
    """Whether the data of a member marked as encrypted are not; some programs ignore the mark (CRC tells)."""
    if entry.method == DEFLATED:
        decoder = zlib.decompressobj(bounded.RAW_DEFLATE)
        try:
            # Random bytes hardly ever inflate to 64 KiB, or to an end that is the last byte of all.
            plain = len(decoder.decompress(packed, 1 << 16)) == 1 << 16 or (decoder.eof and not decoder.unused_data)
        except zlib.error:
            plain = False
    else:
        plain = len(packed) == entry.size and zlib.crc32(packed) == entry.crc
    plain = plain or bytes(packed[:6]).startswith(tuple(magic for magic, _ in _MAGIC))
    if plain:
        doubt(f"{entry.name!r} is marked as encrypted and is not")
    return plain


def begins_with(packed: Bytes, entry: Entry, magics: tuple[bytes, ...]) -> bool:
    """Whether the content, stored or inflated, begins with one of ``magics``; True where only ``content`` can tell."""
    if entry.method not in (STORED, DEFLATED):
        return True
    head = bytes(packed[:_HEAD])
    try:
        return head.startswith(magics) or zlib.decompressobj(bounded.RAW_DEFLATE).decompress(head, 8).startswith(magics)
    except zlib.error:
        return False


def unlocked(packed: Bytes, entry: Entry, budget: Budget, password: str) -> bytes | None:
    """The content of an encrypted member if ``password`` opens it. Raises ``OverLimit``."""
    found = unlocked_by(packed, entry, budget, password)
    return None if found is None else found[0]


def unlocked_by(packed: Bytes, entry: Entry, budget: Budget, password: str) -> tuple[bytes, bytes] | None:
    """As ``unlocked``, with the bytes that ``password`` was for the archiver. Raises ``OverLimit``."""
    for spelling in zip_crypto.spellings(password):
        found = zip_crypto.decrypted(packed, entry, spelling)
        if found is None:
            continue
        plain, described = found
        try:
            decoded, _ = content(plain, described, budget, lambda _sentence: None)
        except Corrupt:
            continue
        # AES has proved itself; the old cipher lets one wrong password in 256 come this far.
        if entry.method == zip_crypto.AES or zlib.crc32(decoded) == entry.crc:
            return decoded, spelling
    return None


def content(packed: Bytes, entry: Entry, budget: Budget, doubt: Doubt) -> tuple[bytes, int]:
    """The content of a member, and how many packed bytes lie behind it.

    Where the checksum says that the method cannot be right, the others are tried (CVE-2026-0866).
    """
    left_out = budget.left_out
    try:
        found, rest = _decoded(entry.method, packed, entry, budget)
    except Corrupt as error:
        other = _by_another_method(packed, entry, budget, doubt)
        if other is None:
            raise Corrupt(str(error), error.before) from error
        return other
    padded = budget.left_out > left_out
    if padded or zlib.crc32(found) == entry.crc or not _has_checksum(entry):
        longer = entry.method != STORED and not entry.sizes_follow and len(found) != entry.size
        if rest or (longer and not padded):
            doubt(f"{entry.name!r} is not as long as it claims")
        return found, rest
    other = _by_another_method(packed, entry, budget, doubt)
    if other is None:
        doubt(f"{entry.name!r} does not have the checksum it claims")
    return other or (found, rest)


def _has_checksum(entry: Entry) -> bool:
    return bool(entry.crc) or not entry.sizes_follow


def _by_another_method(packed: Bytes, entry: Entry, budget: Budget, doubt: Doubt) -> tuple[bytes, int] | None:
    """The content by a method the header does not name: one that gives the checksum, else one that fits the data."""
    head = bytes(packed[:6])
    methods = [method for magic, method in _MAGIC if head.startswith(magic)]
    for method in (*methods, DEFLATED, STORED, LZMA):
        if method == entry.method:
            continue
        try:
            found, rest = _decoded(method, packed, entry, budget)
        except Corrupt:
            continue
        right = _has_checksum(entry) and zlib.crc32(found) == entry.crc
        if right or (method != STORED and found and rest == 0):
            names = "compressed" if method else "stored"
            doubt(f"{entry.name!r} says it is {'compressed' if entry.method else 'stored'} and is {names}")
            return found, rest
    return None


def _decoded(method: int, packed: Bytes, entry: Entry, budget: Budget) -> tuple[bytes, int]:
    decoder = _DECODERS.get(method)
    if decoder is None:
        name = METHOD_NAMES.get(method, "unknown")
        raise Corrupt(f"is compressed by method {method} ({name}), which is not supported")
    return decoder(packed, entry, budget)


def _stored(packed: Bytes, _entry: Entry, budget: Budget) -> tuple[bytes, int]:
    kept = bounded.Kept(budget)
    for start in range(0, len(packed), bounded.PIECE):
        kept.add(packed[start : start + bounded.PIECE])
    return kept.value(), 0


def _inflated_64(packed: Bytes, entry: Entry, budget: Budget) -> tuple[bytes, int]:
    """Deflate64 (§4.4.5 method 9) by ``stream_unzip``, which wants a whole archive round it."""
    from stream_unzip import stream_unzip

    sizes = (entry.crc, len(packed), entry.size & 0xFFFFFFFF, 1, 0)
    header = struct.pack("<4s5H3I2H", zip_records.LOCAL, 20, 0, DEFLATE64, 0, 0, *sizes) + b"x"
    end = zip_records.END + bytes(zip_records.END_SIZE - 4)
    kept = bounded.Kept(budget)
    try:
        for _name, _size, chunks in stream_unzip([header, bytes(packed), end], chunk_size=bounded.FEED):
            for chunk in chunks:
                kept.add(chunk)
    except OverLimit:
        raise
    except Exception as error:  # the library has a class for each way to be broken
        raise Corrupt(f"deflate64 data are damaged ({type(error).__name__})", kept.value()) from error
    return kept.value(), 0


def _unlzma(packed: Bytes, entry: Entry, budget: Budget) -> tuple[bytes, int]:
    """Method 14 (§5.8.8): two bytes of version, two of length, five of properties, then the stream of a .lzma file.

    General purpose bit 1 says that a mark ends the stream (§4.4.4); without it only the size does, which nobody has to
    believe.
    """
    head = bytes(packed[:9])
    if len(head) < 9 or head[2:4] != b"\x05\x00":
        raise Corrupt("LZMA data without their header")
    stream = head[4:9] + b"\xff" * 8 + bytes(packed[9:])
    return bounded.unlzma(stream, budget, may_end=not entry.flags & 2)


_DECODERS: dict[int, Decoder] = {
    STORED: _stored,
    DEFLATED: lambda packed, _entry, budget: bounded.inflate(packed, budget),
    DEFLATE64: _inflated_64,
    BZIP2: lambda packed, _entry, budget: bounded.bunzip2(packed, budget),
    LZMA: _unlzma,
    20: lambda packed, _entry, budget: by_libarchive.unzstd(packed, budget),
    ZSTD: lambda packed, _entry, budget: by_libarchive.unzstd(packed, budget),
    XZ: lambda packed, _entry, budget: bounded.unxz(packed, budget),
}
