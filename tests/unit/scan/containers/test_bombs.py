"""Files made to exhaust whoever unpacks them: each ends at a limit, soon, and in little memory.

Every bomb is looked into by a process of its own, which tells how much memory it ever had.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway import samples
from tests.makers import bombs

ARMED, CLEAN = samples.doc_autoopen(), samples.doc()
PEAK_MIB = 300
SECONDS = 10.0

_LOOK = r"""
import json, re, sys, time
from pathlib import Path
from gateway.jail import tasks
tasks.load()
from gateway.scan import Limits, examine
from tests.makers.looks import RULES
data = Path(sys.argv[1]).read_bytes()
began = time.process_time()
report = examine(data, rules=RULES, limits=Limits(), name="bomb", mail=sys.argv[1].endswith(".eml"))
spent = time.process_time() - began
kinds = sorted({str(finding.kind) for finding in report.findings})
# Not ru_maxrss, which counts what the parent had when it forked.
peak = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024
print(json.dumps([report.verdict.label, kinds, spent, peak]))
"""


def many_parts() -> bytes:
    head = b"From: a@example.com\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    return head + b"--b\r\n\r\nx\r\n" * 100_000 + b"--b--\r\n"


PAIRS = b"01" * 512

BOMBS: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "armed-and-zeros.zip": (lambda: bombs.large_member("a.doc", ARMED, 600), "autoexec", "vba-autoexec"),
    "clean-and-zeros.zip": (lambda: bombs.large_member("a.doc", CLEAN, 200), "clean", "limit"),
    "armed-zeros-and-more.zip": (
        lambda: bombs.large_member("a.doc", ARMED, 400, behind=b"end"),
        "autoexec",
        "limit",
    ),
    "clean-zeros-and-more.zip": (
        lambda: bombs.large_member("a.doc", CLEAN, 200, behind=b"end"),
        "unscannable",
        "limit",
    ),
    "no-run.zip": (lambda: bombs.large_member("a.doc", ARMED, 400, PAIRS), "autoexec", "limit"),
    "four-gigabytes.zip": (lambda: bombs.large_member("a", b"", 4000), "unscannable", "limit"),
    "twenty-deep.zip": (lambda: bombs.nested(ARMED, 20), "unscannable", "limit"),
    "forty-two.zip": (lambda: bombs.wide(4, 16, bytes(bombs.MIB)), "unscannable", "limit"),
    "overlapping.zip": (lambda: bombs.overlapping(bytes(bombs.MIB), 400), "unscannable", "limit"),
    "many-empty.zip": (lambda: bombs.many_empty(200_000), "unscannable", "limit"),
    "many-parts.eml": (many_parts, "unscannable", "limit"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_ends_soon_and_in_little_memory(name: str, tmp_path: Path) -> None:
    make, verdict, kind = BOMBS[name]
    path = tmp_path / name
    path.write_bytes(make())
    run = subprocess.run([sys.executable, "-c", _LOOK, path], capture_output=True, check=True, timeout=60)
    said, kinds, seconds, peak = json.loads(run.stdout)
    assert (said, kind in kinds) == (verdict, True), kinds
    assert seconds < SECONDS
    assert peak < PEAK_MIB
