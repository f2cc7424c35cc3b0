"""Let a held message go to its recipients after all.

Contract: what the next hop gets are the bytes that arrived, verified against their digest, and the envelope that
arrived, or the part of it that was asked for. The journal says so before the first byte is sent. A message is
released when every recipient's copy has been taken (2yz); until then it stays held for the others, and a second
release goes only to them. A crash on the way leaves it ``releasing``: ``again`` sends once more, at the risk of a
twin and never of a loss. Under the rule of two persons nothing goes but what was asked for and approved (``asking``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import BinaryIO

from gateway import failpoints
from gateway.closed_sets import HeldState
from gateway.message import Client, Envelope, Recipient, Reply, clip
from gateway.quarantine.asking import Asked, approved
from gateway.quarantine.errors import MessageDamaged, NotPossible, QuarantineError, ReleaseFailed
from gateway.quarantine.journal import What
from gateway.quarantine.ledger import Ledger, Step, require
from gateway.quarantine.models import Files, Released
from gateway.quarantine.wish import Wish

CHUNK = 256 * 1024

Deliver = Callable[[Envelope, Client, Iterable[bytes]], Awaitable[list[Reply]]]
"""One whole transaction with the next hop; one reply for each recipient, in their order."""


async def release(
    ledger: Ledger,
    held_id: str,
    *,
    who: str,
    why: str,
    wish: Wish,
    deliver: Deliver,
    two_person: bool,
    alone: str = "",
) -> Released:
    """``two_person``: only what was approved, unless ``alone`` says why not. Raises ``NotPossible``,
    ``MessageDamaged``, ``ReleaseFailed`` and other ``QuarantineError``."""
    if not why.strip():
        raise NotPossible("A release needs a reason: it is what the next person will read")
    await _no_twin(ledger, held_id, wish)
    message = await open_verified(ledger, held_id)
    try:
        chosen: tuple[int, ...] = ()
        about = 0

        def begin(files: Files) -> Step:
            nonlocal chosen, about
            require(files, HeldState.HELD, *((HeldState.RELEASING, HeldState.RELEASED) if wish.again else ()))
            asked = _approved(files, wish, now=datetime.now(UTC))
            if asked is None and two_person and not alone:
                raise NotPossible(
                    f"Here a release takes two persons: one who asks for it, and another who approves just that. For "
                    f"this one of {files.record.held_id} that has not been done"
                )
            about = asked.number if asked else 0
            # a second try after a failure goes to those who have not got it yet
            chosen = left(files, wish) if asked else choose(files, wish)
            told = f"to {', '.join(addresses(files, chosen, wish))}"
            told = f"a disarmed copy {told}" if wish.disarmed else told
            told = f"one person alone: {clip(alone, 500)}; {told}" if alone else told
            return Step(What.RELEASE_BEGUN, HeldState.RELEASING, told, about=about)

        files = await ledger.change(held_id, who=who, why=why, step=begin)
        failpoints.reach("release-begun")
        envelope = _envelope(files, chosen, wish)
        replies = await _deliver(files, envelope, message, deliver)
    finally:
        message.close()
    failpoints.reach("release-sent")
    return await _finish(
        ledger, files, who=who, why=why, wish=wish, chosen=chosen, envelope=envelope, replies=replies, about=about
    )


def _approved(files: Files, wish: Wish, now: datetime) -> Asked | None:
    """The approved request, if there is one, that asks for the same to the same people."""
    asked = approved(files.journal, now)
    if asked is None or replace(asked.wish, recipients=None) != replace(wish, recipients=None, again=asked.wish.again):
        return None
    granted = left(files, asked.wish)
    return asked if set(granted) == set(left(files, wish)) and (granted or wish.to) else None


def left(files: Files, wish: Wish) -> tuple[int, ...]:
    """The positions in the envelope that ``wish`` names and that have not got it. Raises ``NotPossible``."""
    known = [recipient.address for recipient in files.record.transaction.envelope.recipients]
    named = range(len(known)) if wish.recipients is None else positions(known, wish.recipients)
    return () if wish.to else tuple(position for position in named if position not in files.journal.delivered)


def positions(known: list[str], wanted: Iterable[str]) -> tuple[int, ...]:
    """Where these addresses stand among the recipients. Raises ``NotPossible``."""
    return tuple(dict.fromkeys(position for address in wanted for position in _positions(known, address)))


def choose(files: Files, wish: Wish) -> tuple[int, ...]:
    """The positions in the envelope that get a copy now; empty for a copy to other addresses. Raises
    ``NotPossible``."""
    if wish.to:
        return ()
    known = [recipient.address for recipient in files.record.transaction.envelope.recipients]
    delivered = files.journal.delivered
    if wish.recipients is None:
        rest = tuple(position for position in range(len(known)) if position not in delivered)
        # everybody has it: only a released message asked for again comes here
        return rest or tuple(range(len(known)))
    chosen = positions(known, wish.recipients)
    twice = [clip(known[position], 320) for position in chosen if position in delivered]
    if twice and not wish.again:
        raise NotPossible(f"{', '.join(twice)} already got {files.record.held_id}; --again sends it once more")
    return chosen


def _positions(known: list[str], address: str) -> list[int]:
    """Where ``address`` stands in the envelope, as it is or as it is shown, in any case."""
    wanted = address.casefold()
    found = [at for at, one in enumerate(known) if wanted in (one.casefold(), clip(one, 320).casefold())]
    if not found:
        raise NotPossible(f"{clip(address, 320)} is no recipient of this message; --to sends it to other addresses")
    return found


async def _no_twin(ledger: Ledger, held_id: str, wish: Wish) -> None:
    """A client that did not hear our 250 sent the same message twice; nobody shall release both without knowing."""
    if wish.again or wish.to or wish.disarmed:
        return
    files = await ledger.read(held_id)
    for twin in await ledger.index.twins(files.record):
        if twin.state in (HeldState.RELEASING, HeldState.RELEASED):
            raise NotPossible(
                f"{held_id} is probably a duplicate of {twin.id}, which is {twin.state.value}: same bytes, sender and "
                "recipients; --again sends it all the same"
            )


async def open_verified(ledger: Ledger, held_id: str) -> BinaryIO:
    """The message file at its start, whose bytes are those that were kept. Raises ``MessageDamaged``."""
    files = await ledger.read(held_id)
    if not files.stored and files.journal.state is not HeldState.HELD:
        raise NotPossible(f"The bytes of {held_id} are gone: it is {files.journal.state.value}")
    try:
        return await ledger.run(_open_verified, ledger, files)
    except MessageDamaged as error:
        state = (await ledger.read(held_id)).journal.state
        if state is files.journal.state:
            raise
        raise NotPossible(f"The bytes of {held_id} are gone: it has just become {state.value}") from error


def _open_verified(ledger: Ledger, files: Files) -> BinaryIO:
    held_id = files.record.held_id
    message = ledger.blobs.open_message(held_id)
    digest = hashlib.sha256()
    try:
        for chunk in _chunks(message):
            digest.update(chunk)
        message.seek(0)
    except OSError as error:
        message.close()
        raise MessageDamaged(f"The file of {held_id} cannot be read: {error.strerror}") from error
    if digest.hexdigest() != files.record.sha256:
        message.close()
        raise MessageDamaged(f"The file of {held_id} is not what was kept: its SHA-256 is {digest.hexdigest()}")
    return message


def _envelope(files: Files, chosen: tuple[int, ...], wish: Wish) -> Envelope:
    envelope = files.record.transaction.envelope
    if wish.to:
        return replace(envelope, recipients=tuple(Recipient(address) for address in wish.to))
    return replace(envelope, recipients=tuple(envelope.recipients[position] for position in chosen))


def addresses(files: Files, chosen: tuple[int, ...], wish: Wish) -> list[str]:
    """Who gets it, as it is shown."""
    return [clip(recipient.address, 320) for recipient in _envelope(files, chosen, wish).recipients]


async def _deliver(files: Files, envelope: Envelope, message: BinaryIO, deliver: Deliver) -> list[Reply]:
    """One reply for each recipient of ``envelope``, whatever happens; only a cancellation leaves it open."""
    try:
        replies = await deliver(envelope, files.record.transaction.client, _chunks(message))
    except Exception as error:  # noqa: BLE001 - whatever it was, nothing may be taken for delivered
        reply = getattr(error, "reply", None)
        failed = (
            reply
            if isinstance(reply, Reply)
            else Reply.of(f"451 4.4.0 {clip(str(error), 400) or type(error).__name__}")
        )
        return [failed] * len(envelope.recipients)
    if len(replies) != len(envelope.recipients):
        odd = Reply.of(f"451 4.5.0 {len(replies)} replies came for {len(envelope.recipients)} recipients")
        return [odd] * len(envelope.recipients)
    return replies


def _chunks(message: BinaryIO) -> Iterator[bytes]:
    while chunk := message.read(CHUNK):
        yield chunk


async def _finish(
    ledger: Ledger,
    files: Files,
    *,
    who: str,
    why: str,
    wish: Wish,
    chosen: tuple[int, ...],
    envelope: Envelope,
    replies: list[Reply],
    about: int,
) -> Released:
    got = () if wish.disarmed else chosen
    taken = tuple(position for position, reply in zip(got, replies, strict=False) if reply.positive)
    words = tuple(
        (clip(recipient.address, 320), reply.text)
        for recipient, reply in zip(envelope.recipients, replies, strict=True)
    )
    told = "; ".join(f"{address}: {text}" for address, text in words)
    failed = [reply for reply in replies if not reply.positive]

    def end(now: Files) -> Step:
        require(now, HeldState.RELEASING)
        everybody = len(now.record.transaction.envelope.recipients)
        complete = len(now.journal.delivered | set(taken)) == everybody
        state = HeldState.RELEASED if complete else HeldState.HELD
        what = What.RELEASE_FAILED if failed else What.COPIED if wish.to or wish.disarmed else What.RELEASED
        return Step(what, state, told, taken, about=about)

    held_id = files.record.held_id
    try:
        done = await ledger.change(held_id, who=who, why=why, step=end, sure=True)
        failpoints.reach("release-noted")
    except QuarantineError as error:
        raise QuarantineError(
            f"{held_id} was sent ({told}) but that could not be noted, it stays releasing: {error}"
        ) from error
    if failed:
        raise ReleaseFailed(f"{held_id} stays {done.journal.state.value}: {told}")
    return Released(done.journal.state, words)
