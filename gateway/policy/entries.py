"""One exception to the rules: what it is about, for whom, until when, and who answers for it.

Contract: ``make`` and ``decode`` take anything and return an ``Entry`` in which every word is in the one spelling that
is compared, or raise ``BadEntry`` with a sentence for whoever wants to make it. Touches no file and no clock.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gateway.closed_sets import Effect
from gateway.message import clip
from gateway.policy.addresses import NULL_SENDER, AddressSet, split

USUAL = timedelta(days=30)
"""How long something is allowed where nobody says so."""
LONGEST = timedelta(days=366)
MAX_RECIPIENTS = 100
"""Of one entry."""
MAX_ADDRESS = 320
MAX_WHY = 500
_ID = re.compile(r"[0-9a-f]{10}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class BadEntry(ValueError):
    """This is no exception; the text is the sentence for whoever wants to make it."""


class Subject(enum.StrEnum):
    """What an entry is about."""

    MACRO = "macro"
    FILE = "file"
    SENDER = "sender"


@dataclass(frozen=True, slots=True)
class Entry:
    """One exception. ``what`` is a fingerprint or SHA-256 in hex, or an address as a policy writes it
    (``user@example.com``, ``@example.com``, ``.example.com``); ``recipients`` are addresses of that kind, none for
    everybody. Times are UTC; ``expires`` is the first moment at which it is not in force any more."""

    id: str
    effect: Effect
    subject: Subject
    what: str
    recipients: tuple[str, ...]
    why: str
    who: str
    added: datetime
    expires: datetime | None = None
    removed: datetime | None = None
    removed_by: str = ""
    removed_why: str = ""

    def in_force(self, now: datetime) -> bool:
        """Whether it counts for a message received at ``now``."""
        return self.removed is None and (self.expires is None or now < self.expires)

    @property
    def ended(self) -> datetime | None:
        """When it ceased or will cease to count; None for a block without an end."""
        ends = [moment for moment in (self.removed, self.expires) if moment is not None]
        return min(ends, default=None)

    @property
    def about(self) -> str:
        """The subject in words: ``macro 3f9c…``, ``sender @example.com``."""
        return f"{self.subject.value} {self.what if self.subject is Subject.SENDER else self.what[:16]}"


def make(
    effect: Effect,
    subject: Subject,
    what: str,
    *,
    id: str,  # noqa: A002 - as the field is called
    why: str,
    who: str,
    now: datetime,
    recipients: Iterable[str] = (),
    expires: datetime | None = None,
) -> Entry:
    """A new entry; what is allowed without an end gets the usual one. Raises ``BadEntry``."""
    if not why.strip():
        raise BadEntry("A reason is needed: it is what the next person will read")
    if effect is Effect.ALLOW and expires is None:
        expires = now + USUAL
    if expires is not None and expires <= now:
        raise BadEntry(f"It would have ended already, at {expires:%Y-%m-%d %H:%M} UTC")
    if effect is Effect.ALLOW and expires is not None and expires - now > LONGEST:
        raise BadEntry("Nothing is allowed for more than a year: somebody has to look at it again")
    scope = tuple(dict.fromkeys(_address(word, "recipient") for word in recipients))
    if len(scope) > MAX_RECIPIENTS:
        raise BadEntry(f"One exception is for {MAX_RECIPIENTS} recipients at the most; name their domain instead")
    return Entry(
        id=id,
        effect=effect,
        subject=subject,
        what=_subject(subject, what),
        recipients=scope,
        why=clip(why.strip(), MAX_WHY),
        who=clip(who, 100),
        added=now,
        expires=expires,
    )


def _subject(subject: Subject, what: str) -> str:
    what = what.strip()
    if subject is Subject.SENDER:
        return _address(what, "sender")
    if not _DIGEST.fullmatch(what.lower()):
        told = {
            Subject.MACRO: "A macro is named by its fingerprint of 64 hexadecimal digits, as `macrogate scan -v`, "
            "`quarantine show` and the events tell it",
            Subject.FILE: "A file is named by its SHA-256 of 64 hexadecimal digits, as sha256sum prints it",
        }
        raise BadEntry(told[subject])
    return what.lower()


def _address(word: str, role: str) -> str:
    """``word`` in the one spelling that ``names`` makes; a bare domain is taken for one. Raises ``BadEntry``."""
    given = word.strip()
    if given == NULL_SENDER:
        raise BadEntry("Bounces (<>) come from everywhere; write a rule for them into the policy")
    if "@" not in given and not given.startswith("."):
        given = f"@{given}"
    try:
        meant = AddressSet.of([given])
    except ValueError:
        meant = AddressSet.of([])
    spelled = [*(f"{local}@{domain}" for local, domain in meant.exact), *(f"@{one}" for one in meant.domains)]
    spelled += meant.parents
    if len(given) > MAX_ADDRESS or not given.isprintable() or not spelled or "." not in spelled[0][1:]:
        raise BadEntry(
            f"{clip(given, 80)!r} is no {role}: write user@example.com, example.com for a domain, or .example.com for "
            "all domains below it"
        )
    return spelled[0]


def names(address: str) -> Iterator[str]:
    """Every way in which an entry may spell whom it means, if it means ``address``."""
    if "@" in address:
        local, domain = split(address)
        yield f"{local}@{domain}"
        yield from domain_names(domain)


def domain_names(domain: str) -> Iterator[str]:
    """The same for all addresses of a domain."""
    yield f"@{domain}"
    while "." in domain:
        domain = domain.partition(".")[2]
        yield f".{domain}"


def encode(entry: Entry) -> dict[str, object]:
    """The entry as the store writes it."""
    fields: dict[str, object] = {
        "id": entry.id,
        "effect": entry.effect.value,
        "subject": entry.subject.value,
        "what": entry.what,
        "recipients": list(entry.recipients),
        "why": entry.why,
        "who": entry.who,
        "added": entry.added.isoformat(),
        "expires": entry.expires.isoformat() if entry.expires else None,
    }
    if entry.removed is not None:
        fields |= {
            "removed": entry.removed.isoformat(),
            "removed_by": entry.removed_by,
            "removed_why": entry.removed_why,
        }
    return fields


def decode(fields: object) -> Entry:
    """What ``encode`` made; as strict as ``make``, for a person may have edited it. Raises ``BadEntry``."""
    if not isinstance(fields, Mapping):
        raise BadEntry(f"{fields!r:.40} is no entry")
    try:
        entry = make(
            Effect(fields["effect"]),
            Subject(fields["subject"]),
            _text(fields["what"]),
            id=_id(fields["id"]),
            why=_text(fields["why"]),
            who=_text(fields["who"]),
            now=_time(fields["added"]),
            recipients=[_text(word) for word in fields["recipients"]],
            expires=_end(fields["expires"], Effect(fields["effect"])),
        )
        if fields.get("removed") is None:
            return entry
        return removed(entry, _text(fields["removed_by"]), _text(fields["removed_why"]), _time(fields["removed"]))
    except BadEntry as error:
        raise BadEntry(f"Entry {fields.get('id')!r:.20}: {error}") from None
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise BadEntry(f"Entry {fields.get('id')!r:.20}: {type(error).__name__}: {error}"[:300]) from None


def removed(entry: Entry, who: str, why: str, now: datetime) -> Entry:
    """The entry, taken back. Raises ``BadEntry`` without a reason."""
    if not why.strip():
        raise BadEntry("A reason is needed: it is what the next person will read")
    return replace(entry, removed=now, removed_by=clip(who, 100), removed_why=clip(why.strip(), MAX_WHY))


def _id(value: Any) -> str:
    if not _ID.fullmatch(_text(value)):
        raise BadEntry("the id is not ten hexadecimal digits")
    return str(value)


def _end(value: Any, effect: Effect) -> datetime | None:
    if value is None and effect is Effect.ALLOW:
        raise BadEntry("what is allowed needs an end (expires)")
    return None if value is None else _time(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadEntry(f"{value!r:.40} stands where a text belongs")
    return value


def _time(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise BadEntry(f"{value} is a time without its zone")
    return moment.astimezone(UTC)
