"""What a folder of a 7z archive decodes to, piece by piece, with a password where it needs one.

Contract: no more than one piece of each coder is in memory, besides a dictionary that is bounded by the budget; whoever
takes the pieces pays for them. A coder gives the bytes it announces at the most, and ``Corrupt`` follows what it gave
when it has fewer. ``Unread`` is a coder nobody here knows. Raises ``Corrupt`` and ``OverLimit``.
"""

from __future__ import annotations

import bz2
import hashlib
import lzma
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gateway.scan.budget import Budget
from gateway.scan.containers import bounded
from gateway.scan.containers.seven_zip_records import AES, Coder, Folder
from gateway.scan.look import Corrupt

MAX_POWER = 21
"""Of the hash rounds behind a key; all programs write 19, and each step more takes twice the time."""

_DIRECT = 0x3F
"""Stands for the number of rounds: the key is the password itself."""
_LOW, _HIGH = bytes(range(256)) * 256, bytes(number >> 8 for number in range(1 << 16))
"""The two lower bytes of a counter."""
_FILTER_PIECE = 1 << 16
"""What one chunk of LZMA2 holds."""
_LEAST_DICTIONARY = 1 << 12

_FILTERS = {
    b"\x03\x03\x01\x03": lzma.FILTER_X86,
    b"\x03\x03\x02\x05": lzma.FILTER_POWERPC,
    b"\x03\x03\x04\x01": lzma.FILTER_IA64,
    b"\x03\x03\x05\x01": lzma.FILTER_ARM,
    b"\x03\x03\x07\x01": lzma.FILTER_ARMTHUMB,
    b"\x03\x03\x08\x05": lzma.FILTER_SPARC,
    b"\x04": lzma.FILTER_X86,
    b"\x05": lzma.FILTER_POWERPC,
    b"\x06": lzma.FILTER_IA64,
    b"\x07": lzma.FILTER_ARM,
    b"\x08": lzma.FILTER_ARMTHUMB,
    b"\x09": lzma.FILTER_SPARC,
}
_DELTA = b"\x03"
_COPY = b"\x00"
_LZMA, _LZMA2 = b"\x03\x01\x01", b"\x21"
_DEFLATE, _BZIP2 = b"\x04\x01\x08", b"\x04\x02\x02"
_COMPRESSIONS = frozenset({_LZMA, _LZMA2, _DEFLATE, _BZIP2})

_NOT_READ = {
    b"\x03\x04\x01": "PPMd",
    b"\x03\x03\x01\x1b": "BCJ2",
    b"\x04\x01\x09": "Deflate64",
    b"\x0a": "ARM64",
    b"\x0b": "RISC-V",
    b"\x04\xf7\x11\x01": "Zstandard",
}

Pieces = Iterator[bytes]


class Unread(Corrupt):
    """Valid as it may be, it is not read here."""


@dataclass(slots=True)
class Keys:
    """The keys of one password; archives use the same salt for all of their folders."""

    password: bytes = field(repr=False)
    budget: Budget = field(repr=False)
    _made: dict[tuple[int, bytes], bytes] = field(default_factory=dict, repr=False)

    def of(self, power: int, salt: bytes) -> bytes:
        """The key for these two. Raises ``OverLimit``."""
        if (power, salt) not in self._made:
            self._made[power, salt] = _key(self.password, salt, power, self.budget)
        return self._made[power, salt]


def check(folder: Folder) -> None:
    """Raises ``Unread`` for coders that ``decoded`` cannot follow."""
    for coder in folder.coders:
        if coder.method not in _STAGES and coder.method not in _FILTERS:
            name = _NOT_READ.get(coder.method, f"of number {coder.method.hex()}")
            raise Unread(f"packed in a way that is not read: {name}")
    if not folder.linear or sum(coder.method in _COMPRESSIONS for coder in folder.coders) > 1:
        raise Unread("packed in several ways at a time, which is not read")
    if (power := rounds(folder)) > MAX_POWER and power != _DIRECT:
        raise Unread(f"a try of one password takes 2^{power} steps")


