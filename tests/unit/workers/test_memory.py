from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.message import Finding, Part, Report
from gateway.metrics import Metrics
from gateway.spool import MEMORY_LIMIT, Spool
from gateway.workers import memory as remembered
from gateway.workers.memory import MAX_FINDINGS, MAX_LEARNT, PoisonList, VerdictMemory, body_digest

SHA = "ab" * 32
EDITION = "1/rules"
PART = Part("2/a.zip/x.docm", FileType.DOCM, 10, SHA, Verdict.AUTOEXEC)
SELF = Finding.of(Kind.VBA_MACRO, "2/a.zip/x.docm", "has macros")
INSIDE = Finding.of(Kind.VBA_AUTOEXEC, "2/a.zip/x.docm/word/vbaProject.bin", "AutoOpen")
BESIDE = Finding.of(Kind.VBA_AUTOEXEC, "2/a.zip/x.docm2", "another document")
REPORT = Report(Verdict.AUTOEXEC, (SELF, INSIDE, BESIDE), (PART,))


@pytest.fixture
def memory() -> VerdictMemory:
    return VerdictMemory(Metrics())


def test_a_document_is_remembered_with_what_is_inside_it_wherever_it_was(memory: VerdictMemory) -> None:
    memory.learn(EDITION, REPORT)
    assert memory.recall(EDITION, SHA) == (replace(SELF, where=""), replace(INSIDE, where="/word/vbaProject.bin"))
    assert len(memory) == 1


def test_other_rules_remember_nothing(memory: VerdictMemory) -> None:
    memory.learn(EDITION, REPORT)
    assert memory.recall("2/rules", SHA) is None


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.AUTOEXEC])
def test_a_worker_can_teach_nothing_but_bad_documents(memory: VerdictMemory, verdict: Verdict) -> None:
    memory.learn(EDITION, replace(REPORT, parts=(replace(PART, verdict=verdict),)))
    memory.learn(EDITION, replace(REPORT, verdict=verdict))
    assert len(memory) == 0


@pytest.mark.parametrize("findings", [(), (BESIDE,), (SELF,) * (MAX_FINDINGS + 1)])
def test_a_document_without_its_findings_is_not_remembered(
    memory: VerdictMemory, findings: tuple[Finding, ...]
) -> None:
    memory.learn(EDITION, replace(REPORT, findings=findings))
    assert len(memory) == 0


def test_one_report_teaches_only_so_much(memory: VerdictMemory) -> None:
    parts = tuple(replace(PART, sha256=f"{number:064x}") for number in range(MAX_LEARNT + 10))
    memory.learn(EDITION, replace(REPORT, parts=parts))
    assert len(memory) == MAX_LEARNT


def test_it_is_bounded_by_what_it_weighs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MAX_MEMORY", 10_000)
    memory = VerdictMemory(Metrics())
    heavy = Finding.of(Kind.VBA_AUTOEXEC, PART.where, "x" * 500, excerpt="y" * 4000)
    for number in range(10):
        memory.learn(EDITION, Report(Verdict.AUTOEXEC, (heavy,), (replace(PART, sha256=f"{number:064x}"),)))
    assert len(memory) == 1
    assert memory.recall(EDITION, f"{9:064x}") is not None


def test_hits_and_misses_are_counted() -> None:
    metrics = Metrics()
    memory = VerdictMemory(metrics)
    memory.recall(EDITION, SHA)
    memory.learn(EDITION, REPORT)
    memory.recall(EDITION, SHA)
    value = metrics.registry.get_sample_value
    assert value("macrogate_verdict_cache_total", {"result": "miss"}) == 1
    assert value("macrogate_verdict_cache_total", {"result": "hit"}) == 1
    assert value("macrogate_verdict_cache_entries") == 1


def test_a_body_is_poison_after_so_many_workers() -> None:
    poison = PoisonList(3)
    assert [poison.blame("a") for _ in range(4)] == [False, False, True, True]
    assert poison.is_poison("a")
    assert not poison.blame("b")
    assert len(poison) == 2


def test_the_poison_list_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MAX_BODIES", 5)
    poison = PoisonList(1)
    for number in range(100):
        poison.blame(str(number))
    assert len(poison) == 5


@pytest.mark.parametrize(
    ("content", "body"),
    [
        (b"A: 1\r\n\r\nbody\r\n\r\nmore", b"body\r\n\r\nmore"),
        (b"A: 1\r\n\r\n", b""),
        (b"\r\n\r\nbody", b"body"),
        (b"no empty line", b"no empty line"),
        (b"", b""),
    ],
)
async def test_a_body_is_what_is_below_the_first_empty_line(content: bytes, body: bytes) -> None:
    assert await body_digest(Spool.of(content)) == hashlib.sha256(body).hexdigest()


async def test_the_digest_of_a_large_body_does_not_depend_on_its_header() -> None:
    body = bytes(MEMORY_LIMIT) + b"\r\n\r\nend"
    first, second = Spool.of(b"A: 1\r\n\r\n" + body), Spool.of(b"Received: x\r\nA: 1\r\n\r\n" + body)
    assert await body_digest(first) == await body_digest(second) == hashlib.sha256(body).hexdigest()
    first.close()
    second.close()
