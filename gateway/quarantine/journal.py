"""What was done with one held message, by whom, when and why.

Contract: entries are only ever added. Each carries the digest of the one before it, the first that of the record, so
a line that is changed, removed or slipped in shows as a broken chain. State and deliveries of a message are what its
entries add up to: the index is a copy. A line torn by a crash was never acted upon (entries come before their action)
and is passed over.
"""

from __future__ import annotations

import enum
import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from gateway.closed_sets import HeldState
from gateway.message import clip
from gateway.quarantine.sidecar import Record

LONGEST_WHO, LONGEST_WHY, LONGEST_DETAIL = 100, 500, 2000
"""Characters of an entry's texts."""

OURSELVES = "macrogate"
"""``who`` of what no person did."""


class What(enum.StrEnum):
    """What an entry tells."""

    KEPT = "kept"
    RECOVERED = "recovered"
    WITHDRAWN = "withdrawn"
    REQUESTED = "requested"
    ASKED = "release-asked"
    APPROVED = "release-approved"
    REFUSED = "release-refused"
    TAKEN_BACK = "release-taken-back"
    RELEASE_BEGUN = "release-begun"
    RELEASED = "released"
    RELEASE_FAILED = "release-failed"
    COPIED = "copied"
    DOWNLOADED = "downloaded"
    DELETED = "deleted"
    EXPIRED = "expired"
    PURGED = "purged"


@dataclass(frozen=True, slots=True)
class Entry:
    """One step. ``state`` is the state after it, ``delivered`` the positions in the envelope of the recipients whose
    copy the next hop took, ``detail`` its words or ours; ``previous`` and ``digest`` are SHA-256 in hex.

    Of a release that somebody asks for (``asking``): ``account`` is who asks or decides, ``wish`` what is asked for,
    ``about`` the sequence of the entry that asks. Entries about anything else have none of them in their line.
    """

    sequence: int
    at: datetime
    """UTC."""
    who: str
    what: What
    why: str
    state: HeldState
    detail: str = ""
    delivered: tuple[int, ...] = ()
    previous: str = ""
    digest: str = ""
    account: str = ""
    wish: str = ""
    about: int = 0

    def sealed(self) -> Entry:
        """The same entry with its digest."""
        return replace(self, digest=hashlib.sha256(_line(replace(self, digest=""))).hexdigest())

    @property
    def line(self) -> bytes:
        """The entry as it stands in the journal file."""
        return _line(self) + b"\n"


@dataclass(frozen=True, slots=True)
class Journal:
    """All entries of one message, the one about its arrival first. ``intact`` is false when the chain is broken."""

    entries: tuple[Entry, ...]
    intact: bool = True

    @classmethod
    def of(cls, record: Record, raw: bytes, lines: bytes = b"") -> Journal:
        """The journal of ``record``, whose file has the bytes ``raw``, with what the journal file says. Never raises,
        whatever the bytes."""
        first = Entry(
            sequence=0,
            at=record.kept_at,
            who=OURSELVES,
            what=What.KEPT,
            why=clip(record.decision.why, 500),
            state=HeldState.HELD,
            previous=hashlib.sha256(raw).hexdigest(),
        )
        entries, intact = [first.sealed()], True
        for line in lines.split(b"\n"):
            entry = _parse(line)
            if entry is None:
                continue
            last = entries[-1]
            intact &= entry.sequence == last.sequence + 1 and entry.previous == last.digest
            intact &= entry.sealed().digest == entry.digest
            entries.append(entry)
        return cls(tuple(entries), intact)

    @property
    def last(self) -> Entry:
        return self.entries[-1]

    @property
    def state(self) -> HeldState:
        return self.last.state

    @property
    def delivered(self) -> frozenset[int]:
        """Positions of all recipients who have got the message so far."""
        return frozenset(position for entry in self.entries for position in entry.delivered)

    @property
    def recovered(self) -> bool:
        return any(entry.what is What.RECOVERED for entry in self.entries)

    def followed_by(
        self,
        what: What,
        state: HeldState,
        *,
        at: datetime,
        who: str,
        why: str,
        detail: str = "",
        delivered: tuple[int, ...] = (),
        account: str = "",
        wish: str = "",
        about: int = 0,
    ) -> Journal:
        """The journal with one entry more; words of people are made printable and bounded."""
        entry = Entry(
            sequence=self.last.sequence + 1,
            at=at,
            who=clip(who, LONGEST_WHO),
            what=what,
            why=clip(why, LONGEST_WHY),
            state=state,
            detail=clip(detail, LONGEST_DETAIL),
            delivered=delivered,
            previous=self.last.digest,
            account=account,
            wish=wish,
            about=about,
        )
        return replace(self, entries=(*self.entries, entry.sealed()))


def _line(entry: Entry) -> bytes:
    fields = asdict(entry) | {"at": entry.at.isoformat()}
    for name in ("account", "wish", "about"):
        if not fields[name]:
            del fields[name]
    return json.dumps(fields, separators=(",", ":")).encode("ascii")


def _parse(line: bytes) -> Entry | None:
    """The entry in ``line``, or None when it is empty, torn or something else."""
    try:
        fields: dict[str, Any] = json.loads(line)
        fields["at"] = datetime.fromisoformat(fields["at"])
        fields["what"], fields["state"] = What(fields["what"]), HeldState(fields["state"])
        fields["delivered"] = tuple(int(position) for position in fields["delivered"])
        entry = Entry(**fields)
    except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
        return None
    texts = (entry.who, entry.why, entry.detail, entry.previous, entry.digest, entry.account, entry.wish)
    whole = all(isinstance(text, str) for text in texts) and entry.at.tzinfo is not None
    return entry if whole and type(entry.sequence) is int and type(entry.about) is int else None
