"""The manual page has every command and option, and is one man takes."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

from gateway.cli import COMMANDS
from tests.e2e.tools import DEPLOY, need


@cache
def made() -> str:
    command = [sys.executable, str(DEPLOY / "debian" / "manual.py")]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def test_every_command_is_in_it_and_so_are_those_of_groups() -> None:
    page = made()
    for name in (*COMMANDS, "quarantine release", "rules test"):
        assert f"\n.SS macrogate {name}".replace("-", r"\-") in page
    assert r"\-\-why TEXT" in page
    assert page.count("Show this message and exit") == 1


def test_what_man_would_take_for_an_order_is_escaped() -> None:
    orders = {line.split()[0] for line in made().splitlines() if line.startswith((".", "'"))}
    assert orders <= {".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".BR", ".I", ".IR", ".RI", ".nf", ".fi"}


def test_man_has_nothing_to_say_against_it() -> None:
    need("groff")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-Kutf8", "-ww", "-z"],
        input=made(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
