"""Exceptions at work: a macro somebody allowed passes to whom it is allowed, and to nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable

from gateway.samples import mail, word
from tests.e2e.conftest import Pair
from tests.e2e.talk import Talk, send
from tests.e2e.tools import eventually

Start = Callable[..., Pair]
DOCM = "application/vnd.ms-word.document.macroEnabled.12"
SOURCE = 'Sub AutoOpen()\nMsgBox "{}"\nEnd Sub\n'


def message(text: str = "hello", comment: str = "", tag: str = "one") -> bytes:
    """A letter with a macro that is the same code for the same ``text``, in another file for each ``comment``."""
    source = f"' {comment}\n{SOURCE.format(text)}"
    return mail.attached(tag, f"{tag}.docm", DOCM, word.docm(source), sender="s@outside.test")


def add(running: Pair, *arguments: str) -> str:
    """Make an exception; returns its id once the gateway has taken notice."""
    number: str = json.loads(running.gateway.run("exceptions", *arguments, "--json"))["id"]
    running.gateway.event("exception-added", exception=number)
    return number


def test_an_allowed_macro_passes_in_every_document_to_its_recipient_alone(pair: Start) -> None:
    running = pair()
    port = running.gateway.port
    assert "Held" in send(port, message(), "bob@example.com")
    fingerprint = running.gateway.event("message")["findings"][0]["fingerprint"]
    number = add(running, "allow", "macro", fingerprint, "--to", "bob@example.com", "--why", "his own template")

    variant = message(comment="saved again", tag="two")
    assert variant != message()
    assert send(port, variant, "bob@example.com").startswith("250")
    eventually("the message at the next hop", lambda: len(running.hop.messages) == 1)
    event = running.gateway.event("message", rule="exception")
    top, _, rest = running.hop.messages[0].data.partition(b"\r\n")
    assert rest == variant
    assert top.endswith(f"exception={number}; id={event['id']}".encode())
    assert b"verdict=autoexec; action=deliver; rule=exception" in top
    assert event["exceptions"] == [{"id": number, "effect": "allow"}]
    assert "his own template" in event["why"]

    assert "Held" in send(port, message(tag="three"), "alice@example.com")
    assert "Held" in send(port, message("something else", tag="four"), "bob@example.com")
    with Talk(port) as talk:  # one message to both: each fares by himself
        talk.hello()
        replies = talk.envelope("s@outside.test", "bob@example.com", "alice@example.com")
        assert [reply[:1] for reply in replies] == ["2", "2", "4"]
    assert running.gateway.metric('macrogate_exception_uses_total{effect="allow",result="counted"}') == 1
    assert running.gateway.metric('macrogate_exceptions{effect="allow"}') == 1

    running.gateway.run("exceptions", "remove", number, "--why", "over")
    running.gateway.event("exception-removed", exception=number, why="over")
    assert "Held" in send(port, message(tag="five"), "bob@example.com")


def test_a_sender_nobody_vouches_for_does_not_pass_and_a_block_holds_clean_mail(pair: Start) -> None:
    running = pair()
    number = add(running, "allow", "sender", "outside.test", "--why", "contract")
    assert "Held" in send(running.gateway.port, message(), "bob@example.com", sender="s@outside.test")
    told = running.gateway.event("message")["exceptions"]
    assert [(one["id"], "nobody verifies who signed" in one["ignored"]) for one in told] == [(number, True)]
    add(running, "block", "sender", "outside.test", "--why", "phishing")
    assert "Held" in send(running.gateway.port, mail.plain_message(), "bob@example.com", sender="s@outside.test")


def test_a_broken_file_allows_nothing_from_then_on(pair: Start) -> None:
    running = pair()
    assert "Held" in send(running.gateway.port, message(), "bob@example.com")
    fingerprint = running.gateway.event("message")["findings"][0]["fingerprint"]
    add(running, "allow", "macro", fingerprint, "--why", "known")
    assert "Held" not in send(running.gateway.port, message(tag="two"), "bob@example.com")
    (running.gateway.folder / "exceptions.json").write_text("{")
    running.gateway.event("exceptions-unusable")
    assert "Held" in send(running.gateway.port, message(tag="three"), "bob@example.com")
    assert running.gateway.metric("macrogate_exceptions_unusable") == 1
