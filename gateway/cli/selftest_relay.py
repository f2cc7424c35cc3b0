"""``macrogate selftest --relay``: the forms by which servers were ever made to relay for a stranger, up to RCPT.

Contract: no message is sent, because DATA is never said. Each form is asked in a session of its own, so that none
counts as an error of another, and undone with RSET. What cannot be decided says so: silence and "later" are no refusal,
and a server that takes any name in its own domain has shown nothing by taking an odd one.

The forms are those of RFC 5321 (source routes, appendix C; quoted local parts and address literals, §4.1.2) and of the
mail systems before it (percent and bang paths).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gateway.cli.selftest_result import Pace, Result, Verdict
from gateway.cli.selftest_talk import EHLO_NAME, Lost, Reply, Talk, Target

STRANGER: Final = "relay-test@example.net"


@dataclass(frozen=True, slots=True)
class Form:
    """``sender`` and ``recipient`` as they stand behind the colon. ``local``: the domain it is addressed to is the
    server's own, so that being accepted may mean a mailbox of an odd name."""

    title: str
    sender: str
    recipient: str
    local: bool = False
    hello: str = EHLO_NAME
    before: str = ""


def forms(to: str, outside: str, address: str) -> tuple[Form, ...]:
    """All that is tried. ``to`` is served here, ``outside`` is not, ``address`` is the server's."""
    domain = to.rpartition("@")[2]
    local, _, remote = outside.rpartition("@")
    literal = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
    stranger = f"<{STRANGER}>"
    senders = (
        ("a stranger as sender", stranger),
        ("no sender", "<>"),
        ("your own address as sender", f"<{to}>"),
        ("postmaster of your domain as sender", f"<postmaster@{domain}>"),
        ("a sender without a domain", "<root>"),
        ("localhost as the sender's domain", "<root@localhost>"),
        ("the server's address as the sender's domain", f"<root@{literal}>"),
    )
    recipients = (
        ("percent", f"<{local}%{remote}@{domain}>"),
        ("percent, quoted", f'<"{local}%{remote}"@{domain}>'),
        ("percent, address literal", f"<{local}%{remote}@{literal}>"),
        ("percent, no domain", f"<{local}%{remote}>"),
        ("source route", f"<@{domain}:{outside}>"),
        ("source route, address literal", f"<@{literal}:{outside}>"),
        ("source route of two", f"<@{domain},@localhost:{outside}>"),
        ("bang path", f"<{remote}!{local}@{domain}>"),
        ("bang path, address literal", f"<{remote}!{local}@{literal}>"),
        ("bang path, no domain", f"<{remote}!{local}>"),
        ("bang path through you", f"<{domain}!{remote}!{local}>"),
        ("quoted address", f'<"{outside}"@{domain}>'),
        ("quoted address, address literal", f'<"{outside}"@{literal}>'),
        ("quoted address, no domain", f'<"{outside}">'),
        ("two at signs", f"<{outside}@{domain}>"),
        ("two at signs, address literal", f"<{outside}@{literal}>"),
        ("an empty domain", f"<{outside}@>"),
        ("without angle brackets", outside),
        ("a dot at the end", f"<{outside}.>"),
    )
    plain = f"<{outside}>"
    return (
        *(Form(title, sender, plain) for title, sender in senders),
        *(Form(title, stranger, path, local=path.endswith(f"@{domain}>")) for title, path in recipients),
        Form("your domain's name at EHLO", stranger, plain, hello=domain),
        Form("pretending by XCLIENT to be the server", stranger, plain, before="XCLIENT ADDR=127.0.0.1 NAME=localhost"),
        Form("pretending by XFORWARD to be the server", stranger, plain, before="XFORWARD ADDR=127.0.0.1"),
    )


def run(target: Target, to: str, outside: str, pace: Pace) -> Iterator[Result]:
    """Try them all, one result each. Raises ``Lost`` when the server takes no mail for ``to``, for then its refusals
    would say nothing."""
    domain = to.rpartition("@")[2]
    with Talk(target) as talk:
        address = talk.address
        talk.hello()
        own = _asked(talk, Form("", f"<{STRANGER}>", f"<{to}>"))
        if not own.accepted:
            raise Lost(f"the server takes no mail for {to} from here ({own}), so that its refusals would show nothing")
        anything = _asked(talk, Form("", f"<{STRANGER}>", f"<{secrets.token_hex(12)}@{domain}>")).accepted
        talk.rest()
    for form in forms(to, outside, address):
        pace.wait()
        yield _judged(form, _tried(target, form), anything)


def _tried(target: Target, form: Form) -> Reply | Lost:
    try:
        with Talk(target) as talk:
            talk.hello(form.hello)
            if form.before:
                reply = talk.say(form.before)
                if not reply.accepted:
                    return reply
                if reply.code == 220:  # XCLIENT begins the session anew
                    talk.hello(form.hello)
            reply = _asked(talk, form)
            talk.rest()
            return reply
    except Lost as error:
        return error


def _asked(talk: Talk, form: Form) -> Reply:
    reply = talk.say(f"MAIL FROM:{form.sender}")
    if reply.accepted:
        reply = talk.say(f"RCPT TO:{form.recipient}")
    talk.say("RSET")
    return reply


def _denied(reply: Reply) -> bool:
    """Postfix says 454 where its ``defer_unauth_destination`` refuses to relay; greylisting says 450 or 451."""
    return reply.code == 454 and "relay" in reply.text.lower()


def _judged(form: Form, reply: Reply | Lost, anything: bool) -> Result:
    tried = f"{form.title}: {form.before or form.sender} → {form.recipient}"
    if isinstance(reply, Lost):
        return Result(tried, str(reply), Verdict.UNDECIDED)
    if reply.for_now and not _denied(reply):
        return Result(tried, f"put off: {reply}", Verdict.UNDECIDED)
    if not reply.accepted:
        return Result(tried, f"refused: {reply}", Verdict.SAFE)
    if form.local and anything:
        return Result(tried, "accepted, as is every name in your domain; watch where such mail goes", Verdict.SAFE)
    return Result(tried, f"ACCEPTED: {reply}", Verdict.HOLE)
