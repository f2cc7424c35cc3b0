"""A document arrives without its macro, beside a notice; its neighbours and the original keep every byte."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import Callable
from email.message import EmailMessage

import dkim
import pytest

from gateway import samples
from gateway.closed_sets import Verdict
from gateway.scan import Limits, examine
from tests.e2e.conftest import STRICT, Chain, Pair
from tests.e2e.mails import marker
from tests.e2e.talk import Talk, send
from tests.e2e.test_restarts import delivered, reached
from tests.e2e.tools import eventually
from tests.makers.looks import RULES
from tests.makers.mail import message, multipart, part, text

DKIM_HEADERS = [b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"content-type"]
DOCM = "application/vnd.ms-word.document.macroEnabled.12"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PARTS = (
    text(),
    part(samples.xlsx(), name="figures.xlsx"),
    part(samples.docm_autoopen(), DOCM, name="report.docm"),
    part(b"\x89PNG\r\n\x1a\n" + bytes(500), "image/png", name="logo.png"),
)


def mail(mark: str, **headers: str) -> bytes:
    """Three attachments, one of them armed."""
    named = {"Subject": f"report {mark}", "Message_ID": f"<{mark}@outside.test>"} | headers
    return message(PARTS, preamble=b"before\r\n", epilogue=b"after\r\n", **named)


def parsed(content: bytes) -> EmailMessage:
    found = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def wire(content: bytes) -> bytes:
    """CRLF lines, as the MTA got them."""
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def test_one_of_three_attachments_is_disarmed_and_nothing_else_changes(disarming: Chain) -> None:
    mark = marker()
    assert send(disarming.port, mail(mark), "alice@example.com").startswith("250 2.0.0 Ok: queued as")
    received = wire(disarming.postfix.delivered("alice", mark.encode()))
    assert b"X-Macrogate: verdict=autoexec; action=disarm" in received
    for neighbour in (b"\r\n\r\nbefore\r\n", PARTS[0], PARTS[1], PARTS[3], b"--\r\nafter\r\n"):
        assert neighbour in received
    document = next(one for one in parsed(received).walk() if one.get_filename() == "report.docx")
    assert document.get_content_type() == DOCX
    content = document.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert examine(content, rules=RULES, limits=Limits(), name="report.docx", mail=False).verdict is Verdict.CLEAN
    assert samples.docm_autoopen() not in content
    shown = next(one for one in parsed(received).walk() if one.get_content_type() == "multipart/alternative")
    notice = shown.get_payload(0).get_payload(decode=True).decode()  # type: ignore[union-attr]
    event = disarming.gateway.event("message", message_id=f"<{mark}@outside.test>")
    assert event["held"] in notice
    assert (event["action"], event["changes"][0]["new_name"]) == ("disarm", "report.docx")
    page = disarming.gateway.run("quarantine", "show", event["held"])
    assert "report.docm   disarmed as report.docx, without its macros" in page


def test_the_original_is_released_with_every_byte_and_its_signature(
    disarming: Chain, dkim_key: tuple[bytes, bytes]
) -> None:
    private, record = dkim_key
    mark = marker()
    plain = mail(mark)
    signed = dkim.sign(plain, b"s1", b"outside.test", private, include_headers=DKIM_HEADERS) + plain

    def dns(name: bytes, timeout: float = 5) -> bytes:
        return record

    assert send(disarming.port, signed, "bob@example.com").startswith("250")
    changed = wire(disarming.postfix.delivered("bob", mark.encode()))
    assert not dkim.verify(changed, dnsfunc=dns)
    held_id = disarming.gateway.event("message", message_id=f"<{mark}@outside.test>")["held"]
    disarming.gateway.run("quarantine", "release", held_id, "--why", "asked for by the recipient")

    def original() -> bytes | None:
        found = (wire(one) for one in disarming.postfix.mailbox("bob"))
        return next((one for one in found if one.endswith(signed)), None)

    assert dkim.verify(eventually("the original arrives", original, 20), dnsfunc=dns)


def test_a_message_that_is_signed_is_held_as_it_is(disarming: Chain) -> None:
    mark = marker()
    inside = b"Content-Type: multipart/signed; boundary=s\r\n\r\n" + multipart(PARTS[2:3], boundary="s")
    sent = message([text(), inside], Subject=f"report {mark}", Message_ID=f"<{mark}@outside.test>")
    held_id = disarming.held_id(send(disarming.port, sent, "alice@example.com"))
    event = disarming.gateway.event("message", held=held_id)
    assert "not rewritten: part 2.1 is inside a multipart/signed" in event["why"]


# -- faults


def test_f66_the_next_hop_refuses_the_changed_copy(pair: Callable[..., Pair]) -> None:
    running = pair({".": [("552 5.3.4 Too large for this mailbox",)]}, more=STRICT)
    mark = marker()
    assert send(running.gateway.port, mail(mark), "alice@example.com") == "552 5.3.4 Too large for this mailbox"
    assert delivered(running.hop)[mark] == 0
    (held,) = running.gateway.held()
    assert held["state"] == "held"
    assert held["note"].startswith("withdrawn")
    assert "552 5.3.4 Too large" in held["note"]
    running.gateway.run("quarantine", "purge")
    assert [row["state"] for row in running.gateway.held()] == ["held"]


@pytest.mark.parametrize(("event", "copies"), [("DATA", {1}), (".", {1, 2})])
def test_f67_killed_between_the_original_and_the_changed_copy(
    pair: Callable[..., Pair], event: str, copies: set[int]
) -> None:
    never = asyncio.Event()

    async def wait(_: object) -> None:
        await never.wait()

    running = pair({event: [(wait,)]}, more=STRICT)
    mark = marker()
    sent = mail(mark)
    with Talk(running.gateway.port) as talk:
        talk.hello()
        talk.envelope("sender@outside.test", "alice@example.com")
        talk.say("DATA")
        talk.write(sent + b".\r\n")
        eventually("the next hop is offered the copy", lambda: reached(running.hop, event))
        running.gateway.kill()
        assert talk.reply() == ""
    running.gateway.start()
    assert send(running.gateway.port, sent, "alice@example.com").startswith("250")
    assert delivered(running.hop)[mark] in copies
    assert 1 <= len(running.gateway.held()) <= 2
    for got in running.hop.messages:
        assert examine(got.data, rules=RULES, limits=Limits()).verdict is Verdict.CLEAN
