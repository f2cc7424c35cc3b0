"""The letters themselves, as octets ready for DATA.

Contract: pure. Every text a stranger wrote (subject, sender, reason of a request) is one printable line, cut short, and
nothing in it can be clicked; headers are encoded, bodies are base64, so nothing in them passes for structure. Marked as
made by a program (RFC 3834), so that no program answers. ``ADDRESS`` is what a letter may be sent to.
"""

from __future__ import annotations

import hashlib
import html
import re
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from gateway.digest.wording import Wording
from gateway.message import clip
from gateway.web.shown import defanged

ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255}")
LONGEST = 120
"""Characters of a text somebody else wrote: enough to recognise a mail by."""


@dataclass(frozen=True, slots=True)
class Row:
    """One held message, as its recipient sees it. ``link`` is "" where nobody can ask by link."""

    held_id: str
    subject: str
    sender: str
    kept_at: datetime
    why: str
    link: str = ""


@dataclass(frozen=True, slots=True)
class Writer:
    """Who writes: the address in From, the name of this host, the language, an own template and whom to ask."""

    sender: str
    hostname: str
    wording: Wording
    template: str = ""
    contact: str = ""


def digest(writer: Writer, recipient: str, rows: Iterable[Row], total: int, now: datetime) -> bytes:
    """The list of what is held for ``recipient``; ``total`` counts what ``rows`` leave out as well."""
    words, listed = writer.wording, list(rows)
    values = {
        "count": str(total),
        "recipient": recipient,
        "contact": clip(writer.contact, 200) or words.anybody,
    }
    texts, markups = [], []
    for paragraph in (writer.template or words.body).strip().split("\n\n"):
        if paragraph == "{messages}":
            texts += [_text(row, words) for row in listed]
            markups += [_markup(row, words) for row in listed]
            if total > len(listed):
                texts.append(words.more.format(rest=total - len(listed)))
                markups.append(f"<p>{html.escape(texts[-1])}</p>")
        else:
            texts.append(_filled(paragraph, values))
            markups.append(f"<p>{html.escape(texts[-1])}</p>")
    markup = "\n".join(('<html><head><meta charset="utf-8"></head><body>', *markups, "</body></html>", ""))
    subject = words.subject.format(count=total)
    mark = _mark(f"{recipient}\0{now.date()}")
    letter = _letter(writer, recipient, subject, f"digest.{now:%Y%m%d}.{mark}", now)
    letter.set_content("\n\n".join(texts) + "\n", cte="base64")
    letter.add_alternative(markup, subtype="html", cte="base64")
    return letter.as_bytes()


def request(writer: Writer, to: str, *, held_id: str, who: str, why: str, page: str, more: int, now: datetime) -> bytes:
    """To the admin: somebody asks for a release. ``page`` is where to decide, ``more`` counts those not told of."""
    lines = [
        f"{_plain(who)} asks for the message held as {held_id}.",
        f"Their reason: {_plain(why)}" if why else "They gave no reason.",
        f"Look at it: {page}" if page else f"Look at it: macrogate quarantine show {held_id}",
    ]
    lines += [f"{more} more requests came before this one and were not told by mail."] if more else []
    mark = _mark(f"{held_id}\0{who}\0{to}\0{now.isoformat()}")
    letter = _letter(writer, to, f"A recipient asks for the held message {held_id}", f"request.{mark}", now)
    letter.set_content("\n\n".join(lines) + "\n", cte="base64")
    return letter.as_bytes()


def _letter(writer: Writer, to: str, subject: str, name: str, now: datetime) -> EmailMessage:
    letter = EmailMessage(policy=SMTP)
    letter["From"] = Address("Macrogate", addr_spec=writer.sender)
    letter["To"] = Address(addr_spec=to)
    letter["Subject"] = clip(subject, 200)
    letter["Date"] = format_datetime(now)
    letter["Message-ID"] = f"<{name}@{writer.hostname}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter["Precedence"] = "bulk"
    letter["X-Auto-Response-Suppress"] = "All"
    return letter


def _mark(facts: str) -> str:
    """The same for the same facts, so that a letter that comes twice is known by its Message-ID."""
    return hashlib.sha256(facts.encode("utf-8", "backslashreplace")).hexdigest()[:24]


def _filled(paragraph: str, values: Mapping[str, str]) -> str:
    return "".join(
        literal + values.get(place or "", "") for literal, place, _, _ in string.Formatter().parse(paragraph)
    )


def _facts(row: Row, words: Wording) -> list[tuple[str, str]]:
    return [
        (words.sender, _plain(row.sender) or "<>"),
        (words.received, f"{row.kept_at:%Y-%m-%d %H:%M} UTC"),
        (words.reason, _plain(row.why)),
        (words.number, row.held_id),
    ]


def _text(row: Row, words: Wording) -> str:
    lines = [f"* {_plain(row.subject) or words.unnamed}"]
    lines += [f"  {name}: {value}" for name, value in _facts(row, words)]
    lines += [f"  {words.ask}: {row.link}"] if row.link else []
    return "\n".join(lines)


def _markup(row: Row, words: Wording) -> str:
    lines = [f"<b>{html.escape(_plain(row.subject) or words.unnamed)}</b>"]
    lines += [html.escape(f"{name}: {value}") for name, value in _facts(row, words)]
    if row.link:
        lines.append(f'<a href="{html.escape(row.link)}">{html.escape(words.ask)}</a>')
    return f"<p>{'<br>'.join(lines)}</p>"


def _plain(text: str) -> str:
    """Nothing a mail program makes a link of."""
    return clip(defanged(text), LONGEST)
