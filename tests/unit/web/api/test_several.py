"""Several messages by one request: a result for each, each once, and never past the rule of two persons."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest

from gateway.closed_sets import Action, HeldState, Verdict
from gateway.message import Decision, Report
from gateway.quarantine.journal import What
from gateway.spool import Spool
from gateway.web import each as each_module
from gateway.web import users as users_module
from gateway.web.each import MOST
from tests.unit.test_looking import BYTES, FOUND, ID
from tests.unit.web.api.test_requests import BOTH, Program, dead_way, programs

OTHER, NONE = "f" * 16, "e" * 16
IDS = [ID, OTHER]


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = users_module.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(users_module, "_HASHER", hasher)


async def hold_another(program: Program) -> None:
    """A second message, from somebody else: the first is no duplicate of it."""
    quarantine = program.at.quarantine
    first = (await quarantine.get(ID)).record.transaction
    envelope = first.envelope.__class__("other@outside.test", first.envelope.recipients)
    transaction = first.__class__(**{name: getattr(first, name) for name in first.__slots__} | {"envelope": envelope})
    with contextlib.closing(Spool.of(BYTES)) as content:
        report, decision = Report(Verdict.SUSPICIOUS, (FOUND,)), Decision(Action.QUARANTINE, "rule", "why")
        await quarantine.keep(OTHER, transaction, content, report, decision)


def statuses(told: Any) -> dict[str, int]:
    return {item["id"]: item["status"] for item in told["items"]}


async def begun(program: Program, held_id: str) -> int:
    """How often its release was begun."""
    entries = (await program.at.quarantine.get(held_id)).journal.entries
    return sum(entry.what is What.RELEASE_BEGUN for entry in entries)


async def test_each_has_a_result_and_one_that_fails_stops_no_other(tmp_path: Path) -> None:
    async with programs(tmp_path, two_person=False) as program:
        await hold_another(program)
        await program.at.quarantine.delete(ID, who="me", why="spam")
        status, told = await program.several("ann", "release", ids=[ID, NONE, OTHER, OTHER], why="expected")
        assert (status, told["done"], told["failed"]) == (200, 1, 2)
        assert [item["id"] for item in told["items"]] == [ID, NONE, OTHER]
        gone, unknown, sent = told["items"]
        assert (gone["status"], gone["state"], "is deleted" in gone["detail"]) == (409, "deleted", True)
        assert (unknown["status"], unknown["state"], "no held message" in unknown["detail"]) == (404, None, True)
        assert (sent["status"], sent["state"], sent["detail"]) == (200, "released", "")
        assert sent["replies"] == [{"recipient": address, "reply": "250 ok"} for address in BOTH]
        assert program.at.sent == [(BOTH, BYTES)]
        last = (await program.at.quarantine.get(OTHER)).journal.last
        assert (last.who, last.why) == ("ann (api)", "expected (today's rules: suspicious)")


async def test_the_same_request_many_times_at_once_sends_each_once(tmp_path: Path) -> None:
    async with programs(tmp_path, two_person=False) as program:
        await hold_another(program)
        wish = {"ids": IDS, "why": "expected"}
        told = await asyncio.gather(*(program.several("ann", "release", **wish) for _ in range(4)))
        for held_id in IDS:
            assert sorted(statuses(one)[held_id] for _, one in told) == [200, 409, 409, 409]
            assert await begun(program, held_id) == 1
        assert len(program.at.sent) == 2
        assert set(statuses((await program.several("ann", "release", **wish))[1]).values()) == {409}
        assert len(program.at.sent) == 2


async def test_no_list_of_messages_gets_past_the_second_person(tmp_path: Path) -> None:
    async with programs(tmp_path) as program:
        await hold_another(program)
        wish = {"ids": IDS, "why": "expected"}
        for name in ("ann", "bob"):
            told = (await program.several(name, "release", **wish))[1]
            assert all("takes two persons" in item["detail"] for item in told["items"])
        status, told = await program.several("ann", "request", **wish)
        assert (status, set(statuses(told).values())) == (200, {200})
        numbers = {item["id"]: item["number"] for item in told["items"]}
        told = (await program.several("ann", "request", **wish))[1]
        assert set(statuses(told).values()) == {409}
        assert {item["id"]: item["number"] for item in told["items"]} == numbers
        many = [program.several(name, "release", **wish) for name in ("ann", "bob") * 3]
        assert all(set(statuses(told).values()) == {409} for _, told in await asyncio.gather(*many))
        assert (await program("ann", "approve", number=numbers[ID], why="me"))[0] == 409
        assert program.at.sent == []
        assert (await program("bob", "approve", number=numbers[ID], why="called the sender"))[0] == 200
        assert set(statuses((await program.several("ann", "release", **wish))[1]).values()) == {409}
        assert (program.at.sent, await begun(program, OTHER)) == ([(BOTH, BYTES)], 0)
        assert (await program.at.quarantine.get(OTHER)).message.state is HeldState.HELD


async def test_what_was_approved_and_failed_is_sent_once_by_whoever_repeats_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with programs(tmp_path) as program:
        (item,) = (await program.several("al", "request", ids=[ID], why="expected"))[1]["items"]
        way = program.at.desk._way
        monkeypatch.setattr(program.at.desk, "_way", dead_way)
        assert (await program("bob", "approve", number=item["number"], why="fine"))[0] == 502
        monkeypatch.setattr(program.at.desk, "_way", way)
        many = [program.several(name, "release", ids=[ID], why="again") for name in ("ann", "bob") * 2]
        told = [statuses(one)[ID] for _, one in await asyncio.gather(*many)]
        assert sorted(told) == [200, 409, 409, 409]
        assert program.at.sent == [(BOTH, BYTES)]


async def test_a_disarmed_copy_is_asked_for_and_no_original_goes_for_it(tmp_path: Path) -> None:
    async with programs(tmp_path) as program:
        (item,) = (await program.several("al", "request", ids=[ID], why="expected", disarmed=True))[1]["items"]
        assert (await program.open())["request"]["wish"]["disarmed"] is True
        assert (await program("bob", "release", why="the original"))[0] == 409
        assert set(statuses((await program.several("bob", "release", ids=[ID], why="x"))[1]).values()) == {409}
        assert (program.at.sent, item["number"]) == ([], 1)


@pytest.mark.parametrize(
    ("name", "act", "code"),
    [("vic", "request", 403), ("al", "request", 200), ("al", "release", 403), ("al", "delete", 403)],
)
async def test_whoever_may_not_do_it_to_one_may_not_to_many(tmp_path: Path, name: str, act: str, code: int) -> None:
    async with programs(tmp_path) as program:
        assert (await program.several(name, act, ids=[ID], why="x"))[0] == code
        assert bool(await program.at.entries()) is (code == 200)


@pytest.mark.parametrize(
    "body",
    [
        {"ids": [], "why": "x"},
        {"ids": [ID] * (MOST + 1), "why": "x"},
        {"ids": ["../x"], "why": "x"},
        {"ids": ID, "why": "x"},
        {"ids": [ID], "why": " "},
        {"ids": [ID]},
        {"ids": [ID], "why": "x", "again": True},
    ],
)
async def test_odd_lists_are_refused(tmp_path: Path, body: dict[str, Any]) -> None:
    async with programs(tmp_path, two_person=False) as program:
        for act in ("release", "delete", "request"):
            assert (await program.several("bob", act, **body))[0] == 422
        assert await program.at.entries() == []


async def test_none_is_begun_when_the_time_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(each_module, "SECONDS", 0.0)
    async with programs(tmp_path, two_person=False) as program:
        (item,) = (await program.several("ann", "delete", ids=[ID], why="spam"))[1]["items"]
        assert (item["status"], item["state"], "Not begun" in item["detail"]) == (503, "held", True)
        assert await program.at.entries() == []