def rounds(folder: Folder) -> int:
    """The power of two that one try costs, of the dearest coder; 0 without encryption."""
    return max((_aes_properties(coder)[0] for coder in folder.coders if coder.method == AES), default=0)


def decoded(folder: Folder, budget: Budget, keys: Keys) -> Pieces:
    """The content of ``folder``, which ``check`` has seen, in pieces of ``bounded.PIECE`` bytes at the most."""
    pieces = _sliced(folder.packed, bounded.FEED)
    for coder in folder.coders:
        pieces = _exactly(coder.size, _stage(coder, pieces, budget, keys), budget)
    return pieces


def _sliced(data: memoryview, size: int) -> Pieces:
    return (bytes(data[at : at + size]) for at in range(0, len(data), size))


def _exactly(size: int, pieces: Pieces, budget: Budget) -> Pieces:
    """``size`` bytes of ``pieces``, which may be more and must not be fewer."""
    left = size
    try:
        while left:
            budget.check_time()
            piece = next(pieces, b"")[:left]
            if not piece:
                raise Corrupt("compressed data end too early")
            left -= len(piece)
            yield piece
    except (lzma.LZMAError, zlib.error, OSError, ValueError, EOFError) as error:
        raise Corrupt(f"compressed data are damaged ({error})") from error


def _stage(coder: Coder, pieces: Pieces, budget: Budget, keys: Keys) -> Pieces:
    if coder.method in _FILTERS:
        return _filtered({"id": _FILTERS[coder.method]}, pieces)
    return _STAGES[coder.method](coder, pieces, budget, keys)


def _copy(_coder: Coder, pieces: Pieces, _budget: Budget, _keys: Keys) -> Pieces:
    return (piece for piece in pieces if piece)


def _lzma(coder: Coder, pieces: Pieces, budget: Budget, _keys: Keys) -> Pieces:
    """lc, lp and pb in one byte, and the size of the dictionary; there is no mark at the end."""
    if len(coder.properties) != 5:
        raise Corrupt("the properties of LZMA are damaged")
    rest, lc = divmod(coder.properties[0], 9)
    pb, lp = divmod(rest, 5)
    size = _dictionary(int.from_bytes(coder.properties[1:], "little"), coder, budget)
    return _raw([{"id": lzma.FILTER_LZMA1, "dict_size": size, "lc": lc, "lp": lp, "pb": pb}], pieces)


def _lzma2(coder: Coder, pieces: Pieces, budget: Budget, _keys: Keys) -> Pieces:
    """The size of the dictionary in one byte: 2 or 3, times a power of two."""
    if len(coder.properties) != 1 or coder.properties[0] > 40:
        raise Corrupt("the properties of LZMA2 are damaged")
    said = coder.properties[0]
    size = _dictionary((2 | said & 1) << said // 2 + 11, coder, budget)
    return _raw([{"id": lzma.FILTER_LZMA2, "dict_size": size}], pieces)


def _dictionary(said: int, coder: Coder, budget: Budget) -> int:
    """More than the whole content is never looked back to; more than all we would unpack only exhausts memory."""
    size = max(_LEAST_DICTIONARY, min(said, coder.size))
    if size > budget.limits.max_unpacked_size:
        raise Corrupt("needs more memory to be decompressed than there is for a message")
    return size


def _raw(filters: list[dict[str, int]], pieces: Pieces) -> Pieces:
    return _fed(lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters), pieces)


def _deflate(_coder: Coder, pieces: Pieces, _budget: Budget, _keys: Keys) -> Pieces:
    return _fed(bounded.Inflater(bounded.RAW_DEFLATE), pieces)


def _bzip2(_coder: Coder, pieces: Pieces, _budget: Budget, _keys: Keys) -> Pieces:
    """Archivers with several threads write several streams, one behind the other."""
    feed = next(pieces, b"")
    while feed:
        decoder = bz2.BZ2Decompressor()
        while not decoder.eof and feed:
            yield from _drained(decoder, feed)
            feed = decoder.unused_data if decoder.eof else next(pieces, b"")
        feed = feed or next(pieces, b"")


