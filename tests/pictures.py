"""``make pictures``: the pictures of the README are what the program prints, drawn anew from a real run."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from rich.console import Console

from gateway.cli import demo
from gateway.samples import mail
from gateway.web.people import Role
from gateway.web.users import Users
from tests.e2e.browser import chromium
from tests.e2e.gateway import GatewayProcess
from tests.e2e.hop import hop_thread
from tests.e2e.talk import send

FOREIGN = re.compile(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", re.DOTALL)
"""What rich adds that would make a reader's browser ask somebody else's server."""

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"


def main() -> None:
    """Draw them all."""
    IMAGES.mkdir(exist_ok=True)
    draw_demo()
    draw_desk()


def draw_demo() -> None:
    """Run the demo once and draw its table."""
    console = Console(record=True, width=132, force_terminal=True)
    demo._show = lambda rows: console.print(demo.table(rows))  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as folder:
        if asyncio.run(demo._demo(Path(folder), once=True)):
            raise SystemExit("the demo did not go as expected: no picture")
    drawn = console.export_svg(title="make run")
    (IMAGES / "demo.svg").write_text(FOREIGN.sub("", drawn), encoding="utf-8")


def draw_desk() -> None:
    """Hold one inert message in a gateway and look at its page in Chromium."""
    with hop_thread() as hop:
        gateway = GatewayProcess(f'next_hop = "{hop.address}"')
        try:
            gateway.start()
            Users(gateway.folder / "users.json").put("ann", Role.RELEASER, "correct horse battery")
            message = mail.docm_autoopen_message("billing@supplier.example", "alice@example.com")
            send(gateway.port, message, "alice@example.com")
            with chromium() as browser:
                page = browser.new_page(base_url=f"http://127.0.0.1:{gateway.http}")
                page.goto("/")
                page.get_by_label("User name").fill("ann")
                page.get_by_label("Password").fill("correct horse battery")
                page.get_by_role("button", name="Sign in").click()
                page.locator("table.list a").first.click()
                page.get_by_role("heading", name="What was found").wait_for()
                page.screenshot(path=IMAGES / "desk-message.png", full_page=True)
        finally:
            gateway.remove()


if __name__ == "__main__":
    main()
