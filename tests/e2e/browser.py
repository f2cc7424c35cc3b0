"""A real browser that can reach nothing but this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.e2e.tools import find, need

PATIENCE = 30_000
"""Milliseconds until an expectation is given up; on a busy machine a page takes longer than the usual five seconds."""

QUIET = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    need("chromium")
    expect.set_options(timeout=PATIENCE)
    root = ["--no-sandbox"] if os.geteuid() == 0 else []  # its sandbox refuses to run as root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find("chromium"), args=[*QUIET, *root])
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A page, and everything it did that it should not: dialogs, requests elsewhere than ``home``, errors of its
    console."""

    def __init__(self, page: Page, home: str | tuple[str, ...]) -> None:
        self.page = page
        self.wrong: list[str] = []
        page.on("dialog", lambda dialog: (self.wrong.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: None if request.url.startswith(home) else self.wrong.append(request.url))
        page.on("console", lambda message: self.wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.wrong.append(str(error)))
