"""Indicators by API: in every format, within bounds, and for tokens that may see nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import csv
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gateway import ioc_desk
from gateway.config import Settings
from gateway.ioc_desk import IocDesk
from gateway.iocs.collect import Bounds
from gateway.iocs.gather import Gathering
from gateway.message import Report
from gateway.spool import Spool
from gateway.web import users as users_module
from gateway.web.api.iocs import preferred
from gateway.web.api.tokens import Scope
from tests.unit.quarantine.made import BODY, DECISION, ID, OTHER, REPORT, transaction
from tests.unit.web.api.test_requests import Program, programs

ROOT = Path(__file__).resolve().parents[4]
HASH = "ab" * 32


def report(*indicators: str) -> Report:
    return replace(REPORT, findings=(replace(REPORT.findings[0], indicators=indicators),))


REPORTS = {
    ID: report("http://evil.example.org/a", "http://www.example.com/ours", "http://github.io/"),
    OTHER: report("http://evil.example.org/a", "http://gw.example.net/us"),
}


@dataclass
class Asking:
    """A program with a token for this alone."""

    program: Program
    token: str
    rules: Path = ROOT / "rules"

    async def __call__(self, accept: str = "*/*", **query: str) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Accept": accept}
        return await self.program.client.get("/iocs", params=query, headers=headers)

    async def values(self, **query: str) -> list[str]:
        answer = await self(**query)
        assert answer.status_code == 200, answer.text
        return [one["value"] for one in answer.json()]


@asynccontextmanager
async def asking(tmp_path: Path) -> AsyncIterator[Asking]:
    async with programs(tmp_path, two_person=False) as program:
        quarantine = program.at.quarantine
        for held_id, found in REPORTS.items():
            with contextlib.closing(Spool.of(BODY)) as content:
                await quarantine.keep(held_id, transaction(), content, found, DECISION)
        one = Asking(program, program.api_tokens.add("sinkhole", "vic", [Scope.IOCS], None))
        settings = SimpleNamespace(
            policy=SimpleNamespace(rules=one.rules), smtp=SimpleNamespace(hostname="gw.example.net")
        )
        program.at.desk.iocs = IocDesk(quarantine, lambda: cast(Settings, settings))
        yield one


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = users_module.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(users_module, "_HASHER", hasher)


async def test_what_was_stopped_without_what_is_ours(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        answer = await ask()
        assert answer.headers["content-type"] == "application/json"
        evil = answer.json()[0]
        assert (evil["value"], evil["type"], evil["messages"], evil["held"]) == (
            *("evil.example.org", "domain", 2),
            [OTHER, ID],
        )
        assert await ask.values() == ["evil.example.org", HASH, "http://evil.example.org/a"]
        assert json.loads(answer.headers["macrogate-notes"]) == {
            "indicators": {"sha256": 1, "url": 1, "domain": 1, "ip": 0},
            "left_out": {"a public suffix": 1, "our own": 2},
            "not_read": 0,
        }
        assert await ask.values(**{"except": "Example.ORG"}) == [HASH]
        assert await ask.values(until="2026-01-01") == []
        assert await ask.values(since="2026-01-01T00:00:00Z", verdict="autoexec,macro") != []
        assert await ask.values(verdict="suspicious") == []


async def test_what_was_released_is_no_indicator(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        program = ask.program
        await program.at.quarantine.release(ID, who="me", why="honest", deliver=deliver)
        assert (await ask()).json()[0]["messages"] == 1


async def deliver(envelope: Any, client: Any, content: Any) -> Any:
    from gateway.message import Reply

    return [Reply.of("250 ok")] * len(envelope.recipients)


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("json", "application/json"),
        ("csv", "text/csv"),
        ("misp", "application/json"),
        ("stix", "application/stix+json"),
        ("rpz", "text/dns"),
    ],
)
async def test_every_format_by_its_name_and_by_its_type(tmp_path: Path, form: str, kind: str) -> None:
    async with asking(tmp_path) as ask:
        answer = await ask(format=form)
        assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, kind)
        assert "evil.example.org" in answer.text
        if form in {"misp", "stix"}:
            assert isinstance(json.loads(answer.text), dict)
        if form == "csv":
            assert len(list(csv.reader(answer.text.splitlines()))) == 4
        by_type = await ask(kind)
        assert by_type.headers["content-type"] == answer.headers["content-type"] or form == "misp"
        assert (await ask("text/csv", format=form)).headers["content-type"] == answer.headers["content-type"]


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", "json"),
        ("*/*", "json"),
        ("text/html, image/png", "json"),
        ("text/csv", "csv"),
        ("TEXT/CSV; charset=utf-8", "csv"),
        ("text/csv;q=0.5, application/stix+json;version=2.1", "stix"),
        ("text/csv;q=0, text/dns;q=0.1", "rpz"),
        ("text/csv;q=nan", "json"),
        ("text/csv;q=x", "json"),
        ("application/json, text/csv", "json"),
        ("text/csv, application/json", "csv"),
        (",;,;q=,,", "json"),
    ],
)
def test_the_format_of_an_accept_field(accept: str, form: str) -> None:
    assert preferred(accept) == form


@pytest.mark.parametrize(
    "query",
    [
        {"format": "xml"},
        {"verdict": "clean"},
        {"verdict": "suspicious,"},
        {"except": "no domain"},
        {"except": "a.example,,b.example"},
        {"since": "yesterday"},
        {"limit": "5"},
    ],
)
async def test_odd_wishes_are_refused(tmp_path: Path, query: dict[str, str]) -> None:
    async with asking(tmp_path) as ask:
        assert (await ask(**query)).status_code == 422


@pytest.mark.parametrize(
    ("bounds", "sentence"),
    [
        (Bounds(1, 100, 60), "More than 1 messages were stopped"),
        (Bounds(100, 2, 60), "name more than 2 things"),
        (Bounds(100, 100, 0), "not gathered within 0 seconds"),
    ],
)
async def test_what_does_not_fit_is_no_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bounds: Bounds, sentence: str
) -> None:
    async with asking(tmp_path) as ask:
        monkeypatch.setattr(ioc_desk, "BOUNDS", bounds)
        answer = await ask()
        assert (answer.status_code, sentence in answer.json()["detail"]) == (409, True), answer.text
        monkeypatch.undo()
        assert (await ask()).status_code == 200  # the next one has its turn


async def test_lists_are_made_one_at_a_time_and_on_threads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads, at_work, most = set(), 0, 0
    add, collect = Gathering.add, ioc_desk.collect

    def noted(self: Gathering, *given: Any) -> None:
        threads.add(threading.current_thread())
        add(self, *given)

    async def counted(*given: Any) -> Any:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        try:
            return await collect(*given)
        finally:
            at_work -= 1

    async with asking(tmp_path) as ask:
        monkeypatch.setattr(Gathering, "add", noted)
        monkeypatch.setattr(ioc_desk, "collect", counted)
        answers = await asyncio.gather(*(ask() for _ in range(4)))
        assert [answer.status_code for answer in answers] == [200] * 4
        assert most == 1
        assert threading.main_thread() not in threads
        monkeypatch.setattr(ioc_desk, "WAIT_SECONDS", 0.05)
        desk: Any = ask.program.at.desk.iocs
        async with desk._turn:
            answer = await ask()
        assert (answer.status_code, "Another list is being made" in answer.json()["detail"]) == (503, True)


async def test_what_cannot_be_read_is_counted(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        (record,) = (tmp_path / "m").rglob(f"{OTHER}/*.json")
        record.write_bytes(b"{")
        answer = await ask()
        assert (answer.json()[0]["messages"], json.loads(answer.headers["macrogate-notes"])["not_read"]) == (1, 1)


async def test_without_its_table_there_is_no_list(tmp_path: Path) -> None:
    async with asking(tmp_path) as ask:
        settings = SimpleNamespace(policy=SimpleNamespace(rules=tmp_path / "none"), smtp=SimpleNamespace(hostname="x"))
        ask.program.at.desk.iocs = IocDesk(ask.program.at.quarantine, lambda: cast(Settings, settings))
        answer = await ask()
        assert (answer.status_code, "iocs.toml: No such file" in answer.json()["detail"]) == (503, True)
