"""Who is told what, and once."""

from __future__ import annotations

import email
import email.policy
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from gateway.digest import sending
from gateway.digest.letter import Writer
from gateway.digest.sending import Notifier, Outcome, Plan, is_due, posts, run
from gateway.digest.state import Busy, State, StateError
from gateway.digest.wording import LANGUAGES
from gateway.message import Client, Envelope, Reply
from gateway.quarantine import Filters, HeldMessage, HeldRecipient, Quarantine
from tests.unit.web.test_site import held_message

NOW = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
WRITER = Writer("macrogate@example.com", "gate.example.com", LANGUAGES["en"])
PLAN = Plan(WRITER, frozenset({"example.com"}), time(7), lambda held_id, _: f"https://m.example/{held_id}")


def held(number: int, *to: str, **more: Any) -> HeldMessage:
    recipients = tuple(HeldRecipient(address, delivered=False) for address in to)
    given = {"kept_at": NOW - timedelta(hours=number), "place": 1000 - number, "subject": f"Mail {number}"} | more
    return held_message(id=f"{number:016x}", recipients=recipients, **given)


class Store:
    """A quarantine that pages as the real one does."""

    def __init__(self, *messages: HeldMessage) -> None:
        self.messages = sorted(messages, key=lambda one: (one.kept_at, one.id), reverse=True)

    async def find(self, filters: Filters) -> tuple[HeldMessage, ...]:
        found = [one for one in self.messages if filters.until is None or one.kept_at < filters.until]
        if filters.older_than is not None:
            found = [one for one in found if one.place < filters.older_than]
        return tuple(found[: filters.limit])


class Hop:
    """Takes letters, or says what ``replies`` say first."""

    def __init__(self, *replies: str) -> None:
        self.replies = list(replies)
        self.letters: list[tuple[Envelope, bytes]] = []

    @asynccontextmanager
    async def way(self) -> AsyncIterator[Any]:
        async def deliver(envelope: Envelope, _client: Client, content: Iterable[bytes]) -> list[Reply]:
            reply = Reply.of(self.replies.pop(0) if self.replies else "250 2.0.0 Ok")
            if reply.positive:
                self.letters.append((envelope, b"".join(content)))
            return [reply]

        yield deliver

    def texts(self) -> dict[str, str]:
        found = {}
        for envelope, letter in self.letters:
            assert envelope.sender == ""
            message = cast(Any, email.message_from_bytes(letter, policy=email.policy.default))
            found[envelope.recipients[0].address] = message.get_body(("plain",)).get_content()
        return found


def asked(store: Store) -> Quarantine:
    return cast(Quarantine, store)


@pytest.fixture
def memory(tmp_path: Path) -> State:
    return State(tmp_path / "digest.json")


async def test_each_is_told_their_own_and_nobody_elsewhere_anything(memory: State) -> None:
    store = Store(
        held(1, "bob@example.com", "alice@example.com", "eve@evil.example"),
        held(2, "Alice@EXAMPLE.com", "x@sub.example.com", '"a b"@example.com', "carl"),
        held(3, "bob@example.com", action="disarm"),
    )
    hop = Hop()
    assert await run(asked(store), PLAN, memory, hop.way, NOW) == Outcome(sent=2)
    texts = hop.texts()
    assert sorted(texts) == ["alice@example.com", "bob@example.com"]
    assert "Mail 1" in texts["bob@example.com"]
    assert "Mail 2" not in texts["bob@example.com"]
    assert "alice" not in texts["bob@example.com"]
    assert "Mail 3" not in texts["bob@example.com"]
    assert "Mail 2" in texts["alice@example.com"]


async def test_nobody_is_told_twice_not_after_a_restart_either(memory: State) -> None:
    hop, store = Hop(), Store(held(1, "bob@example.com"))
    assert await run(asked(store), PLAN, memory, hop.way, NOW) == Outcome(sent=1)
    again = State(memory.path)
    store = Store(held(1, "bob@example.com"), held(2, "bob@example.com", kept_at=NOW + timedelta(minutes=1)))
    later = NOW + timedelta(hours=5)
    assert await run(asked(store), PLAN, again, hop.way, later) == Outcome()  # one a day
    assert await run(asked(store), PLAN, again, hop.way, NOW + timedelta(days=1)) == Outcome(sent=1)
    assert "Mail 1" not in hop.texts()["bob@example.com"]
    assert "Mail 2" in hop.texts()["bob@example.com"]
    assert await run(asked(store), PLAN, again, hop.way, NOW + timedelta(days=2)) == Outcome()


