"""``macrogate selftest --smuggling``: does the server take one message for two?

Contract: up to twenty harmless messages go to the address that was named, each with a number that says which try it
was. Behind a false end of data stands a second message to the same address, and nowhere else: a server that is fooled
answers to it, and a server behind this one that is fooled delivers it, which shows in the mailbox alone.

A message ends with CRLF.CRLF and nothing else (RFC 5321 §4.1.1.4); the false ends are those by which servers of the
years before 2024 could be told otherwise. The other tries are about commands that stand where none may: behind DATA, in
a BDAT chunk (RFC 3030), and behind STARTTLS (RFC 3207 §4.2).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gateway.cli.selftest_result import Pace, Result, Verdict
from gateway.cli.selftest_talk import Lost, Reply, Talk, Target

FALSE_ENDS: Mapping[str, bytes] = MappingProxyType(
    {
        "LF . LF": b"\n.\n",
        "LF . CR": b"\n.\r",
        "LF . CRLF": b"\n.\r\n",
        "CR . CR": b"\r.\r",
        "CR . LF": b"\r.\n",
        "CR . CRLF": b"\r.\r\n",
        "CRLF . LF": b"\r\n.\n",
        "CRLF . CR": b"\r\n.\r",
        "CRLF . CR CRLF": b"\r\n.\r\r\n",
        "CR CRLF . CR CRLF": b"\r\r\n.\r\r\n",
        "CRLF NUL . CRLF": b"\r\n\0.\r\n",
        "CRLF . NUL CRLF": b"\r\n.\0\r\n",
        "CRLF . SP CRLF": b"\r\n. \r\n",
        "CRLF .. CRLF": b"\r\n..\r\n",
    }
)

WRONG_CHUNKS = ("BDAT -1", "BDAT 18446744073709551617 LAST", "BDAT 0x10 LAST", "BDAT", "BDAT 5 LAST LAST")
"""Sizes that are none (RFC 3030 §2: digits, and LAST or nothing behind them)."""

LOOK = "Look into the mailbox as well: no message whose subject begins with SMUGGLED may be there, now or later."


def run(target: Target, sender: str, to: str, mark: str, pace: Pace) -> Iterator[Result]:
    """Try everything, one result each. Raises ``Lost`` when not even an honest message is taken."""
    envelope = (f"MAIL FROM:<{sender}>", f"RCPT TO:<{to}>")
    with Talk(target) as talk:
        talk.hello()
        offers = talk.offers
        reply = _after(talk, *envelope, "DATA")
        if reply.accepted:
            talk.write(_message(sender, to, mark, "an honest message") + b"\r\n.\r\n")
            reply = talk.reply()
        if not reply.accepted:
            raise Lost(f"the server does not even take an honest message: {reply}")
        talk.rest()
    for name, end in FALSE_ENDS.items():
        pace.wait()
        body = _message(sender, to, mark, name) + end + _second(sender, to, mark, name)
        yield _one_or_two(name, target, envelope, body)
    pace.wait()
    yield _pipelined_body(target, sender, to, mark, envelope)
    if "CHUNKING" in offers:
        pace.wait()
        yield _chunk(target, sender, to, mark, envelope)
        for line in WRONG_CHUNKS:
            pace.wait()
            yield _wrong_chunk(target, line, envelope)
    else:
        yield Result("BDAT", "the server does not offer CHUNKING", Verdict.NOT_OFFERED)
    if "STARTTLS" in offers:
        pace.wait()
        yield _injected(target)
    else:
        yield Result("a command behind STARTTLS", "the server does not offer STARTTLS", Verdict.NOT_OFFERED)


def _message(sender: str, to: str, mark: str, name: str, subject: str = "Macrogate self-test") -> bytes:
    """Without its end."""
    return (
        f"From: <{sender}>\r\nTo: <{to}>\r\nSubject: {subject} {mark}: {name}\r\n\r\n"
        f"A test of your own mail server, made by: macrogate selftest --smuggling. Nothing is wrong with this message."
    ).encode()


def _second(sender: str, to: str, mark: str, name: str) -> bytes:
    """What a fooled server takes for commands and another message; to all others it is text."""
    commands = f"MAIL FROM:<{sender}>\r\nRCPT TO:<{to}>\r\nDATA\r\n".encode()
    return commands + _message(sender, to, mark, name, "SMUGGLED") + b"\r\n.\r\n"


def _after(talk: Talk, *lines: str) -> Reply:
    """The reply to the last of ``lines``, or the first refusal."""
    reply = Reply(0, "")
    for line in lines:
        reply = talk.say(line)
        if not reply.accepted:
            break
    return reply


def _one_or_two(name: str, target: Target, envelope: tuple[str, ...], body: bytes) -> Result:
    tried = f"end of data {name}"
    try:
        with Talk(target) as talk:
            talk.hello()
            reply = _after(talk, *envelope, "DATA")
            if reply.code != 354:
                return Result(tried, f"did not come to it: {reply}", Verdict.UNDECIDED)
            return _read(tried, talk, body)
    except Lost as error:
        return Result(tried, str(error), Verdict.UNDECIDED)


def _read(tried: str, talk: Talk, body: bytes) -> Result:
    """Write what is one message to a careful server, and count what it answers to."""
    try:
        talk.write(body)
        first = talk.reply()
    except Lost as error:
        if "in time" in str(error):
            return Result(tried, str(error), Verdict.UNDECIDED)
        return Result(tried, "hung up on it", Verdict.SAFE)
    more = talk.rest()
    if more and not (len(more) == 1 and more[0].code == 421):
        return Result(tried, f"SMUGGLED: {first}, then {more[0]}", Verdict.HOLE)
    if first.accepted:
        return Result(tried, f"one message: {first}", Verdict.SAFE)
    return Result(tried, f"refused: {first}", Verdict.UNDECIDED if first.for_now else Verdict.SAFE)


def _pipelined_body(target: Target, sender: str, to: str, mark: str, envelope: tuple[str, ...]) -> Result:
    """The message does not wait for 354, and has commands for text."""
    tried = "a message that does not wait for DATA to be answered"
    text = _message(sender, to, mark, "pipelined") + b"\r\nNOOP\r\nRSET\r\n.\r\n"
    try:
        with Talk(target) as talk:
            talk.hello()
            reply = _after(talk, *envelope)
            if not reply.accepted:
                return Result(tried, f"did not come to it: {reply}", Verdict.UNDECIDED)
            talk.write(b"DATA\r\n" + text)
            reply = talk.reply()
            if reply.code != 354:
                return Result(tried, f"refused: {reply}", Verdict.SAFE)
            return _read(tried, talk, b"")
    except Lost as error:
        return Result(tried, f"{error}", Verdict.SAFE if "hung up" in str(error) else Verdict.UNDECIDED)


def _chunk(target: Target, sender: str, to: str, mark: str, envelope: tuple[str, ...]) -> Result:
    """A chunk is counted, so that nothing in it ends it."""
    tried = "an end of data inside a BDAT chunk"
    body = _message(sender, to, mark, "BDAT") + b"\r\n.\r\n" + _second(sender, to, mark, "BDAT")
    try:
        with Talk(target) as talk:
            talk.hello()
            reply = _after(talk, *envelope)
            if not reply.accepted:
                return Result(tried, f"did not come to it: {reply}", Verdict.UNDECIDED)
            return _read(tried, talk, f"BDAT {len(body)} LAST\r\n".encode() + body)
    except Lost as error:
        return Result(tried, str(error), Verdict.UNDECIDED)


def _wrong_chunk(target: Target, line: str, envelope: tuple[str, ...]) -> Result:
    tried = f"a chunk without a size: {line}"
    try:
        with Talk(target) as talk:
            talk.hello()
            reply = _after(talk, *envelope)
            if not reply.accepted:
                return Result(tried, f"did not come to it: {reply}", Verdict.UNDECIDED)
            return _read_wrong_chunk(tried, talk, line)
    except Lost as error:
        return Result(tried, str(error), Verdict.UNDECIDED)


def _read_wrong_chunk(tried: str, talk: Talk, line: str) -> Result:
    try:
        reply = talk.say(line)
    except Lost as error:
        if "in time" in str(error):
            return Result(tried, "waits for a chunk of that size", Verdict.HOLE)
        return Result(tried, "hung up on it", Verdict.SAFE)
    talk.rest()
    if reply.accepted:
        return Result(tried, f"ACCEPTED: {reply}", Verdict.HOLE)
    return Result(tried, f"refused: {reply}", Verdict.SAFE)


def _injected(target: Target) -> Result:
    """A command that was sent in clear text must not be answered once there is TLS (CVE-2011-0411)."""
    tried = "a command behind STARTTLS"
    try:
        with Talk(target) as talk:
            talk.hello()
            talk.write(b"STARTTLS\r\nNOOP\r\n")
            reply = talk.reply()
            if reply.code != 220:
                return Result(tried, f"refused: {reply}", Verdict.UNDECIDED if reply.for_now else Verdict.SAFE)
            try:
                talk.encrypt()
            except Lost as error:
                return Result(tried, f"dropped: {error}", Verdict.SAFE)
            answered = talk.rest()
    except Lost as error:
        return Result(tried, f"{error}", Verdict.SAFE if "hung up" in str(error) else Verdict.UNDECIDED)
    if answered:
        return Result(tried, f"ANSWERED under TLS: {answered[0]}", Verdict.HOLE)
    return Result(tried, "thrown away", Verdict.SAFE)
