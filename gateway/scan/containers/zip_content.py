"""The content of one zip member, whatever its header says about it (PKWARE APPNOTE 6.3.10 §4.4.5, §5).

Contract: ``content`` returns what the packed bytes decode to, paid for, and tells ``doubt`` where the header is wrong
about method, size or checksum. Raises ``Corrupt`` for damaged data and for methods nobody reads, ``OverLimit`` out of
the budget.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

from gateway.scan.budget import Budget, OverLimit
from gateway.scan.containers import bounded, zip_crypto, zip_records
from gateway.scan.containers.zip_records import Entry
from gateway.scan.look import Corrupt

Doubt = Callable[[str], None]

STORED, DEFLATED, DEFLATE64, BZIP2, LZMA = 0, 8, 9, 12, 14
_HEAD = 512
"""Packed bytes that hold the first few of the content, behind the tables of a deflate block."""
METHOD_NAMES = {1: "shrink", 6: "implode", 10: "PKWARE DCL", 93: "zstd", 95: "xz", 97: "WavPack", 98: "PPMd", 99: "AES"}


def is_plain(packed: bytes | memoryview, entry: Entry, doubt: Doubt) -> bool:
    """Whether the data of a member marked as encrypted are not; some programs ignore the mark (CRC tells)."""
    if entry.method == DEFLATED:
        decoder = zlib.decompressobj(bounded.RAW_DEFLATE)
        try:
            # Random bytes hardly ever inflate to their end or to 64 KiB.
            plain = len(decoder.decompress(packed, 1 << 16)) == 1 << 16 or decoder.eof
        except zlib.error:
            plain = False
    else:
        plain = len(packed) == entry.size and zlib.crc32(packed) == entry.crc
    if plain:
        doubt(f"{entry.name!r} is marked as encrypted and is not")
    return plain


def begins_with(packed: bytes | memoryview, entry: Entry, magics: tuple[bytes, ...]) -> bool:
    """Whether the content, stored or inflated, begins with one of ``magics``; True where only ``content`` can tell."""
    if entry.method not in (STORED, DEFLATED):
        return True
    head = bytes(packed[:_HEAD])
    try:
        return head.startswith(magics) or zlib.decompressobj(bounded.RAW_DEFLATE).decompress(head, 8).startswith(magics)
    except zlib.error:
        return False


def unlocked(packed: bytes | memoryview, entry: Entry, budget: Budget, password: str) -> bytes | None:
    """The content of an encrypted member if ``password`` opens it. Raises ``OverLimit``."""
    for spelling in zip_crypto.spellings(password):
        found = zip_crypto.decrypted(packed, entry, spelling)
        if found is None:
            continue
        plain, described = found
        try:
            decoded = content(plain, described, budget, lambda _sentence: None)
        except Corrupt:
            continue
        # AES has proved itself; the old cipher lets one wrong password in 256 come this far.
        if entry.method == zip_crypto.AES or zlib.crc32(decoded) == entry.crc:
            return decoded
    return None


def content(packed: bytes | memoryview, entry: Entry, budget: Budget, doubt: Doubt) -> bytes:
    """The content of a member. Where the method cannot be right, the other usual one is tried (CVE-2026-0866)."""
    if entry.method == STORED:
        content = bytes(packed)
        if zlib.crc32(content) == entry.crc:
            budget.spend_bytes(len(content))
            return content
        try:
            inflated, rest = bounded.inflate(packed, budget)
        except Corrupt:
            budget.spend_bytes(len(content))
            if entry.crc or not entry.sizes_follow:
                doubt(f"{entry.name!r} does not have the checksum it claims")
            return content
        if rest == 0:
            doubt(f"{entry.name!r} says it is stored and is compressed")
            return inflated
        return content
    content = _decompressed(packed, entry, budget, doubt)
    if zlib.crc32(content) != entry.crc and (entry.crc or not entry.sizes_follow):
        doubt(f"{entry.name!r} does not have the checksum it claims")
    return content


def _decompressed(packed: bytes | memoryview, entry: Entry, budget: Budget, doubt: Doubt) -> bytes:
    match entry.method:
        case 8:
            return _inflated(packed, entry, budget, doubt)
        case 9:
            return _inflated_64(packed, entry, budget)
        case 12:
            return bounded.bunzip2(packed, budget)
        case 14:
            return _unlzma(packed, budget)
    name = METHOD_NAMES.get(entry.method, "unknown")
    raise Corrupt(f"is compressed by method {entry.method} ({name}), which is not supported")


def _inflated(packed: bytes | memoryview, entry: Entry, budget: Budget, doubt: Doubt) -> bytes:
    try:
        content, rest = bounded.inflate(packed, budget)
    except Corrupt:
        if len(packed) != entry.size or zlib.crc32(packed) != entry.crc:
            raise
        doubt(f"{entry.name!r} says it is compressed and is stored")
        budget.spend_bytes(len(packed))
        return bytes(packed)
    if not entry.sizes_follow and (rest or len(content) != entry.size):
        doubt(f"{entry.name!r} is not as long as it claims")
    return content


def _inflated_64(packed: bytes | memoryview, entry: Entry, budget: Budget) -> bytes:
    """Deflate64 (§4.4.5 method 9) by ``stream_unzip``, which wants a whole archive round it."""
    from stream_unzip import stream_unzip

    sizes = (entry.crc, len(packed), entry.size & 0xFFFFFFFF, 1, 0)
    header = struct.pack("<4s5H3I2H", zip_records.LOCAL, 20, 0, DEFLATE64, 0, 0, *sizes) + b"x"
    end = zip_records.END + bytes(zip_records.END_SIZE - 4)
    pieces = []
    try:
        for _name, _size, chunks in stream_unzip([header, bytes(packed), end], chunk_size=bounded.FEED):
            for chunk in chunks:
                budget.spend_bytes(len(chunk))
                budget.check_time()
                pieces.append(chunk)
    except OverLimit:
        raise
    except Exception as error:  # the library has a class for each way to be broken
        raise Corrupt(f"deflate64 data are damaged ({type(error).__name__})") from error
    return b"".join(pieces)


def _unlzma(packed: bytes | memoryview, budget: Budget) -> bytes:
    """Method 14 (§5.8.8): two bytes of version, two of length, five of properties, then the stream of a .lzma file."""
    head = bytes(packed[:9])
    if len(head) < 9 or head[2:4] != b"\x05\x00":
        raise Corrupt("LZMA data without their header")
    return bounded.unlzma(head[4:9] + b"\xff" * 8 + bytes(packed[9:]), budget)
