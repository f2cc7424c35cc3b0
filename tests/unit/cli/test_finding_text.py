"""How a finding is told to a person: whole, bounded, and without a link to click."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli import finding_text
from gateway.closed_sets import Kind
from gateway.message import Finding


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("get http://example.com/a.b", "get hxxp://example[.]com/a.b"),
        ("HTTPS://1.2.3.4:80/x", "hxxps://1[.]2[.]3[.]4:80/x"),
        ("ftp://example.com", "fxp://example[.]com"),
        (r"\\host.example.com\share\a.exe", r"\\host[.]example[.]com\share\a.exe"),
        ("httpd is a program, 3.5 is a number", "httpd is a program, 3.5 is a number"),
    ],
)
def test_addresses_are_no_links(text: str, shown: str) -> None:
    assert finding_text.defanged(text) == shown


def test_everything_that_explains_is_there() -> None:
    finding = Finding.of(
        Kind.VBA_AUTOEXEC,
        "2/a.docm",
        "Runs by itself when the document is opened: Sub AutoOpen in module Module1, line 3 " + "and more " * 20,
        reference="word-auto-open",
        excerpt="\n".join(f"line {number}" for number in range(20)),
        fingerprint="ab" * 32,
        indicators=["http://example.com/x.exe", "powershell"],
    )
    told = list(finding_text.lines(finding))
    assert told[0].startswith("  vba-autoexec    Runs by itself")
    assert max(map(len, told)) <= finding_text.WIDTH
    assert "      | line 0" in told
    assert "      | ... 8 lines more (--json has them)" in told
    assert "  holds           hxxp://example[.]com/x.exe" in told
    assert told[-1] == f"  code            {'ab' * 32}"


@given(st.text(), st.text(), st.lists(st.text(), max_size=3))
def test_whatever_was_written_is_safe_to_show(detail: str, excerpt: str, indicators: list[str]) -> None:
    finding = Finding(Kind.DDE, "2", detail, Finding.of(Kind.DDE, "2", "").verdict, excerpt=excerpt)
    for line in finding_text.lines(Finding.of(Kind.DDE, "2", detail, excerpt=excerpt, indicators=indicators)):
        assert line.isprintable()
    for line in finding_text.lines(finding):
        assert len(line) < 1000
