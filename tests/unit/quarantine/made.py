"""Messages and quarantines for the tests of this folder."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gateway.closed_sets import Action, AuthResult, FileType, Kind, Verdict
from gateway.message import (
    Authentication,
    Change,
    Checked,
    Client,
    Decision,
    Envelope,
    Finding,
    Headline,
    Part,
    Recipient,
    Reply,
    Report,
    Signed,
    Span,
    Transaction,
)
from gateway.quarantine import Quarantine
from gateway.spool import Spool

BODY = b"Subject: invoice\r\nFrom: a\r\n\r\n.dots\r\nbare \xff octets\r\n"
ID = "3f9c0123456789ab"
OTHER = "aa00112233445566"


def transaction(*recipients: str, sender: str = "sender@example.org", size: int = len(BODY)) -> Transaction:
    to = tuple(Recipient(address, "NOTIFY=NEVER") for address in recipients or ("one@example.com", "two@example.com"))
    return Transaction(
        id="ABCDEFGHIJKL",
        listener="smtp",
        client=Client("192.0.2.7", 4711, "mail.example.org", "helo.example.org", "ESMTP", tls=True),
        envelope=Envelope(sender, to, "BODY=8BITMIME"),
        size=size,
        received=datetime(2026, 11, 22, 10, 30, tzinfo=UTC),
        receive_seconds=0.25,
    )


REPORT = Report(
    verdict=Verdict.AUTOEXEC,
    findings=(
        Finding.of(
            Kind.VBA_AUTOEXEC,
            "2/invoice.docm",
            "AutoOpen runs",
            reference="T1",
            excerpt="Sub AutoOpen()\n\tx\nEnd Sub",
            fingerprint="0f" * 32,
            indicators=("http://example.com/x",),
        ),
    ),
    parts=(Part("2/invoice.docm", FileType.DOCM, 1234, "ab" * 32, Verdict.AUTOEXEC),),
    headline=Headline("請求書 for you", "A <a@example.org>", "<1@example.org>", "Sun, 22 Nov 2026"),
    sha256="cd" * 32,
    forged=(Span(3, 9),),
    recalled=1,
    seconds=0.5,
    authentication=Authentication(
        (Signed(AuthResult.FAIL, "example.org", "s1", "rsa-sha256", "abcdefgh", "the body was changed"),),
        Checked(),
        0,
        Checked(AuthResult.FAIL, "example.org", "nothing that holds belongs to this domain"),
        "reject",
        Checked(AuthResult.PASS, "example.org"),
    ),
)
CHANGES = (Change("2", Action.DISARM, "a.docm", "a.docx", ("its macros",)), Change("3", Action.STRIP, why="it is odd"))
DECISION = Decision(
    Action.QUARANTINE, "autoexec", "Macros that run by themselves", ("2",), ("trial",), "[macro] ", ("2",), CHANGES
)


def urls(folder: Path) -> tuple[str, str]:
    return f"sqlite://{folder}/quarantine.db", f"file://{folder}/messages"


@contextlib.asynccontextmanager
async def opened(folder: Path, **options: Any) -> AsyncIterator[Quarantine]:
    """A daemon's quarantine."""
    store = await Quarantine.open(*urls(folder), exclusive=True, **{"reserve": 0, "two_person": False, **options})
    try:
        yield store
    finally:
        await store.close()


async def keep(store: Quarantine, held_id: str = ID, body: bytes = BODY, of: Transaction | None = None) -> str:
    with contextlib.closing(Spool.of(body)) as content:
        await store.keep(held_id, of or transaction(), content, REPORT, DECISION)
    return held_id


@dataclass
class Hop:
    """A next hop that remembers what it got; ``refuses`` names the addresses it says 550 to."""

    refuses: frozenset[str] = frozenset()
    got: list[tuple[Envelope, Client, bytes]] = field(default_factory=list)

    async def deliver(self, envelope: Envelope, client: Client, content: Iterable[bytes]) -> list[Reply]:
        self.got.append((envelope, client, b"".join(content)))
        return [
            Reply.of("550 5.1.1 No such user" if recipient.address in self.refuses else "250 2.0.0 Ok")
            for recipient in envelope.recipients
        ]

    @property
    def addresses(self) -> list[list[str]]:
        return [[recipient.address for recipient in envelope.recipients] for envelope, _, _ in self.got]
