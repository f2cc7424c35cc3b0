"""The letter of a digest, opened as a page that may do everything: a mail program has no policy of ours."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser

from gateway.digest.letter import Row, Writer, digest
from gateway.digest.wording import LANGUAGES
from tests.e2e.browser import Watched, chromium
from tests.e2e.vectors import TABLE, VECTORS

HOME = "http://digest.test/"
ALLOWED = {"html", "head", "meta", "body", "p", "b", "br", "ul", "li"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def test_there_are_at_least_two_hundred_words_of_every_kind() -> None:
    assert len(set(VECTORS)) == len(VECTORS) >= 200
    assert min(map(len, TABLE.values())) >= 10


def test_a_digest_is_inert_even_where_nothing_forbids_it_anything(browser: Browser) -> None:
    writer, now = Writer("macrogate@example.com", "gate.example.com", LANGUAGES["en"]), datetime.now(UTC)
    clean = [re.sub(r"[\ud800-\udfff]", "?", vector) for vector in VECTORS]
    rows = [Row(f"{at:016x}", one, f"{one} <a@outside.test>", now, one) for at, one in enumerate(clean)]
    letter = email.message_from_bytes(
        digest(writer, "bob@example.com", rows, len(rows), now), policy=email.policy.default
    )
    body = letter.get_body(("html",))
    assert body is not None
    watched = Watched(browser.new_page(), HOME)
    page = watched.page
    page.route("**/*", lambda route: route.fulfill(body=body.get_content(), content_type="text/html"))
    page.goto(HOME)
    page.wait_for_timeout(100)
    assert page.locator("b").count() == len(VECTORS)
    elements = page.evaluate("[...document.querySelectorAll('*')].map((one) => one.tagName.toLowerCase())")
    assert set(elements) <= ALLOWED
    attributes = page.evaluate("[...document.querySelectorAll('*')].flatMap((one) => one.getAttributeNames())")
    assert attributes == ["charset"]
    assert page.evaluate("'ran' in window") is False
    assert watched.wrong == []
    page.close()
