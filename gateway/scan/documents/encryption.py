"""Documents encrypted with a password that opens without being asked for; the only module that knows msoffcrypto.

Contract: ``decrypt`` gives the readable document, or None when no known password fits or the library cannot read the
encryption. Excel and PowerPoint try these passwords themselves, so such a document opens like any other.
"""

from __future__ import annotations

import io
import re

from gateway.scan.budget import Budget
from gateway.scan.documents.compound import MAGIC

DEFAULT_PASSWORDS = ("VelvetSweatshop", "/01Hannes Ruescher/01")
"""Excel's (MS-OFFCRYPTO 2.4.2.3) and PowerPoint's."""

MAX_ROUNDS = 200_000
"""Office writes 100 000 hash rounds, 33 ms of work; the number is the sender's to choose up to ten million."""

_ROUNDS = re.compile(rb'spinCount="(\d{1,10})"')
_READABLE = (b"PK\x03\x04", MAGIC)


def decrypt(data: bytes | memoryview, encryption_info: bytes, budget: Budget) -> bytes | None:
    """The document behind the default passwords. ``encryption_info`` is the stream of that name, or empty."""
    if any(int(rounds) > MAX_ROUNDS for rounds in _ROUNDS.findall(encryption_info)):
        return None
    content = bytes(data)
    for password in DEFAULT_PASSWORDS:
        budget.check_time()
        plain = _decrypt_with(content, password)
        if plain.startswith(_READABLE) and plain != content:
            budget.spend_bytes(len(plain))
            return plain
    return None


def _decrypt_with(content: bytes, password: str) -> bytes:
    import msoffcrypto

    result = io.BytesIO()
    try:
        document = msoffcrypto.OfficeFile(io.BytesIO(content))
        # verify_password=True refuses the right password on agile files hashed with SHA-1
        document.load_key(password=password)
        document.decrypt(result)
    except Exception:  # noqa: BLE001 - the library raises whatever a damaged file provokes; all of it means "not readable"
        return b""
    return result.getvalue()
