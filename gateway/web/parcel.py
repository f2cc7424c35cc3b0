"""What attackers sent, on its way to an analyst: one file in a zip that no program opens by itself.

Contract: WinZip AES-256 (AE-2, APPNOTE 6.3.10 §4.4.5 method 99 and the extra field 0x9901), so that neither a mail
filter nor an anti-virus program nor a preview on the way looks into it or takes it away; the password is no secret. The
content is stored and not compressed, hence the size is known before the first byte and memory is bounded by one chunk.
Raises ``ValueError`` for a content of 4 GiB or more, whose zip would take another form.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

PASSWORD: Final = "infected"  # noqa: S105 - as analysts expect it; it keeps programs out, not people
_METHOD: Final = 99
_ENCRYPTED_UTF8: Final = 0x0801
_VERSION: Final = 51
_ROUNDS: Final = 1000
_SALT, _KEY, _CHECK, _CODE = 16, 32, 2, 10
"""Lengths for AES-256."""
_LARGEST: Final = (1 << 32) - 1000
_CENTRAL, _END = 46, 22


def length(name: str, size: int) -> int:
    """Bytes of the whole zip of a file ``name`` of ``size`` bytes. Raises ``ValueError``."""
    if size >= _LARGEST:
        raise ValueError("it is too large for a zip file")
    return 30 + _CENTRAL + _END + 2 * (len(name.encode()) + len(_field())) + _packed(size)


def parcel(name: str, size: int, content: Iterable[bytes], when: datetime) -> Iterator[bytes]:
    """The zip, piece by piece. ``content`` has ``size`` bytes in all; one that has not raises ``ValueError``."""
    from Crypto.Cipher import AES
    from Crypto.Util import Counter

    called, salt = name.encode(), os.urandom(_SALT)
    keys = hashlib.pbkdf2_hmac("sha1", PASSWORD.encode(), salt, _ROUNDS, 2 * _KEY + _CHECK)
    cipher = AES.new(keys[:_KEY], AES.MODE_CTR, counter=Counter.new(128, little_endian=True, initial_value=1))
    code = hmac.new(keys[_KEY : 2 * _KEY], digestmod="sha1")
    local = _fields(size, when) + struct.pack("<2H", len(called), len(_field()))
    yield b"PK\x03\x04" + struct.pack("<H", _VERSION) + local + called + _field()
    yield salt + keys[2 * _KEY :]
    given = 0
    for chunk in content:
        given += len(chunk)
        hidden = cipher.encrypt(chunk)
        code.update(hidden)
        yield hidden
    if given != size:
        raise ValueError(f"{given} bytes came of {size}")
    yield code.digest()[:_CODE]
    entry = b"PK\x01\x02" + struct.pack("<2H", _VERSION, _VERSION) + local + struct.pack("<3H2I", 0, 0, 0, 0, 0)
    entry += called + _field()
    at = 30 + len(called) + len(_field()) + _packed(size)
    yield entry + b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, 1, 1, len(entry), at, 0)


def _packed(size: int) -> int:
    return _SALT + _CHECK + size + _CODE


def _fields(size: int, when: datetime) -> bytes:
    """What local header and directory have in common: flags, method, time, date, no checksum (AE-2), sizes."""
    time = when.hour << 11 | when.minute << 5 | when.second // 2
    date = max(0, when.year - 1980) << 9 | when.month << 5 | when.day
    return struct.pack("<4H3I", _ENCRYPTED_UTF8, _METHOD, time, date, 0, _packed(size), size)


def _field() -> bytes:
    """AE-2, its vendor, 256 bits, stored."""
    return struct.pack("<2HH2sBH", 0x9901, 7, 2, b"AE", 3, 0)
