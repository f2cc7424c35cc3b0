"""The mail log: one method for each fact an operator may ask about.

Contract: one event is one line, a JSON object by default. Everything a stranger wrote is printable and bounded before
it gets here (``message.clip``) or is clipped here, so a line cannot be split, forged or coloured. Writing never raises:
a full or closed log must not cost a mail (promise P19); what could not be written is counted in ``dropped``. Further
receivers get the same events, always as JSON.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TextIO

import structlog
from pydantic_core import to_json

from gateway.message import Authentication, Change, Client, Excepted, Finding, Outcome, Reply, Transaction, clip
from gateway.policy.entries import Entry

LEVELS = logging.getLevelNamesMapping()

MAX_TEXT = 2000
"""Characters of one text in a line that has no shorter limit."""

MAX_LISTED = 50
"""Recipients, findings named in one line; the counts beside them are always whole."""


@dataclass(frozen=True, slots=True)
class Line:
    """One event on its way to a receiver: ``text`` is its JSON object, without a line end; ``level``, ``event`` and
    ``timestamp`` (RFC 3339) are what is in there under these names."""

    text: str
    level: str
    event: str
    timestamp: str


class Also(Protocol):
    """A further receiver (``gateway.receivers``); ``lost`` and ``waiting`` count lines."""

    @property
    def name(self) -> str: ...

    @property
    def lost(self) -> int: ...

    @property
    def waiting(self) -> int: ...

    def put(self, line: Line) -> None:
        """Returns at once and never raises."""


class MailLog:
    """Where events go: to ``stream``, and as JSON to those in ``also``. ``format`` is ``json`` or ``text``, ``level`` a
    name of the ``logging`` module; with ``hash_subjects`` only the same subject looks the same."""

    def __init__(
        self,
        stream: TextIO,
        format: str = "json",  # noqa: A002 - the setting's own name
        level: str = "info",
        also: Sequence[Also] = (),
        hash_subjects: bool = False,
    ) -> None:
        self.also = tuple(also)
        self._hash_subjects = hash_subjects
        self._stream = stream
        self._console = structlog.dev.ConsoleRenderer(colors=stream.isatty()) if format == "text" else None
        self._dropped = 0
        self._least = LEVELS[level.upper()]

    @property
    def dropped(self) -> int:
        """How many lines could not be written, by us or by a stream that writes later (``aside``)."""
        return self._dropped + int(getattr(self._stream, "lost", 0))

    def _write(self, level: str, event: str, **facts: object) -> None:
        """By hand and not by structlog's chain of processors, which takes longer than all the rest of a line."""
        if LEVELS[level.upper()] < self._least:
            return
        stamp = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        try:
            self._send({**facts, "event": event, "level": level, "timestamp": stamp})
        except Exception:  # noqa: BLE001 - whatever it is, it must not cost a mail
            self._dropped += 1

    def _send(self, entry: dict[str, Any]) -> None:
        text = _json(entry) if self._console is None or self.also else ""
        for one in self.also:
            one.put(Line(text, entry["level"], entry["event"], entry["timestamp"]))
        shown = text if self._console is None else self._console(None, entry["level"], entry)
        self._stream.write(f"{shown}\n")
        self._stream.flush()

    def message(self, outcome: Outcome) -> None:
        """Everything needed to explain afterwards why this message went where it went."""
        transaction, report, decision = outcome.transaction, outcome.report, outcome.decision
        self._write(
            "info",
            "message",
            **_origin(transaction),
            size=transaction.size,
            subject=_hashed(report.headline.subject) if self._hash_subjects else report.headline.subject,
            message_id=report.headline.message_id,
            from_header=report.headline.sender,
            sha256=report.sha256,
            verdict=report.verdict.label,
            action=decision.action.value,
            rule=decision.rule,
            why=clip(decision.why, 500),
            shadow=list(decision.shadow),
            **_exceptions(decision.exceptions),
            changes=[_change(change) for change in decision.changes[:MAX_LISTED]],
            **_authentication(report.authentication),
            findings=[_finding(finding) for finding in report.findings[:MAX_LISTED]],
            finding_count=len(report.findings),
            part_count=len(report.parts),
            recalled=report.recalled,
            held=outcome.held_id,
            reply=outcome.reply.text,
            seconds={step: round(value, 4) for step, value in outcome.seconds.items()},
        )

    def keep_failed(self, transaction: Transaction, why: str) -> None:
        """The quarantine could not store a message; the client was told to try again."""
        self._write("error", "keep-failed", **_origin(transaction), why=clip(why, 500))

    def session_refused(self, client: Client, why: str) -> None:
        """A session was ended by us."""
        self._write(
            "warning", "session-refused", client=client.address, helo=clip(client.helo, 255), why=clip(why, 300)
        )

    def client_gone(self, transaction: Transaction, reply: Reply) -> None:
        """The client left between its final dot and our reply; it will send the message again (RFC 1047)."""
        self._write("warning", "client-gone", **_origin(transaction), reply=reply.text)

    def worker_died(self, reason: str, detail: str) -> None:
        """A scan worker died or was killed; one message was deferred for it."""
        self._write("error", "worker-died", reason=reason, detail=clip(detail, 300))

    def poison(self, sha256: str) -> None:
        """The same content cost several workers and is now judged as unscannable."""
        self._write("error", "poison", body_sha256=sha256)

    def hop_failed(self, address: str, why: str) -> None:
        """The next hop could not be spoken to."""
        self._write("error", "next-hop-failed", address=address, why=clip(why, 300))

    def release_request(self, step: str, held_id: str, who: str, why: str) -> None:
        """Somebody asked for a release, approved, refused or took back what was asked; ``step`` is a word of ours."""
        self._write("info", "release-request", step=step, held=held_id, who=clip(who, 100), why=clip(why, 500))

    def receiver_failed(self, receiver: str, why: str) -> None:
        """A further receiver of the log does not take it; what it misses waits, as long as there is room."""
        self._write("error", "log-receiver-failed", receiver=receiver, why=clip(why, 300))

    def receiver_back(self, receiver: str, lost: int) -> None:
        """It takes the log again. ``lost`` lines did not reach it since the start."""
        self._write("info", "log-receiver-back", receiver=receiver, lost=lost)

    def reloaded(self, ok: bool, why: str = "") -> None:
        """A reload was taken, or refused with its reason while the old configuration stays."""
        self._write("info" if ok else "error", "reloaded" if ok else "reload-refused", why=clip(why, 2000))

    def exception_added(self, entry: Entry) -> None:
        """Somebody on duty made an exception to the rules."""
        self._write("warning", "exception-added", **_entry(entry), who=entry.who, why=clip(entry.why, 500))

    def exception_removed(self, entry: Entry) -> None:
        """Somebody took one back."""
        who, why = entry.removed_by, clip(entry.removed_why, 500)
        self._write("warning", "exception-removed", **_entry(entry), who=who, why=why)

    def exceptions_unusable(self, why: str) -> None:
        """The file of exceptions cannot be used: nothing is allowed by it any more, known blocks stay."""
        self._write("error", "exceptions-unusable", why=clip(why, 500))

    def signed_in(self, who: str, account: str, role: str, client: str) -> None:
        """A provider of OpenID Connect has signed somebody in to the pages."""
        self._write("info", "signed-in", who=clip(who, 100), account=clip(account, 600), role=role, client=client)

    def sign_in_refused(self, issuer: str, client: str, why: str) -> None:
        """Somebody came from the provider and was not let in."""
        self._write("warning", "sign-in-refused", issuer=issuer, client=client, why=clip(why, 500))

    def provider_failed(self, issuer: str, why: str) -> None:
        """The provider could not be used, so nobody signs in by it."""
        self._write("error", "provider-failed", issuer=issuer, why=clip(why, 500))

    def started(self, **facts: object) -> None:
        """The daemon is ready."""
        self._write("info", "started", **facts)

    def stopped(self, **facts: object) -> None:
        """The daemon has let go of everything."""
        self._write("info", "stopped", **facts)

    def notice(self, event: str, **facts: object) -> None:
        """Any other fact worth a line; ``event`` is ours, text is clipped: a library may quote a stranger."""
        with contextlib.suppress(TypeError):
            self._write("warning", event, **{name: _shown(fact) for name, fact in facts.items()})


