"""The demo as a newcomer runs it: a process of its own, its table read, its exit code believed."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.demo import CASES, Case, _surprise
from gateway.closed_sets import Action, Verdict
from gateway.message import Decision, Outcome, Reply, Report
from tests.unit.test_events import outcome

MACROGATE = [sys.executable, "-m", "gateway"]


def test_once_shows_what_became_of_each_and_cleans_up(tmp_path: Path) -> None:
    result = subprocess.run(
        [*MACROGATE, "demo", "--once"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )

    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == ""
    for case in CASES:
        assert case.title in result.stdout
    assert result.stdout.count("quarantine") >= sum(case.action is Action.QUARANTINE for case in CASES)
    assert "Sub AutoOpen" in result.stdout
    before, _, after = result.stdout.partition("Invoice.docm ")[2].partition("Invoice.docx ")
    assert "vbaProject.bin" in before
    assert "vbaProject.bin" not in after
    assert "document.xml" in after
    assert list(tmp_path.iterdir()) == []


def test_what_is_held_can_be_listed_and_released_by_the_commands_it_prints() -> None:
    with subprocess.Popen([*MACROGATE, "demo"], stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        printed = ""
        for line in demo.stdout:
            printed += line
            if "Ctrl-C" in line:
                break
        try:
            commands = re.findall(r"\S+macrogate (quarantine .*)$", printed, re.MULTILINE)
            assert len(commands) == 4
            for command in commands:
                words = [word.strip("'") for word in re.findall(r"'[^']*'|\S+", command)]
                done = subprocess.run([*MACROGATE, *words], capture_output=True, text=True, timeout=60, check=False)
                assert done.returncode == 0, done.stderr
        finally:
            demo.send_signal(signal.SIGINT)
        assert demo.wait(timeout=60) == 0


def ended(verdict: Verdict, action: Action, held: str = "") -> Outcome:
    usual = outcome()
    return Outcome(usual.transaction, Report(verdict), Decision(action, "r", "w"), Reply.of("250 ok"), held)


SENT = b"Subject: x\r\n\r\n"
PASSES = Case("clean", lambda _s, _r: SENT, Verdict.CLEAN, Action.DELIVER)
STOPS = Case("armed", lambda _s, _r: SENT, Verdict.AUTOEXEC, Action.QUARANTINE)
ARRIVED = b"X-Macrogate: verdict=clean\r\n" + SENT


@pytest.mark.parametrize(
    ("case", "how", "arrived", "surprise"),
    [
        (PASSES, ended(Verdict.CLEAN, Action.DELIVER), [ARRIVED], ""),
        (PASSES, ended(Verdict.CLEAN, Action.DELIVER), [ARRIVED, ARRIVED], "2 copies"),
        (PASSES, ended(Verdict.CLEAN, Action.DELIVER), [SENT], "not what was sent"),
        (PASSES, ended(Verdict.CLEAN, Action.DELIVER), [ARRIVED + b"x"], "not what was sent"),
        (PASSES, ended(Verdict.AUTOEXEC, Action.QUARANTINE, "id"), [], "expected clean"),
        (PASSES, None, [], "no outcome"),
        (STOPS, ended(Verdict.AUTOEXEC, Action.QUARANTINE, "id"), [], ""),
        (STOPS, ended(Verdict.AUTOEXEC, Action.QUARANTINE, "id"), [ARRIVED], "delivered, too"),
        (STOPS, ended(Verdict.AUTOEXEC, Action.QUARANTINE), [], "not in quarantine"),
    ],
)
def test_a_wrong_end_is_a_surprise(case: Case, how: Outcome | None, arrived: list[bytes], surprise: str) -> None:
    found = _surprise(case, how, SENT, arrived)

    assert surprise in found
    assert bool(surprise) == bool(found)
