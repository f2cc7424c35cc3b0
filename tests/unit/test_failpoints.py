"""Fail points: nothing on any other day, and a sentence for who sets one that makes no sense."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from gateway import failpoints
from gateway.failpoints import PLACES, BadFailpoint, Failpoint, FailpointError

GATEWAY = Path(failpoints.__file__).parent


def _reached() -> list[str]:
    """Every place the code passes."""
    found = []
    for path in GATEWAY.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "failpoints.reach":
                found += [argument.value for argument in node.args if isinstance(argument, ast.Constant)]
    return found


def test_every_place_is_passed_once_and_no_other() -> None:
    assert sorted(_reached()) == sorted(PLACES)


def test_nothing_happens_on_any_other_day() -> None:
    for place in PLACES:
        failpoints.reach(place)


def test_the_place_named_and_the_time_named() -> None:
    failpoint = Failpoint.parse("after-dot:error:3")
    failpoint.reach("after-scan")
    failpoint.reach("after-dot")
    failpoint.reach("after-dot")
    with pytest.raises(FailpointError, match="after-dot"):
        failpoint.reach("after-dot")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nowhere:kill", "no place 'nowhere'; there are after-mail, "),
        ("after-dot", "'' cannot be done; write after-dot:kill or :stop or :error"),
        ("after-dot:dance", "'dance' cannot be done"),
        ("after-dot:kill:", "'' is no number of times"),
        ("after-dot:kill:0", "'0' is no number of times"),
        ("after-dot:kill:-1", "'-1' is no number of times"),
    ],
)
def test_what_makes_no_sense(text: str, words: str) -> None:
    with pytest.raises(BadFailpoint, match=words):
        Failpoint.parse(text)


def test_serve_refuses_what_makes_no_sense() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "serve"],
        env={failpoints.VARIABLE: "nowhere:kill", "PYTHONPATH": str(GATEWAY.parent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no place 'nowhere'" in done.stderr
