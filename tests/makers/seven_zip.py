"""7z archives by our own hands, encrypted or not, with any chain of coders and any number of files in one folder.

Salt and initialisation vector are made from the password, so the same file comes out each time.
"""

from __future__ import annotations

import bz2
import hashlib
import lzma
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from Crypto.Cipher import AES

SIGNATURE = b"7z\xbc\xaf\x27\x1c"


@dataclass(frozen=True)
class Coder:
    """One step of packing, and what a reader has to know to undo it."""

    method: bytes
    properties: bytes
    pack: Callable[[bytes], bytes]


def _raw(*filters: dict[str, int]) -> Callable[[bytes], bytes]:
    return lambda data: lzma.compress(data, lzma.FORMAT_RAW, filters=list(filters))


def _filter(number: int, **more: int) -> Callable[[bytes], bytes]:
    """A filter alone: what liblzma says in chunks that it could not compress, put together again."""
    pack = _raw({"id": number, **more}, {"id": lzma.FILTER_LZMA2, "preset": 0})

    def run(data: bytes) -> bytes:
        return lzma.decompress(pack(data), lzma.FORMAT_RAW, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}])

    return run


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


_DICTIONARY = 1 << 16
COPY = Coder(b"\x00", b"", bytes)
LZMA = Coder(
    b"\x03\x01\x01",
    b"\x5d" + struct.pack("<I", _DICTIONARY),
    _raw({"id": lzma.FILTER_LZMA1, "dict_size": _DICTIONARY}),
)
LZMA2 = Coder(b"\x21", bytes([10]), _raw({"id": lzma.FILTER_LZMA2, "dict_size": _DICTIONARY}))
DEFLATE = Coder(b"\x04\x01\x08", b"", _deflated)
BZIP2 = Coder(b"\x04\x02\x02", b"", bz2.compress)
BCJ = Coder(b"\x03\x03\x01\x03", b"", _filter(lzma.FILTER_X86))
DELTA = Coder(b"\x03", b"\x01", _filter(lzma.FILTER_DELTA, dist=2))
PPMD = Coder(b"\x03\x04\x01", bytes(5), bytes)


def aes(password: str, *, rounds: int = 10, salt: int = 0) -> Coder:
    """AES-256; ``rounds`` as a power of two is 19 with all programs, ``salt`` up to 16 bytes."""
    secret = password.encode("utf-16-le")
    seasoning = hashlib.sha256(b"salt" + secret).digest()[:salt]
    start = hashlib.sha256(b"start" + secret).digest()[:16]
    key = _key(seasoning + secret, rounds)

    def encrypt(data: bytes) -> bytes:
        return AES.new(key, AES.MODE_CBC, iv=start).encrypt(data + bytes(-len(data) % 16))

    head = bytes([0x40 | (0x80 if salt else 0) | rounds, (max(salt, 1) - 1) << 4 | 15])
    return Coder(b"\x06\xf1\x07\x01", head + seasoning + start, encrypt)


@cache
def _key(secret: bytes, rounds: int) -> bytes:
    """Made slow on purpose, and asked for again and again."""
    digest = hashlib.sha256()
    for number in range(1 << rounds):
        digest.update(secret + number.to_bytes(8, "little"))
    return digest.digest()


def build(
    files: Mapping[str, bytes],
    coders: Sequence[Coder] = (LZMA,),
    *,
    header: Sequence[Coder] = (),
    solid: bool = False,
    backwards: bool = False,
    checksums: bool = True,
) -> bytes:
    """An archive of ``files``, each in a folder of its own or all in one (``solid``). The content goes through
    ``coders`` in this order; the header too, through those of ``header``. ``backwards`` lists them the other way round,
    as some programs do."""
    full = {name: content for name, content in files.items() if content}
    groups = [tuple(full.values())] if solid and full else [(content,) for content in full.values()]
    folders = [_folder(b"".join(group), coders) for group in groups]
    body = b"".join(folder.packed for folder in folders)
    listed = {"checksums": checksums, "backwards": backwards}
    plain = _header(_streams(0, folders, groups, **listed), files)
    if header:
        packed = _folder(plain, header)
        plain = b"\x17" + _streams(len(body), [packed], None, **listed)
        body += packed.packed
    return _archive(body, plain)


