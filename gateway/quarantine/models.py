"""What the quarantine tells about its messages. All texts are printable and bounded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gateway.closed_sets import HeldState, Verdict
from gateway.quarantine.journal import Journal, What
from gateway.quarantine.sidecar import Record


@dataclass(frozen=True, slots=True)
class Filters:
    """Which messages to list. Texts match anywhere, in any case and width; times are UTC, ``until`` not
    included."""

    states: frozenset[HeldState] = frozenset()
    """Empty: all of them."""
    since: datetime | None = None
    until: datetime | None = None
    sender: str = ""
    recipient: str = ""
    subject: str = ""
    verdict: Verdict | None = None
    campaign: str = ""
    """The fingerprint of a macro, whole."""
    file: str = ""
    """The SHA-256 of a file in which something was found."""
    text: str = ""
    """Words, each of which is somewhere in sender, recipient, subject, id or Message-ID."""
    older_than: int | None = None
    newer_than: int | None = None
    """The place of a message of the list: what comes after it, or before it, and next to it first."""
    limit: int = 100


@dataclass(frozen=True, slots=True)
class HeldRecipient:
    """One recipient of the envelope, and whether the next hop has taken a released copy for it."""

    address: str
    delivered: bool


@dataclass(frozen=True, slots=True)
class HeldMessage:
    """One line of the list."""

    id: str
    state: HeldState
    kept_at: datetime
    """UTC."""
    transaction_id: str
    client: str
    sender: str
    from_header: str
    recipients: tuple[HeldRecipient, ...]
    subject: str
    verdict: str
    action: str
    rule: str
    why: str
    size: int
    stored: int
    """Bytes of the message still on disk."""
    sha256: str
    duplicate_of: str | None
    """A record of the same bytes, sender and recipients: a client that did not hear our 250 sends again."""
    recovered: bool
    """Found on disk without an index row after a crash; whoever sent it was told nothing, and may have sent it
    again."""
    note: str
    """The last thing that was done with it."""
    place: int = 0
    """In the list, which goes from high to low: when it came, in microseconds, and no two have the same."""


@dataclass(frozen=True, slots=True)
class Files:
    """One message as its files tell it; ``stored`` is the size of the message file, 0 when it is gone."""

    record: Record
    journal: Journal
    stored: int
    modified: float


@dataclass(frozen=True, slots=True)
class Held:
    """Everything about one message but its bytes. ``record`` is the original, with addresses byte for byte.

    ``trusted`` is false when the journal does not add up: a line was changed, removed or slipped in.
    """

    message: HeldMessage
    record: Record
    journal: Journal
    trusted: bool


@dataclass(frozen=True, slots=True)
class Stats:
    """For the metrics. ``bytes`` counts all messages on disk, ``oldest`` is when the oldest one still held came
    (UTC)."""

    count: dict[HeldState, int]
    bytes: int
    oldest: datetime | None
    releases: dict[What, int]
    """Releases ever ended, by how: ``RELEASED``, ``RELEASE_FAILED``, ``COPIED``; commands release from processes of
    their own, so the index is what counts them."""
    free: int = 0
    """Bytes free where the messages are stored."""


@dataclass(frozen=True, slots=True)
class Released:
    """How a release ended: the state after it and, by recipient, the next hop's word."""

    state: HeldState
    replies: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Settled:
    """What was put in order at the start, or by a rebuild."""

    indexed: int = 0
    """Records without an index row that have one now."""
    swept: int = 0
    """Unfinished writes that were removed."""
    unreadable: tuple[str, ...] = ()
    """Records nobody can make sense of, each with its reason; they were left as they are."""
    missing: tuple[str, ...] = ()
    """Ids in the index without a record on disk."""
