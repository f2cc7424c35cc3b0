"""The release desk in a real browser: what the admin on duty sees and does, and what attackers' words do not do."""

from __future__ import annotations

import email
import email.header
import email.policy
import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from gateway.config import rules_directory
from gateway.samples import mail
from gateway.web.people import Role
from gateway.web.users import Users
from tests.e2e.browser import Watched, chromium
from tests.e2e.conftest import Pair
from tests.e2e.talk import send
from tests.e2e.tools import eventually

Start = Callable[..., Pair]

PASSWORD = "correct horse battery"
VECTORS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "</title><script>alert(1)</script>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'>",
    "javascript:alert(1)",
    "<a href=javascript:alert(1)>click</a>",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "<style>@import 'http://outside.test/x.css'</style>",
    "<img src=http://outside.test/x.png>",
    "<base href=http://outside.test/>",
    "<meta http-equiv=refresh content='0;url=http://outside.test/'>",
    "\u202egnp.exe",
    "<object data=data:text/html,<script>alert(1)</script>>",
    "<form action=http://outside.test><button>x",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def opened(
    browser: Browser, running: Pair, name: str = "ann", role: Role = Role.RELEASER, *, script: bool = True
) -> Watched:
    """A page of somebody who has just signed in."""
    Users(running.gateway.folder / "users.json").put(name, role, PASSWORD)
    home = f"http://127.0.0.1:{running.gateway.http}"
    watched = Watched(browser.new_page(base_url=home, java_script_enabled=script), home)
    page = watched.page
    page.goto("/")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="All is well")).to_be_visible()
    return watched


def test_a_held_message_is_found_understood_and_released(browser: Browser, pair: Start) -> None:
    running = pair()
    message = mail.docm_autoopen_message("sender@outside.test", "alice@example.com")
    assert "Held" in send(running.gateway.port, message, "alice@example.com")
    watched = opened(browser, running)
    page = watched.page
    page.get_by_role("link", name="Quarantine").click()
    page.get_by_label("From").fill("outside")
    page.get_by_label("Verdict").select_option("autoexec")
    page.get_by_role("button", name="Search").click()
    page.locator("table.list a").first.click()
    expect(page.get_by_text("AutoOpen").first).to_be_visible()
    expect(page.locator("mark")).to_contain_text("AutoOpen")
    page.get_by_role("link", name="Release…").click()
    page.get_by_label("the original").check()
    page.get_by_label("Reason").fill("expected from a customer")
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_role("heading", name="Released")).to_be_visible()
    eventually("the message at the next hop", lambda: len(running.hop.messages) == 1)
    assert running.hop.messages[0].data == message
    page.get_by_role("link", name="What is on record").click()
    expect(page.get_by_text("expected from a customer").first).to_be_visible()
    expect(page.get_by_text("ann (web)").first).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert watched.wrong == []
    page.close()


def test_a_message_is_deleted_with_a_reason(browser: Browser, pair: Start) -> None:
    running = pair()
    send(
        running.gateway.port, mail.xls_workbook_open_message("s@outside.test", "alice@example.com"), "alice@example.com"
    )
    watched = opened(browser, running)
    page = watched.page
    page.locator("table.list a").first.click()
    page.get_by_role("link", name="Delete…").click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Delete this message?")).to_be_visible()  # the browser wants a reason
    page.get_by_label("Reason").fill("nobody expects it")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Deleted")).to_be_visible()
    page.goto("/quarantine?state=deleted")
    expect(page.locator("table.list tbody tr")).to_have_count(1)
    assert watched.wrong == []
    page.close()


