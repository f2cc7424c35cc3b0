"""The file format and its manual say the same."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from gateway.closed_sets import Action
from gateway.policy import Policy, PolicyError
from gateway.policy.model import Example, RuleTable, When, read
from gateway.policy.words import FAMILIES, Direction

ROOT = Path(__file__).parents[3]
MANUAL = (ROOT / "docs/rules.md").read_text()


def table(heading: str) -> list[str]:
    """The words in the first columns of the table below a heading of the manual."""
    section = MANUAL.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    firsts = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", section, re.MULTILINE)
    return [word for first in firsts for word in re.findall(r"`(\w+)`", first)]


def sentence(beginning: str) -> set[str]:
    line = next(line for line in MANUAL.splitlines() if line.startswith(beginning))
    return set(re.findall(r"`([\w-]+)`", line))


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("A rule", RuleTable.model_fields),
        ("Actions", [action.value for action in Action]),
        ("Conditions", When.model_fields),
    ],
)
def test_manual_has_every_key_and_nothing_else(heading: str, expected: Iterable[str]) -> None:
    assert sorted(table(heading)) == sorted(expected)


def test_manual_names_every_word() -> None:
    assert set(FAMILIES) < sentence("| `family`")
    assert set(Direction) < sentence("| `direction`")
    assert set(Example.model_fields) <= sentence("An example says")


def test_examples_of_the_manual_are_policies() -> None:
    texts = re.findall(r"```toml\n(.*?)```", MANUAL, re.DOTALL)
    whole = "\n".join(sorted(texts, key=lambda text: "[local]" not in text)).replace('"..."', f'"{"a" * 64}"')
    last = '\n[[rule]]\nid = "all"\ntitle = "t"\naction = "reject"\nwhen = {}\n'
    assert [rule.id for rule in Policy.parse(whole + last, base=None).rules] == ["macro", "payroll", "all"]


def test_mistake_in_local_is_not_blamed_on_rules() -> None:
    text = '[local]\ndomains = 5\n[[rule]]\nid = "x"\ntitle = "t"\naction = "reject"\nwhen = { direction = "inbound" }'
    with pytest.raises(PolicyError) as caught:
        read(text, None)
    assert not any("nobody is local" in mistake for mistake in caught.value.mistakes)
