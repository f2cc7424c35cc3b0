"""One document, compressed: gzip, bzip2, xz, lzma.

Contract: ``disarm`` keeps the promise of ``parts``. Several streams behind one another become one. The name inside
a gzip header goes (RFC 1952 §2.3.1), because programs then go by that of the file.
"""

from __future__ import annotations

import bz2
import lzma
import posixpath
import zlib
from collections.abc import Callable

from gateway.scan.containers import compressed
from gateway.scan.disarm.parts import CannotDisarm, Disarmed, NothingToDisarm, Work
from gateway.scan.look import Corrupt

TYPES = compressed.TYPES

_GZIP_FIXED = 10


def disarm(content: bytes, name: str, work: Work) -> Disarmed:
    """The document inside disarmed, compressed again in the same way."""
    stem, ending = posixpath.splitext(name)
    try:
        plain, rest = compressed.decompressed(content, work.budget)
    except Corrupt as trouble:
        raise CannotDisarm(f"{name or 'the file'}: {trouble}") from trouble
    if rest:
        raise CannotDisarm(f"{name or 'the file'} holds something behind its end")
    inner = work.inner(plain, stem)
    if inner is None:
        raise NothingToDisarm(f"{name or 'the file'} holds nothing that could be taken out")
    media_type, compress = _form(content)
    return Disarmed(compress(inner.content), inner.name + ending, media_type, inner.removed)


def _form(content: bytes) -> tuple[str, Callable[[bytes], bytes]]:
    if content.startswith(b"\x1f\x8b"):
        return "application/gzip", lambda plain: _gzip(content[:_GZIP_FIXED], plain)
    if content.startswith(b"BZh"):
        return "application/x-bzip2", bz2.compress
    if content.startswith(b"\xfd7zXZ"):
        return "application/x-xz", lzma.compress
    return "application/x-lzma", lambda plain: lzma.compress(plain, lzma.FORMAT_ALONE)


def _gzip(header: bytes, plain: bytes) -> bytes:
    """With the time and the system of the old header, and no flags."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(plain) + packer.flush()
    sums = zlib.crc32(plain).to_bytes(4, "little") + (len(plain) & 0xFFFFFFFF).to_bytes(4, "little")
    return header[:3] + b"\0" + header[4:_GZIP_FIXED] + packed + sums
