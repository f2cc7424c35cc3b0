"""The one place where an exception becomes a finding."""

import base64
from collections.abc import Callable

import pytest

from gateway import samples
from gateway.closed_sets import FileType, Kind, Verdict
from gateway.message import Finding
from gateway.scan import unpack
from gateway.scan.budget import Limits, OverLimit
from gateway.scan.look import Blob, Corrupt, Look
from gateway.scan.unpack import MAX_FINDINGS, MUST_BE_READ, Scan
from tests.makers.looks import RULES, SHORTCUT


def scan() -> Scan:
    return Scan(RULES, Limits(), None)


def raising(error: BaseException) -> Callable[[Blob, Look], None]:
    def reader(_blob: Blob, _look: Look) -> None:
        raise error

    return reader


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Corrupt("is broken"), Kind.CORRUPT),
        (OverLimit("is too deep", local=True), Kind.LIMIT),
        (OverLimit("took too long", timed_out=True, local=True), Kind.TIMEOUT),
        (TypeError("x"), Kind.CRASH),
        (RecursionError(), Kind.CRASH),
        (MemoryError(), Kind.CRASH),
        (BaseException("a panic of a compiled library"), Kind.CRASH),
    ],
)
def test_every_exception_is_a_finding_about_that_part(error: BaseException, kind: Kind) -> None:
    one = scan()
    one.guarded(raising(error), Blob(b"", "2/a.doc"))
    assert [(finding.kind, finding.where) for finding in one.findings] == [(kind, "2/a.doc")]
    assert one.verdict is Verdict.UNSCANNABLE


def test_a_limit_of_the_whole_message_ends_the_scan_and_is_told_once() -> None:
    one = scan()
    with pytest.raises(OverLimit):
        one.guarded(
            lambda blob, _: one.guarded(raising(OverLimit("unpacks to too much")), Blob(b"", f"{blob.where}/in")),
            Blob(b"", "2"),
        )
    assert [finding.where for finding in one.findings] == ["2/in"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit()])
def test_being_told_to_stop_is_no_finding(error: BaseException) -> None:
    with pytest.raises(type(error)):
        scan().guarded(raising(error), Blob(b"", "2"))


def test_a_reader_that_crashes_does_not_keep_the_others_away(monkeypatch: pytest.MonkeyPatch) -> None:
    readers = [(frozenset({FileType.LNK}), raising(ValueError("x"))), *unpack.READERS_OF[FileType.LNK]]
    monkeypatch.setitem(unpack.READERS_OF, FileType.LNK, readers)
    one = scan()
    assert one.look_at(Blob(SHORTCUT, "1")) is FileType.LNK
    assert {finding.kind for finding in one.findings} == {Kind.CRASH, Kind.SCRIPT_CARRIER}


def test_a_part_is_as_bad_as_what_is_in_it() -> None:
    one = scan()
    one.look_at(Blob(SHORTCUT, "1"))
    one.look_at(Blob(b"text", "2"))
    assert [(part.where, part.verdict) for part in one.parts] == [("1", Verdict.SUSPICIOUS), ("2", Verdict.CLEAN)]


def test_of_too_many_findings_the_worst_is_kept() -> None:
    one = scan()
    for number in range(MAX_FINDINGS + 10):
        one.find(Kind.DDE, "1", f"number {number}")
    one.find(Kind.VBA_AUTOEXEC, "2", "runs by itself")
    assert len(one.findings) == MAX_FINDINGS + 1
    assert one.verdict is Verdict.AUTOEXEC


def test_the_same_finding_is_told_once() -> None:
    one = scan()
    one.find(Kind.DDE, "", "x")
    one.find(Kind.DDE, "", "x")
    assert one.findings == (Finding.of(Kind.DDE, "message", "x"),)


def test_what_two_readings_of_a_part_give_is_told_once_under_the_name_of_the_part() -> None:
    one = scan()
    document = samples.doc_autoopen()
    one.look_at(Blob(document, "2/a.doc", "a.doc"))
    text = Blob(base64.b64encode(document), "2/a.doc", "a.doc")
    assert one.descend(text, document, "base64 text") is FileType.DOC
    assert [part.where for part in one.parts] == ["2/a.doc"]
    one.descend(text, document, "b.doc")
    one.descend(Blob(b"", "3"), document, "base64 text")
    assert [part.where for part in one.parts] == ["2/a.doc", "2/a.doc/b.doc", "3/base64 text"]


def test_a_document_type_without_a_reader_is_unscannable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "READERS", ())
    one = scan()
    one.look_at(Blob(b"ActiveMime" + bytes(50), "1"))
    assert FileType.ACTIVEMIME in MUST_BE_READ
    assert [finding.kind for finding in one.findings] == [Kind.CORRUPT]
