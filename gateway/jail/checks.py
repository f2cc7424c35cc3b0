"""What of an answer from a jailed worker can be believed: counts, orders and texts, checked one by one.

Contract: a worker may have been taken over by what it read, so nothing of an answer is used before it went through
here (``wire.decode_answer``). A check that fails is a ``WireError``; nothing else is raised and nothing is changed.
The limits here are those of single fields, ``wire`` has those of whole answers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from gateway.closed_sets import Action
from gateway.message import Authentication, Change, Finding, Headline, Part, Signed, clip
from gateway.readable import Passage, Reading, Source

if TYPE_CHECKING:
    from gateway.jail.wire import Examined

MAX_REMOVED: Final = 10
MAX_SIGNATURES: Final = 8
MAX_SIZE: Final = 1 << 40
MAX_READ: Final = 100_000
"""Characters of a header, or of one text, that a person is shown; a source may have twice as many."""
MAX_PASSAGES: Final = 20
MAX_LINKS: Final = 60

DIGEST = re.compile(r"[0-9a-f]{64}")
_PART = re.compile(r"[1-9]\d{0,8}(\.[1-9]\d{0,8}){0,200}", re.ASCII)
_RESULT_WORD = re.compile(r"[A-Za-z0-9+/=_-]{0,40}")
DNS_NAME = re.compile(r"[a-z0-9_.-]{1,253}", re.IGNORECASE)


class WireError(ValueError):
    """What came is not what this side can accept. The message is for the log."""


def require(holds: bool, otherwise: str) -> None:
    """Raises ``WireError`` with that sentence unless it ``holds``."""
    if not holds:
        raise WireError(otherwise)


def is_safe(text: str, limit: int, keep: str = "") -> bool:
    """Whether nothing of a text has to be replaced or cut to be shown."""
    return clip(text, limit, keep) == text


def check_report(report: Examined, size: int) -> None:
    """Of a message of ``size`` bytes. Raises ``WireError``."""
    require(_ordered(((span.start, span.end) for span in report.forged), size), "spans out of order")
    require(all(_safe_finding(finding) for finding in report.findings), "a finding that is not safe to show")
    require(all(_safe_part(part) for part in report.parts), "a part that cannot be")
    require(all(is_safe(text, 1000) for text in texts_of(report.headline)), "a headline that is not safe to show")
    require(report.sha256 == "" or DIGEST.fullmatch(report.sha256) is not None, "not a digest")
    require(0 <= report.recalled <= MAX_SIZE, "a count that cannot be")
    require(math.isfinite(report.seconds) and 0 <= report.seconds <= MAX_SIZE, "a time that cannot be")


def check_reading(reading: Reading) -> None:
    """Raises ``WireError``."""
    require(is_safe(reading.header, MAX_READ, "\n\t") and is_safe(reading.trouble, 500), "a header not safe to show")
    require(len(reading.passages) <= MAX_PASSAGES, "too many texts")
    require(all(map(_safe_passage, reading.passages)), "a text that is not safe to show")


def _safe_passage(passage: Passage) -> bool:
    links = passage.links
    return (
        is_safe(passage.where, 500)
        and is_safe(passage.type, 100)
        and is_safe(passage.text, MAX_READ, "\n\t")
        and len(links) <= MAX_LINKS
        and all(is_safe(link.text, 200) and is_safe(link.target, 500) and is_safe(link.kind, 20) for link in links)
    )


def is_safe_source(source: Source) -> bool:
    """Whether code can be shown."""
    return is_safe(source.where, 500) and is_safe(source.language, 20) and is_safe(source.text, 2 * MAX_READ, "\n\t")


def check_authentication(found: Authentication) -> None:
    """Also whether it can be written into a header. Raises ``WireError``."""
    require(len(found.dkim) <= MAX_SIGNATURES, "too many signatures")
    require(0 <= found.instance <= 50, "an ARC instance that cannot be")
    require(found.dmarc_policy in {"", "none", "quarantine", "reject"}, "an unknown policy")
    texts = [text for signed in found.dkim for text in _signed_texts(signed)]
    texts += [text for checked in (found.arc, found.dmarc, found.spf) for text in (checked.domain, checked.reason)]
    require(all(is_safe(text, 253) for text in texts), "a result that is not safe to show")
    require(is_safe(found.author, 320), "an author that is not safe to show")
    names = [text for signed in found.dkim for text in (signed.domain, signed.selector)]
    names += [checked.domain for checked in (found.arc, found.dmarc, found.spf)]
    words = [text for signed in found.dkim for text in (signed.algorithm, signed.mark)]
    require(all(map(_RESULT_WORD.fullmatch, words)), "a word that would end its statement")
    require(all(not name or DNS_NAME.fullmatch(name) for name in names), "a name that cannot be in DNS")


def _signed_texts(signed: Signed) -> tuple[str, ...]:
    return signed.domain, signed.selector, signed.algorithm, signed.mark, signed.reason


def check_splices(splices: tuple[tuple[int, int, int], ...], tail: int, size: int) -> None:
    """As ``wire.Rewritten`` has them, of ``size`` bytes, with replacements of ``tail``. Raises ``WireError``."""
    require(_ordered(((start, end) for start, end, _ in splices), size), "splices out of order")
    require(all(length >= 0 for _, _, length in splices), "a negative length")
    require(sum(length for _, _, length in splices) == tail, "replacements of another length than announced")


def _ordered(spans: Iterable[tuple[int, int]], size: int) -> bool:
    position = 0
    for start, end in spans:
        if not position <= start <= end <= size:
            return False
        position = end
    return True


def _safe_finding(finding: Finding) -> bool:
    return finding == shown(finding, explained=True)


def _safe_part(part: Part) -> bool:
    return is_safe(part.where, 500) and 0 <= part.size <= MAX_SIZE and DIGEST.fullmatch(part.sha256) is not None


def is_safe_change(change: Change) -> bool:
    """Whether it can be a change, and be shown."""
    return (
        change.action in (Action.DISARM, Action.STRIP)
        and _PART.fullmatch(change.part) is not None
        and all(is_safe(text, 200) for text in (change.name, change.new_name, change.why))
        and len(change.removed) <= MAX_REMOVED
        and all(is_safe(what, 100) for what in change.removed)
    )


def shown(finding: Finding, explained: bool) -> Finding:
    """The finding as it can be shown; only ``explained`` with its excerpt and indicators."""
    return Finding.of(
        finding.kind,
        finding.where,
        finding.detail,
        reference=finding.reference,
        excerpt=finding.excerpt if explained else "",
        fingerprint=finding.fingerprint,
        indicators=finding.indicators if explained else (),
        verdict=finding.verdict,
    )


def texts_of(headline: Headline) -> tuple[str, str, str, str]:
    """All of its texts."""
    return headline.subject, headline.sender, headline.message_id, headline.date
