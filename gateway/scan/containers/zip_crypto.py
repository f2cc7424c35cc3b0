"""Encrypted zip members, opened by a password and locked again (APPNOTE 6.3.10 §6.1; WinZip AES as AE-1 and AE-2).

Contract: ``decrypted`` returns the packed bytes without their encryption and the entry that describes them, or None for
a wrong password; one wrong password in 256 passes the short check of the old cipher, so only the checksum of the
content is the proof. A wrong password costs 7 µs, 0.8 ms with AES. Strong encryption by certificate (§7) and whatever
else is not read is None as well. Never raises. ``encrypted`` is its inverse.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import struct
import zlib
from collections.abc import Iterator

from gateway.scan.budget import Budget
from gateway.scan.containers import zip_records
from gateway.scan.containers.zip_records import Entry

AES = 99
AES_FIELD = 0x9901
_AES_ROUNDS = 1000
_AES_VERIFIER = 2
_AES_CODE = 10
_STRONG = 0x40

_HEADER = 12
_CRC_TABLE = tuple(zlib.crc32(bytes([n]), 0xFFFFFFFF) ^ 0xFFFFFFFF for n in range(256))

_ENCODINGS = ("utf-8", "cp932", "gb18030", "euc_kr", "cp1252", "cp850", "cp1251", "cp866")
"""What programs turn a password into; none of them says so in the file."""


def spellings(password: str) -> Iterator[bytes]:
    """The bytes of a password as archivers of different countries have them."""
    if password.isascii():
        yield password.encode()
        return
    found: dict[bytes, None] = {}
    for encoding in _ENCODINGS:
        try:
            found[password.encode(encoding)] = None
        except (UnicodeEncodeError, LookupError):
            continue
    yield from found


def decrypted(packed: bytes | memoryview, entry: Entry, password: bytes) -> tuple[bytes, Entry] | None:
    """The packed bytes as they were before they were encrypted, and their entry without encryption."""
    if entry.flags & _STRONG:
        return None
    if entry.method == AES:
        return _aes(bytes(packed), entry, password)
    plain = _traditional(packed, entry, password)
    return None if plain is None else (plain, entry._replace(flags=entry.flags & ~1, packed=len(plain)))


def _traditional(packed: bytes | memoryview, entry: Entry, password: bytes) -> bytes | None:
    """§6.1.5 and §6.1.6: twelve random bytes come first, whose last one is known."""
    header = bytes(packed[:_HEADER])
    # Where the sizes follow the data, so does the checksum; then the time stands in for it (as Info-ZIP does).
    expected = {entry.crc >> 24, entry.time >> 8} if entry.sizes_follow else {entry.crc >> 24}
    if len(header) < _HEADER or (check := _last_of_header(header, password)) not in expected:
        return None
    from stream_unzip import UnzipError, stream_unzip

    # The library wants a whole archive. A stored member with that check byte makes it decrypt and nothing else.
    sizes = (check << 24, len(packed), len(packed) - _HEADER, 1, 0)
    local = struct.pack("<4s5H3I2H", zip_records.LOCAL, 20, 1, 0, 0, 0, *sizes) + b"x"
    plain = bytearray()
    try:
        for _name, _size, chunks in stream_unzip([local, bytes(packed)], password=password):
            for chunk in chunks:
                plain += chunk
    except UnzipError:
        pass  # the checksum it was given is made up
    return bytes(plain) if len(plain) == len(packed) - _HEADER else None


def _last_of_header(header: bytes, password: bytes) -> int:
    """The last byte of the decrypted header."""
    table = _CRC_TABLE
    one, two, three = 0x12345678, 0x23456789, 0x34567890
    plain = 0
    for number, byte in enumerate(password + header):
        if number < len(password):
            plain = byte
        else:
            mask = (three | 2) & 0xFFFF
            plain = byte ^ ((mask * (mask ^ 1)) >> 8 & 0xFF)
        one = table[(one ^ plain) & 0xFF] ^ (one >> 8)
        two = ((two + (one & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        three = table[(three ^ (two >> 24)) & 0xFF] ^ (three >> 8)
    return plain


def encrypted(plain: bytes, entry: Entry, password: bytes, crc: int, budget: Budget) -> bytes:
    """``plain``, compressed bytes of a content with the checksum ``crc``, encrypted in the way ``entry`` was.

    ``entry`` is one that ``decrypted`` has opened. The old cipher takes half a second for a megabyte, so it looks at
    the clock. Raises ``OverLimit``.
    """
    if entry.method != AES:
        return _traditionally(os.urandom(_HEADER - 1) + bytes([crc >> 24]), plain, password, budget)
    size = 8 + 8 * zip_records.extra_field(entry.extra, AES_FIELD)[4]
    salt = os.urandom(size // 2)
    keys = _aes_keys(password, salt, size)
    data = _aes_counted(keys[:size], plain)
    return salt + keys[2 * size :] + data + _aes_code(keys[size : 2 * size], data)


def _traditionally(header: bytes, plain: bytes, password: bytes, budget: Budget) -> bytes:
    """§6.1.5: the keys are set up by the password and go on with every byte that is encrypted."""
    table = _CRC_TABLE
    one, two, three = 0x12345678, 0x23456789, 0x34567890
    for byte in password:
        one = table[(one ^ byte) & 0xFF] ^ (one >> 8)
        two = ((two + (one & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        three = table[(three ^ (two >> 24)) & 0xFF] ^ (three >> 8)
    result = bytearray(header + plain)
    for at, byte in enumerate(result):
        if not at & 0xFFFF:
            budget.check_time()
        mask = (three | 2) & 0xFFFF
        result[at] = byte ^ ((mask * (mask ^ 1)) >> 8 & 0xFF)
        one = table[(one ^ byte) & 0xFF] ^ (one >> 8)
        two = ((two + (one & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        three = table[(three ^ (two >> 24)) & 0xFF] ^ (three >> 8)
    return bytes(result)


def _aes(packed: bytes, entry: Entry, password: bytes) -> tuple[bytes, Entry] | None:
    """Salt, two bytes that tell a wrong password, data, and a code over the data that tells a damaged one."""
    field = zip_records.extra_field(entry.extra, AES_FIELD)
    if len(field) < 7 or field[4] not in (1, 2, 3):
        return None
    strength, method = struct.unpack_from("<BH", field, 4)
    key_size = 8 + 8 * strength
    salt_size = key_size // 2
    data_at, data_end = salt_size + _AES_VERIFIER, len(packed) - _AES_CODE
    if data_end < data_at:
        return None
    keys = _aes_keys(password, packed[:salt_size], key_size)
    if keys[2 * key_size :] != packed[salt_size:data_at]:
        return None
    data = packed[data_at:data_end]
    if not hmac.compare_digest(_aes_code(keys[key_size : 2 * key_size], data), packed[data_end:]):
        return None
    plain = _aes_counted(keys[:key_size], data)
    return plain, entry._replace(flags=entry.flags & ~1, method=method, packed=len(plain))


def _aes_keys(password: bytes, salt: bytes, key_size: int) -> bytes:
    """The key of the data, that of the code, and the two bytes."""
    return hashlib.pbkdf2_hmac("sha1", password, salt, _AES_ROUNDS, 2 * key_size + _AES_VERIFIER)


def _aes_code(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha1")[:_AES_CODE]


def _aes_counted(key: bytes, data: bytes) -> bytes:
    """Counter mode, whose inverse is itself."""
    from Crypto.Cipher import AES as cipher  # noqa: N811  not this module's AES, which is a method of zip
    from Crypto.Util import Counter

    counter = Counter.new(128, little_endian=True, initial_value=1)
    return cipher.new(key, cipher.MODE_CTR, counter=counter).encrypt(data)
