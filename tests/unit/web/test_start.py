"""The start page: is all well, and if not, what is to be done."""

from __future__ import annotations

import html
import re
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.web import runbooks
from gateway.web.desk import Query
from gateway.web.pages import DeskError
from gateway.web.today import Room, Today, Trouble
from tests.e2e.tools import ROOT
from tests.unit.web.test_site import A_GOOD_DAY, NOW, StubDesk, browser, desk, people, sign_in

__all__ = ["browser", "desk", "people"]
HTMX = {"HX-Request": "true"}


class Day(StubDesk):
    """A desk whose ``day`` a test chooses."""

    day: Today = A_GOOD_DAY
    dead: str = ""

    async def today(self) -> Today:
        return self.day

    async def find(self, query: Query) -> Any:
        if self.dead:
            raise DeskError(self.dead)
        return await super().find(query)


@pytest.fixture
def desk() -> Day:  # noqa: F811 - this one in place of the other
    return Day()


def page(browser: TestClient) -> str:
    sign_in(browser)
    return html.unescape(browser.get("/").text)


def test_a_good_day_is_told_in_one_line(browser: TestClient) -> None:
    text = page(browser)
    assert "<h1>All is well</h1>" in text
    assert "The next hop answers, the quarantine can store, 2 scan workers are alive." in text
    assert "What to do" not in text


@pytest.mark.parametrize(
    ("grave", "says"),
    [(True, "Mail cannot flow as it should"), (False, "Mail flows, and something needs you")],
)
def test_what_is_not_well_is_told_with_what_to_do(browser: TestClient, desk: Day, grave: bool, says: str) -> None:
    desk.day = replace(A_GOOD_DAY, troubles=(Trouble("disk", "Only 3 B are free.", "disk-filling", grave),))
    text = page(browser)
    assert f"<h1>{says}</h1>" in text
    assert "Only 3 B are free." in text
    assert '<a href="/runbooks/disk-filling">What to do</a>' in text
    assert "All is well" not in text


def test_the_worst_comes_first(browser: TestClient, desk: Day) -> None:
    small, grave = Trouble("log", "Lines lost.", "x"), Trouble("next-hop", "It is gone.", "y", grave=True)
    desk.day = replace(A_GOOD_DAY, troubles=(small, grave))
    text = page(browser)
    assert text.index("It is gone.") < text.index("Lines lost.")


def test_the_counts_of_the_day_are_drawn_and_said(browser: TestClient, desk: Day) -> None:
    text = page(browser)
    assert "<b>1,203</b> passed" in text
    assert 'aria-label="passed: 1,203 in 24 hours, most in the hour from 23:00 UTC: 1,200"' in text
    assert text.count("<svg") == len(A_GOOD_DAY.counts)
    assert len(re.findall(r"<rect x", text)) == 2 + 24
    assert "Counted since 2026-11-24 12:00 UTC, when the gateway was started" in text


def test_what_cannot_be_known_is_a_question_mark(browser: TestClient, desk: Day) -> None:
    desk.day = replace(
        A_GOOD_DAY, rooms=(Room("held messages", None, "x"), Room("messages on their way", 5 << 30, "x"))
    )
    text = page(browser)
    assert "<b>?</b><span>free for held messages" in text
    assert "<b>5.0 GiB</b><span>free for messages on their way" in text


def test_without_the_quarantine_there_is_still_a_start_page(browser: TestClient, desk: Day) -> None:
    desk.dead = "the index is locked"
    text = page(browser)
    assert "They cannot be shown now: the index is locked" in text
    assert "passed" in text


def test_who_waits_for_an_answer_is_told_with_the_way_there(browser: TestClient, desk: Day) -> None:
    assert "asked for</a>" not in page(browser)
    desk.asked_for = object()  # type: ignore[assignment] - only its presence is asked
    assert '<a href="/requests">1 held message is asked for</a>' in html.unescape(browser.get("/").text)


def test_who_asks_again_gets_nothing_until_something_is_new(browser: TestClient, desk: Day) -> None:
    sign_in(browser)
    for _ in range(3):  # a minute may end in between
        first = browser.get("/", headers=HTMX)
        assert "<html" not in first.text
        again = re.search(r'hx-get="(/\?seen=[0-9a-f]+)"', first.text)
        assert again
        answer = browser.get(again[1], headers=HTMX)
        if answer.status_code == 204:
            break
    assert (answer.status_code, answer.text) == (204, "")
    assert browser.get(again[1]).status_code == 200  # somebody's click
    for change in (
        {"busy": 1},
        {"troubles": (Trouble("log", "x", "y"),)},
        {"counts": ()},
        {"last": NOW.replace(hour=1)},
    ):
        desk.day = replace(A_GOOD_DAY, **change)
        assert browser.get(again[1], headers=HTMX).status_code == 200
    desk.day = A_GOOD_DAY
    desk.message = replace(desk.message, note="requested by alice")
    assert browser.get(again[1], headers=HTMX).status_code == 200


# --- what to do ---


def test_what_is_wrong_leads_to_what_to_do(browser: TestClient, desk: Day) -> None:
    desk.day = replace(A_GOOD_DAY, troubles=(Trouble("disk", "Only 3 B are free.", "disk-filling"),))
    (link,) = re.findall(r'<a href="([^"]*)">What to do</a>', page(browser))
    answer = browser.get(link)
    assert answer.status_code == 200
    text = html.unescape(answer.text)
    assert "<h1>Little room for held messages</h1>" in text
    assert "<li>What is it? <code>du -sh</code> of the folder of" in text
    assert text.count("<ol>") == text.count("</ol>") == 1


@pytest.mark.parametrize("name", ["nothing", "..%2fpages", "README", "down.md", "a" * 3000, "%00", "down%0a"])
def test_there_is_no_other_page(browser: TestClient, name: str) -> None:
    sign_in(browser)
    assert browser.get(f"/runbooks/{name}").status_code == 404


def test_strangers_are_told_nothing_of_what_to_do(browser: TestClient) -> None:
    assert browser.get("/runbooks/down").status_code == 303


@pytest.mark.parametrize("path", sorted(runbooks.folder().glob("[a-z]*.md")), ids=lambda path: path.stem)
def test_each_runbook_is_read_whole(path: Path) -> None:
    """No mark of Markdown is left over, no word is lost, and links lead to pages there are."""
    read = runbooks.read(path.stem)
    texts = [piece for block in read for piece in block.pieces]
    assert read[0].kind == "title"
    assert {block.kind for block in read} == {"title", "heading", "paragraph", "step"}
    assert not [piece.text for piece in texts if piece.kind != "code" and re.search(r"[`#|<]|\*\*|\]\(", piece.text)]
    for piece in texts:
        assert piece.kind != "link" or (path.parent / f"{piece.target}.md").is_file()
    words = re.findall(r"\w+", re.sub(r"\]\([^)]*\)|^\d+\. ", "", path.read_text(), flags=re.MULTILINE))
    assert set(words) <= set(re.findall(r"\w+", " ".join(piece.text for piece in texts)))


def test_the_wheel_brings_the_runbooks() -> None:
    included = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert included["force-include"]["docs/runbooks"] == "gateway/runbooks"
