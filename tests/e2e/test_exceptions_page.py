"""Exceptions made, seen and ended in a real browser: who may, what becomes of mail, and words that stay words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.samples import mail
from gateway.web.people import Role
from tests.e2e.browser import chromium
from tests.e2e.conftest import Pair
from tests.e2e.talk import send
from tests.e2e.test_exceptions import message
from tests.e2e.test_message_page import seen
from tests.e2e.test_pages import VECTORS, opened


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def make(page: Page, effect: str, what: str, why: str, **more: str) -> None:
    """Fill in the form of ``effect`` and send it."""
    page.goto("/exceptions")
    page.get_by_role("link", name=f"{effect}…").click()
    page.get_by_label("About").select_option(more.pop("about", "sender"))
    page.get_by_label("Which").fill(what)
    for label, text in more.items():
        page.get_by_label(label.replace("_", " ")).fill(text)
    page.get_by_label("Reason").fill(why)
    page.get_by_role("button", name=effect).click()


def on_file(running: Pair) -> str:
    """All exceptions there ever were."""
    file = running.gateway.folder / "exceptions.json"
    return file.read_text() if file.exists() else ""


def posted(page: Page, path: str, **fields: str) -> tuple[int, str]:
    """What a form made by hand is answered, with the token of the session's own forms."""
    token = re.search(r'name="form" value="([^"]+)"', page.content())
    assert token
    answer = page.request.post(path, form={"form": token[1], **fields})
    return answer.status, answer.text()


def test_a_sender_is_blocked_seen_in_the_list_and_taken_back(browser: Browser, shared: Pair, tmp_path: Path) -> None:
    gateway, clean = shared.gateway, mail.plain_message()
    watched = opened(browser, shared, "root", Role.ADMIN)
    page = watched.page
    make(page, "Block", "offers.test", "phishing since noon")
    expect(page.get_by_role("row").filter(has_text="phishing since noon")).to_contain_text("root (web)")
    seen(page, tmp_path, "exceptions")
    number = gateway.event("exception-added", what="@offers.test")["exception"]
    assert "Held" in send(gateway.port, clean, "bob@example.com", sender="shop@offers.test")
    assert send(gateway.port, clean, "bob@example.com", sender="shop@other.test").startswith("250")

    row = page.get_by_role("row").filter(has_text=number)
    row.get_by_role("link", name="Remove…").click()
    expect(page.get_by_text("phishing since noon")).to_be_visible()
    page.get_by_role("button", name="Remove").click()  # the browser wants a reason
    expect(page.get_by_role("heading", name="Remove this exception?")).to_be_visible()
    page.get_by_label("Reason").fill("it was a mistake")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text(number)).to_have_count(0)
    gateway.event("exception-removed", exception=number)
    assert "Held" not in send(gateway.port, clean, "bob@example.com", sender="shop@offers.test")
    page.get_by_role("link", name="With those that have ended").click()
    expect(row).to_contain_text("Removed by root (web): it was a mistake")
    expect(row.get_by_role("link")).to_have_count(0)
    assert watched.wrong == []
    page.close()


def test_a_macro_is_allowed_from_the_page_of_its_message_for_one_recipient(browser: Browser, shared: Pair) -> None:
    port = shared.gateway.port
    reply = send(port, message("allowed here"), "bob@example.com")
    watched = opened(browser, shared, "root", Role.ADMIN)
    page = watched.page
    page.goto(f"/quarantine/{reply.rpartition(' ')[2]}")
    page.locator("#found").get_by_role("link", name="allow…").last.click()
    expect(page.get_by_label("Which")).to_have_value(re.compile("^[0-9a-f]{64}$"))
    page.get_by_label("Only for these recipients").fill("bob@example.com")
    page.get_by_label("For how many days").fill("7")
    page.get_by_label("Reason").fill("his own template")
    fingerprint = page.get_by_label("Which").input_value()
    subject = page.get_by_label("About").input_value()
    page.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("row").filter(has_text="his own template")).to_contain_text("bob@example.com")
    shared.gateway.event("exception-added", what=fingerprint)
    assert subject in ("macro", "file")
    assert send(port, message("allowed here"), "bob@example.com") == "250 2.0.0 Taken"
    assert "Held" in send(port, message("allowed here"), "carol@example.com")
    assert watched.wrong == []
    page.close()


