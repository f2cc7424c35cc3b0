"""YARA rules: compiled with sentences, matched within bounds, and part of the edition."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import Kind, Verdict
from gateway.samples import docm_autoopen, docx
from gateway.scan import Limits, ScanRules, examine, unpack, yara
from gateway.scan.yara import RuleSet
from tests.makers import mail
from tests.makers.looks import RULES_TOML

WORD = """rule word { meta: id = "word-1" title = "Says the word" verdict = "macro"
strings: $a = "shibboleth" condition: $a }"""
SLOW = """rule slow { strings: $a = "ab" condition:
for all i in (1..#a) : ( for all j in (1..#a) : ( for all k in (1..#a) : (@a[i] + @a[j] + @a[k] + 1 > 0 ))) }"""
VBA = 'rule source { meta: id = "source" strings: $a = "autoopen" nocase condition: filetype == "vba" and $a }'


def rules(*texts: str) -> ScanRules:
    return ScanRules.parse(RULES_TOML, [(f"{number}.yar", text) for number, text in enumerate(texts)])


def found(report) -> list[tuple[str, str, Verdict]]:
    return [(f.where, f.reference, f.verdict) for f in report.findings if f.kind is Kind.YARA]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rule a {\n condition: x }", "0.yar line 2 column 13: unknown identifier `x`"),
        ("rule a { condition: true ", "0.yar line 1 column"),
        ('include "/etc/passwd"', "0.yar line 1 column 1: include statements not allowed"),
        ('rule a { strings: $a = "a" condition: $a }', "0.yar line 1 column 19: slow pattern"),
        ('rule a { meta: verdict = "bad" condition: true }', "0.yar, rule a: verdict 'bad' is none of clean, macro"),
        ("rule a { condition: true } rule a { condition: true }", "duplicate rule"),
        (
            'rule a { meta: id = "x" condition: true } rule b { meta: id = "x" condition: true }',
            "0.yar, rule b: the id x is that of 0.yar as well",
        ),
    ],
)
def test_mistakes_name_file_and_line(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        RuleSet.compile([("0.yar", text)])
    assert sentence in str(caught.value)


def test_every_mistake_of_every_file_is_told() -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        RuleSet.compile([("a.yar", "rule a { condition: x }"), ("b.yar", "rule b { condition: y }")])
    assert [line.split()[0] for line in str(caught.value).splitlines()] == ["a.yar", "b.yar"]


def test_a_rule_that_takes_too_long_on_plain_content_is_a_mistake() -> None:
    bomb = SLOW.replace('"ab"', '"aaaa"')
    with pytest.raises(ValueError, match=r"^bomb\.yar: takes longer than 2 seconds"):
        RuleSet.compile([("a.yar", WORD), ("bomb.yar", bomb)])


def test_a_hit_is_a_finding_in_the_words_of_the_rule() -> None:
    report = examine(mail.single(b"say shibboleth\r\n"), rules=rules(WORD), limits=Limits())
    (finding,) = report.findings
    assert (finding.kind, finding.where, finding.detail) == (Kind.YARA, "1", "Says the word")
    assert (finding.reference, report.verdict) == ("word-1", Verdict.MACRO)


def test_members_are_compared_once_and_containers_not_at_all() -> None:
    inner = mail.single(b"say shibboleth\r\n")
    report = examine(mail.message([mail.part(inner, "message/rfc822", coding="")]), rules=rules(WORD), limits=Limits())
    assert len(found(report)) == 1


def test_macro_source_is_compared_and_shown() -> None:
    report = examine(docm_autoopen(), rules=rules(VBA), limits=Limits(), mail=False, name="a.docm")
    (finding,) = [finding for finding in report.findings if finding.kind is Kind.YARA]
    assert finding.where == "a.docm"
    assert "AutoOpen" in finding.excerpt
    assert not found(examine(docx(), rules=rules(VBA), limits=Limits(), mail=False, name="a.docx"))


def test_the_worst_come_first_and_not_too_many() -> None:
    texts = [f'rule r{n} {{ meta: verdict = "clean" condition: true }}' for n in range(20)]
    worst = 'rule bad { meta: verdict = "autoexec" condition: true }'
    hits = RuleSet.compile([("a.yar", "\n".join([*texts, worst]))]).match(b"x", "text")
    assert len(hits) == yara.MAX_TOLD
    assert hits[0].signature.name == "bad"


def test_a_slow_rule_costs_its_message_a_verdict_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = rules(SLOW, WORD)
    bomb = mail.part(b"ab" * 20_000, "text/plain", coding="8bit")
    report = examine(mail.message([bomb, bomb, mail.text()]), rules=slow, limits=Limits())
    assert {(f.kind, f.verdict) for f in report.findings} == {(Kind.TIMEOUT, Verdict.UNSCANNABLE)}
    assert [finding.where for finding in report.findings] == ["1", "2", "3"]
    assert "The YARA rules were not done within 2 seconds" in report.findings[0].detail
    assert "Was not compared with the YARA rules" in report.findings[1].detail
    assert report.seconds < 3
    assert found(examine(mail.single(b"shibboleth"), rules=slow, limits=Limits()))  # the next message is none the worse


def test_many_parts_share_the_time_of_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "RULE_SECONDS", 1e-9)
    report = examine(mail.message([mail.text(), mail.text()]), rules=rules(WORD), limits=Limits())
    assert [(finding.kind, finding.where) for finding in report.findings] == [(Kind.TIMEOUT, "2")]


def test_without_rules_nothing_is_compared() -> None:
    assert RuleSet().match(b"x", "text") == []
    assert RuleSet.compile([]).signatures == ()


def test_the_text_of_the_rules_is_part_of_the_version() -> None:
    assert len({rules().version, rules(WORD).version, rules(WORD, VBA).version, rules(WORD + " ").version}) == 4


def test_too_much_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yara, "MAX_TEXT", 10)
    with pytest.raises(ValueError, match="more than 10 characters"):
        RuleSet.compile([("a.yar", WORD)])


@settings(deadline=None)
@given(st.binary())
def test_any_content(content: bytes) -> None:
    hits = SOME.match(content, "text")
    assert bool(hits) is (b"shibboleth" in content)


@settings(deadline=None, max_examples=50)
@given(st.text())
def test_any_text_compiles_or_is_refused_with_a_sentence(text: str) -> None:
    sentence = ""
    try:
        RuleSet.compile([("a.yar", text)])
    except ValueError as error:
        sentence = str(error)
    assert sentence == "" or "a.yar" in sentence


SOME = RuleSet.compile([("0.yar", WORD)])
