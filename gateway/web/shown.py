"""How things look on a page: times, sizes, addresses nobody can click, and the line of a macro that matters.

Contract: gives text or data, never markup; the templates escape everything. What is shown was written by attackers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.closed_sets import AuthResult
from gateway.message import Authentication, Finding, clip
from gateway.readable import Link, Source

_SCHEME = re.compile(r"\b(h)tt(ps?)://", re.IGNORECASE)
_DOT = re.compile(r"(?<=\w)\.(?=\w)")
_ADDRESS = re.compile(r"\b(?:https?|ftp)://[^\s<>\"]+|\bwww\.[^\s<>\"]+|\bmailto:[^\s<>\"]+", re.IGNORECASE)
_HOST = re.compile(
    r"(?:https?://)?(?:[^/@\s]*@)?((?:[\w-]{1,63}\.){1,10}[a-z][\w-]{1,62})(?=[/:?#\s]|$)", re.IGNORECASE
)
_FIELD = re.compile(r"[!-9;-~]+[ \t]*:")
_AT_LINE = re.compile(r", line (\d{1,9})$")
_ATTRIBUTE = re.compile(r"[ \t]*Attribute[ \t]+[\w.]*VB_", re.IGNORECASE)
_MODULE = re.compile(r'Attribute VB_Name = "([^"]*)"', re.IGNORECASE)
_QUOTED = re.compile(r'"[^"]*"')


def when(moment: datetime) -> str:
    """UTC, to the minute."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def exactly_when(moment: datetime) -> str:
    """UTC, to the second."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def ago(moment: datetime, now: datetime) -> str:
    """``3 min ago``, ``5 h ago``, ``12 d ago``."""
    seconds = max(0, int((now - moment).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return "just now"


def size(octets: int) -> str:
    """``512 B``, ``49 KiB``, ``3.2 MiB``, ``76.4 GiB``."""
    if octets < 1024:
        return f"{octets} B"
    if octets < 1 << 20:
        return f"{octets / 1024:.0f} KiB"
    return f"{octets / (1 << 20):.1f} MiB" if octets < 1 << 30 else f"{octets / (1 << 30):.1f} GiB"


def defanged(text: str) -> str:
    """An address that no program takes for one: ``hxxp://evil[.]example/x``."""
    return _DOT.sub("[.]", _SCHEME.sub(r"\1xx\2://", clip(text, 300)))


def defanged_text(text: str) -> str:
    """A text in which no program finds an address to make a link of; all else stays."""
    return _ADDRESS.sub(lambda found: _DOT.sub("[.]", _SCHEME.sub(r"\1xx\2://", found[0])), text)


def misleads(link: Link) -> bool:
    """Whether the text of a link names another host than it leads to."""
    promised, real = _HOST.match(link.text.strip()), _HOST.match(link.target)
    if link.kind != "link" or not promised or not real:
        return False
    said, true = (found[1].lower().removeprefix("www.") for found in (promised, real))
    return said != true and not true.endswith(f".{said}")


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """One line of a header: the name of a field, "" for a line that continues one or is none, and the rest."""

    name: str
    rest: str


def header(text: str) -> Iterator[HeaderLine]:
    """The lines of a header as it came."""
    for line in text.split("\n"):
        found = _FIELD.match(line)
        yield HeaderLine(found[0], line[found.end() :]) if found else HeaderLine("", line)


@dataclass(frozen=True, slots=True)
class CodeLine:
    """One line of code; ``marked`` is one that a finding is about, ``number`` that of the editor, 0 if not known. A
    line with a ``module`` is the name of the module that follows."""

    text: str
    marked: bool = False
    number: int = 0
    module: str = ""


