"""A part is taken out by a splice: the notice is in its place and every other byte is as it was."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import Verdict
from gateway.message import Edits, Span
from gateway.scan import Limits, examine, mime
from gateway.scan.budget import Budget
from gateway.scan.notice import Facts
from gateway.scan.rewrite import RewriteFailed, Sealed, Setting, Wanted, apply, rewrite
from gateway.scan.wording import LANGUAGES
from tests.makers.looks import RULES, SHORTCUT
from tests.makers.mail import fields, message, multipart, part, raw, single, text


def edits(data: bytes, *targets: str, prefix: str = "", disarmed: tuple[str, ...] = ()) -> Edits:
    facts = Facts("Shortcuts are not accepted", "0123abcd", "help@example.net")
    wanted = Wanted(facts, targets, disarmed, prefix)
    return rewrite(data, wanted, Setting(RULES, Limits(), LANGUAGES["en"]))


def notice(data: bytes, number: str) -> str:
    """The text of the notice that stands where the part ``number`` was."""
    tree = mime.parse(data, Budget(Limits()))
    around = next(e for e in tree.walk() if e.number == number and e.type == "multipart/alternative")
    entity, markup = around.children
    assert (entity.type, markup.type) == ("text/plain", "text/html")
    return base64.b64decode(data[entity.body.start : entity.body.end]).decode()


def test_a_part_gives_way_to_a_notice_and_nothing_else_changes() -> None:
    bad = part(SHORTCUT, name="日本.lnk")
    data = message([text(), bad, text("last\n")], epilogue=b"after\r\n")
    changed = apply(data, edits(data, "2"))
    before, after = data.split(bad)
    assert changed.startswith(before)
    assert changed.endswith(after)
    shown = notice(changed, "2")
    assert all(word in shown for word in ('"日本.lnk"', "Shortcuts are not accepted", "0123abcd", "help@example.net"))
    assert examine(changed, rules=RULES, limits=Limits()).verdict is Verdict.CLEAN


def test_two_parts_at_once_and_twice_the_same() -> None:
    data = message([part(SHORTCUT), text(), part(SHORTCUT)])
    changed = apply(data, edits(data, "1", "3", "1"))
    assert "removed" in notice(changed, "1")
    assert "removed" in notice(changed, "3")


def test_a_part_in_a_forwarded_message() -> None:
    forwarded = message([text(), part(SHORTCUT)], boundary="fw")
    data = message([text(), part(forwarded, "message/rfc822", coding="8bit")])
    assert "removed" in notice(apply(data, edits(data, "2.2")), "2.2")


def test_the_only_part_of_a_message() -> None:
    data = single(SHORTCUT, "application/zip", coding="base64", name="a.zip", Subject="keep me")
    changed = apply(data, edits(data, "1"))
    assert "removed" in notice(changed, "")
    kept = [line for line in data.split(b"\r\n\r\n")[0].split(b"\r\n") if not line.startswith(b"Content-")]
    assert all(line + b"\r\n" in changed for line in kept)
    assert changed.partition(b"\r\n\r\n")[0].count(b"Content-Type:") == 1


def test_the_only_part_of_a_message_without_any_content_field() -> None:
    data = raw("From: a\nSubject: b\n\n") + SHORTCUT
    changed = apply(data, edits(data, "1"))
    assert changed.startswith(b"From: a\r\nSubject: b\r\nMIME-Version: 1.0\r\n")
    assert "removed" in notice(changed, "")


SIGNED = fields({"Content-Type": "multipart/signed; boundary=s"}) + b"\r\n"


@pytest.mark.parametrize(
    ("data", "target", "why"),
    [
        pytest.param(message([part(SHORTCUT)], subtype="signed"), "1", "signed", id="signed"),
        pytest.param(
            message([SIGNED + multipart([part(SHORTCUT)], boundary="s")]), "1.1", "signed", id="signed inside"
        ),
        pytest.param(message([part(SHORTCUT)]), "7", "no part 7", id="no such part"),
        pytest.param(message([part(SHORTCUT)]), "message", "no part", id="the message itself"),
        pytest.param(
            raw("Content-Type: multipart/mixed; boundary=a; boundary=b\n\n--a\n\n")
            + SHORTCUT
            + raw("\n--b\n\nx\n--a--\n"),
            "1",
            "disagree",
            id="two boundaries",
        ),
        pytest.param(SHORTCUT, "1", "header", id="no header"),
        pytest.param(message([part(SHORTCUT)], epilogue=b"\r\n" + part(SHORTCUT) * 2), "1", "still", id="a second one"),
        pytest.param(single(b"x", X="y" * (300 << 10)), "1", "longer", id="over a limit"),
    ],
)
def test_what_cannot_be_replaced_without_doubt_fails(data: bytes, target: str, why: str) -> None:
    with pytest.raises(RewriteFailed, match=why) as failure:
        edits(data, target)
    assert isinstance(failure.value, Sealed) == (why == "signed")


def test_a_part_inside_another_target_fails() -> None:
    inner = (
        fields({"Content-Type": "multipart/mixed; boundary=i"}) + b"\r\n" + multipart([part(SHORTCUT)], boundary="i")
    )
    with pytest.raises(RewriteFailed, match="overlap"):
        edits(message([inner]), "1", "1.1")


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ("Subject: hello\n", "Subject: [MACRO] hello\n"),
        ("Subject:hello\n", "Subject: [MACRO] hello\n"),
        ("Subject:\n hello\n", "Subject: [MACRO]\n hello\n"),
        ("Subject: one\n two\n", "Subject: [MACRO] one\n two\n"),
        ("subject: =?utf-8?B?5pel?=\n", "subject: [MACRO] =?utf-8?B?5pel?=\n"),
        ("Subject: [MACRO] hello\n", "Subject: [MACRO] hello\n"),
        ("Subject:\n", "Subject: [MACRO]\n"),
    ],
)
def test_a_prefix_before_the_subject(subject: str, expected: str) -> None:
    data = raw(f"From: a\n{subject}To: b\n\nbody\n")
    assert apply(data, edits(data, prefix="[MACRO]")) == raw(f"From: a\n{expected}To: b\n\nbody\n")


def test_a_message_without_a_subject_gets_one() -> None:
    data = raw("From: a\n\nbody\n")
    assert apply(data, edits(data, prefix="[MACRO]")) == raw("Subject: [MACRO]\nFrom: a\n\nbody\n")


def test_a_prefix_of_other_letters_is_encoded() -> None:
    data = raw("Subject: hello\n\n")
    changed = apply(data, edits(data, prefix="[危険]"))
    assert changed.isascii()
    assert examine(changed, rules=RULES, limits=Limits()).headline.subject.startswith("[危険]")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.binary(max_size=60), min_size=1, max_size=4),
    st.integers(0, 3),
    st.sampled_from(["mixed", "related", "alternative"]),
)
def test_only_the_bytes_of_the_target_change(contents: list[bytes], chosen: int, subtype: str) -> None:
    chosen = min(chosen, len(contents))
    parts = [part(content, coding="base64") for content in contents]
    parts.insert(chosen, part(SHORTCUT))
    data = message(parts, subtype=subtype)
    found = edits(data, str(chosen + 1))
    entity = next(e for e in mime.parse(data, Budget(Limits())).walk() if e.number == str(chosen + 1))
    assert [splice.span for splice in found.splices] == [Span(entity.header.start, entity.body.end)]
