"""What the API takes and gives: the one source of its schema.

Contract: a body or a query with a key that is not here is refused. Answers read the attributes of what the desk gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, ConfigDict, Field, create_model

from gateway.closed_sets import Action, Effect, HeldState
from gateway.message import Decision, Report, Transaction
from gateway.policy.entries import MAX_RECIPIENTS as MAX_SCOPE
from gateway.policy.entries import Subject
from gateway.web.api.mirror import Text, VerdictWord, model_of
from gateway.web.api.shapes import (
    ADDRESS,
    Address,
    Digest,
    Fingerprint,
    Given,
    Moment,
    Number,
    NumberOrNone,
    Place,
    Told,
    Why,
    Words,
)
from gateway.web.api.tokens import Scope
from gateway.web.people import Role

MAX_PAGE = 200
MAX_RECIPIENTS = 1000
INTACT = "False when a line of the history was changed, removed or slipped in."
MAX_OTHERS = 50
"""Other addresses in one request."""


class Fitting(Given):
    """Which messages are meant: those that fit all of it."""

    state: Literal["waiting", "all", "held", "releasing", "released", "deleted", "expired"] = Field(
        "waiting", description="waiting: held or being released."
    )
    verdict: Literal["clean", "macro", "suspicious", "unscannable", "autoexec"] | None = Field(
        None, description="Only this verdict."
    )
    sender: Words = Field("", description="Part of the envelope sender.")
    recipient: Words = Field("", description="Part of a recipient's address.")
    subject: Words = Field("", description="Part of the subject.")
    text: Words = Field("", description="Words, each of which is in an address, the subject, the id or the Message-ID.")
    since: Moment | None = Field(None, description="Held at or after this moment, or on this day (UTC) or later.")
    until: Moment | None = Field(None, description="Held before this moment, or on this day (UTC) or earlier.")
    campaign: Fingerprint | None = Field(None, description="With this macro in it: a whole `fingerprint`.")
    file: Digest | None = Field(None, description="With this file in it, by its SHA-256; one that has findings.")


class Search(Fitting):
    """Which messages to list, and how many."""

    older: Place | None = Field(None, description="Go on after this place: `older` of the page before.")
    newer: Place | None = Field(None, description="Go back before this place: `newer` of the page after.")
    limit: int = Field(50, ge=1, le=MAX_PAGE, description="The most messages on one page.")


class Recipient(Told):
    """One recipient of the envelope, and whether the next hop has taken a released copy."""

    address: Text
    delivered: bool


class Message(Told):
    """One line of the list. What strangers wrote (subject, addresses, names) is printable, and no more to be trusted
    for it: escape it wherever you show it."""

    id: str
    state: HeldState
    kept_at: AwareDatetime
    transaction_id: Text
    client: Text = Field(description="The address of the client that sent it.")
    sender: Text = Field(description="Of the envelope; empty for a bounce.")
    from_header: Text
    recipients: tuple[Recipient, ...]
    subject: Text
    verdict: VerdictWord
    action: Action
    rule: Text
    why: Text
    size: int
    stored: int = Field(description="Bytes of the message still on disk.")
    sha256: str
    duplicate_of: str | None = Field(description="An earlier message with the same bytes, sender and recipients.")
    recovered: bool = Field(description="Found after a crash; its sender may have sent it again.")
    note: Text = Field(description="The last thing that was done with it.")
    place: int = Field(description="Where it stands in the list, which goes from high to low.")


class Page(Told):
    """One page of the list, newest first. ``older`` and ``newer`` are where the next pages begin, if there are any."""

    items: tuple[Message, ...]
    older: str | None
    newer: str | None


class Count(Told):
    """How many messages fit."""

    count: int
    more: bool = Field(description="There are more than were counted.")


class Entry(Told):
    """One step of the history. Each has the digest of the one before it."""

    sequence: int
    at: AwareDatetime
    who: Text
    what: Text
    why: Text
    state: HeldState
    detail: Text
    delivered: tuple[int, ...]
    previous: str
    digest: str
    account: Text = Field(description="Who asks for a release, or decides; empty in other entries.")
    wish: str = Field(description="What is asked for, as JSON; empty in other entries.")
    about: int = Field(description="The sequence of the entry that asks, in those that follow from it; else 0.")


class History(Told):
    """What was done with a message, by whom, when and why."""

    history: tuple[Entry, ...]
    history_intact: bool = Field(description=INTACT)


Record: Any = create_model(
    "Record",
    __base__=Told,
    __doc__="The record on disk: envelope and client, what the scan found in every part, what was decided.",
    held_id=(str, ...),
    kept_at=(AwareDatetime, ...),
    transaction=(model_of(Transaction), ...),
    report=(model_of(Report), ...),
    decision=(model_of(Decision), ...),
    size=(int, ...),
    sha256=(str, ...),
)

Details: Any = create_model(
    "Details",
    __base__=Message,
    __doc__="Everything about one message but its bytes.",
    record=(Record, ...),
    history=(tuple[Entry, ...], ...),
    history_intact=(bool, Field(description=INTACT)),
)


class Release(Given):
    """Whom to send a message to, and why."""

    why: Why
    recipients: Annotated[list[Address], Field(min_length=1, max_length=MAX_RECIPIENTS)] | None = Field(
        None, description="Only to these of its recipients; without it to all who have not got it yet."
    )

    to: Annotated[list[Address], Field(min_length=1, max_length=100)] | None = Field(
        default=None,
        description="A copy to these other addresses, which have to be ours; it stays held for its own recipients.",
    )
    disarmed: bool = Field(default=False, description="A copy without the macros instead of the original.")
    again: bool = Field(default=False, description="Also what was released before: somebody may get it twice.")


class Wish(Given):
    """What to ask for: whom to send a message to, and why."""

    why: Why
    recipients: Annotated[list[Address], Field(min_length=1, max_length=MAX_RECIPIENTS)] | None = Field(
        None, description="Only to these of its recipients; without it to all who have not got it yet."
    )
    to: Annotated[list[Address], Field(min_length=1, max_length=MAX_OTHERS)] | None = Field(
        default=None,
        description="A copy to these other addresses, which have to be ours; it stays held for its own recipients.",
    )
    disarmed: bool = Field(default=False, description="A copy without the macros instead of the original.")


class Numbered(Given):
    """Which request is meant."""

    number: Number


class Answer(Given):
    """Which request is answered, and why so."""

    number: Number
    why: Why


class Refusal(Given):
    """Which request is refused, and why."""

    number: NumberOrNone
    why: Why


class Raw(Given):
    """Why a message is taken as it is."""

    why: Why


class Parcel(Given):
    """What to take of a message, and why."""

    why: Why
    part: Words = Field("", description="The path of one part (`where` in the record); without it the whole message.")


class Reason(Given):
    """Why something is done."""

    why: Why


class Reply(Told):
    """What the next hop said for one recipient."""

    recipient: Text
    reply: Text


class Outcome(Told):
    """What became of a message."""

    id: str
    state: HeldState
    replies: tuple[Reply, ...] = ()


def outcome(message: Any, replies: Sequence[tuple[str, str]] = ()) -> Outcome:
    """What became of ``message``, and each recipient with the next hop's word."""
    words = tuple(Reply(recipient=recipient, reply=reply) for recipient, reply in replies)
    return Outcome(id=message.id, state=message.state, replies=words)


