from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from gateway.closed_sets import HeldState
from gateway.message import Client, Envelope, Recipient, Reply
from gateway.quarantine import MessageDamaged, NotPossible, Quarantine, ReleaseFailed
from gateway.quarantine.journal import What
from tests.unit.quarantine.made import BODY, ID, OTHER, Hop, keep, opened, transaction


async def state(store: Quarantine) -> HeldState:
    """As index and files tell it, which have to agree."""
    held = await store.get(ID)
    assert held.trusted
    assert held.message.state is held.journal.state
    return held.journal.state


async def test_everybody_gets_the_very_bytes_and_the_very_envelope(tmp_path: Path) -> None:
    hop = Hop()
    async with opened(tmp_path) as store:
        await keep(store)
        done = await store.release(ID, who="ann", why="expected", deliver=hop.deliver)
        assert await state(store) is HeldState.RELEASED
        held = await store.get(ID)
    assert hop.got == [(transaction().envelope, transaction().client, BODY)]
    assert done.state is HeldState.RELEASED
    assert done.replies == (("one@example.com", "250 2.0.0 Ok"), ("two@example.com", "250 2.0.0 Ok"))
    assert [entry.what for entry in held.journal.entries] == [What.KEPT, What.RELEASE_BEGUN, What.RELEASED]
    assert {entry.who for entry in held.journal.entries[1:]} == {"ann"}
    assert all(recipient.delivered for recipient in held.message.recipients)


async def test_the_journal_says_so_before_the_first_byte_is_sent(tmp_path: Path) -> None:
    seen: list[HeldState] = []

    async with opened(tmp_path) as store:
        await keep(store)

        async def deliver(envelope: Envelope, client: Client, content: Iterable[bytes]) -> list[Reply]:
            seen.append(await state(store))
            return await Hop().deliver(envelope, client, content)

        await store.release(ID, who="ann", why="expected", deliver=deliver)
    assert seen == [HeldState.RELEASING]


async def test_a_reason_is_required(tmp_path: Path) -> None:
    hop = Hop()
    async with opened(tmp_path) as store:
        await keep(store)
        with pytest.raises(NotPossible, match="needs a reason"):
            await store.release(ID, who="ann", why=" \n", deliver=hop.deliver)
        assert await state(store) is HeldState.HELD
    assert hop.got == []


async def test_what_one_refuses_the_next_release_sends_to_that_one_alone(tmp_path: Path) -> None:
    hop = Hop(refuses=frozenset({"two@example.com"}))
    async with opened(tmp_path) as store:
        await keep(store)
        with pytest.raises(ReleaseFailed, match=r"two@example.com: 550 5.1.1 No such user"):
            await store.release(ID, who="ann", why="expected", deliver=hop.deliver)
        assert await state(store) is HeldState.HELD
        delivered = [recipient.delivered for recipient in (await store.get(ID)).message.recipients]
        assert delivered == [True, False]
        hop.refuses = frozenset()
        await store.release(ID, who="ann", why="expected", deliver=hop.deliver)
        assert await state(store) is HeldState.RELEASED
    assert hop.addresses == [["one@example.com", "two@example.com"], ["two@example.com"]]


async def test_one_recipient_is_released_and_the_others_stay_held(tmp_path: Path) -> None:
    hop = Hop()
    async with opened(tmp_path) as store:
        await keep(store)
        done = await store.release(ID, who="a", why="x", deliver=hop.deliver, recipients=["TWO@example.com"])
        assert done.state is await state(store) is HeldState.HELD
        with pytest.raises(NotPossible, match=r"two@example\.com already got"):
            await store.release(ID, who="a", why="x", deliver=hop.deliver, recipients=["two@example.com"])
        await store.release(ID, who="a", why="x", deliver=hop.deliver, recipients=["two@example.com"], again=True)
        done = await store.release(ID, who="a", why="x", deliver=hop.deliver)
        assert done.state is await state(store) is HeldState.RELEASED
    assert hop.addresses == [["two@example.com"], ["two@example.com"], ["one@example.com"]]


async def test_somebody_who_is_no_recipient_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        with pytest.raises(NotPossible, match="--to sends it to other addresses"):
            await store.release(ID, who="a", why="x", deliver=Hop().deliver, recipients=["x@example.com"])
        assert await state(store) is HeldState.HELD


async def test_a_recipient_is_found_by_what_is_shown_of_it(tmp_path: Path) -> None:
    hop = Hop()
    address = b"caf\xe9@example.com".decode("utf-8", "surrogateescape")
    async with opened(tmp_path) as store:
        await keep(store, of=transaction(address))
        await store.release(ID, who="a", why="x", deliver=hop.deliver, recipients=["caf?@example.com"])
    assert hop.addresses == [[address]]


async def test_a_copy_to_others_leaves_it_held_for_its_own(tmp_path: Path) -> None:
    hop = Hop()
    async with opened(tmp_path) as store:
        await keep(store)
        done = await store.release(ID, who="a", why="look", deliver=hop.deliver, to=["soc@example.com"])
        assert done.state is await state(store) is HeldState.HELD
        last = (await store.get(ID)).journal.last
    assert (last.what, last.detail) == (What.COPIED, "soc@example.com: 250 2.0.0 Ok")
    assert hop.got[0][0].recipients == (Recipient("soc@example.com"),)


