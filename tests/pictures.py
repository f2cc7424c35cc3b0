"""``make pictures``: the pictures of the README are what the program prints, drawn anew from a real run."""

from __future__ import annotations

import asyncio
import re
import tempfile
from pathlib import Path

from rich.console import Console

from gateway.cli import demo

FOREIGN = re.compile(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", re.DOTALL)
"""What rich adds that would make a reader's browser ask somebody else's server."""

IMAGES = Path(__file__).resolve().parents[1] / "docs" / "images"


def main() -> None:
    """Run the demo once and draw its table."""
    console = Console(record=True, width=132, force_terminal=True)
    demo._show = lambda rows: console.print(demo.table(rows))  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as folder:
        if asyncio.run(demo._demo(Path(folder), once=True)):
            raise SystemExit("the demo did not go as expected: no picture")
    drawn = console.export_svg(title="make run")
    IMAGES.mkdir(exist_ok=True)
    (IMAGES / "demo.svg").write_text(FOREIGN.sub("", drawn), encoding="utf-8")


if __name__ == "__main__":
    main()