def _shown(fact: object) -> object:
    if isinstance(fact, str):
        return clip(fact, MAX_TEXT)
    return [_shown(item) for item in fact] if isinstance(fact, list | tuple) else fact


def _json(event: object) -> str:
    """pydantic's encoder: a tenth of the standard library's time, on every message."""
    return to_json(event, fallback=repr).decode("utf-8")


def _hashed(subject: str) -> str:
    return f"sha256:{hashlib.sha256(subject.encode('utf-8', 'surrogatepass')).hexdigest()}" if subject else ""


def _origin(transaction: Transaction) -> dict[str, object]:
    client, envelope = transaction.client, transaction.envelope
    recipients = [clip(recipient.address, 320) for recipient in envelope.recipients[:MAX_LISTED]]
    return {
        "id": transaction.id,
        "listener": transaction.listener,
        **({"queue_id": clip(transaction.queue_id, 64)} if transaction.queue_id else {}),
        "client": client.address,
        "client_name": clip(client.name, 255),
        "helo": clip(client.helo, 255),
        "tls": client.tls,
        "sender": clip(envelope.sender, 320),
        "recipients": recipients,
        "recipient_count": len(envelope.recipients),
    }


def _entry(entry: Entry) -> dict[str, object]:
    return {
        "exception": entry.id,
        "effect": entry.effect.value,
        "about": entry.subject.value,
        "what": entry.what,
        "for_recipients": list(entry.recipients[:MAX_LISTED]),
        "expires": entry.expires.isoformat() if entry.expires else "",
    }


def _exceptions(about: tuple[Excepted, ...]) -> dict[str, object]:
    """Nothing where none is about the message."""
    if not about:
        return {}
    told = []
    for one in about:
        ignored = {"ignored": one.ignored} if one.ignored else {}
        told.append({"id": one.id, "effect": one.effect.value} | ignored)
    return {"exceptions": told}


def _change(change: Change) -> dict[str, object]:
    """What became of an attachment, and of the rest what is known."""
    told: dict[str, object] = {"part": change.part, "action": change.action.value, "name": change.name}
    more = {"new_name": change.new_name, "removed": list(change.removed), "why": change.why}
    return told | {name: value for name, value in more.items() if value}


def _authentication(found: Authentication | None) -> dict[str, object]:
    """Nothing where nobody asked."""
    if found is None:
        return {}
    return {
        "dkim": found.dkim_result.value,
        "dkim_signatures": [
            {"result": signed.result.value, "domain": signed.domain, "selector": signed.selector, "why": signed.reason}
            for signed in found.dkim
        ],
        "arc": found.arc.result.value,
        "dmarc": found.dmarc.result.value,
        "dmarc_policy": found.dmarc_policy,
        "from_domain": found.dmarc.domain,
        "spf": found.spf.result.value,
    }


def _finding(finding: Finding) -> dict[str, object]:
    """What every finding has, and of the rest what this one has."""
    told: dict[str, object] = {"kind": finding.kind.value, "where": finding.where, "detail": finding.detail}
    more = {"reference": finding.reference, "fingerprint": finding.fingerprint, "indicators": list(finding.indicators)}
    return told | {name: value for name, value in more.items() if value}