def mixed(files: Mapping[str, tuple[bytes, Sequence[Coder]]]) -> bytes:
    """An archive of ``files``, each with coders of its own."""
    folders = [_folder(content, coders) for content, coders in files.values()]
    groups = [(content,) for content, _ in files.values()]
    contents = {name: content for name, (content, _) in files.items()}
    streams = _streams(0, folders, groups, checksums=True, backwards=False)
    return _archive(b"".join(folder.packed for folder in folders), _header(streams, contents))


@dataclass(frozen=True)
class _Folder:
    packed: bytes
    coders: Sequence[Coder]
    sizes: Sequence[int]
    crc: int


def _archive(body: bytes, header: bytes) -> bytes:
    start = struct.pack("<QQI", len(body), len(header), zlib.crc32(header))
    return SIGNATURE + b"\x00\x04" + struct.pack("<I", zlib.crc32(start)) + start + body + header


def _header(streams: bytes, files: Mapping[str, bytes]) -> bytes:
    return b"\x01\x04" + streams + b"\x05" + _files(files) + b"\x00"


def _folder(content: bytes, coders: Sequence[Coder]) -> _Folder:
    packed, sizes = content, []
    for coder in coders:
        sizes.append(len(packed))
        packed = coder.pack(packed)
    return _Folder(packed, coders, sizes, zlib.crc32(content))


def _streams(
    at: int, folders: Sequence[_Folder], groups: Sequence[Sequence[bytes]] | None, *, checksums: bool, backwards: bool
) -> bytes:
    sizes = b"".join(number(len(folder.packed)) for folder in folders)
    said = b"\x06" + number(at) + number(len(folders)) + b"\x09" + sizes + b"\x00"
    said += (
        b"\x07\x0b" + number(len(folders)) + b"\x00" + b"".join(_description(folder, backwards) for folder in folders)
    )
    said += b"\x0c" + b"".join(
        number(size) for folder in folders for size in (folder.sizes[::-1] if backwards else folder.sizes)
    )
    if groups is None:
        return said + (_crcs([folder.crc for folder in folders]) if checksums else b"") + b"\x00\x00"
    said += b"\x00\x08\x0d" + b"".join(number(len(group)) for group in groups)
    said += b"\x09" + b"".join(number(len(content)) for group in groups for content in group[:-1])
    return (
        said
        + (_crcs([zlib.crc32(content) for group in groups for content in group]) if checksums else b"")
        + b"\x00\x00"
    )


def _description(folder: _Folder, backwards: bool) -> bytes:
    """Coder 0 is the first one of packing, whose output is the folder's; each takes what the next one gives."""
    said = number(len(folder.coders))
    for coder in folder.coders[::-1] if backwards else folder.coders:
        said += bytes([len(coder.method) | (0x20 if coder.properties else 0)]) + coder.method
        said += number(len(coder.properties)) + coder.properties if coder.properties else b""
    bonds = ((at + 1, at) if backwards else (at, at + 1) for at in range(len(folder.coders) - 1))
    return said + b"".join(number(taker) + number(giver) for taker, giver in bonds)


def _crcs(crcs: Sequence[int]) -> bytes:
    return b"\x0a\x01" + struct.pack(f"<{len(crcs)}I", *crcs)


def _files(files: Mapping[str, bytes]) -> bytes:
    names = b"\x00" + b"".join(name.encode("utf-16-le") + b"\x00\x00" for name in files)
    said = number(len(files)) + b"\x11" + number(len(names)) + names
    empty = [not content for content in files.values()]
    if any(empty):
        for kind, bits in ((14, empty), (15, [True] * sum(empty))):
            packed = _bits(bits)
            said += bytes([kind]) + number(len(packed)) + packed
    return said + b"\x00"


def _bits(bits: Sequence[bool]) -> bytes:
    return bytes(
        sum(0x80 >> at for at, bit in enumerate(bits[begin : begin + 8]) if bit) for begin in range(0, len(bits), 8)
    )


def number(value: int) -> bytes:
    """As many ones at the top of the first byte as bytes follow; the rest of it is the highest part."""
    for following in range(8):
        if value < 1 << 7 * (following + 1):
            head = 0xFF00 >> following & 0xFF | value >> 8 * following
            return bytes([head]) + (value & (1 << 8 * following) - 1).to_bytes(following, "little")
    return b"\xff" + value.to_bytes(8, "little")
