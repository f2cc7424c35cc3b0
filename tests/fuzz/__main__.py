"""Coverage-guided fuzzing with atheris: ``python -m tests.fuzz [--seconds N] [TARGET...]``; ``make fuzz`` runs it.

Each target runs in a process of its own for so many seconds, starts from the corpus and whatever earlier runs found
worth keeping, and leaves what breaks it in ``tests/fuzz/found/``, which git ignores. Exit code 1 if anything broke.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
KEPT, FOUND = HERE / "kept", HERE / "found"
LARGEST = 64 << 10


def main() -> int:
    from tests.fuzz.targets import FAMILIES, TARGETS

    known = {**TARGETS, **FAMILIES}
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument(
        "targets",
        nargs="*",
        metavar="TARGET",
        help=f"any of: {', '.join(known)} (default: all before {next(iter(FAMILIES))})",
    )
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default: 60)")
    arguments = parser.parse_args()
    unknown = set(arguments.targets) - known.keys()
    if unknown:
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    broken = [name for name in arguments.targets or TARGETS if not _fuzzed(name, arguments.seconds)]
    print(f"{len(broken)} broken: {', '.join(broken)}" if broken else "nothing broke")  # noqa: T201 - for a person
    return 1 if broken else 0


def _fuzzed(name: str, seconds: int) -> bool:
    """Run one target in a process of its own, since libFuzzer ends the process it runs in."""
    print(f"--- {name}: {seconds} s", flush=True)  # noqa: T201 - for a person
    (KEPT / name).mkdir(parents=True, exist_ok=True)
    FOUND.mkdir(exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={LARGEST}",
        "-timeout=20",
        "-rss_limit_mb=2048",
        "-print_final_stats=0",
        "-verbosity=0",
        f"-artifact_prefix={FOUND}/{name}-",
    ]
    command = [sys.executable, "-m", "tests.fuzz.one", name, *options, str(KEPT / name)]
    return subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
