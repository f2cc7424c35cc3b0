"""What is fuzzed: the whole scan, as a mail and as a file, every reader by itself, and every parser below the readers.

A target takes any bytes. It fails by an exception: ``AssertionError`` when a report is not what the scan promises or
the work takes too long for so few bytes, or whatever was raised that is neither ``Corrupt`` nor ``OverLimit``, which in
a mail would be a ``crash`` finding.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from gateway.closed_sets import Kind
from gateway.message import MAX_INDICATORS, Report
from gateway.scan import Limits, ScanRules, examine
from gateway.scan.budget import OverLimit
from gateway.scan.look import Blob, Corrupt
from gateway.scan.unpack import READERS, Scan
from tests.fuzz.parsers import PARSERS, Parser

LIMITS = Limits(max_unpacked_size=16 << 20, max_files=300, max_depth=5, seconds=5.0)
SLOWEST = 2.0
"""Seconds of processor time for the 64 KiB that fuzzing ends at, twice what a scan of them may take by itself: what is
fuzzed counts its branches, and another process may use the same caches."""

Target = Callable[[bytes], None]


@cache
def rules() -> ScanRules:
    """All that are delivered."""
    folder = Path(__file__).parents[2] / "rules"
    signatures = [(path.name, path.read_text("utf-8")) for path in sorted(folder.glob("*.yar"))]
    return ScanRules.parse((folder / "triggers.toml").read_text("utf-8"), signatures)


def check(report: Report) -> None:
    """What holds for the report of any bytes."""
    crashes = [finding for finding in report.findings if finding.kind is Kind.CRASH]
    assert not crashes, crashes
    worst = max((finding.verdict for finding in report.findings), default=None)
    assert worst is None or worst == report.verdict
    for finding in report.findings:
        assert finding.where.isprintable()
        assert finding.detail.isprintable()
        assert len(finding.indicators) <= MAX_INDICATORS


@contextlib.contextmanager
def soon() -> Iterator[None]:
    """Fails when what is inside works for longer than ``SLOWEST``."""
    began = time.process_time()
    yield
    took = time.process_time() - began
    assert took < SLOWEST, f"took {took:.1f} s"


def mail(data: bytes) -> None:
    with soon():
        check(examine(data, rules=rules(), limits=LIMITS, mail=True))


def file(data: bytes) -> None:
    with soon():
        check(examine(data, rules=rules(), limits=LIMITS, name="file.bin", mail=False))


def _reader(read: Callable[[Blob, Scan], None]) -> Target:
    return _parser(lambda data, scan: read(Blob(data, "file", "file.bin"), scan))


def _parser(parse: Parser) -> Target:
    def target(data: bytes) -> None:
        scan = Scan(rules(), LIMITS, None)
        with soon(), contextlib.suppress(Corrupt, OverLimit):
            parse(data, scan)

    return target


def _readers() -> Iterator[tuple[str, Target]]:
    seen: dict[str, int] = {}
    for _, read in READERS:
        module = read.__module__.rpartition(".")[2]
        seen[module] = seen.get(module, 0) + 1
        yield module if seen[module] == 1 else f"{module}-{seen[module]}", _reader(read)


TARGETS: dict[str, Target] = {
    "mail": mail,
    "file": file,
    **dict(_readers()),
    **{f"parse-{name}": _parser(parse) for name, parse in PARSERS.items()},
}
"""Whatever the bytes, the scan gives a report soon, and nothing in it fails in a way it did not mean to."""

_FAMILIES = {
    "messages": "mbox msg tnef inline mime headers boundaries mail-text passwords names",
    "codings": "compressed macintosh encodings loose streams ends rtf-compressed",
    "archives": "zip archive appended zip-records seven-zip carve",
    "sealed": "cms openpgp encryption",
    "rewriting": "rewrite",
    "packages": "ooxml odf package-parts odf-parts xml",
    "one-xml": "flat_xml spreadsheetml web_archive activemime fragments",
    "compound": "ole onenote old_files compound word97 powerpoint97 ole-objects fields",
    "macros": "vba vba-source vba-strings xlm-code",
    "workbooks": "bare_workbook sylk lotus text_tables biff formula xlsb",
    "texts": "rtf pdf parse-pdf sniff yara",
    "carriers": "shortcut program installer named named-2 smuggling carriers carriers-2 scripts",
}


def _all_of(names: str) -> Target:
    targets = [TARGETS.get(name) or TARGETS[f"parse-{name}"] for name in names.split()]

    def target(data: bytes) -> None:
        for one in targets:
            one(data)

    return target


FAMILIES = {f"all-{family}": _all_of(names) for family, names in _FAMILIES.items()}
"""The same in fewer runs: what is alike gets the same bytes, one after the other."""
