"""Zip members and workbooks locked with a password, by our own hands: both ciphers of zip, and that of Excel 97.

The salts are made from the password, so the same file comes out each time.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import struct
import zlib

from Crypto.Cipher import AES, ARC4
from Crypto.Util import Counter

from gateway.samples.compound import compound_file
from tests.makers.zips import Item

_TABLE = [zlib.crc32(bytes([n]), 0xFFFFFFFF) ^ 0xFFFFFFFF for n in range(256)]


def zip_crypto(name: str, content: bytes, password: bytes, *, method: int = 8, flags: int = 0, time: int = 0) -> Item:
    """A member in the traditional cipher (APPNOTE 6.3.10 §6.1)."""
    plain = Item(name, content, method)
    check = time >> 8 if flags & 8 else zlib.crc32(content) >> 24
    packed = _traditional(_md5(password)[:11] + bytes([check]) + plain.data(), password)
    return Item(name, content, method, flags=flags | 1, packed=packed, time=time)


def _traditional(plain: bytes, password: bytes) -> bytes:
    keys = [0x12345678, 0x23456789, 0x34567890]

    def update(byte: int) -> None:
        keys[0] = _TABLE[(keys[0] ^ byte) & 0xFF] ^ keys[0] >> 8
        keys[1] = ((keys[1] + (keys[0] & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = _TABLE[(keys[2] ^ keys[1] >> 24) & 0xFF] ^ keys[2] >> 8

    for byte in password:
        update(byte)
    encrypted = bytearray()
    for byte in plain:
        mask = (keys[2] | 2) & 0xFFFF
        encrypted.append(byte ^ (mask * (mask ^ 1) >> 8 & 0xFF))
        update(byte)
    return bytes(encrypted)


def zip_aes(
    name: str, content: bytes, password: bytes, *, strength: int = 3, version: int = 2, method: int = 8
) -> Item:
    """A member in WinZip's AES: ``strength`` 1, 2, 3 for 128, 192, 256 bits, ``version`` 1 or 2 for AE-1 or AE-2."""
    size = 8 + 8 * strength
    salt = hashlib.sha256(password).digest()[: size // 2]
    keys = hashlib.pbkdf2_hmac("sha1", password, salt, 1000, 2 * size + 2)
    counter = Counter.new(128, little_endian=True, initial_value=1)
    data = AES.new(keys[:size], AES.MODE_CTR, counter=counter).encrypt(Item(name, content, method).data())
    code = hmac.digest(keys[size : 2 * size], data, "sha1")[:10]
    extra = struct.pack("<HHH2sBH", 0x9901, 7, version, b"AE", strength, method)
    crc = 0 if version == 2 else None
    return Item(name, content, 99, flags=1, packed=salt + keys[2 * size :] + data + code, crc=crc, extra=extra)


def office(content: bytes, password: str, rounds: int = 1000, hash_name: str = "SHA512") -> bytes:
    """An Office document in the agile encryption of Office 2010 and later, with few rounds, which is quick.

    The library encrypts, and the compound file is ours: it puts a package below 4 KiB where no reader looks for it.
    """
    from msoffcrypto.method.ecma376_agile import ECMA376Agile

    info, key = ECMA376Agile.generate_encryption_parameters(password, spin_count=rounds)
    info.encryptedKey.hashName = hash_name
    package = ECMA376Agile.encrypt_payload(io.BytesIO(content), info.encryptedKey, key, info.keyData.saltValue)
    info.encryptedKey.hashName = "SHA512"
    head = ECMA376Agile.get_encryption_information(info, package, key)
    if hash_name != "SHA512":  # the library cannot make the proof of the package with SHA-1, and no reader asks for it
        size = hashlib.new(hash_name).digest_size
        head = head.replace(b'hashSize="64"', b'hashSize="%d"' % size, 1).replace(b"SHA512", hash_name.encode(), 1)
    return compound_file({("EncryptionInfo",): head, ("EncryptedPackage",): package})


def office_2007(content: bytes, password: str) -> bytes:
    """An Office document in the standard encryption of Office 2007 (MS-OFFCRYPTO 2.3.4.5): AES-128, 50 000 rounds."""
    from msoffcrypto.method.ecma376_standard import ECMA376Standard

    salt = _md5(password.encode())
    key = bytes(ECMA376Standard.makekey_from_password(password, 0x660E, 0x8004, 0x18, 128, 16, salt))
    cipher = AES.new(key, AES.MODE_ECB)
    verifier = _md5(salt)
    proof = hashlib.sha1(verifier, usedforsecurity=False).digest().ljust(32, b"\0")
    provider = "Microsoft Enhanced RSA and AES Cryptographic Provider\0".encode("utf-16-le")
    header = struct.pack("<8I", 0x24, 0, 0x660E, 0x8004, 128, 0x18, 0, 0) + provider
    info = struct.pack("<HHII", 4, 2, 0x24, len(header)) + header
    info += struct.pack("<I", 16) + salt + cipher.encrypt(verifier) + struct.pack("<I", 20) + cipher.encrypt(proof)
    package = struct.pack("<Q", len(content)) + cipher.encrypt(content + bytes(-len(content) % 16))
    return compound_file({("EncryptionInfo",): info, ("EncryptedPackage",): package})


def workbook_rc4(stream: bytes, password: str) -> bytes:
    """The Workbook stream of an ``.xls`` in 40-bit RC4 (MS-XLS FilePass, MS-OFFCRYPTO 2.3.6)."""
    salt, verifier = _md5(password.encode()), bytes(range(16))
    proof = _rc4(password, salt, 0).encrypt(verifier + _md5(verifier))
    password_record = struct.pack("<HHHHH", 0x2F, 54, 1, 1, 1) + salt + proof
    first = 4 + struct.unpack_from("<H", stream, 2)[0]
    shift = len(password_record)
    plain, covered = bytearray(), bytearray()
    for at, kind, content in _records(stream):
        if at == first:
            plain += password_record
            covered += bytes(shift)
        body = bytearray(content)
        clear = len(body) if kind == 0x809 else 0
        if kind == 0x85:
            struct.pack_into("<I", body, 0, struct.unpack_from("<I", body)[0] + shift)
            clear = 4
        plain += struct.pack("<HH", kind, len(body)) + body
        covered += bytes(4 + clear) + b"\1" * (len(body) - clear)
    encrypted = b"".join(
        _rc4(password, salt, at // 1024).encrypt(bytes(plain[at : at + 1024])) for at in range(0, len(plain), 1024)
    )
    return bytes(hidden if hide else shown for shown, hidden, hide in zip(plain, encrypted, covered, strict=True))


def _records(stream: bytes) -> list[tuple[int, int, bytes]]:
    found, at = [], 0
    while at + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, at)
        found.append((at, kind, stream[at + 4 : at + 4 + size]))
        at += 4 + size
    return found


def _rc4(password: str, salt: bytes, block: int) -> ARC4.ARC4Cipher:
    start = _md5(password.encode("utf-16-le"))[:5]
    middle = _md5((start + salt) * 16)[:5]
    return ARC4.new(_md5(middle + struct.pack("<I", block)))


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()
