"""Two persons for one release, by API: over a real quarantine, with tokens of two accounts and those who try alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette

from gateway.closed_sets import Verdict
from gateway.message import Reply, Report
from gateway.web import users as users_module
from gateway.web.api.site import api_routes
from gateway.web.api.tokens import Scope, Tokens
from gateway.web.people import Person, Role
from gateway.web.users import Users
from tests.unit.test_looking import BYTES, FOUND, ID, Desk, desk_of

PEOPLE = {"vic": Role.VIEWER, "al": Role.ANALYST, "ann": Role.RELEASER, "bob": Role.RELEASER, "adi": Role.ADMIN}
HERS = Person("ann", Role.RELEASER, "web")
BOTH = ["a@example.com", "b@example.com"]


@dataclass
class Program:
    """Programs of several people, which all have tokens for everything."""

    at: Desk
    client: httpx2.AsyncClient
    tokens: dict[str, str]
    api_tokens: Tokens

    async def __call__(self, name: str, act: str, **body: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.tokens[name]}"}
        answer = await self.client.post(f"/messages/{ID}/{act}", headers=headers, json=body)
        return answer.status_code, answer.json()

    async def several(self, name: str, act: str, **body: Any) -> tuple[int, Any]:
        """The same for more than one message."""
        headers = {"Authorization": f"Bearer {self.tokens[name]}"}
        answer = await self.client.post(f"/several/{act}", headers=headers, json=body)
        return answer.status_code, answer.json()

    async def waiting(self) -> Any:
        return (await self._look("/requests"))["items"]

    async def open(self) -> Any:
        return await self._look(f"/messages/{ID}/request")

    async def _look(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {self.tokens['vic']}"}
        return (await self.client.get(path, headers=headers)).json()


@asynccontextmanager
async def programs(tmp_path: Path, *, two_person: bool = True) -> AsyncIterator[Program]:
    users, tokens = Users(tmp_path / "users.json"), Tokens(tmp_path / "tokens.json")
    for name, role in PEOPLE.items():
        users.put(name, role, "correct horse battery")
    made = {name: tokens.add(name, name, Scope, None) for name in PEOPLE}
    async with desk_of(tmp_path) as at:
        at.jail.report = Report(Verdict.SUSPICIOUS, (FOUND,))  # not worse than when it came
        at.quarantine.requests.two_person = two_person
        transport = httpx2.ASGITransport(Starlette(routes=api_routes(at.desk, tokens, users)))
        async with httpx2.AsyncClient(transport=transport, base_url="http://gate.test/api/v1") as client:
            yield Program(at, client, made, tokens)


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = users_module.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(users_module, "_HASHER", hasher)


async def test_a_token_is_its_owner_who_asked_on_the_page(tmp_path: Path) -> None:
    async with programs(tmp_path) as program:
        await program.at.desk.request_release(ID, by=HERS, why="expected", recipients=None)
        (item,) = await program.waiting()
        number = item["request"]["number"]
        status, told = await program("ann", "approve", number=number, why="me")
        assert (status, "another person has to approve it" in told["detail"]) == (409, True)
        status, told = await program("ann", "send", number=number)
        assert (status, "takes two persons" in told["detail"]) == (409, True)
        status, told = await program("ann", "release", why="me")
        assert (status, "takes two persons" in told["detail"]) == (409, True)
        assert program.at.sent == []
        status, told = await program("bob", "approve", number=number, why="called the sender")
        assert (status, told["state"]) == (200, "released")
        assert (await program.open())["request"] is None
        assert told["replies"] == [{"recipient": address, "reply": "250 ok"} for address in BOTH]
        assert program.at.sent == [(BOTH, BYTES)]
        assert program.at.told[-1] == ("approved", ID, "bob (api)", "called the sender")
        assert await program.waiting() == []
        assert (await program("bob", "approve", number=number, why="again"))[0] == 409
        assert len(program.at.sent) == 1


async def test_who_asked_by_token_cannot_approve_on_the_page(tmp_path: Path) -> None:
    async with programs(tmp_path) as program:
        status, told = await program("ann", "request", why="expected", recipients=["b@example.com"], disarmed=True)
        asked = told["request"]
        assert (status, asked["account"], asked["standing"], told["recipients_wait"]) == (200, "ann", "waiting", False)
        assert (asked["told"], asked["who"]) == ("a disarmed copy to b@example.com", "ann (api)")
        assert asked["wish"] == {"recipients": ["b@example.com"], "to": [], "disarmed": True}
        assert (await program("al", "request", why="me too"))[0] == 409
        with pytest.raises(Exception, match="another person has to approve it"):
            await program.at.desk.approve(ID, asked["number"], by=HERS, why="me")
        assert program.at.sent == []


async def test_whom_a_provider_signs_in_is_a_subject_and_no_name(tmp_path: Path) -> None:
    def guest(name: str, subject: str, issuer: str = "https://login.test") -> Person:
        return Person(name, Role.RELEASER, "oidc", issuer, subject)

    async with programs(tmp_path) as program:
        desk = program.at.desk
        await desk.request_release(ID, by=guest("ann", "s-1"), why="expected", recipients=None)
        number = (await program.open())["request"]["number"]
        with pytest.raises(Exception, match="another person has to approve it"):
            await desk.approve(ID, number, by=guest("Another Name", "s-1"), why="me")
        with pytest.raises(Exception, match=r"Only ann \(oidc s-1\) can take it back"):
            await desk.take_back(ID, number, by=HERS)
        asked = (await program.open())["request"]
        assert (asked["who"], asked["account"]) == ("ann (oidc s-1)", "https://login.test#s-1")
        status, told = await program("ann", "approve", number=number, why="a user of that name")
        assert (status, told["state"], len(program.at.sent)) == (200, "released", 1)


def test_accounts_of_two_providers_or_of_here_are_never_one() -> None:
    people = [
        Person("ann", Role.RELEASER),
        Person("ann", Role.RELEASER, "oidc", "https://login.test", "ann"),
        Person("ann", Role.RELEASER, "oidc", "https://login.test/other", "ann"),
        Person("ann", Role.RELEASER, "oidc", "https://login.test", "/other#ann"),
        Person("ann", Role.RELEASER, "oidc", "https://login.test", "ann2"),
    ]
    assert len({person.account.casefold() for person in people}) == len(people)


async def test_a_request_is_refused_or_taken_back_by_its_number(tmp_path: Path) -> None:
    async with programs(tmp_path) as program:
        first = (await program("al", "request", why="expected"))[1]["request"]["number"]
        status, told = await program("bob", "take-back", number=first)
        assert (status, "Only al (api) can take it back" in told["detail"]) == (409, True)
        assert (await program("al", "take-back", number=first))[1] == {"id": ID, "state": "held", "replies": []}
        second = (await program("al", "request", why="after all"))[1]["request"]["number"]
        assert second != first
        assert (await program("bob", "approve", number=first, why="late"))[0] == 409
        assert (await program("bob", "refuse", number=second, why="it is malware"))[0] == 200
        assert await program.waiting() == []
        assert (await program("bob", "approve", number=second, why="late"))[0] == 409
        assert program.at.sent == []
        assert [step for step, *_ in program.at.told] == ["asked", "taken-back", "asked", "refused"]


async def test_recipients_are_refused_with_the_number_0(tmp_path: Path) -> None:
    async with programs(tmp_path) as program:
        await program.at.desk.ask(ID, "a@example.com", "mine")
        (item,) = await program.waiting()
        assert (item["request"], item["recipients_wait"], item["message"]["id"]) == (None, True, ID)
        assert (await program("bob", "approve", number=0, why="x"))[0] == 422
        assert (await program("bob", "refuse", number=0, why="it is malware"))[0] == 200
        assert await program.waiting() == []


@pytest.mark.parametrize(
    ("act", "body", "name"),
    [
        ("request", {"why": "x"}, "vic"),
        ("approve", {"number": 1, "why": "x"}, "al"),
        ("send", {"number": 1}, "al"),
        ("refuse", {"number": 1, "why": "x"}, "al"),
        ("take-back", {"number": 1}, "vic"),
    ],
)
async def test_a_token_does_no_more_than_the_role_of_its_owner(
    tmp_path: Path, act: str, body: dict[str, Any], name: str
) -> None:
    async with programs(tmp_path) as program:
        assert (await program(name, act, **body))[0] == 403
        assert await program.at.entries() == []


@pytest.mark.parametrize("number", [-1, 1 << 40, "2", 2.5, True, None])
async def test_what_is_no_number_is_none(tmp_path: Path, number: object) -> None:
    async with programs(tmp_path) as program:
        for act, more in (("approve", {"why": "x"}), ("send", {}), ("refuse", {"why": "x"}), ("take-back", {})):
            assert (await program("bob", act, number=number, **more))[0] == 422


async def test_a_copy_to_others_is_for_our_own_people(tmp_path: Path) -> None:
    async with programs(tmp_path) as program:
        status, told = await program("al", "request", why="x", to=["x@evil.test"])
        assert (status, "at none of your domains" in told["detail"]) == (409, True)
        assert (await program("al", "request", why="x", to=["x@ours.example"], recipients=["a@example.com"]))[0] == 409
        status, told = await program("al", "request", why="x", to=["soc@ours.example"])
        assert (status, told["request"]["wish"]["to"]) == (200, ["soc@ours.example"])
        assert (await program("bob", "approve", number=told["request"]["number"], why="fine"))[0] == 200
        assert program.at.sent == [(["soc@ours.example"], BYTES)]


async def test_what_did_not_reach_everybody_is_sent_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with programs(tmp_path) as program:
        number = (await program("al", "request", why="expected"))[1]["request"]["number"]
        way = program.at.desk._way
        monkeypatch.setattr(program.at.desk, "_way", dead_way)
        assert (await program("bob", "approve", number=number, why="fine"))[0] in {502, 503}
        monkeypatch.setattr(program.at.desk, "_way", way)
        assert (await program.open())["request"]["standing"] == "approved"
        status, told = await program("ann", "send", number=number)
        assert (status, told["state"]) == (200, "released")
        assert program.at.sent == [(BOTH, BYTES)]


@asynccontextmanager
async def dead_way() -> AsyncIterator[Any]:
    async def deliver(envelope: Any, client: Any, content: Any) -> list[Reply]:
        return [Reply.of("450 busy")] * len(envelope.recipients)

    yield deliver