async def test_a_released_message_goes_again_only_when_asked_to(tmp_path: Path) -> None:
    hop = Hop()
    async with opened(tmp_path) as store:
        await keep(store)
        await store.release(ID, who="a", why="x", deliver=hop.deliver)
        with pytest.raises(NotPossible, match="is released"):
            await store.release(ID, who="a", why="x", deliver=hop.deliver)
        await store.release(ID, who="a", why="lost it", deliver=hop.deliver, again=True)
        assert await state(store) is HeldState.RELEASED
        hop.refuses = frozenset({"one@example.com"})
        with pytest.raises(ReleaseFailed):
            await store.release(ID, who="a", why="again", deliver=hop.deliver, again=True)
        assert await state(store) is HeldState.RELEASED
    assert hop.addresses == [["one@example.com", "two@example.com"]] * 3


async def test_a_duplicate_of_what_was_released_goes_only_when_asked_to(tmp_path: Path) -> None:
    hop = Hop()
    async with opened(tmp_path) as store:
        await keep(store)
        await keep(store, OTHER)
        await store.release(OTHER, who="a", why="x", deliver=hop.deliver)
        with pytest.raises(NotPossible, match=f"probably a duplicate of {OTHER}, which is released"):
            await store.release(ID, who="a", why="x", deliver=hop.deliver)
        assert await state(store) is HeldState.HELD
        await store.release(ID, who="a", why="x", deliver=hop.deliver, again=True)
    assert len(hop.got) == 2


async def refused(_envelope: Envelope, _client: Client, _content: Iterable[bytes]) -> list[Reply]:
    raise ConnectionRefusedError("Connection refused")


async def one_reply(_envelope: Envelope, _client: Client, _content: Iterable[bytes]) -> list[Reply]:
    return [Reply.of("250 Ok")]


class HopError(Exception):
    reply = Reply.of("451 4.4.1 Next hop is down")


async def down(_envelope: Envelope, _client: Client, _content: Iterable[bytes]) -> list[Reply]:
    raise HopError


@pytest.mark.parametrize(
    ("deliver", "says"),
    [
        (refused, "451 4.4.0 Connection refused"),
        (one_reply, "1 replies came for 2 recipients"),
        (down, "451 4.4.1 Next hop is down"),
    ],
)
async def test_whatever_goes_wrong_it_is_held_again(tmp_path: Path, deliver: object, says: str) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        with pytest.raises(ReleaseFailed, match=says):
            await store.release(ID, who="ann", why="expected", deliver=deliver)  # type: ignore[arg-type]
        assert await state(store) is HeldState.HELD
        last = (await store.get(ID)).journal.last
        assert last.what is What.RELEASE_FAILED
        assert says in last.detail
        await store.release(ID, who="ann", why="expected", deliver=Hop().deliver)
        assert await state(store) is HeldState.RELEASED


async def test_an_interrupted_release_stays_releasing_until_it_is_repeated(tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def hang(_envelope: Envelope, _client: Client, _content: Iterable[bytes]) -> list[Reply]:
        begun.set()
        await asyncio.Event().wait()
        return []

    hop = Hop()
    async with opened(tmp_path) as store:
        await keep(store)
        work = asyncio.ensure_future(store.release(ID, who="ann", why="expected", deliver=hang))
        await begun.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert await state(store) is HeldState.RELEASING
        for attempt in (
            store.release(ID, who="bob", why="x", deliver=hop.deliver),
            store.delete(ID, who="bob", why="x"),
        ):
            with pytest.raises(NotPossible, match=r"is releasing .release-begun by ann"):
                await attempt
        await store.release(ID, who="bob", why="ann's was interrupted", deliver=hop.deliver, again=True)
        assert await state(store) is HeldState.RELEASED


async def test_two_people_cannot_both_release(tmp_path: Path) -> None:
    hop = Hop()
    async with opened(tmp_path) as store:
        await keep(store)
        results = await asyncio.gather(
            *(store.release(ID, who=who, why="x", deliver=hop.deliver) for who in "abcdefgh"), return_exceptions=True
        )
        assert await state(store) is HeldState.RELEASED
    assert len(hop.got) == 1
    assert sum(isinstance(result, NotPossible) for result in results) == 7


@pytest.mark.parametrize("damage", ["changed", "missing"])
async def test_a_damaged_message_is_not_released(tmp_path: Path, damage: str) -> None:
    hop = Hop()
    async with opened(tmp_path) as store:
        await keep(store)
        path = tmp_path / "messages/3f" / ID / "message.eml"
        if damage == "changed":
            path.write_bytes(BODY + b"!")
        else:
            path.unlink()
        with pytest.raises(MessageDamaged):
            await store.release(ID, who="ann", why="expected", deliver=hop.deliver)
        assert await state(store) is HeldState.HELD
    assert hop.got == []
