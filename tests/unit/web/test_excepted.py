"""The pages of exceptions, over a real file of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gateway.closed_sets import Effect
from gateway.exception_desk import ExceptionDesk
from gateway.exceptions import ExceptionList
from gateway.policy.entries import Entry
from gateway.web.users import Role, Users
from tests.unit.web.test_site import EVIL, PASSWORD, StubDesk, browser, desk, form_token, people, sign_in

__all__ = ["browser", "desk", "people"]
MACRO = "3f" * 32
ALLOWED = {"effect": "allow", "subject": "macro", "what": MACRO, "recipients": "bob@example.com, b.test", "why": "his"}
BLOCKED = {"effect": "block", "subject": "sender", "what": "evil.example", "why": "phishing", "days": "7"}


@pytest.fixture
def known(desk: StubDesk, people: Users, tmp_path: Path) -> ExceptionList:
    people.put("max", Role.ADMIN, PASSWORD)
    found = ExceptionList(tmp_path / "exceptions.json")
    desk.exceptions = ExceptionDesk(found)
    return found


def post(browser: TestClient, path: str, **fields: str) -> int:
    return browser.post(path, data={"form": form_token(browser)} | fields).status_code


async def test_an_admin_allows_and_takes_back(browser: TestClient, known: ExceptionList) -> None:
    sign_in(browser, "max")
    form = browser.get(f"/exceptions/new?effect=allow&subject=macro&what={MACRO}&recipient=bob@example.com").text
    assert MACRO in form
    assert "bob@example.com" in form
    assert post(browser, "/exceptions", **ALLOWED) == 303
    (entry,) = await known.find()
    assert (entry.effect, entry.what, entry.who) == (Effect.ALLOW, MACRO, "max (web)")
    assert entry.recipients == ("bob@example.com", "@b.test")
    assert MACRO in browser.get("/exceptions").text
    assert browser.get(f"/exceptions/{entry.id}/remove").status_code == 200
    assert len(await known.find()) == 1  # looking changes nothing
    assert post(browser, f"/exceptions/{entry.id}/remove", why="") == 409
    assert post(browser, f"/exceptions/{entry.id}/remove", why="over") == 303
    assert await known.find() == []
    assert "over" in browser.get("/exceptions?all=1").text
    assert post(browser, "/exceptions/0123456789/remove", why="over") == 404


async def test_who_may_only_hold_mail_may_not_let_it_pass(browser: TestClient, known: ExceptionList) -> None:
    sign_in(browser, "ann")
    assert post(browser, "/exceptions", **BLOCKED) == 303
    (block,) = await known.find()
    assert block.expires is not None
    assert post(browser, "/exceptions", **ALLOWED) == 403
    assert post(browser, f"/exceptions/{block.id}/remove", why="let it in") == 403
    assert browser.get("/exceptions/new?effect=allow").status_code == 403
    assert [entry.id for entry in await known.find()] == [block.id]


async def test_a_viewer_changes_nothing_and_a_stranger_sees_nothing(browser: TestClient, known: ExceptionList) -> None:
    assert browser.get("/exceptions").headers["location"] == "/sign-in?next=%2Fexceptions"
    assert browser.post("/exceptions", data=BLOCKED).headers["location"] == "/sign-in"
    sign_in(browser, "vic")
    assert post(browser, "/exceptions", **BLOCKED) == 403
    assert browser.get("/exceptions/new?effect=block").status_code == 403
    sign_in(browser, "max")
    assert browser.post("/exceptions", data=BLOCKED).status_code == 403  # without the token of the form
    assert await known.find() == []


@pytest.mark.parametrize(
    "change",
    [
        {"effect": "x"},
        {"subject": ""},
        {"what": "?"},
        {"why": ""},
        {"days": "-1"},
        {"days": "999"},
        {"recipients": "nobody"},
        {"subject": "macro", "what": "short"},
    ],
)
async def test_what_cannot_be_is_told(browser: TestClient, known: ExceptionList, change: dict[str, str]) -> None:
    sign_in(browser, "max")
    given = (BLOCKED | {"effect": "allow"}) | change
    assert post(browser, "/exceptions", **given) == 409
    assert await known.find() == []


async def test_nothing_runs_that_somebody_wrote(browser: TestClient, known: ExceptionList) -> None:
    sign_in(browser, "max")
    assert post(browser, "/exceptions", **(ALLOWED | {"why": EVIL})) == 303
    shown: list[Entry] = list(await known.find())
    pages = [browser.get("/exceptions").text, browser.get(f"/exceptions/{shown[0].id}/remove").text]
    pages.append(browser.get("/exceptions/new", params={"effect": "allow", "what": EVIL, "recipient": EVIL}).text)
    for page in pages:
        assert "<script>alert" not in page
        assert "<img src=x" not in page


async def test_a_file_that_cannot_be_read_is_told(browser: TestClient, known: ExceptionList) -> None:
    sign_in(browser, "max")
    known.path.write_text("no")
    answer = browser.get("/exceptions")
    assert answer.status_code == 409
    assert "is not a file of exceptions" in answer.text
