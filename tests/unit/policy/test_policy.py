"""Policies as text, messages as reports, decisions out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import Action, AuthResult, FileType, Kind, Verdict
from gateway.message import (
    Authentication,
    Checked,
    Client,
    Envelope,
    Finding,
    Part,
    Recipient,
    Report,
    Signed,
    Transaction,
)
from gateway.policy import Policy, PolicyError

RULES = Path(__file__).parents[3] / "rules"
LAST = """
[[rule]]
id = "last-autoexec"
title = "Runs by itself"
action = "quarantine"
when = { verdict = "autoexec" }
[[rule]]
id = "last-unscannable"
title = "Not looked into"
action = "quarantine"
when = { verdict = "unscannable" }
"""
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def rule(name: str, action: str, when: str, more: str = "") -> str:
    return f'[[rule]]\nid = "{name}"\ntitle = "Title of {name}"\naction = "{action}"\nwhen = {when}\n{more}\n'


def policy(*rules: str, head: str = "", base: Path | None = None, last: str = LAST) -> Policy:
    return Policy.parse("\n".join([head, *rules, last]), base=base)


def mail(sender: str = "a@sender.test", *to: str, client: str = "192.0.2.1", size: int = 1000) -> Transaction:
    recipients = tuple(Recipient(address) for address in to or ("b@ours.test",))
    return Transaction("id", "smtp", Client(client), Envelope(sender, recipients), size, NOON)


def part(where: str, kind: FileType = FileType.TEXT, verdict: Verdict = Verdict.CLEAN, sha256: str = "0" * 64) -> Part:
    return Part(where, kind, 100, sha256, verdict)


def report(*entries: Finding | Part, sha256: str = "f" * 64) -> Report:
    findings = tuple(entry for entry in entries if isinstance(entry, Finding))
    parts = tuple(entry for entry in entries if isinstance(entry, Part))
    worst = max((entry.verdict for entry in entries), default=Verdict.CLEAN)
    return Report(verdict=worst, findings=findings, parts=parts, sha256=sha256)


def found(kind: Kind, where: str = "2/a.doc") -> Finding:
    return Finding.of(kind, where, "a detail")


def mistakes(*rules: str, head: str = "", base: Path | None = None, last: str = LAST) -> str:
    with pytest.raises(PolicyError) as caught:
        policy(*rules, head=head, base=base, last=last)
    assert caught.value.mistakes == tuple(str(caught.value).split("\n"))
    return str(caught.value)


# ---- the policies that come with the program


@pytest.mark.parametrize(
    ("file", "kind", "action"),
    [
        ("policy.toml", Kind.VBA_AUTOEXEC, Action.QUARANTINE),
        ("policy.toml", Kind.XLM_AUTOEXEC, Action.QUARANTINE),
        ("policy.toml", Kind.SCRIPT_CARRIER, Action.QUARANTINE),
        ("policy.toml", Kind.HTML_SMUGGLING, Action.QUARANTINE),
        ("policy.toml", Kind.ENCRYPTED, Action.QUARANTINE),
        ("policy.toml", Kind.CRASH, Action.QUARANTINE),
        ("policy.toml", Kind.DDE, Action.TAG),
        ("policy.toml", Kind.VBA_MACRO, Action.TAG),
        ("policy-strict.toml", Kind.VBA_AUTOEXEC, Action.DISARM),
        ("policy-strict.toml", Kind.LIMIT, Action.QUARANTINE),
        ("policy-strict.toml", Kind.REMOTE_TEMPLATE, Action.STRIP),
        ("policy-strict.toml", Kind.VBA_MACRO, Action.DISARM),
    ],
)
def test_shipped_policy(file: str, kind: Kind, action: Action) -> None:
    decision = Policy.load(RULES / file).decide(mail(), report(part("1"), found(kind)))
    assert decision.action is action
    assert decision.targets == ("2",)


@pytest.mark.parametrize("file", ["policy.toml", "policy-strict.toml"])
def test_clean_mail_is_delivered_by_default(file: str) -> None:
    decision = Policy.load(RULES / file).decide(mail(), report(part("1"), part("2/a.pdf", FileType.PDF)))
    assert (decision.action, decision.rule, decision.targets) == (Action.DELIVER, "default", ())


# ---- the order of rules, and what is left


def test_first_match_wins() -> None:
    rules = policy(rule("one", "reject", '{ findings = "dde" }'), rule("two", "tag", '{ verdict = "suspicious" }'))
    assert rules.decide(mail(), report(found(Kind.DDE))).rule == "one"
    assert rules.decide(mail(), report(found(Kind.ACTIVEX))).rule == "two"


def test_allowed_document_does_not_carry_another_one_through() -> None:
    good = "a" * 64
    rules = policy(rule("allowed", "deliver", f'{{ sha256 = "{good}" }}'))
    allowed = (part("2/good.docm", FileType.DOCM, Verdict.AUTOEXEC, good), found(Kind.VBA_AUTOEXEC, "2/good.docm"))
    assert rules.decide(mail(), report(*allowed)).rule == "allowed"
    evil = (part("3/evil.docm", FileType.DOCM, Verdict.AUTOEXEC), found(Kind.VBA_AUTOEXEC, "3/evil.docm"))
    decision = rules.decide(mail(), report(*allowed, *evil))
    assert (decision.rule, decision.action, decision.targets) == ("last-autoexec", Action.QUARANTINE, ("3",))
    in_one_zip = (part("2/z.zip/good.docm", FileType.DOCM, Verdict.AUTOEXEC, good), found(Kind.ENCRYPTED, "2/z.zip/x"))
    assert rules.decide(mail(), report(*in_one_zip)).rule == "last-unscannable"


def test_allowed_kind_of_finding_does_not_excuse_another_in_the_same_part() -> None:
    rules = policy(rule("allowed", "deliver", '{ findings = "vba-macro" }'))
    seen = (part("2", FileType.DOC, Verdict.AUTOEXEC), found(Kind.VBA_MACRO, "2"), found(Kind.VBA_AUTOEXEC, "2"))
    assert rules.decide(mail(), report(*seen)).rule == "last-autoexec"
    assert rules.decide(mail(), report(part("2", FileType.DOC, Verdict.AUTOEXEC), seen[1])).rule == "last-autoexec"
    assert rules.decide(mail(), report(part("2", FileType.DOC, Verdict.MACRO), seen[1])).rule == "allowed"


def test_what_a_tag_leaves_is_judged_by_type_too() -> None:
    rules = policy(rule("macro", "tag", '{ verdict = "macro" }'), rule("program", "reject", '{ family = "program" }'))
    decision = rules.decide(mail(), report(found(Kind.VBA_MACRO, "2"), part("3", FileType.EXECUTABLE)))
    assert (decision.rule, decision.targets) == ("program", ("3",))


def test_whole_message_may_be_allowed_by_its_hash() -> None:
    rules = policy(rule("allowed", "deliver", f'{{ sha256 = "{"f" * 64}" }}'))
    decision = rules.decide(mail(), report(part("1"), part("2", verdict=Verdict.AUTOEXEC), found(Kind.VBA_AUTOEXEC)))
    assert decision.rule == "allowed"


def test_what_a_strip_leaves_is_judged_too() -> None:
    rules = policy(rule("strip-autoexec", "strip", '{ verdict = "autoexec" }'))
    both = report(found(Kind.VBA_AUTOEXEC, "2/a.docm"), found(Kind.ENCRYPTED, "3/b.zip"))
    assert rules.decide(mail(), both).rule == "last-unscannable"
    same_part = report(found(Kind.VBA_AUTOEXEC, "2/a.zip/a.docm"), found(Kind.ENCRYPTED, "2/a.zip/b.zip"))
    decision = rules.decide(mail(), same_part)
    assert (decision.action, decision.targets) == (Action.STRIP, ("2",))


def test_strips_are_joined_and_a_tag_keeps_its_prefix() -> None:
    rules = policy(
        rule("suspicious", "strip", '{ verdict = "suspicious" }'),
        rule("macro", "strip", '{ findings = "vba-macro" }'),
        rule("xlm", "tag", '{ findings = "xlm-macro" }', 'subject_prefix = "[macro] "'),
    )
    decision = rules.decide(
        mail(), report(found(Kind.DDE, "2"), found(Kind.VBA_MACRO, "3/x.doc"), found(Kind.XLM_MACRO, "4/y.xls"))
    )
    assert decision.rule == "suspicious"
    assert (decision.action, decision.targets, decision.subject_prefix) == (Action.STRIP, ("2", "3"), "[macro] ")


def test_a_mixture_is_done_part_by_part() -> None:
    rules = policy(
        rule("suspicious", "strip", '{ verdict = "suspicious" }'), rule("macro", "disarm", '{ verdict = "macro" }')
    )
    both = report(found(Kind.DDE, "2"), found(Kind.VBA_MACRO, "3/x.doc"), found(Kind.VBA_MACRO, "4/y.doc"))
    decision = rules.decide(mail(), both)
    assert (decision.action, decision.rule) == (Action.STRIP, "suspicious")
    assert (decision.targets, decision.disarm) == (("2", "3", "4"), ("3", "4"))
    alone = rules.decide(mail(), report(found(Kind.VBA_MACRO, "3/x.doc")))
    assert (alone.action, alone.targets, alone.disarm) == (Action.DISARM, ("3",), ("3",))


def test_what_is_disarmed_is_decided_about_as_a_whole() -> None:
    rules = policy(rule("autoexec", "disarm", '{ verdict = "autoexec" }'), rule("dde", "strip", '{ findings = "dde" }'))
    same = rules.decide(mail(), report(found(Kind.VBA_AUTOEXEC, "2/a.docm"), found(Kind.DDE, "2/a.docm")))
    assert (same.action, same.disarm) == (Action.DISARM, ("2",))
    held = rules.decide(mail(), report(found(Kind.VBA_AUTOEXEC, "2/a.docm"), found(Kind.ENCRYPTED, "3/b.zip")))
    assert (held.action, held.disarm) == (Action.QUARANTINE, ())


def test_disarm_of_what_is_no_part_holds_the_message() -> None:
    rules = policy(rule("autoexec", "disarm", '{ verdict = "autoexec" }'))
    decision = rules.decide(mail(), report(found(Kind.VBA_AUTOEXEC, "message")))
    assert (decision.action, decision.disarm) == (Action.QUARANTINE, ())
    assert "no single part could be disarmed" in decision.why


def test_strip_of_a_part_takes_what_is_nested_in_it() -> None:
    rules = policy(rule("strip-autoexec", "strip", '{ verdict = "autoexec" }'))
    decision = rules.decide(mail(), report(found(Kind.VBA_AUTOEXEC, "2"), found(Kind.VBA_AUTOEXEC, "2.1/x.doc")))
    assert decision.targets == ("2",)


@pytest.mark.parametrize("where", ["message", "headers/2", ""])
def test_strip_of_what_is_no_part_holds_the_message(where: str) -> None:
    rules = policy(rule("strip-autoexec", "strip", '{ verdict = "autoexec" }'))
    decision = rules.decide(mail(), report(found(Kind.VBA_AUTOEXEC, where)))
    assert decision.action is Action.QUARANTINE
    assert "no single part" in decision.why


def test_verdict_without_findings_is_decided_as_a_whole() -> None:
    rules = policy(rule("strip-autoexec", "strip", '{ verdict = "autoexec" }'))
    assert rules.decide(mail(), Report(verdict=Verdict.AUTOEXEC)).action is Action.QUARANTINE
    assert rules.decide(mail(), Report(verdict=Verdict.UNSCANNABLE)).rule == "last-unscannable"


def test_envelope_rules_are_not_asked_about_what_is_left() -> None:
    rules = policy(
        rule("macro", "tag", '{ verdict = "macro" }'), rule("held-sender", "quarantine", '{ sender = "@x.test" }')
    )
    assert rules.decide(mail("a@x.test"), report(found(Kind.VBA_MACRO))).rule == "macro"
    assert rules.decide(mail("a@x.test"), report(part("1"))).rule == "held-sender"


def test_rule_on_trial_decides_nothing_and_is_told() -> None:
    rules = policy(
        rule("trial", "reject", '{ verdict = "macro" }', 'mode = "shadow"'),
        rule("macro", "tag", '{ verdict = "macro" }'),
        rule("too-late", "reject", '{ verdict = "macro" }', 'mode = "shadow"'),
    )
    decision = rules.decide(mail(), report(found(Kind.VBA_MACRO)))
    assert (decision.rule, decision.shadow) == ("macro", ("trial",))
    assert rules.decide(mail(), report()).shadow == ()


# ---- conditions


@pytest.mark.parametrize(
    ("when", "matching", "other"),
    [
        ('{ verdict = { at_least = "suspicious" } }', report(found(Kind.DDE)), report(found(Kind.VBA_MACRO))),
        ('{ verdict = ["macro", "suspicious"] }', report(found(Kind.VBA_MACRO)), report()),
        ('{ family = "word" }', report(part("2/a", FileType.DOCM)), report(part("2/a", FileType.XLS))),
        ('{ type = "xlsb" }', report(part("2/a", FileType.XLSB)), report(part("2/a", FileType.XLSM))),
        (
            '{ family = "excel", findings = "dde" }',
            report(part("2/a.xls", FileType.XLS), found(Kind.DDE, "2/a.xls/Workbook")),
            report(part("2/a.xls", FileType.XLS), part("3/a.doc", FileType.DOC), found(Kind.DDE, "3/a.doc")),
        ),
        (
            '{ family = "archive", verdict = "macro" }',
            report(part("2/a.zip", FileType.ZIP), found(Kind.VBA_MACRO, "2/a.zip/b.doc")),
            report(part("2/a.zip", FileType.ZIP), found(Kind.VBA_MACRO, "2/a.zipped")),
        ),
        (
            '{ family = "word", type = ["docx", "xls"] }',
            report(part("2", FileType.DOCX)),
            report(part("2", FileType.XLS)),
        ),
    ],
)
def test_content_condition(when: str, matching: Report, other: Report) -> None:
    rules = policy(rule("asked", "reject", when))
    assert rules.decide(mail(), matching).rule == "asked"
    assert rules.decide(mail(), other).rule != "asked"


@pytest.mark.parametrize(
    ("when", "matching", "other"),
    [
        ('{ sender = "bob@x.test" }', mail("BOB@X.test"), mail("rob@x.test")),
        ('{ sender = "@x.test" }', mail("a@x.test."), mail("a@y.x.test")),
        ('{ sender = ".x.test" }', mail("a@y.x.test"), mail("a@x.test")),
        ('{ sender = ".x.test" }', mail("a@y.x.test"), mail("a@yx.test")),
        ('{ sender = "<>" }', mail(""), mail("a@x.test")),
        ('{ sender = "@münchen.test" }', mail("a@xn--mnchen-3ya.test"), mail("a@muenchen.test")),
        ('{ sender = "@xn--mnchen-3ya.test" }', mail("a@MÜNCHEN.test"), mail("a@münchen")),
        ('{ recipient = "bob@x.test" }', mail("a", "@relay.test,@other.test:bob@x.test"), mail("a", "bob@y.test")),
        ('{ recipient = "bob@x.test" }', mail("a", '"b\\ob"@x.test'), mail("a", '"bob "@x.test')),
        ('{ client = "192.0.2.0/24" }', mail(client="192.0.2.77"), mail(client="198.51.100.1")),
        ('{ client = "192.0.2.0/24" }', mail(client="::ffff:192.0.2.77"), mail(client="")),
        ('{ client = ["2001:db8::/32"] }', mail(client="2001:db8::5"), mail(client="not an address")),
        ('{ size = { above = "1K" } }', mail(size=1025), mail(size=1024)),
        ('{ size = { below = "1K" } }', mail(size=1023), mail(size=1024)),
        ('{ size = { above = "1K", below = "2K" } }', mail(size=1500), mail(size=2048)),
    ],
)
def test_envelope_condition(when: str, matching: Transaction, other: Transaction) -> None:
    rules = policy(rule("asked", "reject", when))
    assert rules.decide(matching, report()).rule == "asked"
    assert rules.decide(other, report()).rule == "default"


@pytest.mark.parametrize(
    ("networks", "sender", "to", "direction"),
    [
        ("[]", "a@ours.test", "b@ours.test", "internal"),
        ("[]", "a@sub.ours.test", "b@away.test", "outbound"),
        ("[]", "a@away.test", "b@ours.test", "inbound"),
        ("[]", "", "postmaster", "inbound"),
        ("[]", "a@away.test", "b@away.test", None),
        ('["192.0.2.0/24"]', "a@ours.test", "b@ours.test", "internal"),
        ('["198.51.100.0/24"]', "a@ours.test", "b@ours.test", "inbound"),
        ('["198.51.100.0/24"]', "a@ours.test", "b@away.test", None),
    ],
)
def test_direction(networks: str, sender: str, to: str, direction: str | None) -> None:
    local = f"networks = {networks}" if networks != "[]" else ""
    head = f'[local]\ndomains = ["ours.test", ".ours.test"]\n{local}'
    words = ("inbound", "outbound", "internal")
    rules = policy(*(rule(word, "reject", f'{{ direction = "{word}" }}') for word in words), head=head)
    assert rules.decide(mail(sender, to), report()).rule == (direction or "default")


def test_expired_rule_is_not_used_after_its_day() -> None:
    def decided(day: str) -> str:
        text = rule("until", "deliver", '{ sender = "@x.test" }', f'expires = {day}\nreason = "asked for"')
        return policy(text).decide(mail("a@x.test"), report(found(Kind.VBA_AUTOEXEC))).rule

    assert decided("2026-11-22") == "until"
    assert decided("2026-11-21") == "last-autoexec"


# ---- recipients of one message


def test_recipients_differ_only_where_a_rule_could_tell() -> None:
    rules = policy(
        rule("board", "reject", '{ recipient = "@board.test", verdict = "macro" }'),
        rule("one-client", "reject", '{ recipient = "c@x.test", client = "198.51.100.1" }'),
        rule("trial", "reject", '{ recipient = "d@x.test" }', 'mode = "shadow"'),
    )
    client = Client("192.0.2.1")
    of = {to: rules.recipient_class(client, "a@b", to) for to in ("a@x.test", "b@board.test", "c@x.test", "d@x.test")}
    assert of["b@board.test"] != of["a@x.test"] == of["c@x.test"] == of["d@x.test"]
    elsewhere = Client("198.51.100.1")
    assert rules.recipient_class(elsewhere, "a@b", "c@x.test") != rules.recipient_class(elsewhere, "a@b", "a@x.test")


def test_direction_splits_recipients() -> None:
    rules = policy(rule("out", "reject", '{ direction = "outbound" }'), head='[local]\ndomains = ["ours.test"]')
    one, other = (rules.recipient_class(Client(), "a@ours.test", to) for to in ("b@ours.test", "b@away.test"))
    assert one != other


@settings(max_examples=60)
@given(st.lists(st.text(max_size=40), min_size=2, max_size=2), st.text(max_size=20), st.text(max_size=20))
def test_equal_class_is_equal_fate(to: list[str], sender: str, client: str) -> None:
    rules = policy(
        rule("exact", "reject", '{ recipient = ["a@b", "@x.test"], verdict = "macro" }'),
        rule("in", "quarantine", '{ direction = "inbound", verdict = "macro" }'),
        head='[local]\ndomains = ["b"]',
    )
    classes = [rules.recipient_class(Client(client), sender, address) for address in to]
    fates = [rules.decide(mail(sender, address, client=client), report(found(Kind.VBA_MACRO))).rule for address in to]
    assert classes[0] != classes[1] or fates[0] == fates[1]


@pytest.mark.parametrize("to", [("a@x.test", "b@board.test"), ("b@board.test", "a@x.test")])
def test_where_recipients_could_not_be_parted_the_strictest_decision_holds(to: tuple[str, str]) -> None:
    rules = policy(
        rule("trial", "reject", '{ recipient = "@x.test", verdict = "macro" }', 'mode = "shadow"'),
        rule("board", "reject", '{ recipient = "@board.test", verdict = "macro" }'),
        rule("others", "tag", '{ verdict = "macro" }'),
    )
    decision = rules.decide(mail("s@x.test", *to), report(found(Kind.VBA_MACRO)))
    assert (decision.action, decision.rule, decision.shadow) == (Action.REJECT, "board", ("trial",))


# ---- mistakes


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[local]\ndomains = ['*.test', 'two words', '', '<>']",
            "local.domains: '*.test', 'two words', '', '<>': write",
        ),
        (rule("x", "disarm", "{}"), "rule x, action: disarm has to know what to take out"),
        (rule("x", "hold", "{}"), "rule x, action: 'hold' is unknown"),
        (rule("x", "strip", "{}"), "rule x, action: strip has to know what to take out"),
        (rule("x", "strip", '{ verdict = "clean" }'), "rule x, action: strip has to know what to take out"),
        (rule("X y", "tag", "{}"), "rule X y, id: 'X y' must be lower-case words joined by hyphens"),
        (rule("default", "tag", "{}"), "rule default, id: 'default' is a name the program uses itself"),
        (rule("last-autoexec", "tag", "{}"), "rule last-autoexec, id: is used twice"),
        (rule("x", "tag", '{ verdict = "autoexc" }'), "'autoexc' is unknown (did you mean 'autoexec'?)"),
        (rule("x", "tag", '{ verdict = { least = "macro" } }'), "a table here has exactly one key"),
        (rule("x", "tag", "{ verdict = { at_least = 3 } }"), "'3' is unknown"),
        (rule("x", "tag", "{ findings = [] }"), "rule x, when.findings: is an empty list, which never matches"),
        (rule("x", "tag", "{ family = 5 }"), "rule x, when.family: must be a word or a list of words, not 5"),
        (rule("x", "tag", '{ sendr = "a@b" }'), "rule x, when.sendr: there is no such key (did you mean 'sender'?)"),
        (
            rule("x", "tag", '{ size = { abov = "1K" } }'),
            "when.size.abov: there is no such key (did you mean 'above'?)",
        ),
        (rule("x", "tag", "{ size = {} }"), "rule x, when.size: say above or below"),
        (rule("x", "tag", '{ size = { above = "10X" } }'), "'10X' is not a size"),
        (rule("x", "tag", '{ sha256 = "abc" }'), "a SHA-256 is 64 hexadecimal digits"),
        (rule("x", "tag", '{ client = "192.0.2.1/24" }'), "192.0.2.1/24 has host bits set"),
        (rule("x", "reject", '{ sender = ["x.test", "a@*"] }'), "when.sender: no address: 'x.test', 'a@*'; write"),
        (rule("x", "reject", '{ direction = "inbound" }'), "rule x, when.direction: nobody is local yet"),
        (rule("x", "reject", '{ dkim = "good" }'), "when.dkim: 'good' is unknown"),
        (rule("x", "reject", '{ dmarc = "softfail" }'), "when.dmarc: 'softfail' is unknown"),
        (rule("x", "deliver", '{ dkim = "pass" }'), "deliver by dkim or dmarc needs expires and reason"),
        (rule("x", "tag", '{ dmarc = "pass", verdict = "macro" }'), "tag by dkim or dmarc needs expires and reason"),
        (rule("x", "reject", '{ macro = "1234" }'), "a macro is named by 64 hexadecimal digits"),
        (rule("x", "deliver", f'{{ macro = "{"ab" * 32}" }}'), "deliver by macro needs expires and reason"),
        (
            rule("x", "reject", "{}", 'subject_prefix = "[x]"'),
            'subject_prefix: the subject is changed by action = "tag"',
        ),
        (rule("x", "tag", "{}", 'subject_prefix = "a\\nBcc: b"'), "subject_prefix: must be one line"),
        (rule("x", "tag", "{}", 'mode = "try"'), "rule x, mode: must be 'apply' or 'shadow', not 'try'"),
        (rule("x", "tag", "{}", "expires = 20270101"), "rule x, expires: must be a valid date"),
        (rule("x", "deliver", '{ sender = "a@b" }'), "rule x, expires: deliver by sender needs expires and reason"),
        (rule("x", "tag", '{ sender = "a@b" }', "expires = 2030-01-01"), "needs expires and reason"),
        ('[[rule]]\ntitle = "t"', "rule number 1, id: this key is missing"),
        ('rule = "x"', "rules are written as [[rule]] tables"),
        ('nam = "x"', "nam: there is no such key (did you mean 'name'?)"),
        ("[local]\ndomains = ['a@b.test']", "local.domains: 'a@b.test': write domains as \"example.com\""),
        ("x = = 1", "not TOML"),
    ],
)
def test_mistake(text: str, sentence: str) -> None:
    last = "" if text == 'rule = "x"' else LAST
    assert sentence in mistakes(text, last=last)


def test_all_mistakes_are_told_at_once() -> None:
    told = mistakes(
        rule("one", "desarm", '{ verdict = "bad", dkim = "good" }'),
        rule("two", "reject", '{ direction = "inbound" }'),
        rule("two", "reject", '{ sender = ["file:gone", "x"] }'),
        head='nme = "x"',
    )
    for expected in (
        "nme:",
        "one, action:",
        "one, when.verdict:",
        "one, when.dkim:",
        "two, when.direction:",
        "two, id:",
    ):
        assert expected in told
    assert "two, when.sender: list file 'gone'" in told


def test_trust_bound_to_a_network_needs_no_date() -> None:
    text = rule("partner", "deliver", '{ sender = "@x.test", client = "192.0.2.1", verdict = "macro" }')
    assert policy(text).decide(mail("a@x.test"), report(found(Kind.VBA_MACRO))).rule == "partner"
    local = '[local]\ndomains = ["ours.test"]'
    internal = rule("internal", "deliver", '{ direction = "internal" }')
    assert "internal, expires: deliver by sender" in mistakes(internal, head=local)
    assert policy(internal, head=f'{local}\nnetworks = ["192.0.2.0/24"]').rules[0].id == "internal"


@pytest.mark.parametrize(
    "autoexec",
    [
        "",
        rule("a", "reject", '{ findings = ["vba-autoexec", "xlm-autoexec"] }'),
        rule("a", "reject", '{ verdict = "autoexec", sender = "@x.test" }'),
        rule("a", "reject", '{ verdict = "autoexec" }', 'mode = "shadow"'),
        rule("a", "reject", '{ verdict = "autoexec" }', "expires = 2030-01-01"),
    ],
)
def test_policy_has_to_decide_about_autoexec_and_unscannable(autoexec: str) -> None:
    told = mistakes(autoexec, last="")
    assert "no rule decides about every autoexec message" in told
    assert "no rule decides about every unscannable message" in told


@pytest.mark.parametrize("when", ["{}", '{ verdict = { at_least = "unscannable" } }'])
def test_one_rule_may_decide_about_both(when: str) -> None:
    assert policy(rule("all", "deliver", when), last="").rules[0].id == "all"


# ---- list files


def test_list_file(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("# addresses\n\nbob@x.test  # left\n@bad.test\n")
    text = rule("blocked", "reject", '{ sender = ["file:blocked", "c@x.test"] }')
    rules = policy(text, base=tmp_path)
    for sender, expected in [
        ("bob@x.test", "blocked"),
        ("a@bad.test", "blocked"),
        ("c@x.test", "blocked"),
        ("d@x.test", "default"),
    ]:
        assert rules.decide(mail(sender), report()).rule == expected
    before = rules.version
    assert policy(text, base=tmp_path).version == before
    (tmp_path / "blocked").write_text("bob@x.test\n")
    assert policy(text, base=tmp_path).version != before


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (None, "gone", "cannot be read: No such file or directory"),
        (b"\xff", "list", "is not UTF-8 text at byte 0"),
        (b"just words\n", "list", "no address: 'just words'"),
        (b"", "../list", "must lie beside the policy"),
    ],
)
def test_bad_list_file(tmp_path: Path, content: bytes | None, name: str, sentence: str) -> None:
    if content is not None:
        (tmp_path / "list").write_bytes(content)
    assert sentence in mistakes(rule("x", "reject", f'{{ recipient = "file:{name}" }}'), base=tmp_path)


def test_load_tells_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read: No such file"):
        Policy.load(tmp_path / "gone.toml")
    (tmp_path / "latin.toml").write_bytes(b"name = '\xfc'")
    with pytest.raises(PolicyError, match="not UTF-8 text at byte 8"):
        Policy.load(tmp_path / "latin.toml")


# ---- whatever comes


@settings(max_examples=150)
@given(st.text(max_size=200))
def test_any_text_is_a_policy_or_a_policy_error(text: str) -> None:
    told: tuple[str, ...] = ("none",)
    try:
        Policy.parse(text, base=None)
    except PolicyError as error:
        told = error.mistakes
    assert all(told)
    assert told


TOML_VALUES = st.recursive(
    st.one_of(st.text(max_size=8), st.integers(), st.booleans(), st.floats(allow_nan=False)),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
KEYS = st.sampled_from(
    ["verdict", "findings", "family", "type", "sha256", "direction", "sender", "recipient", "client", "size", "dkim"]
)


@settings(max_examples=150)
@given(
    st.dictionaries(KEYS, st.one_of(TOML_VALUES, st.dictionaries(st.sampled_from(["above", "at_least"]), TOML_VALUES)))
)
def test_any_condition_is_read_or_refused(when: dict[str, object]) -> None:
    def toml(value: object) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(toml, value)) + "]"
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str):
            return '"' + "".join(f"\\U{ord(c):08x}" for c in value if not 0xD800 <= ord(c) < 0xE000) + '"'
        return repr(value)

    fate = None
    told: tuple[str, ...] = ()
    try:
        fate = policy(rule("any", "reject", toml(when))).decide(mail(), report(found(Kind.DDE)))
    except PolicyError as error:
        told = error.mistakes
    assert (fate is None) == bool(told)


@settings(max_examples=100)
@given(
    st.lists(
        st.tuples(st.sampled_from(Kind), st.sampled_from(["1", "2", "2/a", "2/a/b", "3", "2.1", "message"])), max_size=6
    ),
    st.text(max_size=30),
    st.text(max_size=30),
)
def test_no_autoexec_or_unscannable_message_falls_through(
    kinds: list[tuple[Kind, str]], sender: str, recipient: str
) -> None:
    rules = policy(
        rule("strip-macro", "strip", '{ verdict = ["macro", "suspicious"] }'),
        rule("allowed", "deliver", '{ findings = ["dde", "vba-macro"] }'),
    )
    seen = report(*(found(kind, where) for kind, where in kinds))
    decision = rules.decide(mail(sender, recipient), seen)
    if seen.verdict >= Verdict.UNSCANNABLE:
        assert decision.action is Action.QUARANTINE


# ---- macros by their code


def coded(kind: Kind, code: str, where: str = "2/a.docm") -> Finding:
    return Finding.of(kind, where, f"a macro {code}", fingerprint=code * 32)


def known_macro(action: str = "deliver") -> str:
    more = 'expires = 2030-01-01\nreason = "Asked for by accounting"'
    return rule("known", action, f'{{ macro = "{"ab" * 32}" }}', more)


def test_a_known_macro_passes_in_whatever_file_it_lies():
    rules = policy(known_macro())
    for where, kind in (("2/a.docm", FileType.DOCM), ("3/b.zip/c.doc", FileType.DOC)):
        seen = report(coded(Kind.VBA_AUTOEXEC, "ab", where), part(where, kind, Verdict.AUTOEXEC))
        assert rules.decide(mail(), seen).rule == "known"


@pytest.mark.parametrize(
    "other",
    [
        coded(Kind.VBA_AUTOEXEC, "cd"),
        found(Kind.VBA_STOMPED, "2/a.docm"),
        found(Kind.ENCRYPTED, "3/b.zip"),
        coded(Kind.VBA_AUTOEXEC, "cd", "3/b.doc"),
    ],
    ids=lambda finding: f"{finding.kind} {finding.where}",
)
def test_a_known_macro_lets_nothing_else_through(other: Finding):
    seen = report(coded(Kind.VBA_AUTOEXEC, "ab"), other, part("2/a.docm", FileType.DOCM, Verdict.AUTOEXEC))
    assert policy(known_macro()).decide(mail(), seen).action is Action.QUARANTINE


def test_a_macro_without_a_name_is_not_known():
    assert policy(known_macro()).decide(mail(), report(found(Kind.VBA_AUTOEXEC))).action is Action.QUARANTINE
    assert policy(known_macro("reject")).decide(mail(), report(coded(Kind.VBA_MACRO, "ab"))).action is Action.REJECT


# ---- who signed


def vouched(dkim: AuthResult, dmarc: AuthResult = AuthResult.NONE) -> Report:
    return replace(report(), authentication=Authentication((Signed(dkim),), dmarc=Checked(dmarc)))


@pytest.mark.parametrize(
    ("when", "found", "matches"),
    [
        ('{ dkim = "pass" }', vouched(AuthResult.PASS), True),
        ('{ dkim = "pass" }', vouched(AuthResult.FAIL), False),
        ('{ dkim = ["fail", "none"] }', vouched(AuthResult.NONE), True),
        ('{ dmarc = "fail" }', vouched(AuthResult.PASS, AuthResult.FAIL), True),
        ('{ dmarc = "fail", dkim = "fail" }', vouched(AuthResult.PASS, AuthResult.FAIL), False),
        ('{ dmarc = "none" }', vouched(AuthResult.NONE), True),
        ('{ dmarc = "none" }', report(), False),
    ],
)
def test_rules_about_who_signed(when: str, found: Report, matches: bool) -> None:
    rules = policy(rule("who", "reject", when))
    assert (rules.decide(mail(), found).rule == "who") is matches
    assert rules.rules[0].asks_who_signed


def test_a_clean_message_may_pass_by_its_signature() -> None:
    rules = policy(rule("unproven", "tag", '{ dmarc = "fail", verdict = "clean" }', 'subject_prefix = "[?]"'))
    assert rules.decide(mail(), vouched(AuthResult.NONE, AuthResult.FAIL)).rule == "unproven"


# --- signed mail ---


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (rule("a", "tag", '{ verdict = "macro" }', 'signed = "tag"'), 'is about action = "disarm" and "strip" only'),
        (rule("a", "disarm", '{ findings = "vba-macro" }', 'signed = "tag"'), "anybody can sign a message"),
        (rule("a", "disarm", '{ verdict = { at_least = "macro" } }', 'signed = "tag"'), "anybody can sign a message"),
        (rule("a", "strip", '{ verdict = ["macro", "unscannable"] }', 'signed = "tag"'), "anybody can sign a message"),
        (rule("a", "disarm", '{ verdict = "macro" }', 'signed = "deliver"'), "signed"),
    ],
)
def test_a_signature_is_no_way_past_the_filter(text: str, sentence: str) -> None:
    assert sentence in mistakes(text)


def test_signed_mail_is_tagged_only_if_every_rule_about_it_says_so() -> None:
    macro = rule("macro", "disarm", '{ verdict = "macro" }', 'signed = "tag"')
    armed = rule("armed", "disarm", '{ verdict = "autoexec" }')
    rules = policy(armed, macro)
    harmless = report(found(Kind.VBA_MACRO, "2/a.doc"), part("2/a.doc", FileType.DOC, Verdict.MACRO))
    both = report(found(Kind.VBA_AUTOEXEC, "3/b.doc"), found(Kind.VBA_MACRO, "2/a.doc"))
    assert rules.decide(mail(), harmless).signed is Action.TAG
    assert rules.decide(mail(), both).signed is Action.QUARANTINE


@pytest.mark.parametrize(
    "when", ['{ sha256 = "%s" }', '{ sha256 = "%s", verdict = "autoexec" }', '{ sha256 = "%s", type = "docm" }']
)
@pytest.mark.parametrize("where", ["2/x.zip/a.docm/evil.docm", "2/x.zip/a.docm"])
def test_an_allowed_file_carries_nothing_past_that_only_has_its_name(when: str, where: str) -> None:
    """A folder in an archive may be called like a file beside it, and two members may have one name."""
    good = part("2/x.zip/a.docm", FileType.DOCM, Verdict.AUTOEXEC, "1" * 64)
    evil = part(where, FileType.DOCM, Verdict.AUTOEXEC, "2" * 64)
    mine = Finding.of(Kind.VBA_AUTOEXEC, good.where, "mine", fingerprint="a")
    other = Finding.of(Kind.VBA_AUTOEXEC, where, "other", fingerprint="b")
    rules = policy(rule("allow", "deliver", when % ("1" * 64)))
    assert rules.decide(mail(), report(good, mine)).action is Action.DELIVER
    assert rules.decide(mail(), report(good, evil, mine, other)).action is Action.QUARANTINE
    assert rules.decide(mail(), report(evil, good, other, mine)).action is Action.QUARANTINE


def test_a_rule_by_macro_explains_nothing_of_a_report_that_leaves_things_out() -> None:
    known = "3f" * 32
    more = 'expires = 2099-01-01\nreason = "known"'
    rules = policy(rule("allow", "deliver", f'{{ macro = "{known}" }}', more))
    given = report(
        part("2/a.docm", FileType.DOCM, Verdict.AUTOEXEC),
        replace(found(Kind.VBA_AUTOEXEC, "2/a.docm"), fingerprint=known),
    )
    assert rules.decide(mail(), given).action is Action.DELIVER
    assert rules.decide(mail(), replace(given, whole=False)).action is Action.QUARANTINE
