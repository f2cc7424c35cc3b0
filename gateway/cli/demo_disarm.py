"""The disarmed message of ``macrogate demo``: the same document before and after, for a person to compare.

Contract: reads what the demo itself has made and what came of it, nothing else. ``surprise`` says what is not as it
must be, "" when all is well; ``shown`` are lines to print, and leaves both documents in the folder of the demo.
"""

from __future__ import annotations

import email
import email.policy
import io
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

from gateway.closed_sets import Action
from gateway.config import rules_directory
from gateway.message import Outcome

RECIPIENT = "disarmed@example.net"

RULE = f"""\
[[rule]]
id = "disarm-for-the-demo"
title = "Whoever {RECIPIENT} is gets documents without their macros"
action = "disarm"
when = {{ verdict = "autoexec", recipient = "{RECIPIENT}" }}

"""

_MACROS = "word/vbaProject.bin"


def policy() -> str:
    """The balanced policy, and before it a rule that disarms what goes to one recipient."""
    balanced = (rules_directory() / "policy.toml").read_text(encoding="utf-8")
    head, mark, rules = balanced.partition("[[rule]]")
    return head + RULE + mark + rules


def surprise(outcome: Outcome, sent: bytes, arrived: list[bytes]) -> str:
    """What is wrong with the disarmed message."""
    if not outcome.held_id:
        return "the original is not in quarantine"
    if len(arrived) != 1:
        return f"{len(arrived)} copies arrived"
    if [change.action for change in outcome.decision.changes] != [Action.DISARM]:
        return "the document was not disarmed"
    before, after = _attached(sent)[1], _attached(arrived[0])[1]
    if _MACROS not in _members(before) or _MACROS in _members(after):
        return "the macros are where they should not be"
    return "" if _text(before) == _text(after) else "the text has changed"


def shown(folder: Path, sent: bytes, arrived: bytes) -> Iterator[str]:
    """Both documents, side by side."""
    yield "The same document, as it was sent and as it was delivered:"
    for content in (sent, arrived):
        name, document = _attached(content)
        (folder / name).write_bytes(document)
        names = ", ".join(sorted(member.rpartition("/")[2] for member in _members(document)))
        yield f"  {folder / name}   {len(document)} bytes"
        yield f"      {names}"


def _attached(content: bytes) -> tuple[str, bytes]:
    """Name and bytes of the one document in a message."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    found = [part for part in message.walk() if part.get_filename()]
    assert len(found) == 1
    assert isinstance(found[0], EmailMessage)
    document = found[0].get_payload(decode=True)
    assert isinstance(document, bytes)
    return Path(found[0].get_filename() or "").name, document


def _members(document: bytes) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(document)).namelist()


def _text(document: bytes) -> bytes:
    return zipfile.ZipFile(io.BytesIO(document)).read("word/document.xml")
