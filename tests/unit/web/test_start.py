"""The start page: is all well, and if not, what is to be done."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pytest
from starlette.testclient import TestClient

from gateway.web.desk import Query
from gateway.web.pages import DeskError
from gateway.web.today import Room, Today, Trouble
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
    assert "disk-filling" in text
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
    desk.day = replace(A_GOOD_DAY, rooms=(Room("held messages", None), Room("messages on their way", 5 << 30)))
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