async def test_a_letter_put_off_is_tried_again_and_a_refused_one_is_not(memory: State) -> None:
    store = Store(held(1, "bob@example.com"))
    hop = Hop("451 later")
    assert await run(asked(store), PLAN, memory, hop.way, NOW) == Outcome(put_off=1)
    assert memory.read()[0] is None
    assert await run(asked(store), PLAN, memory, hop.way, NOW) == Outcome(sent=1)
    assert memory.read()[0] == NOW.date()
    tomorrow = NOW + timedelta(days=1)
    store = Store(held(2, "bob@example.com", kept_at=NOW + timedelta(minutes=1)))
    hop = Hop("550 no")
    assert await run(asked(store), PLAN, memory, hop.way, tomorrow) == Outcome(refused=1)
    assert await run(asked(store), PLAN, memory, hop.way, tomorrow) == Outcome()
    assert await run(asked(store), PLAN, memory, hop.way, tomorrow + timedelta(days=1)) == Outcome(sent=1)


async def test_after_a_crash_in_a_letter_the_next_day_tells_its_messages(memory: State) -> None:
    class Crashed(Exception):
        pass

    @asynccontextmanager
    async def way() -> AsyncIterator[Any]:
        async def deliver(*_: object) -> list[Reply]:
            raise Crashed

        yield deliver

    store, hop = Store(held(1, "bob@example.com")), Hop()
    with pytest.raises(Crashed):
        await run(asked(store), PLAN, memory, way, NOW)
    assert await run(asked(store), PLAN, memory, hop.way, NOW) == Outcome()
    assert await run(asked(store), PLAN, memory, hop.way, NOW + timedelta(days=1)) == Outcome(sent=1)


async def test_a_long_list_is_cut_and_counted(memory: State, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "PAGE", 20)
    store = Store(*(held(number, "bob@example.com") for number in range(1, 71)))
    found = await posts(asked(store), PLAN, {}, NOW)
    post = found["bob@example.com"]
    assert (len(post.rows), post.total) == (50, 70)
    assert post.rows[0].subject == "Mail 1"
    assert post.rows[0].link == f"https://m.example/{1:016x}"


async def test_two_do_not_send_at_the_same_time(memory: State) -> None:
    with memory.alone(), pytest.raises(Busy):
        await run(asked(Store()), PLAN, State(memory.path), Hop().way, NOW)
    await run(asked(Store()), PLAN, memory, Hop().way, NOW)


@pytest.mark.parametrize("content", ["[]", "no", '{"told": {"a": 1}}', '{"done": "x"}'])
async def test_a_memory_nobody_can_read_sends_nothing(memory: State, content: str) -> None:
    memory.path.write_text(content)
    memory.path.chmod(0o600)
    hop = Hop()
    with pytest.raises(StateError):
        await run(asked(Store(held(1, "bob@example.com"))), PLAN, memory, hop.way, NOW)
    assert hop.letters == []


def test_the_hour_comes_once_a_day() -> None:
    early = replace(PLAN, at=time(8))
    assert is_due(PLAN, None, NOW)
    assert is_due(PLAN, date(2026, 11, 23), NOW)
    assert not is_due(PLAN, date(2026, 11, 24), NOW)
    assert not is_due(early, None, NOW)


async def test_the_admin_is_told_so_often_and_of_the_rest_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "PER_HOUR", 2)
    moment = 0.0
    notifier, hop = Notifier(lambda: moment), Hop()

    async def tell() -> int:
        facts = {"held_id": "00", "who": "bob@example.com", "why": "please", "page": "", "now": NOW}
        return len(await notifier.tell(hop.way, WRITER, ["soc@example.com", "ops@example.com"], **cast(Any, facts)))

    assert [await tell() for _ in range(4)] == [2, 2, 0, 0]
    moment = 3601.0
    assert await tell() == 2
    assert "2 more requests" in hop.texts()["soc@example.com"]
