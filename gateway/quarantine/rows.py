"""Records and journals as rows of the index, and rows as what the quarantine tells."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, Select, and_, exists, or_, select

from gateway.closed_sets import HeldState, Verdict
from gateway.message import Envelope, clip
from gateway.quarantine.journal import Entry, Journal, What
from gateway.quarantine.models import Filters, HeldMessage, HeldRecipient
from gateway.quarantine.schema import audit, file, held, macro, searched
from gateway.quarantine.search import Search, Texts
from gateway.quarantine.search import table as index
from gateway.quarantine.sidecar import Record


def envelope_digest(envelope: Envelope) -> str:
    """The same for the same sender and the same recipients in any order."""
    addresses = [envelope.sender, *sorted(recipient.address for recipient in envelope.recipients)]
    return hashlib.sha256("\0".join(addresses).encode("utf-8", "surrogatepass")).hexdigest()


def held_values(record: Record, journal: Journal, stored: int) -> dict[str, Any]:
    headline, decision, transaction = record.report.headline, record.decision, record.transaction
    last = journal.last
    return {
        "id": record.held_id,
        "state": journal.state.value,
        "kept_at": record.kept_at.timestamp(),
        "transaction_id": clip(transaction.id, 64),
        "client": clip(transaction.client.address, 64),
        "sender": clip(transaction.envelope.sender, 320),
        "from_header": clip(headline.sender, 500),
        "subject": clip(headline.subject, 500),
        "verdict": record.report.verdict.label,
        "action": decision.action.value,
        "rule": clip(decision.rule, 100),
        "why": clip(decision.why, 500),
        "size": record.size,
        "stored": stored,
        "sha256": record.sha256,
        "envelope": envelope_digest(transaction.envelope),
        "recovered": journal.recovered,
        "note": clip(f"{last.what.value}: {last.detail or last.why}", 500) if last.sequence else "",
        "revision": last.sequence,
    }


def recipient_values(record: Record, journal: Journal) -> list[dict[str, object]]:
    delivered = journal.delivered
    return [
        {"held_id": record.held_id, "position": at, "address": clip(one.address, 320), "delivered": at in delivered}
        for at, one in enumerate(record.transaction.envelope.recipients)
    ]


def audit_values(held_id: str, entry: Entry) -> dict[str, object]:
    return {
        "held_id": held_id,
        "sequence": entry.sequence,
        "at": entry.at.timestamp(),
        "who": entry.who,
        "what": entry.what.value,
        "why": entry.why,
        "state": entry.state.value,
        "detail": entry.detail,
        "previous": entry.previous,
        "digest": entry.digest,
    }


@dataclass(frozen=True, slots=True)
class Known:
    """What of one message can be looked for: its texts, the fingerprints of its macros, the digests of the files in
    which something was found."""

    texts: Texts
    macros: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()


def known(record: Record) -> Known:
    """What its record tells."""
    report = record.report
    return Known(
        _texts(record),
        frozenset(clip(finding.fingerprint, 64) for finding in report.findings if finding.fingerprint),
        frozenset(clip(part.sha256, 64) for part in report.parts if part.verdict > Verdict.CLEAN),
    )


def _texts(record: Record) -> Texts:
    headline, envelope = record.report.headline, record.transaction.envelope
    return Texts(
        sender=(clip(envelope.sender, 320), clip(headline.sender, 500)),
        recipient=tuple(clip(one.address, 320) for one in envelope.recipients),
        subject=(clip(headline.subject, 500),),
        other=(record.held_id, clip(headline.message_id, 500)),
    )


def place_of(kept_at: datetime) -> int:
    """Where in the list a message of this moment belongs."""
    return round(kept_at.timestamp() * 1_000_000)


def matching(filters: Filters, *columns: ColumnElement[Any], upwards: bool = False) -> Select[tuple[Any, ...]]:
    """What fits, in the order of the list. One table leads, in that order, so that no more is read than is shown."""
    search, marks = Search(filters), _marks(filters)
    place: ColumnElement[int] = held.c.place
    source: FromClause = held
    asked: ColumnElement[bool] | None = None
    if search.indexed is not None:
        place, source = index.c.rowid, index.join(held, _led_by(index.c.rowid))
    elif marks:
        leading, asked = marks.pop(0)
        place, source = leading.c.place, leading.join(held, _led_by(leading.c.place))
    elif search.scanned:
        place, source = searched.c.place, searched.join(held, _led_by(searched.c.place))
    if search.scanned and place is not searched.c.place:
        source = source.join(searched, searched.c.place == place)
    query = select(*columns).select_from(source).where(*search.scanned)
    if search.indexed is not None:
        query = query.where(search.indexed)
    elif asked is not None:
        query = query.where(asked)
    for other, wanted in marks:
        query = query.where(exists().where(wanted, other.c.place == place))
    if filters.states:
        # concat() keeps the index of states out of it: most rows have the same one, and all would have to be sorted
        query = query.where(held.c.state.concat("").in_(sorted(filters.states)))
    if filters.verdict is not None:
        query = query.where(held.c.verdict == filters.verdict.label)
    return query.where(*_bounds(place, filters)).order_by(place if upwards else place.desc()).limit(filters.limit)


def _marks(filters: Filters) -> list[tuple[FromClause, ColumnElement[bool]]]:
    """Tables of what messages hold, and what is asked of each."""
    given = ((macro, macro.c.fingerprint, filters.campaign), (file, file.c.sha256, filters.file))
    return [(table, column == value) for table, column, value in given if value]


def _led_by(place: ColumnElement[int]) -> ColumnElement[bool]:
    """A join in which ``place`` leads: a sum cannot be looked up."""
    return held.c.place == place + 0


def _bounds(place: ColumnElement[int], filters: Filters) -> Iterator[ColumnElement[bool]]:
    if filters.since is not None:
        yield place >= place_of(filters.since)
    if filters.until is not None:
        yield place < place_of(filters.until)
    if filters.older_than is not None:
        yield place < filters.older_than
    if filters.newer_than is not None:
        yield place > filters.newer_than


DECIDED = (What.APPROVED, What.REFUSED, What.TAKEN_BACK, What.RELEASED, What.COPIED)
"""Entries after which nobody waits for an answer to what was asked before."""


def asked_for(since: datetime) -> Select[tuple[object, ...]]:
    """Entries of held messages that ask for a release and wait for an answer; those of our people after ``since``."""
    later = audit.alias()
    decided = select(later.c.sequence).where(
        later.c.held_id == audit.c.held_id, later.c.sequence > audit.c.sequence, later.c.what.in_(DECIDED)
    )
    ours = and_(audit.c.what == What.ASKED, audit.c.at >= since.timestamp())
    query = select(audit.c.held_id, audit.c.at).join(held, held.c.id == audit.c.held_id)
    return query.where(
        or_(ours, audit.c.what == What.REQUESTED), held.c.state == HeldState.HELD.value, ~exists(decided)
    )


def message(row: Row[tuple[object, ...]], recipients: tuple[HeldRecipient, ...]) -> HeldMessage:
    fields = dict(row._mapping)
    del fields["envelope"], fields["revision"]
    fields |= {"state": HeldState(row.state), "kept_at": when(row.kept_at), "recipients": recipients}
    return HeldMessage(**fields)


def when(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