def _delta(coder: Coder, pieces: Pieces, _budget: Budget, _keys: Keys) -> Pieces:
    if len(coder.properties) != 1:
        raise Corrupt("the properties of the delta filter are damaged")
    return _filtered({"id": lzma.FILTER_DELTA, "dist": coder.properties[0] + 1}, pieces)


def _filtered(filter_: dict[str, int], pieces: Pieces) -> Pieces:
    """liblzma runs a filter only in front of a compression, and holds back the last bytes until that ends, which LZMA
    does not say; so each filter runs by itself, behind chunks of LZMA2 that are not compressed."""
    return _raw([filter_, {"id": lzma.FILTER_LZMA2, "dict_size": _FILTER_PIECE}], _chunks(pieces))


def _chunks(pieces: Pieces) -> Pieces:
    control = b"\x01"  # forgets what was before
    for piece in pieces:
        for part in _sliced(memoryview(piece), _FILTER_PIECE):
            yield control + (len(part) - 1).to_bytes(2, "big") + part
            control = b"\x02"
    yield b"\x00"


def _fed(decoder: bounded.StreamDecoder, pieces: Pieces) -> Pieces:
    for feed in pieces:
        yield from _drained(decoder, feed)
        if decoder.eof:
            return


def _drained(decoder: bounded.StreamDecoder, feed: bytes) -> Pieces:
    """All that comes out for ``feed``."""
    while True:
        piece = decoder.decompress(feed, bounded.PIECE)
        feed = b""
        if piece:
            yield piece
        if decoder.eof or decoder.needs_input or not piece:
            return


def _aes(coder: Coder, pieces: Pieces, _budget: Budget, keys: Keys) -> Pieces:
    """AES-256 in CBC; what fills the last block is cut off by the size that the coder announces."""
    from Crypto.Cipher import AES as cipher  # noqa: N811  not this module's AES, which is a coder of 7z

    power, salt, start = _aes_properties(coder)
    decryptor = cipher.new(keys.of(power, salt), cipher.MODE_CBC, iv=start)
    rest = b""
    for piece in pieces:
        feed = rest + piece
        whole = len(feed) & ~15
        rest = feed[whole:]
        if whole:
            yield decryptor.decrypt(feed[:whole])


def _aes_properties(coder: Coder) -> tuple[int, bytes, bytes]:
    """Hash rounds (a power of two), salt, and initialisation vector."""
    properties = coder.properties
    if not properties:
        raise Corrupt("the properties of the encryption are damaged")
    sizes = properties[1] if properties[0] & 0xC0 and len(properties) > 1 else 0
    salt_size = (properties[0] >> 7) + (sizes >> 4)
    start_size = (properties[0] >> 6 & 1) + (sizes & 0x0F)
    salt = properties[2 : 2 + salt_size]
    start = properties[2 + salt_size :]
    if len(salt) != salt_size or len(start) != start_size:
        raise Corrupt("the properties of the encryption are damaged")
    return properties[0] & 0x3F, salt, start.ljust(16, b"\x00")


def _key(password: bytes, salt: bytes, power: int, budget: Budget) -> bytes:
    """SHA-256 over 2^power times salt, password and a counter of eight bytes; 40 ms at 2^19. In large pieces, of which
    only the counters change: hashing each by itself takes ten times as long."""
    head = salt + password
    if power == _DIRECT:
        return head[:32].ljust(32, b"\x00")
    count = 1 << min(power, 16)
    size = len(head) + 8
    block = bytearray((head + bytes(8)) * count)
    block[len(head) :: size] = _LOW[:count]
    block[len(head) + 1 :: size] = _HIGH[:count]
    digest = hashlib.sha256()
    for number in range(1 << power >> 16 or 1):
        budget.check_time()
        block[len(head) + 2 :: size] = bytes([number & 0xFF]) * count
        digest.update(block)
    return digest.digest()


_STAGES: dict[bytes, Callable[[Coder, Pieces, Budget, Keys], Pieces]] = {
    _COPY: _copy,
    _LZMA: _lzma,
    _LZMA2: _lzma2,
    _DEFLATE: _deflate,
    _BZIP2: _bzip2,
    _DELTA: _delta,
    AES: _aes,
}
