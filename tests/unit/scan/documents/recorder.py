"""A ``Look`` that writes down what it is told, for tests of one family at a time."""

from functools import cache
from pathlib import Path

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.message import Finding
from gateway.scan.budget import Budget, Limits
from gateway.scan.look import Blob
from gateway.scan.passwords import Passwords
from gateway.scan.triggers import ScanRules

ROOT = Path(__file__).resolve().parents[4]


@cache
def shipped_rules() -> ScanRules:
    return ScanRules.parse((ROOT / "rules" / "triggers.toml").read_text("utf-8"))


class Recorder:
    def __init__(self, limits: Limits | None = None) -> None:
        self.rules = shipped_rules()
        self.budget = Budget(limits or Limits())
        self.passwords = Passwords(self.budget.limits.seconds)
        self.findings: list[Finding] = []
        self.children: list[tuple[str, bytes]] = []
        self.matched: list[tuple[str, bytes, str]] = []

    def find(self, kind: Kind, where: str, detail: str, **more) -> None:
        self.findings.append(Finding.of(kind, where, detail, **more))

    def descend(self, parent: Blob, data: bytes | memoryview, name: str) -> FileType:
        self.children.append((name, bytes(data)))
        return FileType.BINARY

    def match_rules(self, where: str, content: bytes, filetype: str) -> None:
        self.matched.append((where, content, filetype))

    @property
    def kinds(self) -> list[Kind]:
        return [finding.kind for finding in self.findings]

    @property
    def verdict(self) -> Verdict:
        return max((finding.verdict for finding in self.findings), default=Verdict.CLEAN)


def looked_into(inspect, data: bytes, limits: Limits | None = None) -> Recorder:
    look = Recorder(limits)
    inspect(Blob(data, "2/sample"), look)
    return look
