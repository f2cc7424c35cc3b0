"""Records and journals as rows of the index, and rows as what the quarantine tells."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, Select, select, tuple_

from gateway.message import Envelope, HeldState, clip
from gateway.quarantine.journal import Entry, Journal
from gateway.quarantine.models import Filters, HeldMessage, HeldRecipient
from gateway.quarantine.schema import held, recipient
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


def matching(filters: Filters) -> Select[tuple[object, ...]]:
    query: Select[tuple[object, ...]] = select(*held.c)
    if filters.states:
        # concat() keeps the index of states out of it: most rows have the same one, and all would have to be sorted
        query = query.where(held.c.state.concat("").in_(sorted(filters.states)))
    if filters.since is not None:
        query = query.where(held.c.kept_at >= filters.since.timestamp())
    if filters.until is not None:
        query = query.where(held.c.kept_at < filters.until.timestamp())
    if filters.older_than is not None:
        moment, held_id = filters.older_than
        query = query.where(tuple_(held.c.kept_at, held.c.id) < (moment.timestamp(), held_id))
    if filters.newer_than is not None:
        moment, held_id = filters.newer_than
        query = query.where(tuple_(held.c.kept_at, held.c.id) > (moment.timestamp(), held_id))
    if filters.verdict is not None:
        query = query.where(held.c.verdict == filters.verdict.label)
    if filters.sender:
        query = query.where(held.c.sender.icontains(filters.sender, autoescape=True))
    if filters.subject:
        query = query.where(held.c.subject.icontains(filters.subject, autoescape=True))
    if filters.recipient:
        wanted = recipient.c.address.icontains(filters.recipient, autoescape=True)
        query = query.where(held.c.id.in_(select(recipient.c.held_id).where(wanted)))
    return query


def message(row: Row[tuple[object, ...]], recipients: tuple[HeldRecipient, ...]) -> HeldMessage:
    fields = dict(row._mapping)
    del fields["envelope"], fields["revision"]
    fields |= {"state": HeldState(row.state), "kept_at": when(row.kept_at), "recipients": recipients}
    return HeldMessage(**fields)


def when(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