def code(excerpt: str, detail: str) -> Iterator[CodeLine]:
    """The lines of a macro; the first that holds a procedure the finding names is marked, else the first at all. Their
    numbers begin with the one the finding names."""
    lines = [clip(line, 400, "\t") for line in excerpt.split("\n")]
    words = {word.casefold() for word in re.findall(r"\w{4,}", detail)}
    marked = next((at for at, line in enumerate(lines) if _declares(line, words)), 0)
    named = _AT_LINE.search(detail)
    number = int(named[1]) if named else 0
    for at, line in enumerate(lines):
        yield CodeLine(line, at == marked, 0 if _ATTRIBUTE.match(line) else number)
        number += bool(number) and not _ATTRIBUTE.match(line)


def listing(source: Source, findings: Iterable[Finding]) -> Iterator[CodeLine]:
    """All of a source, module by module as the editor shows it; the lines at which the excerpts of findings begin are
    marked."""
    about = [finding for finding in findings if finding.where == source.where and finding.excerpt]
    marks = {finding.excerpt.partition("\n")[0].strip() for finding in about} - {""}
    number = 0
    for line in source.text.split("\n"):
        if named := _MODULE.match(line):
            number = 0
            yield CodeLine("", module=clip(named[1], 255))
        elif not _ATTRIBUTE.match(line):
            number += 1
            yield CodeLine(clip(line, 2000, "\t"), line.strip() in marks, number)


def _declares(line: str, words: set[str]) -> bool:
    bare = _QUOTED.sub("", line).casefold()
    return any(word in words for word in re.findall(r"(?:sub|function)\s+(\w+)", bare))


def answers_for_it(found: Authentication) -> Iterator[tuple[str, str, str]]:
    """Who answers for a message: the method, its result, and what that means."""
    for signed in found.dkim:
        if signed.result is AuthResult.PASS:
            yield "DKIM", signed.result, f"{signed.domain} has signed it, and it is as it was signed."
        elif signed.result is not AuthResult.NONE:
            yield (
                "DKIM",
                signed.result,
                f"A signature of {signed.domain or '?'} proves nothing. {signed.reason}".strip(),
            )
    if found.dkim_result is AuthResult.NONE:
        yield "DKIM", AuthResult.NONE, "Nobody has signed it."
    yield "DMARC", found.dmarc.result, _dmarc(found)
    yield "ARC", found.arc.result, _arc(found)
    known = found.spf.result is not AuthResult.NONE
    domain = found.spf.domain or "the sender's domain"
    sentence = _SPF.get(found.spf.result, "That could not be found out.").format(domain) if known else _SPF_UNKNOWN
    yield "SPF", found.spf.result, sentence


def _dmarc(found: Authentication) -> str:
    domain = found.dmarc.domain or "the domain of From"
    asks = f" It asks for {found.dmarc_policy} then." if found.dmarc_policy in ("quarantine", "reject") else ""
    if found.dmarc.result is AuthResult.PASS:
        return f"{domain} answers for it: the address in From is no lie."
    if found.dmarc.result is AuthResult.FAIL:
        return f"{domain} does not answer for it: anybody may have written that address in From.{asks}"
    if found.dmarc.result is AuthResult.NONE:
        return f"{domain} does not say how mail in its name can be told."
    return f"That could not be found out. {found.dmarc.reason}".strip()


def _arc(found: Authentication) -> str:
    if found.arc.result is AuthResult.PASS:
        return f"Sealed on its way, {found.instance} times; {found.arc.domain} was the last."
    if found.arc.result is AuthResult.NONE:
        return "Nobody who passed it on has sealed it."
    return f"The seals of those who passed it on do not hold. {found.arc.reason}".strip()


_SPF_UNKNOWN = "The server before this one did not say."
_SPF = {
    AuthResult.PASS: "{} lets mail in its name come from that client.",
    AuthResult.FAIL: "{} says that no mail in its name comes from that client.",
    AuthResult.SOFTFAIL: "{} says that mail in its name should not come from that client.",
    AuthResult.NEUTRAL: "{} does not say where mail in its name comes from.",
}
