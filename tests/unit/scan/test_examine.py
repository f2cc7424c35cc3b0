"""A whole message through the whole scan: nothing hides, nothing raises, and the report says where."""

import base64
import gzip
import mmap
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.message import Finding, Report
from gateway.scan import Limits, examine
from tests.makers import archives
from tests.makers.looks import RULES, SHORTCUT
from tests.makers.mail import encode, message, multipart, part, raw, single, text, uuencode
from tests.makers.ole import compound
from tests.makers.wrappers import armour
from tests.makers.zips import Item, build


def scan(data: bytes, *, recall: Callable[[str], tuple[Finding, ...] | None] | None = None, **limits: int) -> Report:
    return examine(data, rules=RULES, limits=Limits(**limits), recall=recall)


def wheres(report: Report, kind: Kind = Kind.SCRIPT_CARRIER) -> list[str]:
    return [finding.where for finding in report.findings if finding.kind is kind]


def test_a_clean_text_mail() -> None:
    data = single(b"hello\r\n", Subject="=?utf-8?B?5pel5pys?=")
    report = scan(data)
    assert report.verdict is Verdict.CLEAN
    assert report.findings == ()
    assert [(part.where, part.type, part.size) for part in report.parts] == [("1", FileType.TEXT, 7)]
    assert report.headline.subject == "日本"
    assert report.headline.sender == "Ada <ada@example.com>"
    assert report.headline.message_id == "<1@example.com>"
    assert len(report.sha256) == 64


ZIP = build([Item("dir/run.lnk", SHORTCUT)])
FORWARDED = message([text(), part(ZIP, name="in.zip")], boundary="fw")


@pytest.mark.parametrize(
    ("data", "where"),
    [
        pytest.param(message([text(), part(SHORTCUT, name="run.lnk")]), "2/run.lnk", id="base64"),
        pytest.param(message([part(SHORTCUT, coding="quoted-printable")]), "1", id="quoted-printable"),
        pytest.param(message([part(SHORTCUT, coding="x-uuencode")]), "1/file.bin", id="uuencode"),
        pytest.param(message([part(SHORTCUT, coding="binary")]), "1", id="binary"),
        pytest.param(single(SHORTCUT, "image/png", coding="base64"), "1", id="said to be a picture"),
        pytest.param(single(b"Hi\r\n" + uuencode(SHORTCUT, "a.doc")), "1/a.doc", id="uuencode in text"),
        pytest.param(single(encode(ZIP * 9, "base64")), "1/base64 text/dir/run.lnk", id="base64 in text"),
        pytest.param(message([part(ZIP, name="in.zip")]), "1/in.zip/dir/run.lnk", id="zip"),
        pytest.param(message([part(gzip.compress(ZIP), name="in.gz")]), "1/in.gz/in/dir/run.lnk", id="zip in gzip"),
        pytest.param(
            message([part(archives.tar("a.lnk", SHORTCUT), name="a.tar")]), "1/a.tar/a.lnk", id="tar"
        ),
        pytest.param(
            message([text(), part(FORWARDED, "message/rfc822", coding="")]), "2.2/in.zip/dir/run.lnk", id="forwarded"
        ),
        pytest.param(
            message([part(FORWARDED, "message/rfc822")]), "1/2/in.zip/dir/run.lnk", id="forwarded and encoded"
        ),
        pytest.param(
            message([part(FORWARDED, name="mail.eml")]), "1/mail.eml/2/in.zip/dir/run.lnk", id="attached as a file"
        ),
        pytest.param(
            message([text()], preamble=part(SHORTCUT) + b"\r\n" * 60), "message/between parts/1", id="in the preamble"
        ),
        pytest.param(
            message([text()], epilogue=encode(ZIP * 9, "base64")),
            "message/between parts/base64 text/dir/run.lnk",
            id="in the epilogue",
        ),
        pytest.param(
            raw("Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n\n") + encode(SHORTCUT, "base64"),
            "1",
            id="two encodings",
        ),
        pytest.param(
            raw('Content-Type: multipart/mixed; boundary="b"\nContent-Transfer-Encoding: base64\n\n')
            + encode(multipart([part(SHORTCUT)], boundary="b"), "base64"),
            "1/1",
            id="an encoded multipart",
        ),
        pytest.param(
            raw("Content-Transfer-Encoding: base64\n\n") + base64.b64encode(b"innocent") + base64.b64encode(SHORTCUT),
            "1",
            id="behind the padding",
        ),
        pytest.param(
            message([part(compound({"__properties_version1.0": b"x", "a/__substg1.0_37010102": SHORTCUT}))]),
            "1/attachment",
            id="in an Outlook message",
        ),
    ],
)  # fmt: skip
def test_nothing_hides(data: bytes, where: str) -> None:
    report = scan(data)
    assert where in wheres(report)
    assert report.verdict >= Verdict.SUSPICIOUS
    assert any(part.where == where and part.verdict >= Verdict.SUSPICIOUS for part in report.parts)


def test_a_mapped_file_and_a_view_are_the_same_message() -> None:
    data = message([text(), part(SHORTCUT)])
    with mmap.mmap(-1, len(data)) as mapped:
        mapped[:] = data
        report = examine(mapped, rules=RULES, limits=Limits())
    assert wheres(report) == ["2"]
    assert wheres(examine(memoryview(data), rules=RULES, limits=Limits())) == ["2"]
    assert report.sha256 == scan(data).sha256


