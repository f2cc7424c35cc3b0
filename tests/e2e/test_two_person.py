"""Two persons for one release, as they do it: two browsers, two accounts, and those who try it alone."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.samples import mail
from gateway.web.people import Role
from gateway.web.users import Users
from tests.e2e.browser import chromium
from tests.e2e.conftest import Pair
from tests.e2e.gateway import COMMAND
from tests.e2e.talk import send
from tests.e2e.tools import eventually

PASSWORD = "correct horse battery"
TWO = "two_person = true\n"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def signed_in(browser: Browser, running: Pair, name: str) -> Page:
    page = browser.new_context(base_url=f"http://127.0.0.1:{running.gateway.http}").new_page()
    page.goto("/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    return page


def held(running: Pair) -> bytes:
    users = Users(running.gateway.folder / "users.json")
    for name, role in (("al", Role.ANALYST), ("ann", Role.RELEASER), ("bob", Role.RELEASER)):
        users.put(name, role, PASSWORD)
    message = mail.docm_autoopen_message("sender@outside.test", "alice@example.com")
    assert "Held" in send(running.gateway.port, message, "alice@example.com")
    return message


def ask(page: Page) -> str:
    page.goto("/quarantine")
    page.locator("table.list a").first.click()
    address = page.url
    page.get_by_role("link", name="Ask for release…").click()
    expect(page.get_by_text("Today's rules")).to_be_visible()
    expect(page.get_by_label("a copy without what was found")).to_be_checked()
    expect(page.get_by_text("Invoice.docm: without")).to_be_visible()
    page.get_by_label("the original").check()
    page.get_by_label("Reason").fill("a customer sends it every month")
    page.get_by_role("button", name="Ask for release").click()
    expect(page.get_by_role("heading", name="Asked for")).to_be_visible()
    return address.rpartition("/")[2]


def test_one_asks_and_another_approves(browser: Browser, pair: Callable[..., Pair]) -> None:
    running = pair(more=TWO)
    message = held(running)
    ann = signed_in(browser, running, "ann")
    held_id = ask(ann)
    form = ann.goto(f"/quarantine/{held_id}/request")
    assert form
    expect(ann.get_by_text("another person has to approve it")).to_be_visible()

    # ann by hand: her form has a token, and the answer of hers is refused all the same
    token = re.search(r'name="form" value="([^"]+)"', ann.content())
    number = re.search(r'name="number" value="([^"]+)"', ann.content())
    assert token
    assert number
    fields = {"form": token[1], "number": number[1], "why": "me", "answer": "approve"}
    alone = ann.request.post(f"/quarantine/{held_id}/request", form=fields)
    assert (alone.status, "another person has to approve it" in alone.text()) == (409, True)
    whole = {"form": token[1], "why": "me", "recipient": "alice@example.com", "what": "original"}
    direct = ann.request.post(f"/quarantine/{held_id}/release", form=whole)
    assert (direct.status, "takes two persons" in direct.text()) == (409, True)
    secret = running.gateway.run("token", "add", "hers", "--user", "ann", "--scope", "approve,release").strip()
    for act, body in (("approve", {"number": int(number[1]), "why": "me"}), ("release", {"why": "me"})):
        by_token = ann.request.post(
            f"/api/v1/messages/{held_id}/{act}", headers={"Authorization": f"Bearer {secret}"}, data=body
        )
        assert (by_token.status, "person" in by_token.text()) == (409, True)
    assert running.hop.messages == []

    bob = signed_in(browser, running, "bob")
    bob.get_by_role("link", name="Requests 1").click()
    bob.locator("table.list a").first.click()
    expect(bob.get_by_text("a customer sends it every month")).to_be_visible()
    expect(bob.get_by_text("to alice@example.com")).to_be_visible()
    bob.get_by_label("Reason").fill("called the customer")
    bob.get_by_role("button", name="Approve and release").click()
    expect(bob.get_by_role("heading", name="Approved and released")).to_be_visible()
    eventually("the message at the next hop", lambda: len(running.hop.messages) == 1)
    assert running.hop.messages[0].data == message
    bob.get_by_role("link", name="What is on record").click()
    for words in ("ann (web)", "bob (web)", "called the customer"):
        expect(bob.get_by_text(words).first).to_be_visible()
    steps = [event["step"] for event in running.gateway.events("release-request")]
    assert steps == ["asked", "approved"]


def test_many_clicks_of_an_approval_release_once(browser: Browser, pair: Callable[..., Pair]) -> None:
    running = pair(more=TWO)
    held(running)
    held_id = ask(signed_in(browser, running, "al"))
    bob = signed_in(browser, running, "bob")
    bob.goto(f"/quarantine/{held_id}/request")
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in bob.context.cookies())
    token = re.search(r'name="form" value="([^"]+)"', bob.content())
    number = re.search(r'name="number" value="([^"]+)"', bob.content())
    assert token
    assert number
    body = f"form={token[1]}&number={number[1]}&why=yes&answer=approve"

    def click(_: int) -> str:
        address = f"http://127.0.0.1:{running.gateway.http}/quarantine/{held_id}/request"
        words = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-b", cookie, "-d", body, address]
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout

    with ThreadPoolExecutor(6) as pool:
        codes = sorted(pool.map(click, range(6)))
    assert codes == ["200"] + ["409"] * 5
    assert click(0) == "409"
    assert len(running.hop.messages) == 1


def test_a_request_is_refused_after_a_restart(browser: Browser, pair: Callable[..., Pair]) -> None:
    running = pair(more=TWO)
    held(running)
    held_id = ask(signed_in(browser, running, "al"))
    running.gateway.terminate()
    running.gateway.start()
    bob = signed_in(browser, running, "bob")
    bob.goto(f"/quarantine/{held_id}/request")
    bob.get_by_label("Reason").fill("it is malware")
    bob.get_by_role("button", name="Refuse").click()
    expect(bob.get_by_role("heading", name="Refused")).to_be_visible()
    bob.goto("/requests")
    expect(bob.get_by_text("Nobody.")).to_be_visible()
    assert running.hop.messages == []


def test_the_command_on_the_machine_asks_for_two_as_well(pair: Callable[..., Pair]) -> None:
    running = pair(more=TWO)
    held(running)

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        config = ["--config", str(running.gateway.configuration)]
        return subprocess.run(
            [str(COMMAND), "quarantine", *words, *config], capture_output=True, text=True, timeout=60, check=False
        )

    held_id = command("list").stdout.split()[0]
    refused = command("release", held_id, "--why", "me")
    assert (refused.returncode, "takes two persons" in refused.stderr) == (1, True)
    done = command("release", held_id, "--why", "me", "--alone", "nobody else is awake")
    assert done.returncode == 0, done.stderr
    assert "one person alone: nobody else is awake" in command("show", held_id).stdout
    assert len(running.hop.messages) == 1
