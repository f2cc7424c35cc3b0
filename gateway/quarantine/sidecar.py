"""The record beside a held message: everything but its bytes, as JSON that a person can read.

Contract: ``decode(encode(record)) == record``. The JSON is ASCII; bytes of an address that are no UTF-8 travel as lone
surrogates (PEP 383) and come back as they were. ``decode`` takes any bytes and raises ``BadRecord`` for whatever is not
a record of ``FORMAT``, one written by a newer Macrogate included: half-understood mail is never released.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from gateway.closed_sets import Action, AuthResult, Effect, FileType, Kind, Verdict
from gateway.message import (
    Authentication,
    Change,
    Checked,
    Client,
    Decision,
    Envelope,
    Excepted,
    Finding,
    Headline,
    Part,
    Recipient,
    Report,
    Signed,
    Span,
    Transaction,
)

FORMAT = 1
"""Raised when a reader of the old format would misunderstand the new one; never for an added field."""


class BadRecord(ValueError):
    """These bytes are no record this version understands; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Record:
    """What is known about one held message. ``size`` and ``sha256`` (hex) are those of the file as it was written."""

    held_id: str
    kept_at: datetime
    """UTC."""
    transaction: Transaction
    report: Report
    decision: Decision
    size: int
    sha256: str


def encode(record: Record) -> bytes:
    """The record as it is written to disk."""
    fields = {"format": FORMAT, **asdict(record, dict_factory=_words)}
    return json.dumps(fields, indent=2).encode("ascii") + b"\n"


def _words(items: list[tuple[str, Any]]) -> dict[str, object]:
    """Verdicts by their word, which outlives their number; times with their zone."""
    return {name: _word(value) for name, value in items}


def _word(value: object) -> object:
    if isinstance(value, Verdict):
        return value.label
    return value.isoformat() if isinstance(value, datetime) else value


def decode(data: bytes) -> Record:
    """The record in ``data``. Raises ``BadRecord``."""
    try:
        return _record(json.loads(data))
    except BadRecord:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise BadRecord(f"the record cannot be read: {type(error).__name__}: {error}"[:300]) from error


def _record(fields: dict[str, Any]) -> Record:
    if fields["format"] != FORMAT:
        raise BadRecord(f"the record has format {fields['format']!r:.20}; this Macrogate reads format {FORMAT}")
    return Record(
        held_id=_text(fields["held_id"]),
        kept_at=_time(fields["kept_at"]),
        transaction=_transaction(fields["transaction"]),
        report=_report(fields["report"]),
        decision=_decision(fields["decision"]),
        size=_count(fields["size"]),
        sha256=_text(fields["sha256"]),
    )


def _transaction(fields: dict[str, Any]) -> Transaction:
    return Transaction(
        id=_text(fields["id"]),
        listener=_text(fields["listener"]),
        client=_client(fields["client"]),
        envelope=_envelope(fields["envelope"]),
        size=_count(fields["size"]),
        received=_time(fields["received"]),
        receive_seconds=float(fields["receive_seconds"]),
    )


def _client(fields: dict[str, Any]) -> Client:
    return Client(
        address=_text(fields["address"]),
        port=_count(fields["port"]),
        name=_text(fields["name"]),
        helo=_text(fields["helo"]),
        protocol=_text(fields["protocol"]),
        tls=fields["tls"] is True,
    )


def _envelope(fields: dict[str, Any]) -> Envelope:
    recipients = (Recipient(_text(item["address"]), _text(item["parameters"])) for item in fields["recipients"])
    return Envelope(_text(fields["sender"]), tuple(recipients), _text(fields["parameters"]))


def _report(fields: dict[str, Any]) -> Report:
    return Report(
        verdict=Verdict.of(_text(fields["verdict"])),
        findings=tuple(_finding(item) for item in fields["findings"]),
        parts=tuple(_part(item) for item in fields["parts"]),
        headline=_headline(fields["headline"]),
        sha256=_text(fields["sha256"]),
        forged=tuple(Span(_count(item["start"]), _count(item["end"])) for item in fields["forged"]),
        recalled=_count(fields["recalled"]),
        seconds=float(fields["seconds"]),
        authentication=_authentication(fields.get("authentication")),  # records of the first version have none
        whole=fields.get("whole", True) is True,
    )


def _authentication(fields: dict[str, Any] | None) -> Authentication | None:
    if fields is None:
        return None
    return Authentication(
        dkim=tuple(_signed(item) for item in fields["dkim"]),
        arc=_checked(fields["arc"]),
        instance=_count(fields["instance"]),
        dmarc=_checked(fields["dmarc"]),
        dmarc_policy=_text(fields["dmarc_policy"]),
        spf=_checked(fields["spf"]),
        author=_text(fields.get("author", "")),
    )


def _signed(fields: dict[str, Any]) -> Signed:
    texts = (_text(fields[name]) for name in ("domain", "selector", "algorithm", "mark", "reason"))
    return Signed(AuthResult(fields["result"]), *texts)


def _checked(fields: dict[str, Any]) -> Checked:
    return Checked(AuthResult(fields["result"]), _text(fields["domain"]), _text(fields["reason"]))


def _finding(fields: dict[str, Any]) -> Finding:
    return Finding(
        kind=Kind(fields["kind"]),
        where=_text(fields["where"]),
        detail=_text(fields["detail"]),
        verdict=Verdict.of(_text(fields["verdict"])),
        reference=_text(fields["reference"]),
        excerpt=_text(fields["excerpt"]),
        # records of the first version have neither
        fingerprint=_text(fields.get("fingerprint", "")),
        indicators=tuple(_text(text) for text in fields.get("indicators", ())),
    )


def _part(fields: dict[str, Any]) -> Part:
    return Part(
        where=_text(fields["where"]),
        type=FileType(fields["type"]),
        size=_count(fields["size"]),
        sha256=_text(fields["sha256"]),
        verdict=Verdict.of(_text(fields["verdict"])),
    )


def _headline(fields: dict[str, Any]) -> Headline:
    return Headline(
        subject=_text(fields["subject"]),
        sender=_text(fields["sender"]),
        message_id=_text(fields["message_id"]),
        date=_text(fields["date"]),
    )


def _decision(fields: dict[str, Any]) -> Decision:
    return Decision(
        action=Action(fields["action"]),
        rule=_text(fields["rule"]),
        why=_text(fields["why"]),
        targets=tuple(_text(item) for item in fields["targets"]),
        shadow=tuple(_text(item) for item in fields["shadow"]),
        subject_prefix=_text(fields["subject_prefix"]),
        # records of the first version have none of these
        disarm=tuple(_text(item) for item in fields.get("disarm", ())),
        changes=tuple(_change(item) for item in fields.get("changes", ())),
        exceptions=tuple(_excepted(item) for item in fields.get("exceptions", ())),
    )


def _excepted(fields: dict[str, Any]) -> Excepted:
    return Excepted(_text(fields["id"]), Effect(fields["effect"]), _text(fields["ignored"]))


def _change(fields: dict[str, Any]) -> Change:
    return Change(
        part=_text(fields["part"]),
        action=Action(fields["action"]),
        name=_text(fields["name"]),
        new_name=_text(fields["new_name"]),
        removed=tuple(_text(item) for item in fields["removed"]),
        why=_text(fields["why"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BadRecord(f"the record has {value!r:.40} where a text belongs")
    return value


def _count(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise BadRecord(f"the record has {value!r:.40} where a count belongs")
    return value


def _time(value: object) -> datetime:
    when = datetime.fromisoformat(_text(value))
    if when.tzinfo is None:
        raise BadRecord("the record has a time without its zone")
    return when
