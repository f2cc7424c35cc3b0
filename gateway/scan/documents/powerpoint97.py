"""PowerPoint documents before 2007: the compressed objects in the main stream (MS-PPT 2.10.34 to 2.10.41).

Contract: ``objects`` gives every embedded OLE object, the macro project included. Raises ``OverLimit`` only; an object
that cannot be decompressed is reported to ``damaged``.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

from gateway.scan.look import Corrupt, Look

_OBJECT = 0x1011
_COMPRESSED = 1
_STEPS_BETWEEN_CLOCKS = 4096
_ENCRYPTED_TOKEN = 0xF3D1C4DF


def is_encrypted(current_user: bytes) -> bool:
    """Whether the stream ``Current User`` says that the document is encrypted (MS-PPT 2.3.2 headerToken)."""
    return len(current_user) >= 16 and struct.unpack_from("<I", current_user, 12)[0] == _ENCRYPTED_TOKEN


def objects(stream: bytes, look: Look, damaged: Callable[[str], None]) -> Iterator[bytes]:
    """The content of each ``ExOleObjStg``; records are walked on the top level, where persist objects lie."""
    position, steps, end = 0, 0, len(stream) - 8
    while position <= end:
        head, kind, size = struct.unpack_from("<HHI", stream, position)
        if kind == _OBJECT:
            body = stream[position + 8 : position + 8 + size]
            if head >> 4 == _COMPRESSED:
                try:
                    yield _inflated(body[4:], look)
                except Corrupt as error:
                    damaged(str(error))
            else:
                yield body
        position += 8 + size
        steps += 1
        if not steps % _STEPS_BETWEEN_CLOCKS:
            look.budget.check_time()


def _inflated(body: bytes, look: Look) -> bytes:
    """PowerPoint leaves out the checksum at the end, so a stream that stops where its data end is whole."""
    try:
        content = zlib.decompressobj().decompress(body, look.budget.room + 1)
    except zlib.error as error:
        raise Corrupt(f"compressed data are damaged ({error})") from error
    look.budget.spend_bytes(len(content))
    return content
