"""Postfix with the gateway as its milter, beside the same gateway as a proxy before the same Postfix."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.samples import mail as samples
from tests.corpus.test_corpus import EVASIONS
from tests.corpus.test_museum import ROOMS
from tests.e2e.conftest import STRANGER, Chain, milter_chain, need_gateway, running
from tests.e2e.mails import below_our_header, marker, plain
from tests.e2e.talk import Talk, send
from tests.e2e.test_corpus import mails
from tests.e2e.tools import eventually, find, free_port, need
from tests.proof.zygote import WarmGateway

WHOLE = bool(os.environ.get("MACROGATE_PROOF"))
"""Every case of the corpus, instead of a few of every fourth folder."""

DISARMING = """
[[rule]]
id = "macros"
title = "A document in it has macros"
why = "For this test"
action = "disarm"
when = { verdict = ["autoexec", "macro"] }
example = { findings = ["vba-autoexec"], type = "docm" }
"""

CAROL = """
[[rule]]
id = "carol"
title = "Carol wants none of it"
why = "For this test"
action = "quarantine"
when = { verdict = ["autoexec", "suspicious", "macro"], recipient = "carol@example.com" }
example = { findings = ["vba-autoexec"], type = "docm", recipient = "carol@example.com" }
"""

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
_BOUNDARY = re.compile(rb"\b[0-9a-f]{32}(?==_)")
"""Of the notice in two forms; made of the number."""
_NOTICE = re.compile(rb"(?:[A-Za-z0-9+/=]{1,76}\r\n)+")


@dataclass(frozen=True)
class Fate:
    """What became of one message."""

    action: str
    queue_id: str
    sha256: str


def fate_of(event: dict[str, Any]) -> Fate:
    """By proxy Postfix tells its name for the message in its reply."""
    return Fate(event["action"], event.get("queue_id") or event["reply"].rpartition(" ")[2], event["sha256"])


@pytest.fixture(scope="module")
def stripping() -> Iterator[Chain]:
    """A milter chain whose policy takes out what acts: macros out of their document, or the document."""
    chain = milter_chain()
    policy = chain.gateway.folder / "policy.toml"
    policy.write_text(CAROL + DISARMING + STRIPPING)
    chain.gateway.append('[policy]\nfile = "policy.toml"\n')
    yield from running(lambda: chain)


def below(received: bytes) -> bytes:
    """A delivered message in CRLF lines, from our line on, without what differs from try to try."""
    text = received.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    _, mark, rest = text.partition(b"\r\nX-Macrogate: ")
    assert mark, text[:500]
    line, _, rest = rest.partition(b"\r\n")
    return _HELD.sub(b"*", line) + b"\r\n" + _BOUNDARY.sub(b"*", _NOTICE.sub(_without_number, rest))


def _without_number(block: re.Match[bytes]) -> bytes:
    try:
        text = base64.b64decode(block[0], validate=False)
    except ValueError:
        return block[0]
    masked, notices = re.subn(rb"kept as\s+[0-9a-f]{16}", b"kept as *", text)
    return masked if notices else block[0]


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


def cases() -> Iterator[tuple[str, bytes]]:
    """All of the corpus, or the second file of every fourth folder."""
    folders = (*EVASIONS, *ROOMS)
    for folder in folders if WHOLE else folders[1::4]:
        for name, message in mails(folder) if WHOLE else list(mails(folder))[:2]:
            yield f"{folder.name}/{name}", message


SALTED = re.compile(r"d5[1-4]-|emotet-.*-password-zip/")
"""Folders of encrypted documents and archives: disarmed, they are encrypted again with new random bytes."""

REPAIRED = {
    "m22-m23-m24-m28-odd-fields/blank-before-colon-held.eml": "takes the blank before the colon away",
    "m22-m23-m24-m28-odd-fields/blank-before-colon-armed.eml": "takes the blank before the colon away",
    "m25-m26-m27-m29-line-ends/continues-junk-armed.eml": "ends the header before a line that is no field",
    "m33-m34-m35-m36-m37-unreadable-types/long-armed.eml": "cuts a field at 100 KiB",
}
"""What Postfix does to a message before it asks its milters; the proxy, and so the difference, comes before that."""


def test_proxy_and_milter_do_the_same_to_every_case(stripping: Chain) -> None:
    gateway = stripping.gateway
    sent = [case for case in cases() if case[0] not in REPAIRED]
    # a stranger: for one of its own Postfix adds fields. One after the other: it hangs up on who is silent for minutes
    for port, source, user in ((gateway.port, "127.0.0.1", "alice"), (stripping.port, STRANGER, "bob")):
        with Talk(port, source) as talk:
            talk.hello()
            for _, message in sent:
                assert all(r.startswith("2") for r in talk.envelope("corpus@outside.test", f"{user}@example.com"))
                assert talk.content(message).startswith("250"), user

    def judged() -> list[dict[str, Any]] | None:
        found = [event for event in gateway.events("message") if event["sender"] == "corpus@outside.test"]
        return found if len(found) == 2 * len(sent) else None

    fates = {
        listener: [
            fate_of(event)
            for event in eventually("every message has its event", judged)
            if event["listener"] == listener
        ]
        for listener in ("smtp", "milter")
    }
    arrived = {
        listener: by_queue_id(
            stripping, user, {fate.queue_id for fate in fates[listener] if fate.action != "quarantine"}
        )
        for listener, user in (("smtp", "alice"), ("milter", "bob"))
    }
    wrong = []
    for (name, _), one, other in zip(sent, fates["smtp"], fates["milter"], strict=True):
        if one.action != other.action:
            wrong.append(f"{name}: {one.action} by proxy, {other.action} by milter")
        elif one.action != "quarantine":
            ours, theirs = below(arrived["smtp"][one.queue_id]), below(arrived["milter"][other.queue_id])
            if one.action == "disarm" and SALTED.match(name):
                ours, theirs = ours[:1000], theirs[:1000]
            if ours != theirs:
                wrong.append(f"{name}: {one.action}, {difference(ours, theirs)}")
            elif one.action == "deliver" and digest(arrived["milter"][other.queue_id]) != other.sha256:
                wrong.append(f"{name}: not what was scanned")
    assert not wrong, "\n".join(wrong)
    assert {fate.action for fate in fates["smtp"]} == {"deliver", "disarm", "strip", "quarantine"}


def digest(received: bytes) -> str:
    """Of a delivered message below our line, in hex."""
    return hashlib.sha256(below_our_header(received)).hexdigest()


ODD = {
    "blank before a colon": b"X-Tab\t: v\r\nContent-Type : text/html\r\n\r\nbody\r\n",
    "NUL in the header": b"X-A: a\0b\r\n\r\nbody\r\n",
    "bare CR": b"X-A: a\rb\r\n\r\nbo\rdy\r\n",
    "two CR": b"X-A: a\r\r\n b\r\n\r\nbody\r\r\n",
    "no header": b"hello\r\nworld\r\n",
    "no field in the header": b"X-A: a\r\nno field\r\nX-B: b\r\n\r\nbody\r\n",
    "empty line first": b"\r\nX-A: a\r\n\r\nbody\r\n",
    "mailbox line": b"From x@y Mon Jan 1 00:00:00 2024\r\nX-A: a\r\n\r\nbody\r\n",
    "blank continuation": b"X-A: a\r\n  \r\n b\r\nX-B: c\r\n\r\nbody\r\n",
    "long field": b"X-A: " + b"a" * 150_000 + b"\r\nX-B: c\r\n\r\nbody\r\n",
    "long line": b"X-A: a\r\n\r\n" + b"b" * 70_000 + b"\r\nend\r\n",
    "8 bit": b"X-A: \xff\xfe\r\nX-\xe9: a\r\n\r\n\x80\r\n",
    "dots": b"X-A: a\r\n\r\n.\r\n..\r\n.x\r\n",
    "empty values": b"Subject:\r\nX-A: \r\nX-Tab:\tx\r\nX-B:x\r\n\r\nbody\r\n",
    "no line end": b"X-A: a\r\n\r\nbody",
    "many of a name": b"X-Macrogate: a\r\nX-A: a\r\nx-macrogate: b\r\n c\r\nX-A: b\r\n\r\nbody\r\n",
}


@pytest.mark.parametrize("name", ODD)
def test_what_was_scanned_is_what_is_delivered(stripping: Chain, name: str) -> None:
    """Postfix repairs a message before it asks us; what it shows is what it has (promise P17)."""
    reply = send(stripping.port, ODD[name], "bob@example.com", source=STRANGER)
    assert reply.startswith("250 2.0.0 Ok: queued as "), reply
    queue_id = reply.rpartition(" ")[2]
    received = by_queue_id(stripping, "bob", {queue_id})[queue_id]
    event = stripping.gateway.event("message", queue_id=queue_id)
    assert event["action"] == "deliver"
    if name == "many of a name":
        assert below(received).partition(b"\r\n")[2] == b"X-A: a\r\nX-A: b\r\n\r\nbody\r\n"
    else:
        assert digest(received) == event["sha256"]


def difference(one: bytes, other: bytes) -> str:
    """Where two messages part."""
    pairs = zip(one, other, strict=False)
    at = next((number for number, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
    return f"at {at}: {one[max(0, at - 40) : at + 80]!r} by proxy, {other[max(0, at - 40) : at + 80]!r} by milter"


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


def large_armed(mark: str, size: int = 500_000) -> bytes:
    """An armed document, a line of ours that is forged, and one more part, so that the body goes in many pieces."""
    message = samples.docm_autoopen_message("sender@outside.test", "alice@example.com")
    message = message.replace(b"Subject: ", f"X-Macrogate: {mark}\r\nSubject: ".encode(), 1)
    boundary = re.search(rb'boundary="?([^"\r\n;]+)', message)
    assert boundary is not None
    head = b"\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    picture = head + base64.encodebytes(bytes(range(256)) * (size // 341)).replace(b"\n", b"\r\n")
    last = b"--" + boundary[1] + b"--"
    return message.replace(last, last[:-2] + picture + last, 1)


def test_what_is_held_can_stay_in_the_queue_of_postfix() -> None:
    chain = milter_chain()
    chain.gateway.append('quarantine = "hold"\n')
    message = large_armed(marker())
    with contextlib.contextmanager(running)(lambda: chain):
        reply = send(chain.port, message, "alice@example.com", source=STRANGER)
        queue_id = reply.removeprefix("250 2.0.0 Ok: queued as ")
        event = chain.gateway.event("message", queue_id=queue_id)
        assert event["action"] == "quarantine"
        assert chain.gateway.held() == []
        assert [path.name for path in (chain.postfix.folder / "queue" / "hold").iterdir()] == [queue_id]
        for program, *arguments in (("postsuper", "-H", queue_id), ("postqueue", "-f")):
            command = [find(program) or program, "-c", str(chain.postfix.folder / "config"), *arguments]
            subprocess.run(command, capture_output=True, timeout=60, check=True)
        received = below(chain.postfix.delivered("alice", event["id"].encode()))
        assert received.startswith(b"verdict=autoexec; action=quarantine; ")
        assert received.endswith(message[-2000:])


def test_another_mta_says_the_same() -> None:
    """miltertest is opendkim's, and shares no line with Postfix."""
    need("miltertest")
    need_gateway()
    port = free_port()
    gateway = WarmGateway(f'next_hop = "127.0.0.1:{free_port()}"', f'[milter]\nlisten = "127.0.0.1:{port}"')
    try:
        gateway.start()
        bodies = {"CLEAN": plain(marker()), "ARMED": samples.docm_autoopen_message("a@outside.test", "b@example.com")}
        for name, message in bodies.items():
            (gateway.folder / name).write_bytes(message.partition(b"\r\n\r\n")[2])
        boundary = re.search(rb'boundary="?([^"\r\n;]+)', bodies["ARMED"])
        assert boundary is not None
        variables = {
            "SOCKET": f"inet:{port}@127.0.0.1",
            "BOUNDARY": boundary[1].decode(),
            **{name: gateway.folder / name for name in bodies},
        }
        script = Path(__file__).with_name("miltertest") / "conversation.lua"
        command = [find("miltertest") or "miltertest", "-s", str(script)]
        command += [word for name, value in variables.items() for word in ("-D", f"{name}={value}")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        eventually("every message has its event", lambda: len(gateway.events("message")) == 3)
        assert [event["action"] for event in gateway.events("message")] == ["deliver", "quarantine", "deliver"]
    finally:
        gateway.remove()


def test_a_recipient_under_another_policy_comes_in_a_message_of_its_own(stripping: Chain) -> None:
    with Talk(stripping.port) as talk:
        talk.hello()
        replies = talk.envelope("sender@outside.test", "alice@example.com", "carol@example.com", "bob@example.com")
        assert replies[2] == "452 4.5.3 This recipient is under another policy; please send a separate copy"
        assert [reply[:3] for reply in replies] == ["250", "250", "452", "250"]


def test_mail_submitted_on_the_machine_gets_the_strictest_policy_of_its_recipients(stripping: Chain) -> None:
    """Postfix could not refuse one of them alone: it would put the message off again and again (MILTER_README)."""
    mark = marker()
    message = samples.docm_autoopen_message("root@mta.test", "alice@example.com")
    message = message.replace(b"Subject: ", f"X-Mark: {mark}\r\nSubject: ".encode(), 1).replace(b"\r\n", b"\n")
    command = [find("sendmail") or "sendmail", "-C", str(stripping.postfix.folder / "config"), "-f", "root@mta.test"]
    command += ["alice@example.com", "carol@example.com"]
    done = subprocess.run(command, input=message, capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    event = stripping.gateway.event("message", sender="root@mta.test")
    assert (event["action"], event["rule"], event["recipient_count"]) == ("quarantine", "carol", 2)
    assert event["client"] == "127.0.0.1"


def test_many_messages_in_one_session_and_one_given_up(stripping: Chain) -> None:
    marks = [marker() for _ in range(6)]
    with Talk(stripping.port, STRANGER) as talk:
        talk.hello()
        for number, mark in enumerate(marks):
            talk.envelope("sender@outside.test", "alice@example.com")
            if number % 2:
                assert talk.say("RSET").startswith("250")
                assert talk.say("EHLO again.test").startswith("250")
                talk.envelope("other@outside.test", "alice@example.com")
            assert talk.content(plain(mark)).startswith("250")
    for number, mark in enumerate(marks):
        message = plain(mark)
        assert below(stripping.postfix.delivered("alice", mark.encode())).partition(b"\r\n")[2] == message
        event = stripping.gateway.event("message", message_id=f"<{mark}@outside.test>")
        assert event["sender"] == ("other@outside.test" if number % 2 else "sender@outside.test")


def test_a_message_of_25_mib_is_changed_in_time(stripping: Chain) -> None:
    """The deadlines of Postfix and of the pipeline are the judges: nothing is put off."""
    document = large_armed(marker(), 25 << 20)
    assert len(document) > 25 << 20
    reply = send(stripping.port, document, "bob@example.com", source=STRANGER)
    assert reply.startswith("250 2.0.0 Ok: queued as "), reply
    queue_id = reply.rpartition(" ")[2]
    received = below(by_queue_id(stripping, "bob", {queue_id})[queue_id])
    assert b"action=disarm" in received
    assert len(received) > 25 << 20
