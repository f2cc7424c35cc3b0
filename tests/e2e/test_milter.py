"""Postfix with the gateway as its milter, beside the same gateway as a proxy before the same Postfix."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.samples import mail as samples
from tests.e2e.conftest import Chain, milter_chain, running
from tests.e2e.mails import marker
from tests.e2e.talk import Talk, send
from tests.e2e.test_corpus import letters
from tests.e2e.tools import eventually

WHOLE = bool(os.environ.get("MACROGATE_PROOF"))
"""Every case of the corpus, instead of every tenth."""

STRIPPING = """
[[rule]]
id = "acts"
title = "Something in it acts by itself"
why = "For this test"
action = "strip"
when = { verdict = ["autoexec", "suspicious", "macro"] }
example = { findings = ["vba-autoexec"], type = "docm" }

[[rule]]
id = "unscannable"
title = "Nobody can look into it"
why = "For this test"
action = "quarantine"
when = { verdict = "unscannable" }
example = { findings = ["encrypted"], type = "zip" }
"""

_QUEUED = re.compile(rb"with ESMTPS? id (\w+)")
_HELD = re.compile(rb"(?<=held=)\w+|(?<=id=)\w+")
_NOTICE = re.compile(rb"(?:[A-Za-z0-9+/=]{1,76}\r\n)+")


@dataclass(frozen=True)
class Fate:
    """What became of one message."""

    action: str
    queue_id: str


@pytest.fixture(scope="module")
def stripping() -> Iterator[Chain]:
    """A milter chain whose policy takes out what acts."""
    chain = milter_chain()
    policy = chain.gateway.folder / "policy.toml"
    policy.write_text(STRIPPING)
    chain.gateway.append('[policy]\nfile = "policy.toml"\n')
    yield from running(lambda: chain)


def below(received: bytes) -> bytes:
    """A delivered message in CRLF lines, from our line on, without what differs from try to try."""
    text = received.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    _, mark, rest = text.partition(b"\r\nX-Macrogate: ")
    assert mark, text[:500]
    line, _, rest = rest.partition(b"\r\n")
    return _HELD.sub(b"*", line) + b"\r\n" + _NOTICE.sub(_without_number, rest)


def _without_number(block: re.Match[bytes]) -> bytes:
    try:
        text = base64.b64decode(block[0], validate=False)
    except ValueError:
        return block[0]
    return re.sub(rb"kept as \w+", b"kept as *", text) if b"was removed from this message" in text else block[0]


def by_queue_id(chain: Chain, user: str, wanted: set[str]) -> dict[str, bytes]:
    """The messages of a user by the name Postfix had for them; waits for all of ``wanted``."""

    def look() -> dict[str, bytes] | None:
        found = {}
        for message in chain.postfix.mailbox(user):
            queued = _QUEUED.search(message)
            assert queued is not None
            found[queued[1].decode()] = message
        return found if wanted <= set(found) else None

    return eventually(f"{len(wanted)} messages reach {user}", look, 60)


def test_proxy_and_milter_do_the_same_to_every_case(stripping: Chain) -> None:
    gateway = stripping.gateway
    cases = [letter for number, letter in enumerate(letters()) if WHOLE or number % 10 == 0]
    with Talk(gateway.port) as proxy, Talk(stripping.port) as milter:
        for talk, user in ((proxy, "alice"), (milter, "bob")):
            talk.hello()
            for _, message, _ in cases:
                assert all(r.startswith("2") for r in talk.envelope("sender@outside.test", f"{user}@example.com"))
                assert talk.content(message).startswith("250"), user
    eventually("every message has its event", lambda: len(gateway.events("message")) >= 2 * len(cases))
    events = gateway.events("message")
    fates = {
        listener: [
            Fate(event["action"], event.get("queue_id") or event["reply"].rpartition(" ")[2])
            for event in events
            if event["listener"] == listener
        ]
        for listener in ("smtp", "milter")
    }
    assert len(fates["smtp"]) == len(fates["milter"]) == len(cases)
    arrived = {
        listener: by_queue_id(
            stripping, user, {fate.queue_id for fate in fates[listener] if fate.action != "quarantine"}
        )
        for listener, user in (("smtp", "alice"), ("milter", "bob"))
    }
    wrong = []
    for (name, _, _), one, other in zip(cases, fates["smtp"], fates["milter"], strict=True):
        if one.action != other.action:
            wrong.append(f"{name}: {one.action} by proxy, {other.action} by milter")
        elif one.action != "quarantine":
            ours, theirs = below(arrived["smtp"][one.queue_id]), below(arrived["milter"][other.queue_id])
            if ours != theirs:
                wrong.append(f"{name}: {one.action}\n  {ours[:1500]!r}\n  {theirs[:1500]!r}")
    assert not wrong, "\n".join(wrong)
    print({fate.action: sum(f.action == fate.action for f in fates["smtp"]) for fate in fates["smtp"]}, len(cases))


class Cut(threading.Thread):
    """Between Postfix and the gateway: lets one connection through until ``until`` says so of an answer's letter, then
    ends the gateway by ``deed`` and hangs up."""

    def __init__(self, front: Path, back: Path, until: bytes, deed: Callable[[], None]) -> None:
        super().__init__(name="cut")
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(front))
        self._server.listen()
        front.chmod(0o660)
        self._back, self._until, self._deed = back, until, deed
        self.passed: list[bytes] = []

    def run(self) -> None:
        with self._server:
            mta, _ = self._server.accept()
        with mta, socket.socket(socket.AF_UNIX) as gateway:
            gateway.connect(str(self._back))
            outward = threading.Thread(target=self._copy, args=(mta, gateway), name="cut-outward")
            outward.start()
            answers = gateway.makefile("rb")
            while head := answers.read(4):
                packet = answers.read(int.from_bytes(head, "big"))
                mta.sendall(head + packet)
                self.passed.append(packet[:1])
                if packet[:1] == self._until:
                    self._deed()
                    break
            answers.close()
            mta.shutdown(socket.SHUT_RDWR)
            outward.join()

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while octets := source.recv(65536):
                sink.sendall(octets)


def test_a_gateway_killed_while_it_changes_a_message_leaves_no_part_of_it() -> None:
    """Not the original, which is armed, nor half of the change: Postfix puts the message off."""
    chain = milter_chain()
    front = chain.postfix.folder / "queue" / "macrogate" / "milter.sock"
    back = front.with_name("gateway.sock")
    (chain.gateway.folder / "policy.toml").write_text(STRIPPING)
    chain.gateway.configuration.write_text(chain.gateway.configuration.read_text().replace(str(front), str(back)))
    chain.gateway.append('[policy]\nfile = "policy.toml"\n')
    mark = marker()
    message = large_armed(mark)
    with contextlib.contextmanager(running)(lambda: chain):
        for letter in (b"b", b"i"):  # the first piece of the new body; the last change of all
            cut = Cut(front, back, letter, chain.gateway.kill)
            cut.start()
            try:
                assert send(chain.port, message, "alice@example.com").startswith("451 4.7.1 Service unavailable")
            finally:
                cut.join(60)
            assert cut.passed[-1] == letter
            assert b"b" in cut.passed
            front.unlink()
            assert send(chain.port, message, "alice@example.com").startswith("451 4.7.1 Service unavailable")
            chain.gateway.start()
        front.symlink_to(back.name)
        assert send(chain.port, message, "alice@example.com").startswith("250 2.0.0 Ok: queued")
        received = chain.postfix.delivered("alice", b"action=strip")
        assert b"was removed from this message" in below(received)
        assert mark.encode() not in received
        assert len(chain.postfix.mailbox("alice")) == 1


def large_armed(mark: str) -> bytes:
    """An armed document, a line of ours that is forged, and one more part, so that the body goes in many pieces."""
    message = samples.docm_autoopen_message("sender@outside.test", "alice@example.com")
    message = message.replace(b"Subject: ", f"X-Macrogate: {mark}\r\nSubject: ".encode(), 1)
    boundary = re.search(rb'boundary="?([^"\r\n;]+)', message)
    assert boundary is not None
    head = b"\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    picture = head + base64.encodebytes(os.urandom(400_000)).replace(b"\n", b"\r\n")
    last = b"--" + boundary[1] + b"--"
    return message.replace(last, last[:-2] + picture + last, 1)
