"""The whole corpus through a running gateway: clean twins arrive byte for byte, nothing armed arrives at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from gateway.closed_sets import Action
from tests.corpus.test_corpus import EVASIONS, files_of, reports_of
from tests.corpus.test_museum import ROOMS, action
from tests.e2e.conftest import Pair
from tests.e2e.talk import Talk
from tests.makers import mail

LARGEST = 4 << 20
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n|\0")
"""What no SMTP client may send (RFC 5321 §2.3.8); such cases are for mails inside mails, and are attached here."""


def mails(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Name and message of each file of a folder."""
    for name, content in files_of(folder).items():
        if len(content) > LARGEST:
            continue
        if not name.endswith(".eml"):
            yield name, mail.message([mail.text(), mail.part(content, name=name)])
        elif not _BARE.search(content):
            yield name, content


def letters() -> Iterator[tuple[str, bytes, Action]]:
    """Name, message, and what the default policy does with it."""
    for folder in (*EVASIONS, *ROOMS):
        for name, message in mails(folder):
            yield f"{folder.name}/{name}", message, action(reports_of(folder)[name])


def test_clean_twins_arrive_untouched_and_armed_ones_are_held(pair: Callable[..., Pair]) -> None:
    through = pair()
    arrived, held, wrong = 0, 0, []
    with Talk(through.gateway.port) as talk:
        talk.hello()
        for name, message, expected in letters():
            before = len(through.hop.messages)
            assert all(reply.startswith("2") for reply in talk.envelope("sender@outside.test", "alice@example.com"))
            reply = talk.content(message)
            new = through.hop.messages[before:]
            if expected in {Action.DELIVER, Action.TAG}:
                arrived += 1
                if [_below_our_header(got.data) for got in new] != [_ended(message)]:
                    wrong.append(f"{name}: {reply}, {len(new)} arrived, not as it was sent")
            else:
                held += 1
                if new or "Held by Macrogate" not in reply:
                    wrong.append(f"{name}: {reply}, {len(new)} arrived")
    assert not wrong, "\n".join(wrong)
    assert arrived > 100
    assert held > 100


def _below_our_header(received: bytes) -> bytes:
    line, _, below = received.partition(b"\r\n")
    assert line.startswith(b"X-Macrogate: "), line
    return below


def _ended(message: bytes) -> bytes:
    return message if message.endswith(b"\r\n") else message + b"\r\n"
