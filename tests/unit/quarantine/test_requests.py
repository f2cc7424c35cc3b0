"""Two persons for one release: who asks cannot approve, and what was approved is what goes, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import HeldState
from gateway.quarantine import NotPossible, Quarantine, QuarantineError, ReleaseFailed, asking
from gateway.quarantine.asking import Asked, Standing
from gateway.quarantine.journal import What
from gateway.quarantine.wish import Wish
from tests.unit.quarantine.made import ID, OTHER, Hop, keep, opened, transaction

ONE = Wish(("one@example.com",))


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Quarantine]:
    async with opened(tmp_path) as store:
        store.requests.two_person = True
        await keep(store)
        yield store


async def ask(store: Quarantine, wish: Wish = ONE, account: str = "ann") -> int:
    await store.requests.ask(ID, wish, who=f"{account} (web)", account=account, why="expected")
    return (await store.get(ID)).journal.last.sequence


async def approve(store: Quarantine, number: int, account: str = "bob") -> Asked:
    return await store.requests.approve(ID, number, who=f"{account} (web)", account=account, why="known")


async def send(store: Quarantine, hop: Hop, wish: Wish = ONE, alone: str = "") -> None:
    await store.carry_out(ID, wish, who="bob (web)", why="known", deliver=hop.deliver, alone=alone)


async def standings(store: Quarantine) -> list[Standing]:
    journal = (await store.get(ID)).journal
    return [asked.standing for asked in asking.requests(journal, journal.last.at)]


async def test_one_asks_another_approves_and_it_goes_to_those_and_no_others(store: Quarantine) -> None:
    hop = Hop()
    asked = await approve(store, await ask(store))
    await send(store, hop, asked.wish)
    assert hop.addresses == [["one@example.com"]]
    assert await standings(store) == [Standing.DONE]
    journal = (await store.get(ID)).journal
    assert [entry.what for entry in journal.entries[1:]] == [
        *(What.ASKED, What.APPROVED, What.RELEASE_BEGUN, What.RELEASED)
    ]
    assert [entry.about for entry in journal.entries] == [0, 0, 1, 1, 1]


async def test_nothing_goes_without_both(store: Quarantine) -> None:
    hop = Hop()
    with pytest.raises(NotPossible, match="takes two persons"):
        await send(store, hop)
    await ask(store)
    with pytest.raises(NotPossible, match="takes two persons"):
        await send(store, hop)
    assert hop.got == []


@pytest.mark.parametrize("account", ["ann", "ANN", ""])
async def test_nobody_approves_what_they_ask_for(store: Quarantine, account: str) -> None:
    number = await ask(store)
    with pytest.raises(NotPossible, match="another person has to approve it"):
        await approve(store, number, account)
    assert await standings(store) == [Standing.WAITING]


@pytest.mark.parametrize(
    "other",
    [
        Wish(),
        Wish(("two@example.com",)),
        Wish(("one@example.com", "two@example.com")),
        Wish(to=("x@example.com",)),
        Wish(("one@example.com",), disarmed=True),
    ],
)
async def test_what_was_approved_is_what_goes(store: Quarantine, other: Wish) -> None:
    hop = Hop()
    await approve(store, await ask(store))
    with pytest.raises(NotPossible, match="takes two persons"):
        await send(store, hop, other)
    assert hop.got == []


async def test_an_approval_is_for_one_message(store: Quarantine) -> None:
    await keep(store, OTHER, of=transaction("one@example.com", sender="other@example.org"))
    await approve(store, await ask(store))
    with pytest.raises(NotPossible, match="takes two persons"):
        await store.carry_out(OTHER, ONE, who="bob", why="x", deliver=Hop().deliver)


async def test_of_many_clicks_at_once_one_counts(store: Quarantine) -> None:
    hop, number = Hop(), await ask(store)
    answers = await asyncio.gather(*(approve(store, number) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(answer, Asked) for answer in answers) == 1
    sent = await asyncio.gather(*(send(store, hop) for _ in range(8)), return_exceptions=True)
    assert sum(answer is None for answer in sent) == 1
    assert all(isinstance(answer, QuarantineError) for answer in sent if answer is not None)
    assert len(hop.got) == 1


async def test_an_approval_is_used_up(store: Quarantine) -> None:
    hop, number = Hop(), await ask(store)
    await approve(store, number)
    await send(store, hop)
    with pytest.raises(NotPossible, match="carried out already"):
        await approve(store, number)
    for _ in range(2):
        with pytest.raises(NotPossible):
            await send(store, hop)
    assert len(hop.got) == 1


async def test_what_the_next_hop_refused_is_sent_again_to_the_rest(store: Quarantine) -> None:
    both = Wish(("one@example.com", "two@example.com"))
    await approve(store, await ask(store, both))
    with pytest.raises(ReleaseFailed):
        await send(store, Hop(frozenset({"two@example.com"})), both)
    assert await standings(store) == [Standing.APPROVED]
    hop = Hop()
    await send(store, hop, both)
    assert hop.addresses == [["two@example.com"]]
    assert (await store.get(ID)).journal.state is HeldState.RELEASED


@pytest.mark.parametrize("wish", [Wish(to=("x@example.com", "y@example.com")), Wish(disarmed=True)])
async def test_a_copy_is_tried_once(store: Quarantine, wish: Wish) -> None:
    await approve(store, await ask(store, wish))
    with pytest.raises(ReleaseFailed):
        await send(store, Hop(frozenset({"y@example.com", "two@example.com"})), wish)
    with pytest.raises(NotPossible, match="takes two persons"):
        await send(store, Hop(), wish)


async def test_an_answer_is_about_the_request_that_was_seen(store: Quarantine) -> None:
    seen = await ask(store)
    await store.requests.take_back(ID, seen, who="ann (web)", account="ann")
    now = await ask(store, Wish())
    with pytest.raises(NotPossible, match="is taken back already"):
        await approve(store, seen)
    assert (await approve(store, now)).wish.recipients == ("one@example.com", "two@example.com")


async def test_a_refused_request_is_over(store: Quarantine) -> None:
    number = await ask(store)
    await store.requests.refuse(ID, number, who="bob (web)", account="bob", why="it is malware")
    with pytest.raises(NotPossible, match="is refused already"):
        await approve(store, number)
    assert await store.requests.count() == 0


async def test_only_who_asked_takes_it_back(store: Quarantine) -> None:
    number = await ask(store)
    with pytest.raises(NotPossible, match=r"Only ann \(web\) can take it back"):
        await store.requests.take_back(ID, number, who="eve (api)", account="eve")


@pytest.mark.parametrize("when_asked", [True, False])
async def test_a_request_and_an_approval_expire(
    store: Quarantine, monkeypatch: pytest.MonkeyPatch, when_asked: bool
) -> None:
    number = await ask(store)
    if not when_asked:
        await approve(store, number)
    monkeypatch.setattr(asking, "LASTS", timedelta(0))
    with pytest.raises(NotPossible, match="expired already"):
        await approve(store, number)
    with pytest.raises(NotPossible, match="takes two persons"):
        await send(store, Hop())


async def test_one_request_at_a_time(store: Quarantine) -> None:
    await ask(store)
    with pytest.raises(NotPossible, match=r"ann \(web\) asks already \(the original to one@example.com\)"):
        await ask(store, Wish(), "bob")


async def test_requests_outlive_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        number = await ask(store)
    async with opened(tmp_path) as store:
        store.requests.two_person = True
        assert await store.requests.ids(10) == [ID]
        assert (await approve(store, number)).wish == ONE
        assert (await store.get(ID)).trusted


async def test_a_journal_that_was_changed_approves_nothing(store: Quarantine, tmp_path: Path) -> None:
    number = await ask(store, Wish(("two@example.com",)))
    folder = tmp_path / "messages"
    (path,) = (one for one in folder.rglob("*") if one.is_file() and b"release-asked" in one.read_bytes())
    path.write_bytes(path.read_bytes().replace(b"two@example.com", b"one@example.com"))
    with pytest.raises(NotPossible, match="was changed after it was written"):
        await approve(store, number)


async def test_alone_has_to_be_said_and_is_noted(store: Quarantine) -> None:
    await send(store, Hop(), alone="nobody else is awake")
    begun = (await store.get(ID)).journal.entries[1]
    assert begun.detail == "one person alone: nobody else is awake; to one@example.com"


async def test_who_waits_is_counted(store: Quarantine) -> None:
    assert await store.requests.count() == 0
    await store.request(ID, who="one@example.com", why="mine")
    number = await ask(store)
    assert await store.requests.count() == 1
    await store.requests.refuse(ID, 0, who="bob", account="bob", why="no")
    with pytest.raises(NotPossible, match="No recipient waits"):
        await store.requests.refuse(ID, 0, who="bob", account="bob", why="no")
    await approve(store, number)
    assert await store.requests.count() == 0


async def test_deleting_ends_what_was_asked(store: Quarantine) -> None:
    number = await ask(store)
    await store.delete(ID, who="bob", why="malware")
    with pytest.raises(NotPossible):
        await approve(store, number)
    assert await standings(store) == [Standing.OVERTAKEN]


async def test_without_the_rule_a_request_can_be_decided_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        await keep(store)
        asked = await approve(store, await ask(store), "ann")
        await send(store, Hop(), asked.wish)
        assert await standings(store) == [Standing.DONE]


async def test_requests_have_an_end(store: Quarantine) -> None:
    for _ in range(asking.MOST):
        number = await ask(store)
        await store.requests.take_back(ID, number, who="ann (web)", account="ann")
    with pytest.raises(NotPossible, match="not asked for any more"):
        await ask(store)
    with pytest.raises(NotPossible, match="other addresses"):
        await ask(store, Wish(to=("x@example.com",) * 51))


@given(st.text() | st.builds(lambda wish: wish.words, st.builds(Wish)))
def test_half_a_wish_is_none(words: str) -> None:
    wish = Wish.parse(words)
    assert wish is None or wish.words == words


@given(st.none() | st.lists(st.text()).map(tuple), st.lists(st.text()).map(tuple), st.booleans())
def test_a_wish_comes_back(recipients: tuple[str, ...] | None, to: tuple[str, ...], again: bool) -> None:
    wish = Wish(recipients, to, again)
    assert Wish.parse(wish.words) == wish
