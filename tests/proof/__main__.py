"""``make proof``: everything, or the parts named.

    python -m tests.proof [PART ...] [--behind postfix|bad] [--kills 500] [--hours 0.3] [--idle 5000] [--seed 1] ...

Writes ``results/PART-BEHIND-SEED.json`` beside this file for each part as it ends, and from all there are
``results/report.txt`` and ``results/soak.svg``; the exit status is 1 when something was lost. For days:
``--hours 24 --kills 50000``.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from argparse import ArgumentParser, Namespace
from pathlib import Path

from tests.proof import parts, report
from tests.proof.zygote import Zygote

RESULTS = Path(__file__).parent / "results"
PARTS = ("places", "milter", "kills", "workers", "reloads", "stops", "rolling", "crowd", "soak")


def main() -> int:
    asked = arguments()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    RESULTS.mkdir(exist_ok=True)
    for part in asked.parts or PARTS:
        for behind in (asked.behind,) if asked.behind else ("postfix", "bad"):
            if not asked.behind and part in ("milter", "rolling", "crowd", "soak") and behind == "bad":
                continue  # what a crowd or an hour costs shows behind a next hop that behaves
            result = run(part, behind, asked)
            path = RESULTS / f"{part}-{behind}-{asked.seed}.json"
            path.write_text(json.dumps(result.as_json(), indent=1), "utf-8")
            line = report.line(json.loads(path.read_text("utf-8")))
            print(f"\r{line}", file=sys.stderr)  # noqa: T201 - a command for a person
    return report.write(RESULTS)


def run(part: str, behind: str, asked: Namespace) -> parts.Result:
    def tell(text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\033[K{part} before {behind}: {text}", end="", file=sys.stderr, flush=True)  # noqa: T201 - as above

    until = time.monotonic() + asked.minutes * 60
    zygote = None if asked.from_disk else Zygote()
    table = {
        "kills": lambda: parts.kills(
            behind, asked.kills, tell, zygote=zygote, seed=asked.seed, until=until, rate=asked.rate
        ),
        "places": lambda: parts.places(behind, asked.rounds, tell, zygote=zygote, rate=asked.rate),
        "milter": lambda: parts.places(behind, asked.rounds, tell, zygote=zygote, milter=True, rate=asked.rate),
        "workers": lambda: parts.workers(behind, asked.workers, tell, until=until, rate=asked.rate),
        "reloads": lambda: parts.reloads(behind, asked.reloads, tell, rate=asked.rate),
        "stops": lambda: parts.stops(behind, asked.stops, tell, zygote=zygote, rate=asked.rate),
        "rolling": lambda: parts.rolling(behind, asked.stops, tell, zygote=zygote, rate=asked.rate),
        "crowd": lambda: parts.crowd(behind, asked.idle, asked.slow, tell, rate=asked.rate),
        "soak": lambda: parts.soak(behind, asked.hours * 3600, tell, rate=asked.rate),
    }
    try:
        return table[part]()
    finally:
        if zygote is not None:
            zygote.close()


def arguments() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.proof", description="Show that no mail is lost.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"any of {', '.join(PARTS)}; all without")
    parser.add_argument("--behind", choices=("postfix", "bad"), help="one next hop only: a real Postfix, or a bad one")
    parser.add_argument("--kills", type=int, default=250, help="of the daemon, before each next hop (250)")
    parser.add_argument("--workers", type=int, default=150, help="kills of workers (150)")
    parser.add_argument("--rounds", type=int, default=1, help="of every fail point (1)")
    parser.add_argument("--reloads", type=int, default=100)
    parser.add_argument("--stops", type=int, default=100, help="and restarts with socket activation (100)")
    parser.add_argument("--idle", type=int, default=5000, help="sessions that say nothing (5000)")
    parser.add_argument("--slow", type=int, default=200, help="sessions that drip (200)")
    parser.add_argument("--hours", type=float, default=0.25, help="of the soak (0.25)")
    parser.add_argument("--minutes", type=float, default=1e6, help="a limit for kills and workers")
    parser.add_argument("--rate", type=float, default=75.0, help="messages a second that are offered (75)")
    parser.add_argument("--from-disk", action="store_true", help="start every gateway as systemd does, which is slow")
    parser.add_argument("--seed", type=int, default=1, help="for other moments (1); part of the name of the result")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - {*PARTS, "report"}:
        parser.error(f"there is no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    if asked.parts == ["report"]:
        raise SystemExit(report.write(RESULTS))
    return asked


if __name__ == "__main__":
    raise SystemExit(main())