def test_a_viewer_cannot_release(browser: Browser, pair: Start) -> None:
    running = pair()
    send(running.gateway.port, mail.docm_autoopen_message("s@outside.test", "alice@example.com"), "alice@example.com")
    watched = opened(browser, running, "vic", Role.VIEWER)
    page = watched.page
    page.locator("table.list a").first.click()
    expect(page.get_by_role("heading", name="What was found")).to_be_visible()
    expect(page.get_by_role("link", name="Release…")).to_have_count(0)
    page.goto(f"{page.url}/release")
    expect(page.get_by_role("alert")).to_contain_text("that takes the role releaser; yours is viewer.")
    page.close()


def test_what_attackers_write_neither_runs_nor_fetches(browser: Browser, pair: Start) -> None:
    running = pair()
    for vector in VECTORS:
        message = mail.docm_autoopen_message("sender@outside.test", "alice@example.com")
        word = email.header.Header(vector, "utf-8", maxlinelen=900).encode()
        head, _, body = message.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith((b"subject:", b"from:"))]
        lines += [f"Subject: {word}".encode(), f"From: {word} <sender@outside.test>".encode()]
        hostile = (
            b"\r\n".join(lines) + b"\r\n\r\n" + body.replace(b"invoice.docm", b"x<img src=x onerror=alert(1)>.docm")
        )
        assert "Held" in send(running.gateway.port, hostile, "alice@example.com")
    watched = opened(browser, running)
    page = watched.page
    page.goto("/quarantine")
    links = [link.get_attribute("href") or "" for link in page.locator("table.list a").all()]
    assert len(links) == len(VECTORS)
    for link in links:
        for path in (link, f"{link}/release", f"{link}/delete"):
            page.goto(path)
            expect(page.locator("footer")).to_be_visible()
    assert page.locator("main img, main script, main iframe, main svg, main object").count() == 0
    assert watched.wrong == []
    page.close()


def test_nobody_gets_in_where_nobody_was_added(browser: Browser, pair: Start) -> None:
    running = pair()
    page = browser.new_page(base_url=f"http://127.0.0.1:{running.gateway.http}")
    page.goto("/quarantine")
    expect(page.get_by_text("macrogate user add")).to_be_visible()
    page.close()


def test_a_recipient_asks_for_the_original_and_gets_it(browser: Browser, pair: Start) -> None:
    running = pair()
    secret = running.gateway.folder / "secret"
    secret.write_text("0123456789abcdef" * 4)
    secret.chmod(0o600)
    home = f"http://127.0.0.1:{running.gateway.http}"
    policy = rules_directory() / "policy-strict.toml"
    more = f'[policy]\nfile = "{policy}"\n[notice]\nlink = "{home}/request"\nsecret = "secret"\n'
    running.gateway.configure(f'next_hop = "{running.hop.address}"', more)
    running.gateway.reload()
    running.gateway.event("reloaded")
    message = mail.docm_autoopen_message("sender@outside.test", "alice@example.com")
    assert send(running.gateway.port, message, "alice@example.com").startswith("250")
    eventually("the changed copy", lambda: len(running.hop.messages) == 1)
    notice = email.message_from_bytes(running.hop.messages[0].data, policy=email.policy.default)
    texts = [part.get_content() for part in notice.walk() if part.get_content_type() == "text/plain"]
    (link,) = re.findall(rf"{re.escape(home)}/request\?request=\S+", "\n".join(texts))
    page = browser.new_page()
    page.goto(link)
    page.get_by_label("Why you need it").fill("the offer of my supplier")
    page.get_by_role("button", name="Ask for it").click()
    expect(page.get_by_role("heading", name="Asked")).to_be_visible()
    page.goto(link)
    page.get_by_role("button", name="Ask for it").click()
    expect(page.get_by_role("alert")).to_contain_text("It was asked for already")
    page.close()
    watched = opened(browser, running)
    page = watched.page
    expect(page.get_by_text("asked for", exact=True)).to_be_visible()
    page.locator("table.list a").first.click()
    expect(page.get_by_text("the offer of my supplier")).to_be_visible()
    expect(page.get_by_text("In the copy that was sent on")).to_be_visible()
    page.get_by_role("link", name="Release…").click()
    page.get_by_label("the original").check()
    page.get_by_label("Reason").fill("asked, and the sender is known")
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_role("heading", name="Released")).to_be_visible()
    eventually("the original", lambda: len(running.hop.messages) == 2)
    assert running.hop.messages[1].data == message
    page.close()


