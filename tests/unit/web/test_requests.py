"""A recipient asks for the original: once, by a click that is one, and learns nothing else."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gateway.web.pages import DeskError
from gateway.web.requests import request_routes

ID = "0123456789abcdef"


class Gate:
    """Links of one held message, and what was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []

    async def read(self, token: str) -> tuple[str, str]:
        if token != "good":
            raise DeskError("This link is not one of ours.")
        return ID, "alice@example.com"

    async def ask(self, held_id: str, recipient: str, why: str) -> None:
        if self.asked:
            raise DeskError("It was asked for already, or its fate is decided.")
        self.asked.append((held_id, recipient, why))


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def browser(gate: Gate) -> TestClient:
    return TestClient(Starlette(routes=request_routes(gate.read, gate.ask)), follow_redirects=False)


def test_a_program_that_follows_links_asks_for_nothing(browser: TestClient, gate: Gate) -> None:
    for _ in range(3):
        answer = browser.get("/request?request=good")
        assert answer.status_code == 200
        assert "Ask for the original?" in answer.text
    assert browser.head("/request?request=good").status_code in {200, 405}
    assert gate.asked == []


def test_a_person_asks_once(browser: TestClient, gate: Gate) -> None:
    answer = browser.post("/request", data={"request": "good", "why": "<b>my supplier</b>\n"})
    assert (answer.status_code, "Asked" in answer.text) == (200, True)
    assert gate.asked == [(ID, "alice@example.com", "<b>my supplier</b>")]
    again = browser.post("/request", data={"request": "good"})
    assert (again.status_code, "asked for already" in again.text) == (409, True)
    assert len(gate.asked) == 1


@pytest.mark.parametrize("token", ["", "bad", "<script>alert(1)</script>", "x" * 5000])
def test_a_link_that_is_none_says_so_and_tells_nothing(browser: TestClient, gate: Gate, token: str) -> None:
    shown = browser.get("/request", params={"request": token})
    sent = browser.post("/request", data={"request": token})
    for answer in (shown, sent):
        assert answer.status_code in {404, 409}
        assert "cannot be used" in answer.text
        assert "<script" not in answer.text
        assert ID not in answer.text
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert gate.asked == []
