"""Small plots: what is drawn is what was counted."""

from __future__ import annotations

from gateway.web.plots import HEIGHT, Bar, plot

LABELS = [f"{hour:02}:00 UTC" for hour in range(4)]


def test_the_highest_reaches_the_top_and_empty_hours_are_not_drawn() -> None:
    drawn = plot("held", [0, 5, 0, 10], LABELS)
    assert drawn.bars == (Bar(10, HEIGHT / 2, "01:00 UTC: 5"), Bar(30, HEIGHT, "03:00 UTC: 10"))
    assert drawn.told == "held: 15 in 4 hours, most in the hour from 03:00 UTC: 10"


def test_one_is_seen_beside_thousands() -> None:
    drawn = plot("passed", [1, 0, 0, 123456], LABELS)
    assert [bar.height for bar in drawn.bars] == [2, HEIGHT]
    assert drawn.bars[1].told == "03:00 UTC: 123,456"


def test_nothing_is_a_line_without_bars() -> None:
    drawn = plot("refused", [0, 0, 0, 0], LABELS)
    assert (drawn.bars, drawn.total, drawn.told) == ((), 0, "refused: 0 in 4 hours")
