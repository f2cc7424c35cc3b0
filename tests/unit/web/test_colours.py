"""The colours of both themes can be told apart by everybody: WCAG 2.2 AA, by the numbers in the style sheet."""

from __future__ import annotations

import re

import pytest

from gateway.web.pages import HERE

CSS = (HERE / "static" / "desk.css").read_text(encoding="utf-8")
TEXT, PARTS = 4.5, 3.0
"""The least contrast of text (SC 1.4.3), and of what is needed to see a control or a drawing (SC 1.4.11)."""

TEXTS = ("ink", "soft", "link", "good", "bad", "fair")
GROUNDS = ("card", "back")


def theme(selector: str) -> dict[str, str]:
    """The custom properties of the first rule behind ``selector``."""
    rule = CSS.split(selector, 1)[1].split("}", 1)[0]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{3,6});", rule))


LIGHT = theme(":root {")
DARK = theme("@media (prefers-color-scheme: dark) {\n  :root {")


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (red, green, blue)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, contrast ratio."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_ratio_is_that_of_the_standard() -> None:
    assert contrast("#000", "#ffffff") == 21
    assert contrast("#fff", "#fff") == 1
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48  # the best known grey that just fails


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_can_be_read_on_every_ground(colours: dict[str, str]) -> None:
    pairs = [(text, ground) for text in TEXTS for ground in GROUNDS] + [("ink", "mark")]
    pairs.append(("card", "link"))  # the number of requests in the head
    found = {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in found.items() if ratio < TEXT} == {}


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_controls_and_bars_stand_out(colours: dict[str, str]) -> None:
    parts = [(part, "card") for part in ("link", "good", "bad", "fair", "edge")] + [("edge", "back"), ("link", "back")]
    found = {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in parts}
    assert {pair: ratio for pair, ratio in found.items() if ratio < PARTS} == {}


def test_both_themes_know_the_same_colours_and_no_others_are_used() -> None:
    assert set(LIGHT) == set(DARK) == {*TEXTS, *GROUNDS, "line", "mark", "edge"}
    rules = re.sub(r"--[\w-]+: #[0-9a-f]{3,6};", "", CSS)
    assert re.findall(r"#[0-9a-f]{3,8}\b|\brgba?\(|\bhsla?\(|\boklch\(", rules) == []
    assert set(re.findall(r"var\(--([\w-]+)\)", rules)) <= set(LIGHT)
    assert not re.search(r"\bopacity:", rules)  # it would make another colour of each
