"""Exceptions against reports: what passes by one, and what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import Action, AuthResult, Effect, FileType, Kind, Verdict
from gateway.message import Authentication, Checked, Finding, Report
from gateway.policy import Exceptions
from gateway.policy.entries import BadEntry, Entry, Subject, decode, encode, make, names, removed
from tests.unit.policy.test_policy import NOON, found, mail, part, policy, report

MACRO, OTHER = "a" * 64, "b" * 64
ALLOW, BLOCK = Effect.ALLOW, Effect.BLOCK


def entry(effect: Effect, subject: Subject, what: str, number: int = 1, **more: Any) -> Entry:
    given = {"why": "known", "who": "ann", "now": NOON - timedelta(days=1)} | more
    return make(effect, subject, what, id=f"{number:010x}", **given)


def macro(where: str = "2/a.docm", name: str = MACRO, kind: Kind = Kind.VBA_AUTOEXEC) -> Finding:
    return Finding.of(kind, where, "It runs", fingerprint=name)


def document(where: str = "2/a.docm", sha256: str = "1" * 64) -> Any:
    return part(where, FileType.DOCM, Verdict.AUTOEXEC, sha256)


def signed(given: Report, result: AuthResult, domain: str, author: str = "") -> Report:
    return replace(given, authentication=Authentication(dmarc=Checked(result, domain), author=author))


def decided(
    given: Report, *entries: Entry, to: str = "b@ours.test", sender: str = "a@sender.test", head: str = ""
) -> Any:
    return policy(head=head).decide(mail(sender, to), given, Exceptions.of(entries))


ARMED = report(document(), macro())


def test_an_allowed_macro_passes_and_the_decision_names_the_entry() -> None:
    decision = decided(ARMED, entry(ALLOW, Subject.MACRO, MACRO))
    assert (decision.action, decision.rule) == (Action.DELIVER, "exception")
    assert [(one.id, one.effect, one.ignored) for one in decision.exceptions] == [("0000000001", ALLOW, "")]
    assert decision.why == "Allowed by exception 0000000001 (macro aaaaaaaaaaaaaaaa): known"


@pytest.mark.parametrize(
    "besides",
    [
        macro(name=OTHER),
        macro(name=""),
        macro("3/b.docm", name=OTHER),
        found(Kind.VBA_STOMPED, "2/a.docm"),
        found(Kind.ENCRYPTED, "2/a.docm/x"),
        found(Kind.LIMIT, "message"),
    ],
)
def test_what_its_fingerprint_does_not_explain_still_counts(besides: Finding) -> None:
    decision = decided(report(document(), macro(), besides), entry(ALLOW, Subject.MACRO, MACRO))
    assert decision.action is Action.QUARANTINE
    assert "the rest is allowed by exception 0000000001" in decision.why


def test_a_report_that_does_not_tell_everything_is_not_explained_by_what_it_tells() -> None:
    decision = decided(replace(ARMED, whole=False), entry(ALLOW, Subject.MACRO, MACRO))
    assert decision.action is Action.QUARANTINE


def test_a_bad_part_without_a_finding_is_not_explained_by_another_one() -> None:
    given = report(document(), macro(), document("3/b.docm", "2" * 64))
    assert decided(given, entry(ALLOW, Subject.MACRO, MACRO)).action is Action.QUARANTINE


def test_an_exception_is_for_its_recipients_alone_and_parts_them() -> None:
    exceptions = Exceptions.of([entry(ALLOW, Subject.MACRO, MACRO, recipients=["bob@ours.test", ".below.test"])])
    for to, action in (
        ("bob@ours.test", Action.DELIVER),
        ('"Bob"@OURS.test.', Action.DELIVER),
        ("x@a.below.test", Action.DELIVER),
        ("x@below.test", Action.QUARANTINE),
        ("alice@ours.test", Action.QUARANTINE),
    ):
        assert policy().decide(mail("a@sender.test", to), ARMED, exceptions).action is action, to
    both = mail("a@sender.test", "bob@ours.test", "alice@ours.test")
    assert policy().decide(both, ARMED, exceptions).action is Action.QUARANTINE
    classes = {exceptions.recipient_class(to, NOON) for to in ("bob@ours.test", "alice@ours.test", "eve@ours.test")}
    assert len(classes) == 2
    assert Exceptions.of([]).recipient_class("bob@ours.test", NOON) == exceptions.recipient_class("eve@x.test", NOON)


def test_an_exception_ends_at_its_end_and_when_it_is_taken_back() -> None:
    usual = entry(ALLOW, Subject.MACRO, MACRO, expires=NOON)
    assert decided(ARMED, usual).action is Action.QUARANTINE
    assert decided(ARMED, replace(usual, expires=NOON + timedelta(seconds=1))).action is Action.DELIVER
    back = removed(entry(ALLOW, Subject.MACRO, MACRO), "bob", "over", NOON - timedelta(hours=1))
    assert decided(ARMED, back).action is Action.QUARANTINE


@pytest.mark.parametrize(
    "block",
    [
        entry(BLOCK, Subject.MACRO, MACRO, 2),
        entry(BLOCK, Subject.FILE, "1" * 64, 2),
        entry(BLOCK, Subject.SENDER, "sender.test", 2),
    ],
)
def test_a_block_beats_what_is_allowed(block: Entry) -> None:
    decision = decided(ARMED, entry(ALLOW, Subject.MACRO, MACRO), entry(ALLOW, Subject.FILE, "1" * 64, 3), block)
    assert (decision.action, decision.rule) == (Action.QUARANTINE, "exception")
    assert [one.id for one in decision.exceptions] == [block.id]
    assert decision.why.startswith("Blocked by exception 0000000002")


def test_a_blocked_sender_is_held_with_a_clean_mail_by_envelope_or_from() -> None:
    clean = report(part("1"))
    for what, sender, about in (
        ("a@sender.test", "A@Sender.TEST", clean),
        (".sender.test", "a@mail.sender.test", clean),
        ("shown.example", "a@sender.test", signed(clean, AuthResult.FAIL, "shown.example", "boss@shown.example")),
        ("boss@shown.example", "a@sender.test", signed(clean, AuthResult.NONE, "shown.example", "boss@shown.example")),
    ):
        assert decided(about, entry(BLOCK, Subject.SENDER, what), sender=sender).action is Action.QUARANTINE
    assert decided(clean, entry(BLOCK, Subject.SENDER, "a@sender.test"), sender="b@sender.test").exceptions == ()


def test_a_stricter_rule_stays_stricter_than_a_block() -> None:
    refuse = '[[rule]]\nid = "no"\ntitle = "No"\naction = "reject"\nwhen = { verdict = "autoexec" }\n'
    assert decided(ARMED, entry(BLOCK, Subject.MACRO, MACRO), head=refuse).action is Action.REJECT


PARTNER = entry(ALLOW, Subject.SENDER, "billing@partner.example")


def test_an_allowed_sender_counts_where_dmarc_vouches_for_the_address_in_from() -> None:
    vouched = signed(ARMED, AuthResult.PASS, "partner.example", "billing@partner.example")
    decision = decided(vouched, PARTNER, sender="bounce@list.example")
    assert (decision.action, decision.rule) == (Action.DELIVER, "exception")
    assert decided(vouched, entry(ALLOW, Subject.SENDER, "partner.example")).action is Action.DELIVER
    assert decided(vouched, entry(ALLOW, Subject.SENDER, "other.example")).action is Action.QUARANTINE


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (ARMED, "nobody verifies who signed"),
        (signed(ARMED, AuthResult.FAIL, "partner.example", "billing@partner.example"), "DMARC says fail for partner"),
        (signed(ARMED, AuthResult.NONE, "partner.example", "billing@partner.example"), "DMARC says none"),
        (signed(ARMED, AuthResult.TEMPERROR, "partner.example", "billing@partner.example"), "DMARC says temperror"),
        (signed(ARMED, AuthResult.PASS, "evil.example", "x@evil.example"), "its From is of x@evil.example"),
        (signed(ARMED, AuthResult.PASS, "partner.example", "else@partner.example"), "its From is of else@partner"),
        (signed(ARMED, AuthResult.PASS, "partner.example"), "its From is of partner.example"),
    ],
)
def test_a_sender_anybody_could_have_written_is_ignored_with_a_sentence(given: Report, why: str) -> None:
    decision = decided(given, PARTNER, sender="billing@partner.example")
    assert decision.action is Action.QUARANTINE
    (told,) = decision.exceptions
    assert told.ignored.startswith(f"It may not come from billing@partner.example: {why}")


def test_an_allowed_sender_counts_from_our_own_networks() -> None:
    head = '[local]\ndomains = ["ours.test"]\nnetworks = ["192.0.2.0/24"]\n'
    assert decided(ARMED, PARTNER, sender="billing@partner.example", head=head).action is Action.DELIVER
    head = head.replace("192.0.2.0", "198.51.100.0")
    assert decided(ARMED, PARTNER, sender="billing@partner.example", head=head).action is Action.QUARANTINE


FILE = entry(ALLOW, Subject.FILE, "1" * 64)


def test_an_allowed_file_takes_what_was_found_about_its_content() -> None:
    given = report(document(), macro(name=""), found(Kind.DDE, "2/a.docm"))
    assert decided(given, FILE).action is Action.DELIVER


@pytest.mark.parametrize(
    "besides",
    [
        (macro("2/a.docm/evil.docm", ""), document("2/a.docm/evil.docm", "2" * 64)),  # a folder may have any name
        (macro("2/a.docm", ""), document("2/a.docm", "2" * 64)),  # another reading of the part, or member of that name
        (found(Kind.MIME_AMBIGUOUS, "2/a.docm"),),
        (found(Kind.ARCHIVE_AMBIGUOUS, "2/a.docm"),),
    ],
)
def test_an_allowed_file_carries_nothing_else(besides: Any) -> None:
    assert decided(report(document(), macro(name=""), *besides), FILE).action is Action.QUARANTINE


def test_without_anything_bad_nothing_is_excepted() -> None:
    clean = report(part("1"), part("2/a.docm", FileType.DOCM, Verdict.CLEAN, "1" * 64))
    decision = decided(clean, FILE, PARTNER, sender="billing@partner.example")
    assert (decision.rule, decision.exceptions) == ("default", ())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"why": " "}, "A reason is needed"),
        ({"what": "3f9c"}, "fingerprint of 64 hexadecimal digits"),
        ({"expires": NOON - timedelta(days=2)}, "ended already"),
        ({"expires": NOON + timedelta(days=400)}, "more than a year"),
        ({"recipients": ["nobody"]}, "no recipient"),
        ({"recipients": [f"u{n}@ours.test" for n in range(101)]}, "100 recipients at the most"),
        ({"subject": Subject.SENDER, "what": "<>"}, "Bounces"),
        ({"subject": Subject.SENDER, "what": ".com"}, "no sender"),
        ({"subject": Subject.SENDER, "what": "a b@partner.example"}, "no sender"),
        ({"subject": Subject.SENDER, "what": "*"}, "no sender"),
        ({"subject": Subject.FILE, "what": "x"}, "SHA-256"),
    ],
)
def test_what_cannot_be_an_entry_is_refused_with_a_sentence(given: dict[str, Any], sentence: str) -> None:
    usual: dict[str, Any] = {"subject": Subject.MACRO, "what": MACRO} | given
    subject, what = usual.pop("subject"), usual.pop("what")
    with pytest.raises(BadEntry, match=sentence):
        entry(ALLOW, subject, what, **usual)


def test_what_is_allowed_ends_after_thirty_days_and_a_block_by_itself_never() -> None:
    assert entry(ALLOW, Subject.MACRO, MACRO, now=NOON).expires == NOON + timedelta(days=30)
    assert entry(BLOCK, Subject.MACRO, MACRO).expires is None


ADDRESSES = st.emails() | st.from_regex(r"\.?[a-z]{1,8}(\.[a-z]{1,8}){1,3}", fullmatch=True)


@given(ADDRESSES, st.lists(ADDRESSES, max_size=3), st.sampled_from(Effect), st.booleans())
def test_an_entry_that_can_be_made_is_read_as_it_was_written(
    what: str, recipients: list[str], effect: Effect, back: bool
) -> None:
    try:
        made = entry(effect, Subject.SENDER, what, recipients=recipients)
    except BadEntry:
        return
    made = removed(made, "bob", "over", NOON) if back else made
    assert decode(encode(made)) == made
    if "@" in what:
        assert made.what in list(names(what))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(JSON, st.sampled_from([*encode(FILE), "removed"]))
def test_whatever_stands_in_the_file_is_an_entry_or_a_sentence(value: object, key: str) -> None:
    for fields in (value, encode(FILE) | {key: value}):
        try:
            assert isinstance(decode(fields), Entry)
        except BadEntry as error:
            told = str(error)
            assert told


def test_an_edited_entry_may_not_say_more_than_one_that_was_made() -> None:
    for change in ({"expires": None}, {"expires": "2036-01-01T00:00:00+00:00"}, {"why": ""}, {"id": "x"}):
        with pytest.raises(BadEntry, match="Entry"):
            decode(encode(FILE) | change)
