"""Documents that are encrypted with a password (MS-OFFCRYPTO 2.3).

Contract: ``disarm`` and ``disarm_workbook`` keep the promise of ``parts``. A document of Office 2007 and later is
opened, disarmed and encrypted again in the same file with the same key, so that the same password opens it; that goes
for the password Excel tries by itself too. The password itself is needed nowhere but for opening. Older ways to encrypt
are not written any more: a workbook with Excel's own password stays without it, for Excel shows no difference. Where no
password is known there is nothing to be done.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import struct

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB

from gateway.scan import ole_directory
from gateway.scan.budget import Budget
from gateway.scan.disarm.parts import CannotDisarm, Disarmed, NothingToDisarm, Work
from gateway.scan.documents import biff, encryption
from gateway.scan.documents.compound import CompoundFile
from gateway.scan.look import Corrupt

_INFO, _PACKAGE = "EncryptionInfo", "EncryptedPackage"
_MOST_INFO = 1 << 16
_SEGMENT, _BLOCK = 4096, 16
_HASHES = {
    b"SHA1": hashlib.sha1,
    b"SHA256": hashlib.sha256,
    b"SHA384": hashlib.sha384,
    b"SHA512": hashlib.sha512,
}
_AGILE, _STANDARD = (4, 4), 2
"""Versions (2.3.4.10 and 2.3.4.5): both numbers, and the second one."""
_KEY_DATA = re.compile(rb"<(?:\w{1,20}:)?keyData\s[^>]{1,2000}>")
_INTEGRITY = re.compile(rb"<(?:\w{1,20}:)?dataIntegrity\s[^>]{1,2000}>")

# 2.3.4.14: what is hashed behind the salt for the two values that prove the package.
_HMAC_KEY = bytes.fromhex("5FB2AD010CB9E1F6")
_HMAC_VALUE = bytes.fromhex("A0677F02B22C8433")
_FILL = b"\x36"


def is_locked(content: bytes) -> bool:
    """Whether this compound file has an encrypted document in it."""
    return {_INFO, _PACKAGE} <= set(ole_directory.names(content))


def is_locked_workbook(content: bytes, budget: Budget) -> bool:
    """Whether it is a workbook encrypted as Excel 97 to 2003 does. Raises ``OverLimit``."""
    try:
        file = CompoundFile(content)
        streams = [file.read(entry) for entry in file.streams("Workbook", "Book")]
        return any(biff.read_globals(stream, budget).encrypted for stream in streams)
    except Corrupt:
        return False


def disarm_workbook(content: bytes, name: str, work: Work) -> Disarmed:
    """The workbook disarmed, without its encryption. Only for the password that everybody's Excel knows."""
    if not CompoundFile(content).is_finite():
        raise CannotDisarm("the encrypted workbook is damaged")
    opened = encryption.opened(content, b"", name, work.passwords, work.budget)
    if opened is None:
        raise CannotDisarm(f"{name or 'the workbook'} is encrypted, and no password is known")
    if opened.source != encryption.BY_ITSELF:
        raise CannotDisarm(f"{name or 'the workbook'} is encrypted in a way that is not written any more")
    inner = work.inner(opened.plain, name)
    if inner is None:
        raise NothingToDisarm(f"{name or 'the workbook'} holds nothing that could be taken out")
    return inner


def disarm(content: bytes, name: str, work: Work) -> Disarmed:
    """The document disarmed, behind the same password."""
    info = _info(content)
    opened = encryption.opened(content, info, name, work.passwords, work.budget)
    if opened is None or not opened.package_key:
        raise CannotDisarm(f"{name or 'the document'} is encrypted, and no password is known")
    inner = work.inner(opened.plain, name)
    if inner is None:
        raise NothingToDisarm(f"{name or 'the document'} holds nothing that could be taken out")
    major, minor = struct.unpack_from("<2H", info)
    if (major, minor) == _AGILE:
        info, package = _agile(inner.content, info, opened.package_key, work.budget)
    elif minor == _STANDARD:
        package = _standard(inner.content, opened.package_key)
    else:
        raise CannotDisarm(f"{name or 'the document'} is encrypted in a way that is not written any more")
    return Disarmed(_with(content, {_INFO: info, _PACKAGE: package}), inner.name, inner.media_type, inner.removed)


