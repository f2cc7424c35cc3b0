"""Documents encrypted with a password; the only module that knows msoffcrypto.

Contract: ``decrypt`` gives the readable document and where its password came from, or None when no known password fits
or the library cannot read the encryption. Excel and PowerPoint try two passwords themselves, so a document encrypted
with one of these opens like any other; they come first. Raises ``OverLimit``.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from gateway.scan.budget import Budget, OverLimit
from gateway.scan.documents.compound import MAGIC
from gateway.scan.passwords import Candidate, Passwords

BY_ITSELF = "the password Office tries by itself"
DEFAULT_PASSWORDS = ("VelvetSweatshop", "/01Hannes Ruescher/01")
"""Excel's (MS-OFFCRYPTO 2.4.2.3) and PowerPoint's."""

MAX_TRIES = 50
"""Passwords besides these two."""
MAX_ROUNDS = 200_000
"""Office writes 100 000 hash rounds, 33 ms of work; the number is the sender's to choose up to ten million."""

_ROUNDS = re.compile(rb'spinCount="(\d{1,10})"')
_READABLE = (b"PK\x03\x04", MAGIC)
_SIZE = 8
"""The length of the package stands before it."""

# MS-OFFCRYPTO 2.3.4.13: what is hashed behind the password for each of the three keys of an agile document.
_VERIFIER_INPUT = bytes.fromhex("FEA7D2763B4B9E79")
_VERIFIER_HASH = bytes.fromhex("D7AA0F6D3061344E")
_KEY_VALUE = bytes.fromhex("146E0BE7ABACD0D6")
_FILL = b"\x36"
_FILEPASS, _XOR = 0x2F, 0


@dataclass(frozen=True, slots=True)
class Opened:
    """The document behind its password. ``package_key`` is the key of its package (MS-OFFCRYPTO 2.3.4.4), or empty."""

    plain: bytes
    source: str
    package_key: bytes


def decrypt(
    data: bytes | memoryview, encryption_info: bytes, where: str, passwords: Passwords, budget: Budget
) -> tuple[bytes, str] | None:
    """The document behind its password, and the source of that. ``encryption_info`` is the stream of that name, or
    empty; ``where`` the path of the document."""
    found = opened(data, encryption_info, where, passwords, budget)
    return None if found is None else (found.plain, found.source)


def opened(
    data: bytes | memoryview, encryption_info: bytes, where: str, passwords: Passwords, budget: Budget
) -> Opened | None:
    """As ``decrypt``, with the key that another document can be encrypted with."""
    if any(int(rounds) > MAX_ROUNDS for rounds in _ROUNDS.findall(encryption_info)):
        return None
    document = _Document(bytes(data), budget)
    first = [Candidate(password, BY_ITSELF) for password in DEFAULT_PASSWORDS]
    found = passwords.try_on(where, budget, document.opened_with, first=first, most=MAX_TRIES)
    return None if found is None else Opened(*found, document.package_key)


class _Document:
    """One encrypted document, on which one password after the other is tried."""

    def __init__(self, content: bytes, budget: Budget) -> None:
        self._content = content
        self._budget = budget
        self._file: Any = None
        self._readable = True

    def opened_with(self, password: str) -> bytes | None:
        """The plain document if this is the password."""
        from msoffcrypto.exceptions import InvalidKeyError

        if not self._readable:
            return None
        try:
            if not self._fits(password):
                return None
            self._budget.spend_bytes(len(self._content))  # it comes out no longer than it went in
            plain = self._decrypted()
        except OverLimit:
            raise
        except InvalidKeyError:
            return None
        except Exception:  # noqa: BLE001 - the library raises whatever a damaged file or an odd password provokes
            # What it makes of a usual password tells whether it can read this encryption at all.
            self._readable = password not in DEFAULT_PASSWORDS
            return None
        return plain if plain.startswith(_READABLE) and plain != self._content else None

    @property
    def package_key(self) -> bytes:
        """Of the password that was tried last."""
        return bytes(self._file.secret_key) if self._file.format == "ooxml" else b""

    def _fits(self, password: str) -> bool:
        import msoffcrypto
        from msoffcrypto.method.ecma376_standard import ECMA376Standard

        if self._file is None:
            self._file = msoffcrypto.OfficeFile(io.BytesIO(self._content))
        file = self._file
        if file.format == "ooxml" and file.type == "agile":
            # The library derives wrong keys where the hash is shorter than the key, as SHA-1 is for AES-256, and by
            # its own check refuses the right password for SHA-1.
            file.secret_key = _agile_key(file.info, password)
            return file.secret_key is not None
        file.load_key(password=password)
        if file.format != "ooxml":
            return file.type != "xor" or self._has_key_of(password)
        verifier = file.info["verifier"]
        fits = ECMA376Standard.verifykey(
            file.secret_key, verifier["encryptedVerifier"], verifier["encryptedVerifierHash"]
        )
        return bool(fits)

    def _has_key_of(self, password: str) -> bool:
        """The library looks at the 15 bits of the verifier only, which one word in 32 000 has by chance; the key stands
        before it (MS-XLS FilePass, MS-OFFCRYPTO 2.3.7)."""
        from msoffcrypto.method.xor_obfuscation import DocumentXOR

        key = DocumentXOR.create_xor_key_method1(password)
        return struct.pack("<4H", _FILEPASS, 6, _XOR, key) in self._content

    def _decrypted(self) -> bytes:
        from msoffcrypto.method.ecma376_agile import ECMA376Agile
        from msoffcrypto.method.ecma376_standard import ECMA376Standard

        file = self._file
        if file.format != "ooxml":
            result = io.BytesIO()
            file.decrypt(result)
            return result.getvalue()
        # The library's own way refuses what is not a sound zip file; Office repairs it.
        with file.file.openstream("EncryptedPackage") as stream:
            package = stream.read()
        package = io.BytesIO(package[: _SIZE + (len(package) - _SIZE) // 16 * 16])
        if file.type == "agile":
            salt, algorithm = file.info["keyDataSalt"], file.info["keyDataHashAlgorithm"]
            return bytes(ECMA376Agile.decrypt(file.secret_key, salt, algorithm, package))
        return bytes(ECMA376Standard.decrypt(file.secret_key, package))


def _agile_key(info: dict[str, Any], password: str) -> bytes | None:
    """The key of the package, or None for a wrong password (MS-OFFCRYPTO 2.3.4.11 to 2.3.4.13)."""
    salt: bytes = info["passwordSalt"]
    size = info["passwordKeyBits"] // 8
    make = {"SHA1": hashlib.sha1, "SHA256": hashlib.sha256, "SHA384": hashlib.sha384}.get(
        info["passwordHashAlgorithm"], hashlib.sha512
    )
    digest = make(salt + password.encode("utf-16-le")).digest()
    for number in range(info["spinValue"]):
        digest = make(number.to_bytes(4, "little") + digest).digest()

    def decrypted(block: bytes, encrypted: bytes) -> bytes:
        key = make(digest + block).digest()[:size].ljust(size, _FILL)
        cipher = Cipher(AES(key), CBC(salt[:16].ljust(16, _FILL))).decryptor()
        return cipher.update(encrypted) + cipher.finalize()

    proof = make(decrypted(_VERIFIER_INPUT, info["encryptedVerifierHashInput"])[: len(salt)]).digest()
    if decrypted(_VERIFIER_HASH, info["encryptedVerifierHashValue"])[: len(proof)] != proof:
        return None
    return decrypted(_KEY_VALUE, info["encryptedKeyValue"])
