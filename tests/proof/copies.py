"""Whether a copy is the message that was sent: each carries its Message-ID, and a seal of its body."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

SEAL = "X-Proof-Seal"
MESSAGE_ID = re.compile(rb"^Message-ID: <([^>]+)>", re.IGNORECASE | re.MULTILINE)
ARMED = "X-Proof-Armed: yes"
"""In the header of what has macros."""
SEALED = re.compile(rb"^X-Proof-Seal: ([0-9a-f]+)", re.MULTILINE)


def seal(message: bytes) -> str:
    """Of what stands below the header, whatever the ends of its lines: a mailbox has LF where SMTP has CRLF."""
    body = message.replace(b"\r\n", b"\n").partition(b"\n\n")[2]
    return hashlib.sha256(body).hexdigest()[:16]


def identify(message: bytes) -> str:
    """Its Message-ID; one that nobody has sent if a part of it is missing or changed."""
    found, sealed = MESSAGE_ID.search(message), SEALED.search(message)
    message_id = found[1].decode("ascii", "replace") if found else "?"
    return message_id if sealed and sealed[1].decode() == seal(message) else f"{message_id} (damaged)"


def identify_changed(message: bytes) -> str:
    """The same where macros are taken out on the way: what has them and is as it was must not have come."""
    if ARMED.encode() not in message:
        return identify(message)
    found, sealed = MESSAGE_ID.search(message), SEALED.search(message)
    message_id = found[1].decode("ascii", "replace") if found else "?"
    return message_id if sealed and sealed[1].decode() != seal(message) else f"{message_id} (with its macros)"


def identify_file(path: Path) -> str:
    """The same of a message in a file."""
    return identify(path.read_bytes())
