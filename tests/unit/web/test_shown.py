"""What pages show of what attackers wrote."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

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


def test_bars_reach_the_top_and_nothing_is_flat() -> None:
    assert [bar.height for bar in shown.bars([0, 5, 10], ["a", "b", "c"], 60)] == [0, 30, 60]
    assert [bar.height for bar in shown.bars([0, 0], ["a", "b"])] == [0, 0]