def _info(content: bytes) -> bytes:
    """The stream that says how the document is encrypted, of a file that a library can safely rewrite."""
    try:
        file = CompoundFile(content)
        streams = [entry for entry in file.streams(_INFO, _PACKAGE) if not entry.parent]
        info = b"".join(file.read(entry, _MOST_INFO) for entry in streams if entry.name == _INFO)
    except Corrupt as trouble:
        raise CannotDisarm(f"the encrypted document {trouble}") from trouble
    if len(streams) != 2 or len(info) < 8 or file.damaged or not file.is_finite():
        raise CannotDisarm("the encrypted document is damaged")
    return info


def _with(content: bytes, streams: dict[str, bytes]) -> bytes:
    from pyopenvba.cfb import CFB

    file = CFB.from_bytes(content)
    for name, stream in streams.items():
        file.write_stream_at((), name, stream)
    result: bytes = file.to_bytes()
    return result


def _standard(plain: bytes, key: bytes) -> bytes:
    """The package of a document encrypted as Office 2007 does."""
    cipher = Cipher(AES(key), ECB()).encryptor()  # noqa: S305  the format says so
    return struct.pack("<Q", len(plain)) + cipher.update(_whole(plain)) + cipher.finalize()


def _agile(plain: bytes, info: bytes, key: bytes, budget: Budget) -> tuple[bytes, bytes]:
    """Description and package of a document encrypted as Office 2010 and later do. The salt of the data is a new one,
    so that nobody learns from two files with one key how far they are the same."""
    described = _described(info, _KEY_DATA)
    if _value(described, b"cipherAlgorithm") != b"AES" or _value(described, b"cipherChaining") != b"ChainingModeCBC":
        raise CannotDisarm("the document is encrypted in a way that is not written any more")
    make = _HASHES.get(_value(described, b"hashAlgorithm").replace(b"-", b""))
    if make is None or _value(described, b"blockSize") != b"%d" % _BLOCK:
        raise CannotDisarm("the document is encrypted in a way that is not written any more")
    salt = os.urandom(len(_decoded(_value(described, b"saltValue"))))

    def start(behind: bytes) -> bytes:
        return make(salt + behind).digest()[:_BLOCK].ljust(_BLOCK, _FILL)

    pieces = [struct.pack("<Q", len(plain))]
    for number, at in enumerate(range(0, len(plain), _SEGMENT)):
        budget.check_time()
        pieces.append(_chained(plain[at : at + _SEGMENT], key, start(struct.pack("<I", number))))
    package = b"".join(pieces)
    info = info.replace(described, _with_value(described, b"saltValue", salt))
    if _INTEGRITY.search(info) is None:
        return info, package
    hmac_key = os.urandom(make().digest_size)
    proof = {
        b"encryptedHmacKey": _chained(hmac_key, key, start(_HMAC_KEY)),
        b"encryptedHmacValue": _chained(hmac.digest(hmac_key, package, make), key, start(_HMAC_VALUE)),
    }
    integrity = changed = _described(info, _INTEGRITY)
    for attribute, value in proof.items():
        changed = _with_value(changed, attribute, value)
    return info.replace(integrity, changed), package


def _chained(plain: bytes, key: bytes, start: bytes) -> bytes:
    cipher = Cipher(AES(key), CBC(start)).encryptor()
    return cipher.update(_whole(plain)) + cipher.finalize()


def _whole(plain: bytes) -> bytes:
    """Zeros up to whole blocks of the cipher."""
    return plain + bytes(-len(plain) % _BLOCK)


def _described(info: bytes, element: re.Pattern[bytes]) -> bytes:
    """The one element of that name in the description (2.3.4.10), which is XML in one encoding."""
    found = element.findall(info)
    if len(found) != 1:
        raise CannotDisarm("the description of the encryption is damaged")
    return bytes(found[0])


def _value(element: bytes, attribute: bytes) -> bytes:
    return _attribute(element, attribute)[1]


def _with_value(element: bytes, attribute: bytes, value: bytes) -> bytes:
    found = _attribute(element, attribute)
    return element[: found.start(1)] + base64.b64encode(value) + element[found.end(1) :]


def _attribute(element: bytes, attribute: bytes) -> re.Match[bytes]:
    found = list(re.finditer(rb"\s%b\s{0,20}=\s{0,20}[\"']([^\"'<>&]{1,1000})[\"']" % attribute, element))
    if len(found) != 1:
        raise CannotDisarm("the description of the encryption is damaged")
    return found[0]


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise CannotDisarm("the description of the encryption is damaged") from error