def hold(running: Pair, count: int) -> None:
    """So many messages, each with a subject of its own."""
    for at in range(count):
        message = mail.docm_autoopen_message(f"sender{at}@outside.test", "alice@example.com")
        head, _, body = message.partition(b"\r\n\r\n")
        lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"subject:")]
        assert "Held" in send(
            running.gateway.port,
            b"\r\n".join([*lines, b"Subject: offer number %d" % at]) + b"\r\n\r\n" + body,
            "alice@example.com",
        )


@pytest.mark.parametrize("script", [True, False])
def test_several_are_ticked_and_deleted_on_a_phone_as_well(browser: Browser, pair: Start, script: bool) -> None:
    running = pair()
    hold(running, 3)
    watched = opened(browser, running, script=script)
    page = watched.page
    page.goto("/quarantine")
    expect(page.get_by_text("3 waiting messages.")).to_be_visible()
    page.get_by_label("Search", exact=True).fill("number sender1")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_text("1 waiting message with “number sender1”.")).to_be_visible()
    page.get_by_role("link", name="Show all that wait").click()
    page.set_viewport_size({"width": 390, "height": 800})
    page.get_by_text("All on this page").click()
    if script:
        expect(page.locator("input[name=id]:checked")).to_have_count(3)
        page.get_by_label("Tick: offer number 0").uncheck()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.get_by_role("button", name="Delete ticked").click()
    expect(page.get_by_role("heading", name="Delete these")).to_be_visible()
    page.get_by_label("Reason").fill("nobody expects them")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="2 of 2 deleted" if script else "3 of 3 deleted")).to_be_visible()
    page.goto("/quarantine?state=deleted")
    expect(page.locator("table.list tbody tr")).to_have_count(2 if script else 3)
    assert watched.wrong == []
    page.close()


def test_what_is_new_comes_by_itself_and_takes_no_tick_away(browser: Browser, pair: Start) -> None:
    running = pair()
    hold(running, 2)
    watched = opened(browser, running)
    page = watched.page
    page.goto("/quarantine")
    page.get_by_label("Tick: offer number 1").check()
    hold(running, 1)
    page.evaluate("htmx.trigger(document.body, 'desk-poll')")
    expect(page.locator("table.list tbody tr")).to_have_count(3)
    expect(page.get_by_label("Tick: offer number 1")).to_be_checked()
    assert page.locator("input[name=id]:checked").count() == 1
    assert watched.wrong == []
    page.close()


def test_hands_stay_on_the_keyboard(browser: Browser, pair: Start) -> None:
    running = pair()
    hold(running, 3)
    watched = opened(browser, running)
    page = watched.page
    page.goto("/quarantine")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_label("Search", exact=True)).to_be_focused()
    page.keyboard.type("jx")
    expect(page.get_by_label("Search", exact=True)).to_have_value("jx")
    page.keyboard.press("Escape")
    page.keyboard.press("d")  # nothing is ticked, and no message is the current one
    for key in "jjx":
        page.keyboard.press(key)
    expect(page.get_by_label("Tick: offer number 1")).to_be_checked()
    page.keyboard.press("d")
    expect(page.get_by_role("heading", name="Delete this message?")).to_be_visible()
    page.go_back()
    for key in ("Enter", "o"):
        page.keyboard.press("j")
        page.keyboard.press(key)
        expect(page.get_by_role("heading", name="offer number 2")).to_be_visible()
        page.keyboard.press("u")
        expect(page.get_by_role("heading", name="Quarantine")).to_be_attached()
    assert watched.wrong == []
    page.close()
