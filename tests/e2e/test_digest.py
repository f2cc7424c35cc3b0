"""Held mail told to its recipient, asked for by the link, and told to the admin."""

from __future__ import annotations

import email
import email.policy
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any, cast

from gateway.samples import mail
from tests.e2e.conftest import Pair
from tests.e2e.talk import send
from tests.e2e.tools import eventually

Start = Callable[..., Pair]
MORE = """
[digest]
enabled = true
domains = ["example.com"]
at = "00:00"
sender = "macrogate@example.com"
notify = ["soc@example.com"]
state = "digest.json"
[notice]
link = "http://127.0.0.1:1/request"
secret = "secret"
"""


def body(letter: bytes) -> tuple[Any, str]:
    message = cast(Any, email.message_from_bytes(letter, policy=email.policy.default))
    assert not message.defects
    return message, message.get_body(("plain",)).get_content()


def fetch(url: str, data: dict[str, str] | None = None) -> str:
    encoded = urllib.parse.urlencode(data).encode() if data else None
    try:
        with urllib.request.urlopen(url, encoded, timeout=10) as answer:
            text: str = answer.read().decode()
            return text
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()


def test_a_recipient_is_told_asks_once_and_the_admin_hears_of_it(pair: Start) -> None:
    running = pair(
        more=MORE.replace("enabled = true", "enabled = false")
        .replace('secret = "secret"', "")
        .replace('link = "http://127.0.0.1:1/request"', "")
    )
    gateway, hop = running.gateway, running.hop
    secret = gateway.folder / "secret"
    secret.write_text("5" * 64)
    secret.chmod(0o600)
    gateway.configure(f'next_hop = "{hop.address}"', MORE.replace("enabled = true", "enabled = false"))
    gateway.reload()
    gateway.event("reloaded")
    armed = mail.docm_autoopen_message("s@outside.test", "bob@example.com")
    assert "Held" in send(gateway.port, armed, "bob@example.com")
    assert "Held" in send(gateway.port, armed, "eve@elsewhere.test")
    held = gateway.event("message", recipients=["bob@example.com"])["held"]
    assert "To: bob@example.com" in gateway.run("digest", "--to", "bob@example.com", "--dry-run")
    assert hop.messages == []

    assert "1 sent" in gateway.run("digest", "--now")
    (letter,) = hop.messages
    assert letter.sender == ""
    assert letter.recipients == ["bob@example.com"]
    message, text = body(letter.data)
    assert message["Auto-Submitted"] == "auto-generated"
    assert held in text
    assert gateway.run("digest", "--now", expect=1).startswith("0 sent")

    link = re.search(r"http://127\.0\.0\.1:1(/request\?request=\S+)", text)
    assert link is not None
    page = f"http://127.0.0.1:{gateway.http}{link[1]}"
    token = urllib.parse.parse_qs(urllib.parse.urlsplit(page).query)["request"][0]
    for _ in range(2):  # a program that checks links
        assert "<form" in fetch(page)
    assert "requested" not in gateway.run("quarantine", "show", held)
    fetch(f"http://127.0.0.1:{gateway.http}/request", {"request": token, "why": "it is my template"})
    eventually("the admin is told", lambda: len(hop.messages) == 2)
    assert hop.messages[1].recipients == ["soc@example.com"]
    told, text = body(hop.messages[1].data)
    assert held in str(told["Subject"])
    assert "it is my template" in text
    assert "bob@example[.]com" in text
    assert "asked for already" in fetch(f"http://127.0.0.1:{gateway.http}/request", {"request": token, "why": ""})
    assert gateway.metric('macrogate_letters_total{kind="request",result="sent"}') == 1


def test_a_running_gateway_sends_by_itself_and_once(pair: Start) -> None:
    more = MORE.partition("[notice]")[0]
    running = pair(more=more.replace("enabled = true", "enabled = false"))
    gateway, hop = running.gateway, running.hop
    assert "Held" in send(
        gateway.port, mail.docm_autoopen_message("s@outside.test", "bob@example.com"), "bob@example.com"
    )
    assert gateway.terminate() == 0
    gateway.configure(f'next_hop = "{hop.address}"', more)
    gateway.start()
    event = gateway.event("digests-sent")
    assert (event["sent"], event["put_off"], event["refused"]) == (1, 0, 0)
    assert len(hop.messages) == 1
    assert gateway.metric('macrogate_letters_total{kind="digest",result="sent"}') == 1
    assert gateway.terminate() == 0
    gateway.start()
    assert gateway.run("digest", "--now", expect=1).startswith("0 sent")
    assert len(hop.messages) == 1