class Wished(Told):
    """What exactly is asked for, and would be sent."""

    recipients: tuple[Text, ...] | None = Field(description="Of the message; null where it is for others.")
    to: tuple[Text, ...]
    disarmed: bool


class Asked(Told):
    """The request of our people that is open on a message."""

    number: int = Field(description="By which it is answered.")
    account: Text = Field(description="Who asks, and so may not approve it where that takes two persons.")
    who: Text = Field(description="The same, with the way they came.")
    why: Text
    told: Text = Field(description="What is asked for, in words.")
    wish: Wished
    standing: Literal["waiting", "approved"] = Field(
        description="approved: the next hop has not taken every copy; `send` tries once more."
    )
    since: AwareDatetime = Field(description="When it was asked for or, once approved, approved.")
    until: AwareDatetime = Field(description="When it expires.")


class Request(Told):
    """A message, and who waits to have it released."""

    message: Message
    request: Asked | None = Field(description="That of our people; null when there is none, or it was answered.")
    recipients_wait: bool = Field(description="A recipient asked by the link in a notice and nobody has refused it.")


class Requests(Told):
    """Who waits, longest first."""

    items: tuple[Request, ...]


class Today(Told):
    """Is all well?"""

    held: int = Field(description="Messages that wait for a decision.")
    oldest: AwareDatetime | None = Field(description="Since when the oldest of them waits.")
    hours: tuple[int, ...] = Field(description="Messages held in each of the last 24 hours, the present one last.")
    labels: tuple[str, ...] = Field(description="When each of these hours began.")
    trouble: dict[str, Text] = Field(description="Why mail cannot flow, by component; empty when all is well.")
    workers: int = Field(description="Scan workers alive.")
    busy: int = Field(description="Scan workers at work.")


class WhoAmI(Told):
    """What this token is, and whose."""

    user: str
    role: Role
    token: str
    scopes: tuple[Scope, ...]
    expires: datetime | None


class Version(Told):
    """What answers."""

    version: str
    api: Literal["1"] = "1"


class ExceptionSearch(Given):
    """Which exceptions to list."""

    ended: bool = Field(default=False, description="Also those that have ended within a year.")


class NewException(Given):
    """What to allow or block."""

    effect: Effect
    subject: Subject
    what: str = Field(
        min_length=1,
        max_length=ADDRESS,
        description="A macro's fingerprint, a file's SHA-256, or user@example.com, example.com, .example.com.",
    )
    why: Why
    recipients: Annotated[list[Address], Field(max_length=MAX_SCOPE)] = Field(
        default=[], description="For these recipients only, written as addresses are; for everybody without it."
    )
    expires: AwareDatetime | None = Field(default=None, description="The first moment when it counts no more.")


class Exception_(Told):  # noqa: N801 - Exception is Python's own
    """One exception to the rules."""

    model_config = ConfigDict(title="Exception", from_attributes=True, frozen=True)

    id: str
    effect: Effect
    subject: Subject
    what: Text
    recipients: tuple[Text, ...]
    why: Text
    who: Text
    added: AwareDatetime
    expires: AwareDatetime | None
    removed: AwareDatetime | None
    removed_by: Text
    removed_why: Text


class Exceptions(Told):
    """What is allowed and blocked, newest first."""

    items: tuple[Exception_, ...]
