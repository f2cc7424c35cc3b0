"""A part is disarmed in its place: its neighbours keep every byte, and what cannot be disarmed is taken out."""

from __future__ import annotations

import base64
import email
import email.message
import email.policy

import pytest

from gateway import samples
from gateway.closed_sets import Action, FileType, Verdict
from gateway.message import Change, Edits, Span
from gateway.scan import Limits, disarm, examine, mime
from gateway.scan.budget import Budget
from gateway.scan.disarm import CannotDisarm, Disarmed
from gateway.scan.disarm.parts import Work
from gateway.scan.notice import Facts
from gateway.scan.rewrite import RewriteFailed, Setting, Wanted, apply, rewrite
from gateway.scan.wording import LANGUAGES
from tests.makers.looks import RULES
from tests.makers.mail import fields, message, multipart, part, raw, single, text

DOCM = "application/vnd.ms-word.document.macroEnabled.12"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ARMED, HARMLESS = samples.docm_autoopen(), samples.docx()


def to_docx(content: bytes, name: str, work: Work) -> Disarmed:
    return Disarmed(HARMLESS, name.removesuffix(".docm") + ".docx", DOCX, ("its macros",))


@pytest.fixture(autouse=True)
def disarmer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Word documents become another one; what formats can do is tested with them."""
    monkeypatch.setattr(disarm, "DISARMERS", ((frozenset({FileType.DOCM}), to_docx),))


def edits(data: bytes, *targets: str, strip: tuple[str, ...] = ()) -> Edits:
    facts = Facts("Macros are not accepted", "0123abcd", "help@example.net")
    return rewrite(data, Wanted(facts, strip, targets), Setting(RULES, Limits(), LANGUAGES["en"]))


def parsed(data: bytes) -> email.message.EmailMessage:
    found = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(found, email.message.EmailMessage)
    return found


def attachment(data: bytes) -> email.message.EmailMessage:
    (found,) = [one for one in parsed(data).walk() if one.get_content_type() == DOCX]
    assert isinstance(found, email.message.EmailMessage)
    return found


def armed(name: str = "report.docm", coding: str = "base64", kind: str = DOCM) -> bytes:
    return part(ARMED, kind, name=name, coding=coding)


def test_the_part_is_disarmed_beside_a_notice_and_nothing_else_changes() -> None:
    bad = armed()
    data = message([text(), bad, part(samples.xlsx(), name="b.xlsx")], preamble=b"before\r\n", epilogue=b"after\r\n")
    found = edits(data, "2")
    changed = apply(data, found)
    before, after = data.split(bad)
    assert changed.startswith(before)
    assert changed.endswith(after)
    assert found.changes == (Change("2", Action.DISARM, "report.docm", "report.docx", ("its macros",)),)
    new = attachment(changed)
    assert (new.get_filename(), new.get_content(), new.get_content_type()) == ("report.docx", HARMLESS, DOCX)
    assert examine(changed, rules=RULES, limits=Limits()).verdict is Verdict.CLEAN


def test_the_notice_says_what_was_done_in_text_and_html() -> None:
    data = message([text(), armed("<b>&.docm")])
    notice = next(
        one for one in parsed(apply(data, edits(data, "2"))).walk() if one.get_content_subtype() == "alternative"
    )
    plain, markup = (one.get_content() for one in notice.iter_parts())  # type: ignore[union-attr]
    for word in ('"<b>&.docm"', '"<b>&.docx"', "its macros", "0123abcd", "help@example.net"):
        assert word in plain
    assert "&lt;b&gt;&amp;.docm" in markup
    assert "<b>" not in markup
    assert "original here" not in plain


def test_the_line_lengths_and_line_ends_are_those_of_the_message() -> None:
    data = message([text(), armed()])
    for sent in (data, data.replace(b"\r\n", b"\n")):
        changed = apply(sent, edits(sent, "2"))
        lines = changed.split(b"\r\n" if b"\r\n" in sent else b"\n")
        assert max(len(line) for line in lines if b": " not in line) <= 76
        assert changed.count(b"\r") == (changed.count(b"\n") if b"\r" in sent else 0)


@pytest.mark.parametrize("coding", ["base64", "quoted-printable", "8bit", "binary", ""])
def test_the_part_is_base64_afterwards_whatever_it_was(coding: str) -> None:
    data = message([text(), armed(coding=coding)])
    new = attachment(apply(data, edits(data, "2")))
    assert new.get_content() == HARMLESS
    assert new.get_all("Content-Transfer-Encoding") == ["base64"]


def test_a_message_that_is_one_attachment_becomes_a_multipart() -> None:
    data = single(ARMED, DOCM, coding="base64", name="a.docm", Subject="keep me")
    changed = apply(data, edits(data, "1"))
    whole = parsed(changed)
    assert whole.get_content_type() == "multipart/mixed"
    assert (whole["Subject"], whole.get_all("MIME-Version")) == ("keep me", ["1.0"])
    assert attachment(changed).get_filename() == "a.docx"
    assert attachment(changed).keys() == ["Content-Type", "Content-Transfer-Encoding", "Content-Disposition"]


def test_a_forwarded_message_that_is_one_attachment_keeps_its_header() -> None:
    forwarded = single(ARMED, DOCM, coding="base64", name="a.docm", Subject="inside")
    data = message([text(), part(forwarded, "message/rfc822", coding="7bit")])
    for found in (edits(data, "2.1"), edits(data, strip=("2.1",))):
        changed = apply(data, found)
        assert b"Subject: inside\r\n" in changed
        inner = next(one for one in parsed(changed).walk() if one["Subject"] == "inside")
        assert inner.is_multipart()


def test_a_part_of_a_forwarded_message() -> None:
    data = message([text(), part(message([text(), armed()], boundary="fw"), "message/rfc822", coding="8bit")])
    assert attachment(apply(data, edits(data, "2.2"))).get_filename() == "report.docx"


def test_what_cannot_be_disarmed_is_taken_out() -> None:
    data = message([text(), armed(), part(samples.doc_autoopen(), name="old.doc")])
    found = edits(data, "2", "3")
    assert [(change.part, change.action) for change in found.changes] == [("2", Action.DISARM), ("3", Action.STRIP)]
    assert "nothing can be taken out of a file of the type doc" in found.changes[1].why
    changed = apply(data, found)
    assert b"old.doc" not in changed
    assert examine(changed, rules=RULES, limits=Limits()).verdict is Verdict.CLEAN


def test_strip_and_disarm_in_one_message() -> None:
    data = message([text(), armed(), armed("other.docm")])
    found = edits(data, "3", strip=("2",))
    assert {change.part: change.action for change in found.changes} == {"2": Action.STRIP, "3": Action.DISARM}
    assert [splice.span.start for splice in found.splices] == sorted(splice.span.start for splice in found.splices)
    assert attachment(apply(data, found)).get_filename() == "other.docx"


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(
            raw(f"Content-Type: {DOCM}\nContent-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\n"),
            id="two codings",
        ),
        pytest.param(
            raw(f"Content-Type: {DOCM}\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\n"),
            id="two types",
        ),
        pytest.param(
            raw(f"Content-Type: {DOCM}\nno field\nContent-Transfer-Encoding: base64\n\n"), id="a line that is no field"
        ),
    ],
)
def test_a_part_in_doubt_is_taken_out(bad: bytes) -> None:
    data = message([text(), bad + base64.encodebytes(ARMED)])
    assert [change.action for change in edits(data, "2").changes] == [Action.STRIP]


def test_a_part_that_is_decoded_in_two_ways_is_taken_out() -> None:
    twice = base64.b64encode(b"x" * 100) + b"\r\n" + base64.encodebytes(ARMED)
    data = message([text(), fields({"Content-Type": DOCM, "Content-Transfer-Encoding": "base64"}) + b"\r\n" + twice])
    (change,) = edits(data, "2").changes
    assert change.action is Action.STRIP
    assert "different ways" in change.why


SIGNED = fields({"Content-Type": "multipart/signed; boundary=s"}) + b"\r\n"


@pytest.mark.parametrize(
    ("data", "target"),
    [
        pytest.param(message([text(), armed()], subtype="signed"), "2", id="signed"),
        pytest.param(message([text(), SIGNED + multipart([armed()], boundary="s")]), "2.1", id="signed inside"),
        pytest.param(message([text(), armed()], subtype="encrypted"), "2", id="encrypted"),
        pytest.param(
            single(ARMED, "application/pkcs7-mime; smime-type=signed-data", coding="base64"), "1", id="opaque"
        ),
    ],
)
def test_nothing_inside_a_signature_is_changed(data: bytes, target: str) -> None:
    with pytest.raises(RewriteFailed, match=r"signed|encrypted"):
        edits(data, target)
    with pytest.raises(RewriteFailed, match=r"signed|encrypted"):
        edits(data, strip=(target,))


def test_an_attachment_beside_a_signed_part_can_be_changed() -> None:
    signed = SIGNED + multipart([text(), part(b"x", "application/pgp-signature", coding="7bit")], boundary="s")
    data = message([signed, armed()])
    assert signed in apply(data, edits(data, "2"))


def test_a_disarmer_that_lies_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def lies(content: bytes, name: str, work: Work) -> Disarmed:
        return Disarmed(content, name, DOCX, ("nothing",))

    monkeypatch.setattr(disarm, "DISARMERS", ((frozenset({FileType.DOCM}), lies),))
    data = message([text(), armed()])
    assert [change.action for change in edits(data, "2").changes] == [Action.STRIP]


def test_a_second_copy_that_hides_fails() -> None:
    data = message([text(), armed()], epilogue=b"\r\n" + armed() * 2)
    with pytest.raises(RewriteFailed, match="still shows"):
        edits(data, "2")


def test_the_words_of_the_mail_are_tried_as_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(content: bytes, name: str, work: Work) -> Disarmed:
        found = work.passwords.try_on(name, work.budget, lambda password: password if password == "geheim7" else None)
        if found is None:
            raise CannotDisarm("no password fits")
        return to_docx(content, name, work)

    monkeypatch.setattr(disarm, "DISARMERS", ((frozenset({FileType.DOCM}), locked),))
    for body, action in (("The password is geheim7\n", Action.DISARM), ("Hello\n", Action.STRIP)):
        data = message([text(body), armed()])
        assert [change.action for change in edits(data, "2").changes] == [action]


def test_the_splices_touch_the_part_only() -> None:
    data = message([text(), armed(), text("last\n")])
    entity = next(e for e in mime.parse(data, Budget(Limits())).walk() if e.number == "2")
    assert [splice.span for splice in edits(data, "2").splices] == [Span(entity.header.start, entity.body.end)]
