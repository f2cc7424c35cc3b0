"""What pages show of what attackers wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.closed_sets import AuthResult, Kind
from gateway.message import Authentication, Checked, Finding, Signed
from gateway.readable import Link, Source
from gateway.web import shown

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://evil.example/a.exe", "hxxp://evil[.]example/a[.]exe"),
        ("HTTPS://1.2.3.4/x", "Hxxps://1[.]2[.]3[.]4/x".replace("Hxxps", "HxxPS")),
        ("powershell -e x", "powershell -e x"),
        ("\\\\evil.example\\share", "\\\\evil[.]example\\share"),
        ("a\u202eb", "a?b"),
    ],
)
def test_addresses_are_defanged(text: str, expected: str) -> None:
    assert shown.defanged(text) == expected


@pytest.mark.parametrize(
    ("before", "word"),
    [(0, "just now"), (61, "1 min ago"), (7200, "2 h ago"), (3 * 86400 + 5, "3 d ago"), (-5, "just now")],
)
def test_how_long_since(before: int, word: str) -> None:
    assert shown.ago(NOW - timedelta(seconds=before), NOW) == word


def test_the_line_the_finding_names_is_marked() -> None:
    lines = list(shown.code('x = "Sub AutoOpen"\nPrivate Sub AutoOpen()\nEnd Sub', "AutoOpen in module NewMacros"))
    assert [line.marked for line in lines] == [False, True, False]
    assert [line.marked for line in shown.code("a\nb", "nothing here")] == [True, False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See http://evil.example/a.b, v1.2.3", "See hxxp://evil[.]example/a[.]b, v1.2.3"),
        ("www.evil.example and mailto:a@b.example", "www[.]evil[.]example and mailto:a@b[.]example"),
        ("line\nline\tend.", "line\nline\tend."),
    ],
)
def test_addresses_in_a_text_are_defanged_and_all_else_stays(text: str, expected: str) -> None:
    assert shown.defanged_text(text) == expected


@pytest.mark.parametrize(
    ("text", "target", "misleads"),
    [
        ("https://bank.example/login", "http://evil.example/", True),
        ("www.bank.example", "https://bank.example", False),
        ("bank.example", "https://www.bank.example/x", False),
        ("bank.example", "https://login.bank.example/x", False),
        ("bank.example", "https://bank.example.evil.test/", True),
        ("http://user@bank.example", "http://bank.example@evil.test", True),
        ("click here", "http://evil.example", False),
        ("bank.example", "#x", False),
    ],
)
def test_a_link_that_says_another_host_is_told(text: str, target: str, misleads: bool) -> None:
    assert shown.misleads(Link(text, target)) is misleads


def test_a_header_is_parted_into_names_and_the_rest() -> None:
    lines = list(shown.header("From: a\n\tfolded: x\nno field\nX-Odd : y"))
    assert [(line.name, line.rest) for line in lines] == [
        ("From:", " a"),
        ("", "\tfolded: x"),
        ("", "no field"),
        ("X-Odd :", " y"),
    ]


def test_the_lines_of_an_excerpt_have_the_numbers_of_the_editor() -> None:
    excerpt = "Sub AutoOpen()\nAttribute AutoOpen.VB_Description = 1\n\tx = 1\nEnd Sub"
    lines = list(shown.code(excerpt, "It starts: Sub AutoOpen in module M, line 7"))
    assert [line.number for line in lines] == [7, 0, 8, 9]
    assert [line.marked for line in lines] == [True, False, False, False]
    assert [line.number for line in shown.code(excerpt, "no line")] == [0, 0, 0, 0]


def test_a_source_is_listed_by_module_and_its_triggers_are_marked() -> None:
    text = 'Attribute VB_Name = "A"\nOption Explicit\nAttribute VB_Name = "B"\nSub Other()\nSub AutoOpen()\nEnd Sub'
    finding = Finding.of(Kind.VBA_AUTOEXEC, "2/a.docm", "runs", excerpt="Sub AutoOpen()\nEnd Sub")
    elsewhere = Finding.of(Kind.VBA_AUTOEXEC, "3/b.docm", "runs", excerpt="Sub Other()")
    lines = list(shown.listing(Source("2/a.docm", "vba", text), [finding, elsewhere]))
    assert [(line.module, line.number, line.marked) for line in lines] == [
        ("A", 0, False),
        ("", 1, False),
        ("B", 0, False),
        ("", 1, False),
        ("", 2, True),
        ("", 3, False),
    ]


def test_who_answers_for_a_message_is_told_in_words() -> None:
    signed = Signed(AuthResult.PASS, "a.example"), Signed(AuthResult.FAIL, "b.example", reason="The body was changed.")
    dmarc, spf = Checked(AuthResult.FAIL, "b.example"), Checked(AuthResult.SOFTFAIL, "a.example")
    arc = Checked(AuthResult.PASS, "list.example")
    told = [sentence for _, _, sentence in shown.answers_for_it(Authentication(signed, arc, 2, dmarc, "reject", spf))]
    assert told == [
        "a.example has signed it, and it is as it was signed.",
        "A signature of b.example proves nothing. The body was changed.",
        "b.example does not answer for it: anybody may have written that address in From. It asks for reject then.",
        "Sealed on its way, 2 times; list.example was the last.",
        "a.example says that mail in its name should not come from that client.",
    ]
    assert [method for method, _, _ in shown.answers_for_it(Authentication())] == ["DKIM", "DMARC", "ARC", "SPF"]
    for result in AuthResult:
        checked = Checked(result)
        assert all(text for *_, text in shown.answers_for_it(Authentication((Signed(result),), checked, 0, checked)))
