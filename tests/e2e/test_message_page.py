"""The page of one held message in a real browser: what is shown of it, and what of it nobody ever runs or fetches."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import libarchive
import pytest
from playwright.sync_api import Browser, Page, expect

from gateway.samples import mail
from gateway.web.people import Role
from tests.e2e.browser import chromium
from tests.e2e.conftest import Pair
from tests.e2e.talk import send
from tests.e2e.test_pages import VECTORS, opened
from tests.e2e.tools import eventually

Start = Callable[..., Pair]
TO = "alice@example.com"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def held(running: Pair, message: bytes) -> str:
    reply = send(running.gateway.port, message, TO)
    assert "Held" in reply
    return reply.rpartition(" ")[2]


def dressed(*parts: bytes, head: bytes = b"") -> bytes:
    """The usual macro document, below other texts."""
    docm = mail.docm_autoopen_message("sender@outside.test", TO)
    boundary = docm.partition(b'boundary="')[2].partition(b'"')[0]
    first = docm.index(b"--" + boundary)
    texts = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    return head + docm[:first] + texts + docm[first:]


PAGE = (
    b"Content-Type: text/html; charset=utf-8\r\n\r\n<h1>Your parcel</h1><p>Track it at "
    b'<a href="http://evil.test/track?id=1">https://parcel.example/track</a></p>'
    b'<img src="http://evil.test/open.gif"><script>alert(1)</script>'
)


def seen(page: Page, folder: Path, name: str) -> None:
    """The page in the lights and widths people have, for eyes; and that no width makes it scroll sideways."""
    for scheme, width in (("light", 1200), ("dark", 1200), ("light", 390)):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size({"width": width, "height": 800})
        page.screenshot(path=folder / f"{name}-{scheme}-{width}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (name, width)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1200, "height": 800})


def test_a_message_is_shown_without_being_opened(browser: Browser, shared: Pair, tmp_path: Path) -> None:
    running = shared
    one, other = (held(running, dressed(PAGE, head=b"X-Number: %d\r\nX-Odd: \x1b[31m\r\n" % at)) for at in (1, 2))
    watched = opened(browser, running)
    page = watched.page
    page.goto(f"/quarantine/{one}")
    expect(page.locator("#found mark")).to_contain_text("AutoOpen")
    expect(page.locator("#found")).to_contain_text("2/Invoice.docm".replace("2", "3"))
    expect(page.locator("#text")).to_contain_text("Track it at hxxps://parcel[.]example/track[1]")
    expect(page.locator("#text")).to_contain_text("not where it says")
    expect(page.locator("#text")).to_contain_text("hxxp://evil[.]test/open[.]gif")
    page.get_by_text("as it came").click()
    expect(page.locator("#header pre")).to_contain_text("X-Odd: \u241b[31m")
    expect(page.locator(f'#similar a[href="/quarantine/{other}"]')).to_be_visible()
    seen(page, tmp_path, "message")
    page.get_by_role("link", name="The whole source").first.click()
    expect(page.locator("mark")).to_contain_text("Sub AutoOpen()")
    expect(page.get_by_text("Module1")).to_be_visible()
    seen(page, tmp_path, "source")
    assert watched.wrong == []
    page.close()


def test_an_analyst_takes_the_message_and_a_part_in_a_zip(browser: Browser, shared: Pair, tmp_path: Path) -> None:
    running = shared
    message = mail.docm_autoopen_message("sender@outside.test", TO)
    held_id = held(running, message)
    watched = opened(browser, running, "nil", Role.ANALYST)
    page = watched.page
    page.goto(f"/quarantine/{held_id}")
    page.get_by_role("link", name="Download…").click()
    seen(page, tmp_path, "download")
    assert unpacked(page, tmp_path) == (f"{held_id}.eml", message)
    page.goto(f"/quarantine/{held_id}")
    page.locator("#found details[open]").get_by_role("link", name="Download this part…").click()
    name, document = unpacked(page, tmp_path)
    assert name.startswith(f"{held_id}-")
    assert document.startswith(b"PK")
    assert base64.b64encode(document)[:60] in message
    page.goto(f"/quarantine/{held_id}")
    expect(page.locator(".history")).to_contain_text("downloaded by nil (web): to look at it")
    page.goto(f"/quarantine/{held_id}/download?part=../../etc/passwd")
    page.get_by_label("Reason").fill("x")
    page.get_by_role("button", name="Download").click()
    expect(page.get_by_role("alert")).to_contain_text("There is no part ../../etc/passwd in this message")
    assert [line for line in watched.wrong if "Failed to load" not in line] == []
    page.close()


def unpacked(page: Page, folder: Path) -> tuple[str, bytes]:
    page.get_by_label("Reason").fill("to look at it")
    with page.expect_download() as begun:
        page.get_by_role("button", name="Download").click()
    begun.value.save_as(folder / "x.zip")
    name = begun.value.suggested_filename.removesuffix(".zip")
    with libarchive.file_reader(str(folder / "x.zip"), passphrase="infected") as archive:
        ((inside, content),) = [(entry.pathname, b"".join(entry.get_blocks())) for entry in archive]
    assert inside.startswith(name)
    return inside, content


def hostile(vector: str) -> tuple[bytes, list[bytes]]:
    """Header lines and parts with ``vector`` in every place that a sender writes."""
    word = vector.encode()
    name = word.replace(b":", b"")[:20]
    fields = b"X-%s: %s\r\n<b>%s</b>: x\r\nDKIM-Signature: v=1; d=%s; s=%s; b=x; bh=x; h=from\r\n" % (name, *[word] * 4)
    called = b"filename*=utf-8''x" + b"".join(b"%%%02x" % byte for byte in word) + b".vbs"
    return fields, [
        b"Content-Type: text/html; charset=utf-8\r\n\r\n%s<a href='%s'>%s</a><img src=http://outside.test/x>"
        % (word, word, word),
        b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + word,
        b'Content-Disposition: attachment; %s\r\n\r\nCreateObject("WScript.Shell").Run "%s"\r\n' % (called, word),
    ]


def test_nothing_in_a_message_runs_or_is_fetched(browser: Browser, shared: Pair) -> None:
    running = shared
    ids = []
    for vectors in (VECTORS[::2], VECTORS[1::2]):
        made = [hostile(vector) for vector in vectors]
        head = b"".join(fields for fields, _ in made)
        ids.append(held(running, dressed(*(part for _, parts in made for part in parts), head=head)))
    watched = opened(browser, running)
    page = watched.page
    evil = "<img src=x onerror=alert(1)>"
    for held_id in ids:
        for path in ("", "/source", "/release", "/delete", "/download", f"/download?part={evil}"):
            page.goto(f"/quarantine/{held_id}{path}")
            expect(page.locator("footer")).to_be_visible()
            assert page.locator("main img, main script, main iframe, main svg, main object, main base").count() == 0
            assert page.locator("main a:not([href^='/quarantine'], [href^='/exceptions/new?'])").count() == 0
    assert watched.wrong == []
    page.close()


KEYS = {
    "r": "Release this message?",
    "d": "Delete this message?",
    "s": "Download this message?",
    "o": "Invoice",
    "u": "Quarantine",
}


def test_the_keys_of_the_page_show_or_ask_and_do_nothing_by_themselves(browser: Browser, shared: Pair) -> None:
    running, before = shared, len(shared.hop.messages)
    at = f"/quarantine/{held(running, mail.docm_autoopen_message('sender@outside.test', TO))}"
    page = opened(browser, running).page
    for key, heading in KEYS.items():
        page.goto(at)
        page.keyboard.press(key)
        expect(page.get_by_role("heading", name=heading)).to_be_attached()
        assert not page.url.endswith(at)
    page.goto(at)
    page.keyboard.press("Control+d")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("download")
    page.keyboard.press("r")  # the list of keys is open: no other key counts
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.close()
    page = opened(browser, running, "vic", Role.VIEWER).page
    page.goto(at)
    for key in "rds":
        page.keyboard.press(key)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert page.url.endswith(at)
    assert {one["id"]: one["state"] for one in running.gateway.held()}[at.rpartition("/")[2]] == "held"
    assert len(running.hop.messages) == before
    page.close()


def test_messages_that_are_not_there_and_one_whose_bytes_are_gone(browser: Browser, shared: Pair) -> None:
    running = shared
    held_id = held(running, mail.docm_autoopen_message("sender@outside.test", TO))
    (file,) = running.gateway.folder.rglob(f"{held_id}/message.eml")
    file.unlink()
    watched = opened(browser, running)
    page = watched.page
    page.goto(f"/quarantine/{held_id}")
    expect(page.locator("#text")).to_contain_text("The text cannot be shown")
    expect(page.locator("#found mark")).to_contain_text("AutoOpen")
    page.goto(f"/quarantine/{held_id}/source")
    expect(page.get_by_role("alert")).to_be_visible()
    for wrong in ("0" * 16, "..%2f..%2fetc", "%00", "x" * 300, f"{held_id}%2fmessage.eml"):
        for path in ("", "/source", "/release"):
            answer = page.goto(f"/quarantine/{wrong}{path}")
            assert answer is not None
            assert answer.status == 404, (wrong, path)
    page.close()


def test_a_disarmed_copy_then_the_original_to_another_address(browser: Browser, shared: Pair, tmp_path: Path) -> None:
    running, before = shared, len(shared.hop.messages)
    message = mail.docm_autoopen_message("other@outside.test", TO)
    held_id = held(running, message)
    watched = opened(browser, running)
    page = watched.page
    page.goto(f"/quarantine/{held_id}")
    page.get_by_role("link", name="Release…").click()
    expect(page.get_by_label("a copy without what was found")).to_be_checked()
    expect(page.get_by_text("Invoice.docm: without")).to_be_visible()
    seen(page, tmp_path, "release")
    page.get_by_label("Reason").fill("expected")
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_role("heading", name="A disarmed copy was sent")).to_be_visible()
    eventually("the copy", lambda: len(running.hop.messages) == before + 1)
    copy = running.hop.messages[before].data
    assert copy.startswith(b"X-Macrogate: verdict=autoexec; action=disarm;")
    assert b"Invoice.docx" in copy
    page.get_by_role("link", name="What is on record").click()
    expect(page.locator(".history")).to_contain_text("a disarmed copy to alice@example.com")
    page.get_by_role("link", name="Release…").click()
    page.get_by_label("the original, byte for byte").check()
    page.get_by_role("checkbox", name=TO).uncheck()
    for address, said in (("soc@outside.test", "Not done"), ("soc@example.com", "A copy was sent")):
        page.get_by_label("another address").fill(address)
        page.get_by_label("Reason").fill("to be looked at")
        page.get_by_role("button", name="Release").click()
        expect(page.get_by_role("heading", name=said)).to_be_visible()
        if said == "Not done":
            page.go_back()
    eventually("the original", lambda: len(running.hop.messages) == before + 2)
    assert running.hop.messages[before + 1].data == message
    assert running.hop.messages[before + 1].recipients == ["soc@example.com"]
    page.goto(f"/quarantine/{held_id}")
    expect(page.get_by_text("held since")).to_be_visible()
    page.close()
