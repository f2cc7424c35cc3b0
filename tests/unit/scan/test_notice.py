"""What a recipient reads: every language says everything, and nothing a stranger wrote is more than text there."""

from __future__ import annotations

import ast
import email
import email.policy
import html
import re
import string
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import Action
from gateway.message import Change
from gateway.scan import disarm, notice
from gateway.scan.notice import NEEDED, PLACES, Facts, parse, written
from gateway.scan.wording import LANGUAGES, wording

FACTS = Facts("Macros are not accepted", "0123abcd", "help@example.net", "https://x.example/?request=a.b")
CHANGED = Change("2", Action.DISARM, "a.docm", "a.docx", ("its macros", "something new"))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [Action.DISARM, Action.STRIP])
def test_our_own_wording_is_whole(language: str, kind: Action) -> None:
    own = LANGUAGES[language]
    text = own.disarmed if kind is Action.DISARM else own.stripped
    assert parse(kind, text) == text
    used = {field for _, field, _, _ in string.Formatter().parse(text) if field}
    assert used == PLACES[kind] - ({"why"} if kind is Action.DISARM else set())


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_facts_are_in_text_and_html(language: str) -> None:
    for change in (CHANGED, Change("2", Action.STRIP, "a.docm")):
        text, markup = written(change, FACTS, LANGUAGES[language])
        for word in ("a.docm", "0123abcd", "help@example.net", FACTS.link):
            assert word in text
            assert html.escape(word) in markup
        assert f'<a href="{html.escape(FACTS.link)}">' in markup


def test_without_a_link_its_paragraph_is_gone() -> None:
    text, markup = written(CHANGED, Facts("why", "0123abcd"), LANGUAGES["en"])
    assert "You can also ask" not in text
    assert "<a " not in markup
    assert "contact\nyour mail administrator and" in text


def test_a_part_without_a_name_is_called_so() -> None:
    assert "attachment without a name" in written(Change("2", Action.STRIP), FACTS, LANGUAGES["en"])[0]
    disarmed = written(Change("2", Action.DISARM, removed=("its macros",)), FACTS, LANGUAGES["en"])[0]
    assert "as a document without a name" in disarmed


_PHRASE = re.compile(r"(?:its|an?|the|fields|links|formulas|toolbars|macros)(?: [\w.()]+,?){1,12}")


def phrases() -> set[str]:
    """Every text in the source of the disarmers that reads like something of ``Disarmed.removed``, and every text that
    is told."""
    found = set()
    for path in Path(disarm.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        sentences = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.Raise) for inner in ast.walk(node)}
        for node in ast.walk(tree):
            told = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "tell"
            found |= {one.value for one in node.args if isinstance(one, ast.Constant)} if told else set()
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in sentences:
                found |= {node.value} if _PHRASE.fullmatch(node.value) else set()
    return found - {""}


def test_what_a_document_inside_has_lost_is_translated_too() -> None:
    change = Change("2", Action.DISARM, "a.docm", "a.docx", ("its macros (in a document inside it)",))
    assert "seine Makros (in einem Dokument darin)" in written(change, FACTS, LANGUAGES["de"])[0]
    assert "its macros (in a document inside it)" in written(change, FACTS, LANGUAGES["en"])[0]


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_language_has_a_word_for_everything_that_is_removed(language: str) -> None:
    assert "its macros" in phrases()
    assert phrases() - set(LANGUAGES[language].words) == set()


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)


@given(st.text(max_size=300), st.text(max_size=100), st.text(max_size=300))
def test_no_name_is_more_than_text(name: str, removed: str, why: str) -> None:
    change = Change("2", Action.DISARM, name, name, (removed,))
    plain = Tags(written(Change("2", Action.DISARM, "a", "a", ("b",)), FACTS, LANGUAGES["en"])[1]).seen
    text, markup = written(change, Facts(why, "0123abcd", why, FACTS.link), LANGUAGES["en"])
    assert Tags(markup).seen == plain
    fields, body = notice.part(b"", text, markup, b"\r\n")
    found = email.message_from_bytes(fields + b"\r\n" + body, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    assert not found.defects
    contents = [one.get_content() for one in found.iter_parts()]  # type: ignore[attr-defined]
    assert [content.replace("\r\n", "\n") for content in contents] == [text, markup]


@pytest.mark.parametrize(
    ("kind", "text", "sentence"),
    [
        (Action.STRIP, "{name} {held_id} {contact} {removed}", "has {removed}, which this notice does not know"),
        (Action.STRIP, "{name} {held_id}", "does not say {contact}"),
        (Action.DISARM, "{name} {held_id} {contact}", "does not say {removed}"),
        (Action.STRIP, "{name.upper} {held_id} {contact}", "has {name.upper}"),
        (Action.STRIP, "{name[0]} {held_id} {contact}", "has {name[0]}"),
        (Action.STRIP, "{name!r} {held_id} {contact}", "colon or an exclamation mark"),
        (Action.STRIP, "{name:>900000000} {held_id} {contact}", "colon or an exclamation mark"),
        (Action.STRIP, "{name} {held_id} {contact} {", "brace without its other half"),
        (Action.STRIP, "{} {name} {held_id} {contact}", "has {}"),
        (Action.STRIP, "x" * 20_000, "longer than"),
    ],
)
def test_a_template_with_a_mistake_is_refused_with_the_sentence_that_helps(
    kind: Action, text: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        parse(kind, text)
    assert sentence in str(caught.value)


def test_braces_can_be_written() -> None:
    own = wording("en", [("strip", "{{ {name} {held_id} {contact} }}")])
    assert written(Change("2", Action.STRIP, "a"), FACTS, own)[0] == '{ "a" 0123abcd help@example.net }\n'
    assert NEEDED[Action.STRIP] < PLACES[Action.STRIP]


def test_a_boundary_is_nowhere_in_the_message(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["aa", "bb"])
    monkeypatch.setattr(notice.secrets, "token_hex", lambda _: next(drawn))
    assert notice.new_boundary(b"--aa=_\r\n") == b"bb=_"
