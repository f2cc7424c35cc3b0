"""The list: what is asked for, said in words, exported, and asked for again by itself."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gateway.web.desk import Query
from gateway.web.listing import COUNTED, sentence
from gateway.web.pages import DeskError
from tests.unit.web.test_site import ID, StubDesk, browser, desk, form_token, held_message, people, sign_in

__all__ = ["browser", "desk", "people"]

MACRO = "0f" * 32
FILE = "ab" * 32
STATIC = Path(__file__).resolve().parents[3] / "gateway" / "web" / "static"


@pytest.mark.parametrize(
    ("query", "count", "told"),
    [
        (Query(), 12, "12 waiting messages."),
        (Query(state="held"), 1, "1 held message."),
        (Query(state="all", campaign=MACRO, since="2026-11-01"), 0, f"No messages with the macro {MACRO[:16]} since"),
        (Query(file=FILE), 1, f"1 waiting message with the file {FILE[:16]}."),
        (Query(text="x"), COUNTED + 1, "More than 1,000 waiting messages with “x”."),
        (
            Query(verdict="macro", sender="a", recipient="b", subject="c"),
            2,
            "found to be macro from “a” to “b” about “c”",
        ),
    ],
)
def test_what_is_shown_is_said(query: Query, count: int, told: str) -> None:
    assert told in sentence(query, count)


def test_every_filter_is_in_the_address(browser: TestClient, desk: StubDesk) -> None:
    sign_in(browser)
    given = f"text=a+b&state=all&since=2026-11-01&until=2026-11-02&campaign={MACRO}&file={FILE}"
    page = browser.get(f"/quarantine?{given}").text
    asked = desk.asked[-1]
    wanted = ("a b", "all", "2026-11-01", "2026-11-02", MACRO, FILE)
    assert (asked.text, asked.state, asked.since, asked.until, asked.campaign, asked.file) == wanted
    assert asked.at() == given
    assert f"/quarantine.csv?{given.replace('&', '&amp;')}" in page


@pytest.mark.parametrize(
    "query", ["since=x", "since=0001-01-01", "until=9999-12-31", "campaign='--", "campaign=Z", "file=ab", "q=1"]
)
def test_odd_filters_are_none(browser: TestClient, desk: StubDesk, query: str) -> None:
    sign_in(browser)
    assert browser.get(f"/quarantine?{query}").status_code == 200
    assert desk.asked[-1] == Query(limit=51)


def test_asked_again_it_answers_with_what_may_have_changed(browser: TestClient) -> None:
    sign_in(browser)
    again = {"HX-Request": "true"}
    part = browser.get("/quarantine?subject=x", headers=again).text
    assert "<html" not in part
    found = re.search(r'hx-get="([^"]+)"', part)
    assert found
    address = found[1].replace("&amp;", "&")
    assert browser.get(address, headers=again).status_code in {200, 204}  # 200 in the moment a minute ends
    assert browser.get(address).status_code == 200
    assert "<html" not in browser.get("/", headers=again).text
    browser.cookies.clear()
    gone = browser.get(address, headers=again)
    assert (gone.status_code, gone.headers["hx-refresh"], gone.text) == (200, "true", "")


# --- as CSV ---


def exported(browser: TestClient) -> list[list[str]]:
    answer = browser.get("/quarantine.csv?subject=x")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(answer.text)))


@pytest.mark.parametrize(
    "evil", ["=1+1", "+cmd|' /C calc'!A0", "-2", "@SUM(1)", "\t=1", " =1", "|x", "%x", '="a"', "＝1", "＠SUM(1)"]
)
def test_nothing_in_an_export_is_a_formula(
    browser: TestClient, desk: StubDesk, evil: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.message = held_message(subject=evil, sender=evil, from_header=evil, why=evil)
    monkeypatch.setattr("gateway.web.listing.EXPORTED", 60)
    sign_in(browser)
    rows = exported(browser)
    assert rows[0][:3] == ["kept_at", "id", "state"]
    assert len(rows) == 62  # the stub has no end
    assert rows[-1] == ["Incomplete: more than 60 messages fit; narrow the search down"]
    assert rows[1][rows[0].index("subject")] == f"'{evil}"
    assert all(cell.lstrip()[:1] not in {*"=+-@|%"} - {""} for row in rows for cell in row if cell)


# --- several at once ---


def test_several_are_asked_about_and_done(browser: TestClient, desk: StubDesk) -> None:
    sign_in(browser)
    page = browser.get(f"/quarantine/several?act=release&id={ID}&id={ID}").text
    assert page.count(f'name="id" value="{ID}"') == 1
    assert desk.done == []
    fields = {"form": form_token(browser), "act": "release", "why": "known", "id": [ID]}
    assert "1 of 1 released" in browser.post("/quarantine/several", data=fields).text
    browser.post("/quarantine/several", data=fields | {"act": "delete"})
    assert [one[:2] for one in desk.done] == [("release", ID), ("delete", ID)]


def test_all_of_a_page_need_no_script(browser: TestClient) -> None:
    sign_in(browser)
    page = browser.get(f"/quarantine/several?act=delete&all=1&shown={ID}").text
    assert f'name="id" value="{ID}"' in page


def test_one_that_fails_does_not_stop_the_others(
    browser: TestClient, desk: StubDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    async def delete(held_id: str, **_: object) -> None:
        tried.append(held_id)
        if held_id == "b":
            raise DeskError("It is released already")

    monkeypatch.setattr(desk, "delete", delete)
    sign_in(browser)
    fields = {"form": form_token(browser), "act": "delete", "why": "spam", "id": ["a", "b", "c"]}
    page = browser.post("/quarantine/several", data=fields).text
    assert tried == ["a", "b", "c"]
    assert "2 of 3 deleted" in page
    assert "It is released already" in page


@pytest.mark.parametrize(
    ("fields", "status", "told"),
    [
        ({"id": []}, 409, "No message was ticked"),
        ({"id": [f"{at:016x}" for at in range(101)]}, 409, "at most 100"),
        ({"act": "x"}, 409, "Nothing was chosen"),
        ({"why": " "}, 409, "A reason is needed"),
        ({"form": "x"}, 403, "not one of yours"),
    ],
)
def test_what_is_missing_for_several_is_said(
    browser: TestClient, desk: StubDesk, fields: dict[str, object], status: int, told: str
) -> None:
    sign_in(browser)
    whole = {"form": form_token(browser), "act": "release", "why": "known", "id": [ID]} | fields
    answer = browser.post("/quarantine/several", data=whole)  # type: ignore[arg-type]
    assert (answer.status_code, told in answer.text) == (status, True)
    assert desk.done == []


def test_a_viewer_cannot_do_several(browser: TestClient, desk: StubDesk) -> None:
    sign_in(browser, "vic")
    assert browser.get(f"/quarantine/several?act=release&id={ID}").status_code == 403
    fields = {"form": form_token(browser), "act": "delete", "why": "x", "id": [ID]}
    assert browser.post("/quarantine/several", data=fields).status_code == 403
    assert desk.done == []


def test_the_script_of_others_is_the_one_that_was_looked_at() -> None:
    digest = hashlib.sha256((STATIC / "htmx.min.js").read_bytes()).hexdigest()
    assert digest in (STATIC / "htmx.md").read_text()
