"""Nothing a worker sends is believed: every shape but the right one is refused."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import Action, AuthResult, FileType, Kind, Verdict
from gateway.jail.checks import MAX_REMOVED, WireError
from gateway.jail.report_frame import encode_report
from gateway.jail.wire import (
    MAX_CHANGES,
    MAX_FINDINGS,
    MAX_FORGED,
    MAX_PARTS,
    MAX_SPLICES,
    MAX_TEXT,
    Ask,
    Authenticated,
    Disarmed,
    Examined,
    Failed,
    Frame,
    FrameReader,
    Job,
    Named,
    Read,
    Ready,
    Rewritten,
    Sources,
    Unfit,
    decode_answer,
    decode_job,
    decode_recalled,
    encode_answer,
    encode_job,
    encode_recalled,
    flatten,
    head,
    unflatten,
)
from gateway.message import (
    Authentication,
    Change,
    Checked,
    Edits,
    Finding,
    Headline,
    Part,
    Report,
    Signed,
    Span,
    Splice,
)
from gateway.readable import Link, Passage, Reading, Source

SHA = "ab" * 32
SIZE = 1000
FINDING = Finding.of(
    Kind.VBA_AUTOEXEC,
    "2/invoice.docm",
    "AutoOpen runs by itself",
    reference="T1137",
    excerpt="Sub\n\tx",
    fingerprint="ab" * 32,
    indicators=("http://example.com/a", "calc"),
)
CHANGE = Change("2.1", Action.DISARM, "a.docm", "a.docx", ("its macros",))
PART = Part("2/invoice.docm", FileType.DOCM, 4711, SHA, Verdict.AUTOEXEC)
REPORT = Report(
    verdict=Verdict.AUTOEXEC,
    findings=(FINDING,),
    parts=(PART,),
    headline=Headline("Rechnung für 日本", "a@example.com", "<1@example.com>", "today"),
    sha256=SHA,
    forged=(Span(0, 10), Span(10, 20), Span(30, 31)),
    recalled=1,
    seconds=0.25,
)


def frame_of(data: bytes) -> Frame:
    reader = FrameReader()
    reader.feed(data)
    frame = reader.next()
    assert frame is not None
    assert reader.next() is None
    return frame


def through(report: Report, size: int = SIZE) -> Report:
    answer = decode_answer(frame_of(encode_report(1, report)), 1, size)
    assert isinstance(answer, Examined)
    return answer.report


def as_json(report: Report) -> dict[str, Any]:
    text: dict[str, Any] = json.loads(frame_of(encode_report(1, report)).text)
    return text


# -- frames --

FRAMES = [Frame(b"{}"), Frame(b"", b"tail"), Frame(b'{"a":1}', b"x" * 1000), Frame(b"last")]
STREAM = b"".join(head(frame.text, len(frame.tail)) + bytes(frame.tail) for frame in FRAMES)


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
@settings(max_examples=100, deadline=None)
def test_frames_come_out_however_they_are_cut(cuts: list[int]) -> None:
    reader, found = FrameReader(), []
    edges = [0, *sorted(cuts), len(STREAM)]
    for start, end in itertools.pairwise(edges):
        reader.feed(STREAM[start:end])
        while (frame := reader.next()) is not None:
            found.append(Frame(frame.text, bytes(frame.tail)))
    assert found == FRAMES


def test_frames_come_out_byte_by_byte() -> None:
    reader, found = FrameReader(), []
    for value in STREAM:
        reader.feed(bytes([value]))
        while (frame := reader.next()) is not None:
            found.append(Frame(frame.text, bytes(frame.tail)))
    assert found == FRAMES


@pytest.mark.parametrize(("text", "tail"), [(11, 0), (0, 6), (2**32 - 1, 2**32 - 1)])
def test_a_frame_too_large_is_refused_before_it_comes(text: int, tail: int) -> None:
    reader = FrameReader(max_text=10, max_tail=5)
    reader.feed(text.to_bytes(4, "big") + tail.to_bytes(4, "big"))
    with pytest.raises(WireError, match="a frame of"):
        reader.next()


# -- what is right comes through --


def test_a_report_comes_through_unchanged() -> None:
    assert through(REPORT) == REPORT
    assert through(Report(Verdict.CLEAN)) == Report(Verdict.CLEAN)


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_kind_and_verdict_comes_through(kind: Kind, verdict: Verdict) -> None:
    report = Report(verdict, (replace(FINDING, kind=kind, verdict=verdict),))
    assert through(report) == report


@pytest.mark.parametrize("type_", list(FileType))
def test_every_file_type_comes_through(type_: FileType) -> None:
    assert through(replace(REPORT, parts=(replace(PART, type=type_),))).parts[0].type is type_


@given(st.text(max_size=600), st.text(max_size=600), st.text(max_size=5000))
@settings(max_examples=100, deadline=None)
def test_whatever_is_written_comes_through_safe_to_show(where: str, detail: str, excerpt: str) -> None:
    wild = Finding(Kind.DDE, where, detail, Verdict.SUSPICIOUS, excerpt=excerpt)
    report = through(Report(Verdict.SUSPICIOUS, (wild,), (replace(PART, where=where),), Headline(subject=detail)))
    assert report.findings == (Finding.of(Kind.DDE, where, detail, excerpt=excerpt),)
    assert report.headline.subject.isprintable()


def test_of_too_many_facts_the_worst_are_kept_in_order() -> None:
    mild = tuple(Finding.of(Kind.VBA_MACRO, str(number), "macro") for number in range(MAX_FINDINGS + 5))
    parts = tuple(replace(PART, where=str(number), verdict=Verdict.CLEAN) for number in range(MAX_PARTS + 5))
    report = through(replace(REPORT, findings=(*mild, FINDING), parts=(*parts, PART)))
    assert report.verdict is Verdict.AUTOEXEC
    assert report.findings == (*mild[: MAX_FINDINGS - 1], FINDING)
    assert report.parts == (*parts[: MAX_PARTS - 1], PART)


def test_the_longest_report_fits() -> None:
    wide = "\U0001f4a9" * 5000
    finding = Finding.of(
        Kind.DDE, wide, wide, reference=wide, excerpt="\n" * 4000, fingerprint=wide, indicators=[wide] * 99
    )
    longest = Report(
        Verdict.AUTOEXEC,
        (finding,) * MAX_FINDINGS + (FINDING,),
        (replace(PART, where=wide),) * MAX_PARTS,
        Headline(wide, wide, wide, wide),
        forged=tuple(Span(number, number + 1) for number in range(MAX_FORGED)),
    )
    assert len(encode_report(1, longest)) <= MAX_TEXT
    report = through(longest, MAX_FORGED)
    assert report.forged == longest.forged
    assert FINDING in report.findings


def test_forged_header_lines_are_never_cut_short() -> None:
    too_many = tuple(Span(number, number + 1) for number in range(MAX_FORGED + 1))
    with pytest.raises(WireError, match="forged"):
        encode_report(1, replace(REPORT, forged=too_many))


def test_edits_come_through() -> None:
    splices = (Splice(Span(0, 0), b"top"), Splice(Span(5, 9), b""), Splice(Span(9, 20), bytes(range(256))))
    edits = Edits(splices, (CHANGE,))
    numbers, tail = flatten(edits)
    frame = frame_of(encode_answer(Rewritten(7, numbers, edits.changes), len(tail)) + tail)
    answer = decode_answer(frame, 7, SIZE)
    assert isinstance(answer, Rewritten)
    assert unflatten(answer, frame.tail) == edits


def test_the_longest_changes_fit_into_a_frame() -> None:
    wide = "\U0001f4a9" * 200
    longest = Change("1" + ".1" * 100, Action.STRIP, wide, wide, (wide[:100],) * MAX_REMOVED, wide)
    numbers = ((SIZE - 1, SIZE, 0),) * 1 + ((SIZE, SIZE, 0),) * (MAX_SPLICES - 1)
    frame = encode_answer(Rewritten(7, numbers, (longest,) * MAX_CHANGES))
    assert len(frame) <= MAX_TEXT
    assert isinstance(decode_answer(frame_of(frame), 7, SIZE), Rewritten)


def test_a_disarmed_document_comes_through() -> None:
    answer = Disarmed(3, "a.docx", "application/x", ("its macros",))
    frame = frame_of(encode_answer(answer, 5) + b"bytes")
    assert (decode_answer(frame, 3, SIZE), bytes(frame.tail)) == (answer, b"bytes")


@pytest.mark.parametrize(
    "answer",
    [
        Disarmed(3, "a\n.docx", "application/x", ()),
        Disarmed(3, "x" * 301, "application/x", ()),
        Disarmed(3, "a.docx", "a/\x7f", ()),
        Disarmed(3, "a.docx", "application/x", ("\x1b[31m",)),
    ],
)
def test_a_disarmed_document_with_odd_words_is_refused(answer: Disarmed) -> None:
    with pytest.raises(WireError, match="odd text"):
        decode_answer(frame_of(encode_answer(answer)), 3, SIZE)


@pytest.mark.parametrize(
    "change",
    [
        replace(CHANGE, part="2/x"),
        replace(CHANGE, action=Action.DELIVER),
        replace(CHANGE, name="a\nb"),
        replace(CHANGE, new_name="x" * 201),
        replace(CHANGE, why="\x1b[31m"),
        replace(CHANGE, removed=("its\rmacros",)),
        replace(CHANGE, removed=("it",) * (MAX_REMOVED + 1)),
    ],
)
def test_a_change_that_cannot_be_is_refused(change: Change) -> None:
    with pytest.raises(WireError, match="change"):
        decode_answer(frame_of(encode_answer(Rewritten(7, (), (change,)))), 7, SIZE)


@pytest.mark.parametrize(
    ("answer", "job"),
    [
        (Ready("1/ab", ("landlock: not here",)), 0),
        (Unfit("ValueError: no rules"), 0),
        (Ask(3, SHA), 3),
        (Failed(3, "the target is still there", grown=True), 3),
    ],
)
def test_other_answers_come_through(answer: Ready | Unfit | Ask | Failed, job: int) -> None:
    assert decode_answer(frame_of(encode_answer(answer)), job, SIZE) == answer


def test_the_words_of_the_front_come_through() -> None:
    job = Job(5, "rewrite", True, ("2", "3.1"), ("4",), "because", "0123", "https://x", "[macro] ")
    assert decode_job(frame_of(encode_job(job))) == job
    assert decode_recalled(frame_of(encode_recalled((FINDING,)))) == (FINDING,)
    assert decode_recalled(frame_of(encode_recalled(()))) == ()
    assert decode_recalled(frame_of(encode_recalled(None))) is None


# -- what is wrong does not --


def refused(text: object, *, job: int = 1, size: int = SIZE, tail: bytes = b"") -> bool:
    raw = text if isinstance(text, bytes) else json.dumps(text).encode()
    with pytest.raises(WireError):
        decode_answer(Frame(raw, tail), job, size)
    return True


@pytest.mark.parametrize(
    "change",
    [
        {"say": "done"},
        {"say": "ready"},
        {"job": 2},
        {"job": "1"},
        {"job": True},
        {"verdict": 5},
        {"verdict": "0"},
        {"verdict": None},
        {"findings": None},
        {"findings": [{}]},
        {"findings": [1] * 100_000},
        {"parts": [{}] * (MAX_PARTS + 1)},
        {"headline": None},
        {"headline": {"subject": "a\nb", "sender": "", "message_id": "", "date": ""}},
        {"headline": {"subject": "x" * 1001, "sender": "", "message_id": "", "date": ""}},
        {"sha256": "AB" * 32},
        {"sha256": SHA + "a"},
        {"sha256": SHA + "\n"},
        {"forged": [{"start": 5, "end": 4}]},
        {"forged": [{"start": -1, "end": 4}]},
        {"forged": [{"start": 0, "end": SIZE + 1}]},
        {"forged": [{"start": 5, "end": 9}, {"start": 8, "end": 10}]},
        {"recalled": -1},
        {"recalled": 10**30},
        {"seconds": -1.0},
        {"seconds": float("nan")},
        {"seconds": float("inf")},
        {"grown": 1},
    ],
)
def test_a_report_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    assert refused({**as_json(REPORT), **change})


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "virus"},
        {"verdict": 9},
        {"where": "a\x1b[31m"},
        {"where": "x" * 501},
        {"detail": "two\nlines"},
        {"detail": "\u202egnp.exe"},
        {"reference": "x" * 201},
        {"excerpt": "x" * 4001},
        {"excerpt": "bell\x07"},
        {"excerpt": None},
        {"fingerprint": "f" * 65},
        {"indicators": ["bell\x07"]},
        {"indicators": ["x"] * 21},
    ],
)
def test_a_finding_that_is_not_safe_to_show_is_refused(change: dict[str, Any]) -> None:
    text = as_json(REPORT)
    text["findings"][0].update(change)
    assert refused(text)


@pytest.mark.parametrize(
    "change",
    [{"type": "virus"}, {"size": -1}, {"size": 2**50}, {"sha256": ""}, {"sha256": "g" * 64}, {"where": "a\rb"}],
)
def test_a_part_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    text = as_json(REPORT)
    text["parts"][0].update(change)
    assert refused(text)


@pytest.mark.parametrize(
    ("splices", "tail"),
    [
        ([[0, 0, 1]], b""),
        ([[0, 0, 1]], b"ab"),
        ([[0, 0, 2], [0, 0, -1]], b"a"),
        ([[5, 4, 0]], b""),
        ([[0, SIZE + 1, 0]], b""),
        ([[5, 9, 0], [8, 10, 0]], b""),
        ([[5, 9, 0], [0, 1, 0]], b""),
        ([[0, 0]], b""),
        ([[0, 0, 0, 0]], b""),
        ([[0.0, 0, 0]], b""),
        ([[0, 0, 0]] * 2001, b""),
    ],
)
def test_splices_that_cannot_be_are_refused(splices: list[list[int]], tail: bytes) -> None:
    assert refused({"say": "rewritten", "job": 1, "splices": splices}, tail=tail)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b"{" * 100_000,
        b"[" * 100_000,
        b'{"say":"ask","job":1,"sha256":"' + b"\xff" * 64 + b'"}',
        b'{"say":"ask","job":1' + b"1" * 5000 + b',"sha256":""}',
        {"say": "ask", "job": 1, "sha256": SHA[1:]},
        {"say": "ask", "job": 2, "sha256": SHA},
        {"say": "failed", "job": 1, "why": "a\nb"},
        {"say": "failed", "job": 1, "why": "x" * 501},
        {"say": "unfit", "why": "late"},
        {"say": "ready", "edition": "", "missing": []},
    ],
)
def test_anything_else_is_refused(text: object) -> None:
    assert refused(text)


@pytest.mark.parametrize(
    "text",
    [
        {"say": "ready", "edition": "a\nb", "missing": []},
        {"say": "ready", "edition": "", "missing": ["a\x00"]},
        {"say": "ready", "edition": "", "missing": ["a"] * 21},
        {"say": "ask", "job": 1, "sha256": SHA},
    ],
)
def test_a_wrong_greeting_is_refused(text: object) -> None:
    assert refused(text, job=0)


def test_a_tail_where_none_belongs_is_refused() -> None:
    assert refused({"say": "failed", "job": 1, "why": ""}, tail=b"x")


@given(st.binary(max_size=300), st.binary(max_size=20))
@settings(max_examples=200, deadline=None)
def test_bytes_of_any_kind_end_in_an_answer_or_a_refusal(text: bytes, tail: bytes) -> None:
    try:
        decode_answer(Frame(text, tail), 1, SIZE)
    except WireError:
        return


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_a_damaged_report_ends_in_an_answer_or_a_refusal(data: st.DataObject) -> None:
    text = bytearray(frame_of(encode_report(1, REPORT)).text)
    for _ in range(data.draw(st.integers(1, 5))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    try:
        answer = decode_answer(Frame(bytes(text)), 1, SIZE)
    except WireError:
        return
    assert isinstance(answer, Examined)
    assert all(finding.where.isprintable() for finding in answer.report.findings)


AUTHENTICATION = Authentication(
    (Signed(AuthResult.FAIL, "example.org", "s1", "rsa-sha256", "abc/+=", "the body was changed"),),
    Checked(AuthResult.PASS, "example.com"),
    3,
    Checked(AuthResult.TEMPERROR, "example.org", "DNS is down"),
    "reject",
)


def test_who_signed_comes_through() -> None:
    for answer in (Authenticated(1, AUTHENTICATION), Named(1, ("s1._domainkey.example.org", "_dmarc.example.org"))):
        assert decode_answer(frame_of(encode_answer(answer)), 1, SIZE) == answer


@pytest.mark.parametrize(
    "answer",
    [
        Named(1, ("a b",)),
        Named(1, ("a\n",)),
        Named(1, ("x" * 254,)),
        Named(1, ("",)),
        Named(1, ("a",) * 81),
        Authenticated(1, replace(AUTHENTICATION, dkim=AUTHENTICATION.dkim * 9)),
        Authenticated(1, replace(AUTHENTICATION, instance=51)),
        Authenticated(1, replace(AUTHENTICATION, instance=-1)),
        Authenticated(1, replace(AUTHENTICATION, dmarc_policy="maybe")),
        Authenticated(1, replace(AUTHENTICATION, spf=Checked(AuthResult.PASS, "a b"))),
        Authenticated(1, replace(AUTHENTICATION, arc=Checked(AuthResult.PASS, reason="a\r\nX: y"))),
        Authenticated(1, replace(AUTHENTICATION, dkim=(Signed(AuthResult.PASS, "a;b"),))),
        Authenticated(1, replace(AUTHENTICATION, dkim=(Signed(AuthResult.PASS, mark="\n"),))),
        Authenticated(1, replace(AUTHENTICATION, dkim=(Signed(AuthResult.PASS, mark='" x="'),))),
        Authenticated(1, replace(AUTHENTICATION, dkim=(Signed(AuthResult.PASS, algorithm="a; dkim=pass"),))),
    ],
)
def test_who_signed_is_refused_when_it_could_not_be_shown(answer: Named | Authenticated) -> None:
    with pytest.raises(WireError):
        decode_answer(frame_of(encode_answer(answer)), 1, SIZE)


PASSAGE = Passage("2/page.html", "text/html", "Click\n\there[1]", (Link("here", "http://evil.example"),))
READING = Reading("Subject: x\n\tfolded", False, (PASSAGE,))


def test_a_reading_and_sources_come_through() -> None:
    for answer in (Read(1, READING), Sources(1, (Source("2/a.docm", "vba", "Sub X()\nEnd Sub"),))):
        assert decode_answer(frame_of(encode_answer(answer)), 1, SIZE) == answer


@pytest.mark.parametrize(
    "answer",
    [
        Read(1, replace(READING, header="\x1b[31m")),
        Read(1, replace(READING, trouble="a\nb")),
        Read(1, replace(READING, passages=(PASSAGE,) * 21)),
        Read(1, replace(READING, passages=(replace(PASSAGE, text="\u202e"),))),
        Read(1, replace(READING, passages=(replace(PASSAGE, text="x" * 100_001),))),
        Read(1, replace(READING, passages=(replace(PASSAGE, links=(Link("x", "a\nb"),)),))),
        Read(1, replace(READING, passages=(replace(PASSAGE, links=(Link("x", "y"),) * 61),))),
        Sources(1, (Source("x", "vba", "\0"),)),
        Sources(1, (Source("x\n", "vba", ""),)),
        Sources(1, (Source("x", "vba", ""),) * 31),
        Read(2, READING),
    ],
)
def test_no_reading_but_a_safe_one_is_taken(answer: Read | Sources) -> None:
    with pytest.raises(WireError):
        decode_answer(frame_of(encode_answer(answer)), 1, SIZE)


def test_a_report_says_that_something_bad_was_left_out() -> None:
    bad = tuple(Finding.of(Kind.VBA_AUTOEXEC, f"2/{number}.docm", "It runs") for number in range(201))
    clean = tuple(replace(one, verdict=Verdict.CLEAN) for one in bad)
    assert through(replace(REPORT, findings=bad[:200])).whole
    assert not through(replace(REPORT, findings=bad)).whole
    assert through(replace(REPORT, findings=clean)).whole
    assert not through(replace(REPORT, findings=(), whole=False)).whole
