"""``make bench``: the gateway beside its peers on the same messages, in one run.

    python -m tests.bench [--messages 3000] [--seconds 8] [--sessions 8] [--rounds 2] [--only NAME ...]

Prints tables and writes ``results/bench.json``, ``bench.png`` and ``bench.svg`` beside this file. Quote ratios of one
run: machines drift, and load generator, gateway and next hop share the same cores.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import urllib.request
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console

from tests.bench import mix, report
from tests.bench.peers import PEERS, Peer, Surroundings, clamd, macrogate, sink
from tests.bench.running import Missing, folder
from tests.e2e.tools import ROOT, free_port

MEBIBYTE = 1 << 20
COMPARED = ("day", "ooxml", "ole")
CONSOLE = Console(stderr=True)


@dataclass(frozen=True)
class Result:
    """What one peer did with one set of messages; times in milliseconds. ``skipped`` is the reason for no figures."""

    case: str
    peer: str
    accepted: int = 0
    per_second: float = 0.0
    mebibytes_per_second: float = 0.0
    p50: float = 0.0
    p99: float = 0.0
    refused: dict[str, int] = field(default_factory=dict)
    skipped: str = ""


def fire(
    case: str, peer: str, door: int | Path, messages: Path, sessions: int, seconds: float, reuse: bool = True
) -> Result:
    """Run a load generator once, at an SMTP port or at the socket of a milter. ``Result.skipped`` says so if it came
    back without an answer."""
    generator = ["load", "--port"] if isinstance(door, int) else ["mta", "--socket"]
    command = [sys.executable, "-m", f"tests.bench.{generator[0]}", generator[1], str(door)]
    command += ["--messages", str(messages), "--sessions", str(sessions), "--seconds", str(seconds)]
    command += [] if reuse else ["--one-a-connection"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        return Result(case, peer, skipped=f"the load generator failed: {done.stderr.strip()[-200:]}")
    facts = json.loads(done.stdout)
    times = facts["milliseconds"]
    if not times:
        return Result(case, peer, refused=facts["refused"], skipped=f"nothing was accepted: {facts['refused']}")
    return Result(
        case,
        peer,
        accepted=len(times),
        per_second=len(times) / facts["seconds"],
        mebibytes_per_second=facts["bytes"] / MEBIBYTE / facts["seconds"],
        p50=times[len(times) // 2],
        p99=times[min(len(times) - 1, len(times) * 99 // 100)],
        refused=facts["refused"],
    )


def compare(peers: Iterable[Peer], around: Surroundings, sets: dict[str, Path], options: Namespace) -> list[Result]:
    """Every peer with every set, warmed up by messages of its own first; the best of all rounds.

    Rounds go over all peers before the next begins, so that something else on the machine hits none of them alone.
    """
    best: dict[tuple[str, str], Result] = {}
    for _ in range(options.rounds):
        for result in _round(peers, around, sets, options):
            known = best.setdefault((result.case, result.peer), result)
            if result.per_second > known.per_second:
                best[result.case, result.peer] = result
    return list(best.values())


def _round(peers: Iterable[Peer], around: Surroundings, sets: dict[str, Path], options: Namespace) -> list[Result]:
    results: list[Result] = []
    for peer in peers:
        CONSOLE.print(f"  {peer.name} ...")
        try:
            with peer.start(around) as door:
                fire("warm-up", peer.name, door, sets["warm-up"], options.sessions, 30, peer.reuse)
                results += [
                    fire(case, peer.name, door, sets[case], options.sessions, options.seconds, peer.reuse)
                    for case in COMPARED
                ]
        except Missing as reason:
            results += [Result(case, peer.name, skipped=str(reason)) for case in COMPARED]
    return results


@dataclass(frozen=True)
class Inside:
    """What the gateway says of itself: its longest event loop stall and its mean scan, in milliseconds."""

    stall: float
    scan: float


def alone(around: Surroundings, sets: dict[str, Path]) -> tuple[list[Result], dict[str, Inside]]:
    """The gateway by itself: one session, large mail, a campaign."""
    http = free_port()
    results: list[Result] = []
    inside: dict[str, Inside] = {}
    try:
        with macrogate(around, http) as port:
            fire("warm-up", "Macrogate", port, sets["warm-up"], 8, 30)
            before = scraped(http)
            for case in ("one text", "one ooxml", "macro first", "macro again", "25 MiB"):
                results.append(fire(case, "smtp-sink alone", around.sink, sets[case], 1, 30))
                results.append(fire(case, "Macrogate", port, sets[case], 1, 30))
                now = scraped(http)
                seconds, count = (now[name] - before[name] for name in (SCAN_SUM, SCAN_COUNT))
                inside[case] = Inside(now[STALL] * 1000, seconds * 1000 / max(count, 1))
                before = now
    except Missing as reason:
        results.append(Result("one session", "Macrogate", skipped=str(reason)))
    return results, inside


STALL = "macrogate_event_loop_lag_seconds"
"""The longest stall since the last scrape."""

SCAN_SUM, SCAN_COUNT = "macrogate_scan_seconds_sum", "macrogate_scan_seconds_count"


def scraped(http: int) -> dict[str, float]:
    """The series without labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{http}/metrics", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.split() for line in lines if not line.startswith("#") and "{" not in line)
    return {name: float(value) for name, value in pairs}


def main() -> None:
    """The command line described at the head of this file."""
    parser = ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[], help="peers whose name contains one of these words")
    options = parser.parse_args()
    peers = tuple(p for p in PEERS if not options.only or any(word.lower() in p.name.lower() for word in options.only))
    with contextlib.ExitStack() as stack:
        home = stack.enter_context(folder("messages"))
        CONSOLE.print("making the messages ...")
        sets = mix.sets(home, options.messages)
        hop = stack.enter_context(sink())
        try:
            scanner: Path | None = stack.enter_context(clamd())
        except Missing as reason:
            scanner = None
            CONSOLE.print(f"  no clamd: {reason}")
        around = Surroundings(hop, scanner)
        results = compare(peers, around, sets, options)
        single, inside = alone(around, sets)
    report.show(
        [asdict(result) for result in results],
        [asdict(result) for result in single],
        {case: asdict(look) for case, look in inside.items()},
    )


if __name__ == "__main__":
    main()