def test_one_file_alone() -> None:
    report = examine(ZIP, rules=RULES, limits=Limits(), name="in.zip", mail=False)
    assert wheres(report) == ["in.zip/dir/run.lnk"]


def test_forged_lines_of_ours_are_found_folded_and_in_any_case() -> None:
    data = raw("X-MACROGATE: verdict=clean\n\tfolded\nSubject: x\nx-macrogate : again\nX-Macrogate-Not: ours\n\nbody\n")
    report = scan(data)
    found = [data[span.start : span.end] for span in report.forged]
    assert found == [b"X-MACROGATE: verdict=clean\r\n\tfolded\r\n", b"x-macrogate : again\r\n"]


def test_ambiguity_with_only_text_behind_it_is_told_and_clean() -> None:
    twice = raw("Content-Type: text/plain\nContent-Type: text/html\n\nhello\n")
    report = scan(twice)
    assert wheres(report, Kind.MIME_AMBIGUOUS) == ["1"]
    assert report.verdict is Verdict.CLEAN
    data = raw("Content-Type: text/plain\nContent-Type: application/zip\n\n") + build([Item("a.txt", b"x")])
    assert scan(data).verdict is Verdict.UNSCANNABLE


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"=ybegin part=1 total=2 line=128 size=1 name=x\r\n", Kind.CORRUPT),
        (armour(b"none of its packets" * 4), Kind.ENCRYPTED),
    ],
)
def test_what_is_not_decoded_is_unscannable(body: bytes, kind: Kind) -> None:
    report = scan(single(b"Hi\r\n" + body))
    assert wheres(report, kind) == ["1"]
    assert report.verdict is Verdict.UNSCANNABLE


def zips(levels: int) -> bytes:
    data = SHORTCUT
    for level in range(levels):
        data = build([Item(f"{level}.zip", data)])
    return data


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(message([part(zips(20))]), id="depth"),
        pytest.param(message([part(build([Item(str(n), b"x") for n in range(3000)]))]), id="files"),
        pytest.param(message([part(build([Item("pairs", b"01" * (150 << 20))]))]), id="bytes"),
        pytest.param(message([text()] * 2100), id="parts"),
        pytest.param(single(b"x", X="y" * (300 << 10)), id="header"),
    ],
)
def test_beyond_a_limit_is_unscannable_never_a_pass(data: bytes) -> None:
    report = scan(data)
    assert Kind.LIMIT in {finding.kind for finding in report.findings}
    assert report.verdict is Verdict.UNSCANNABLE


def test_time_is_a_limit_of_its_own() -> None:
    report = examine(message([text()]), rules=RULES, limits=Limits(seconds=-1.0))
    assert [finding.kind for finding in report.findings] == [Kind.TIMEOUT]


def test_a_depth_limit_does_not_hide_the_neighbour() -> None:
    report = scan(message([part(zips(20)), part(SHORTCUT)]))
    assert "2" in wheres(report)


def test_a_remembered_document_is_not_looked_into_again() -> None:
    document = compound({"WordDocument": b"x"})
    asked = []

    def recall(sha256: str) -> tuple[Finding, ...]:
        asked.append(sha256)
        return (
            Finding.of(Kind.VBA_AUTOEXEC, "", "runs by itself"),
            Finding.of(Kind.OLE_PACKAGE, "/inside", "holds a file"),
        )

    report = scan(message([text(), part(document, name="a.doc")]), recall=recall)
    assert report.recalled == 1
    assert [finding.where for finding in report.findings] == ["2/a.doc", "2/a.doc/inside"]
    assert report.verdict is Verdict.AUTOEXEC
    assert [(part.where, part.sha256) for part in report.parts if part.type is FileType.DOC] == [("2/a.doc", asked[0])]


def test_an_unknown_document_is_looked_into() -> None:
    report = scan(message([part(compound({"WordDocument": b"x"}))]), recall=lambda _: None)
    assert report.recalled == 0
    assert report.findings != ()


def test_all_that_is_shown_is_printable() -> None:
    name = 'a\x1b[31m\u202e"\n<b>.zip'.replace("\n", " ")
    report = scan(message([part(build([Item("x\r\n\x00y", SHORTCUT)]), name=name)], Subject="a\x1b]0;b"))
    shown = [report.headline.subject, *(f.where for f in report.findings), *(p.where for p in report.parts)]
    assert all(text.isprintable() for text in shown)


SEEDS = [
    message([text(), part(ZIP, name="in.zip"), part(compound({"Workbook": b"x" * 50}), name="a.xls")]),
    message([part(FORWARDED, "message/rfc822", coding="8bit")]),
    single(uuencode(ZIP)),
    message([part(gzip.compress(archives.tar("a", ZIP)))]),
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(SEEDS), st.data())
def test_examine_never_raises_for_a_changed_message(seed: bytes, data: st.DataObject) -> None:
    changed = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    report = scan(bytes(changed[data.draw(st.integers(0, 3)) : data.draw(st.integers(0, len(changed)))]))
    assert report.verdict == max((finding.verdict for finding in report.findings), default=Verdict.CLEAN)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_examine_never_raises_for_any_bytes(data: bytes, as_mail: bool) -> None:
    assert examine(data, rules=RULES, limits=Limits(), mail=as_mail).sha256