@pytest.mark.parametrize(
    ("role", "may"), [(Role.VIEWER, ""), (Role.ANALYST, ""), (Role.RELEASER, "block"), (Role.ADMIN, "allow block")]
)
def test_who_may_not_is_neither_offered_nor_obeyed(browser: Browser, shared: Pair, role: Role, may: str) -> None:
    page = opened(browser, shared, f"a-{role}", role).page
    page.goto("/exceptions")
    for effect in ("allow", "block"):
        allowed = effect in may
        name = re.compile(f"^{effect}…$", re.IGNORECASE)
        expect(page.get_by_role("link", name=name)).to_have_count(1 if allowed else 0)
        if allowed:
            continue
        form = page.request.get(f"/exceptions/new?effect={effect}")
        assert (form.status, f"yours is {role}" in form.text()) == (403, True)
        fields = {"effect": effect, "subject": "sender", "what": f"{role}.test", "why": "me"}
        status, text = posted(page, "/exceptions", **fields)
        assert (status, "You may not" in text, f"yours is {role}" in text) == (403, True, True)
    assert f"{role}.test" not in on_file(shared)
    page.close()


def test_who_may_take_back_what(browser: Browser, shared: Pair) -> None:
    """A block keeps mail out, so ending it takes what letting mail in takes; ending what is allowed does not."""
    ids = {}
    page = opened(browser, shared, "root", Role.ADMIN).page
    for effect in ("allow", "block"):
        make(page, effect.capitalize(), f"{effect}ed.test", f"to be {effect}ed")
        ids[effect] = shared.gateway.event("exception-added", what=f"@{effect}ed.test")["exception"]
    page.close()
    for role, may in ((Role.ANALYST, ""), (Role.RELEASER, "allow")):
        page = opened(browser, shared, f"b-{role}", role).page
        page.goto("/exceptions")
        for effect, number in ids.items():
            path = f"/exceptions/{number}/remove"
            expect(page.locator(f'a[href="{path}"]')).to_have_count(1 if effect in may else 0)
            if effect not in may:
                assert page.request.get(path).status == 403
                assert posted(page, path, why="me")[0] == 403
        page.close()
    assert '"removed' not in "".join(part for part in on_file(shared).split("{") if "to be " in part)


def test_what_is_no_exception_is_told_in_a_sentence(browser: Browser, shared: Pair) -> None:
    watched = opened(browser, shared, "root", Role.ADMIN)
    page = watched.page
    for effect, what, more, sentence in (
        ("Allow", "1234", {"about": "macro"}, "A macro is named by its fingerprint of 64 hexadecimal digits"),
        ("Allow", "nonsense", {}, "is no sender: write user@example.com"),
        ("Block", "x.test", {"Only_for_these_recipients": "nobody at all"}, "is no recipient"),
        ("Allow", "x.test", {"For_how_many_days": "400"}, "Nothing is allowed for more than a year"),
        ("Block", "x.test", {"For_how_many_days": "-1"}, "How long is a number of days"),
        ("Block", "x.test", {"For_how_many_days": "0"}, "It would have ended already"),
    ):
        make(page, effect, what, "because", **more)
        expect(page.get_by_role("alert")).to_contain_text(sentence)
    answer = page.goto("/exceptions/0000000000/remove")
    assert answer is not None
    assert answer.status in (404, 409)
    expect(page.get_by_role("alert")).to_contain_text("There is no such exception")
    assert "x.test" not in on_file(shared)
    page.close()


def test_what_people_write_there_neither_runs_nor_fetches(browser: Browser, shared: Pair) -> None:
    watched = opened(browser, shared, "root", Role.ADMIN)
    page = watched.page
    for vector in VECTORS:
        page.goto(f"/exceptions/new?{_query(vector)}")
        expect(page.get_by_label("Which")).to_have_value(vector)
        page.get_by_label("Reason").fill(vector)
        page.get_by_label("Only for these recipients").fill("")
        page.get_by_role("button", name="Block").click()
        expect(page.locator("footer")).to_be_visible()
        assert _foreign(page) == 0
    for at, vector in enumerate(VECTORS):
        fields = {"effect": "block", "subject": "sender", "what": f"vector{at}.test", "why": vector}
        assert posted(page, "/exceptions", **fields)[0] == 200
    page.goto("/exceptions?all=1")
    expect(page.get_by_role("row").filter(has_text=re.compile(r"@vector\d+\.test"))).to_have_count(len(VECTORS))
    assert _foreign(page) == 0
    page.get_by_role("row").filter(has_text="vector1.test").get_by_role("link", name="Remove…").click()
    expect(page.get_by_role("heading", name="Remove this exception?")).to_be_visible()
    assert _foreign(page) == 0
    assert [line for line in watched.wrong if "409 (Conflict)" not in line] == []  # what was refused on the way
    page.close()


def _foreign(page: Page) -> int:
    """Elements that no page of ours has."""
    return page.locator("main :is(img, script, iframe, svg, object, base, style, meta)").count()


def _query(word: str) -> str:
    return urlencode({"effect": "block", "subject": "sender", "what": word, "recipient": word})
