"""What is fuzzed: the whole scan, as a mail and as a file, and every reader by itself.

A target takes any bytes. It fails by an exception: ``AssertionError`` when a report is not what the scan promises, or
whatever a reader raised that is neither ``Corrupt`` nor ``OverLimit``, which in a mail would be a ``crash`` finding.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from gateway.message import MAX_INDICATORS, Kind, Report
from gateway.scan import Limits, ScanRules, examine
from gateway.scan.budget import OverLimit
from gateway.scan.look import Blob, Corrupt
from gateway.scan.unpack import READERS, Scan

LIMITS = Limits(max_unpacked_size=16 << 20, max_files=300, max_depth=5, seconds=5.0)
SLACK = 5.0
"""Seconds a scan may take beyond its budget before the worker that runs it would be killed."""

Target = Callable[[bytes], None]


@cache
def rules() -> ScanRules:
    return ScanRules.parse((Path(__file__).parents[2] / "rules" / "triggers.toml").read_text("utf-8"))


def check(report: Report) -> None:
    """What holds for the report of any bytes."""
    assert report.seconds < LIMITS.seconds + SLACK, f"took {report.seconds:.1f} s"
    crashes = [finding for finding in report.findings if finding.kind is Kind.CRASH]
    assert not crashes, crashes
    worst = max((finding.verdict for finding in report.findings), default=None)
    assert worst is None or worst == report.verdict
    for finding in report.findings:
        assert finding.where.isprintable()
        assert finding.detail.isprintable()
        assert len(finding.indicators) <= MAX_INDICATORS


def mail(data: bytes) -> None:
    check(examine(data, rules=rules(), limits=LIMITS, mail=True))


def file(data: bytes) -> None:
    check(examine(data, rules=rules(), limits=LIMITS, name="file.bin", mail=False))


def _reader(read: Callable[[Blob, Scan], None]) -> Target:
    def target(data: bytes) -> None:
        began = time.monotonic()
        scan = Scan(rules(), LIMITS, None)
        with contextlib.suppress(Corrupt, OverLimit):
            read(Blob(data, "file", "file.bin"), scan)
        assert time.monotonic() - began < LIMITS.seconds + SLACK

    return target


def _readers() -> Iterator[tuple[str, Target]]:
    seen: dict[str, int] = {}
    for _, read in READERS:
        module = read.__module__.rpartition(".")[2]
        seen[module] = seen.get(module, 0) + 1
        yield module if seen[module] == 1 else f"{module}-{seen[module]}", _reader(read)


TARGETS: dict[str, Target] = {"mail": mail, "file": file, **dict(_readers())}
