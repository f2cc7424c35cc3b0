"""Which macros run by themselves: the rule file ``rules/triggers.toml`` as frozen data; and the YARA rules beside it.

Contract: ``ScanRules.parse`` takes the text of the files and gives rules that work, or raises ``ValueError`` with one
sentence for each mistake. A rule carries its own test, and a rule that does not pass it is a mistake. Matching is a
dictionary look-up for whole names and events, and one compiled expression for the patterns; no pattern may contain a
group that repeats, so no name makes it slow.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from gateway.scan.yara import RuleSet

APPLICATIONS = frozenset({"word", "excel", "powerpoint", "publisher", "visio", "project", "outlook", "access"})
LANGUAGES = frozenset({"vba", "xlm"})
STARTERS = frozenset({"itself", "user"})

_TEXT_KEYS = ("id", "title", "why", "test")
_LIST_KEYS = ("applies", "names", "prefixes", "events", "references")
_KEYS = frozenset({*_TEXT_KEYS, *_LIST_KEYS, "language", "runs", "pattern", "module"})
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NAME = re.compile(r"[A-Za-z_]\w{2,62}")
_DANGEROUS_PATTERN = re.compile(r"\)[*+{]|\\[1-9]|\(\?[=!<P]")
"""A group that repeats, a back-reference or a look-around: what makes an expression slow on the wrong name."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """One way a macro is started without anybody choosing it.

    ``names`` are whole procedure names (or defined names, for ``xlm``), ``prefixes`` the beginnings of names,
    ``events`` what stands behind the last underscore, ``pattern`` an expression for the whole name; all ignore case.
    ``runs`` is ``itself``, or ``user`` for events that wait for a click or a keystroke in the document, which are told
    but do not make a document auto-exec. ``module`` says that a module of that name with a procedure ``Main`` runs as
    well. ``test`` is a name that has to match.
    """

    id: str
    title: str
    why: str
    test: str
    applies: frozenset[str]
    language: str = "vba"
    runs: str = "itself"
    names: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    pattern: str = ""
    module: bool = False
    references: tuple[str, ...] = ()

    @property
    def by_itself(self) -> bool:
        """Whether a document with it is auto-exec."""
        return self.runs == "itself"

    def is_called(self, name: str) -> bool:
        """Whether ``name`` is one of the whole names, and does not only end like an event."""
        return name.casefold() in (whole.casefold() for whole in self.names)


@dataclass(frozen=True)
class ScanRules:
    """All triggers, the YARA rules, and the SHA-256 of all their text (part of the key of every remembered verdict)."""

    triggers: tuple[Trigger, ...]
    version: str = field(default="", compare=False)
    yara: RuleSet = field(default_factory=RuleSet, compare=False)

    @classmethod
    def parse(cls, triggers_toml: str, yara_files: Sequence[tuple[str, str]] = ()) -> ScanRules:
        """Read the rule files; YARA files as (name, text). Raises ``ValueError`` with a sentence a line for everything
        that is wrong with them."""
        try:
            raw = tomllib.loads(triggers_toml)
        except tomllib.TOMLDecodeError as error:
            raise ValueError(f"The trigger file is not TOML: {error}.") from None
        mistakes = [f"Unknown key {key!r} at the top of the trigger file." for key in raw if key != "trigger"]
        entries = raw.get("trigger")
        if not isinstance(entries, list) or not entries:
            raise ValueError("The trigger file has no [[trigger]] entry, so no macro would ever be found.")
        triggers = tuple(_trigger(number, entry, mistakes) for number, entry in enumerate(entries, 1))
        if not mistakes:
            version = hashlib.sha256(repr((triggers_toml, *yara_files)).encode("utf-8", "surrogatepass")).hexdigest()
            rules = cls(triggers, version, RuleSet.compile(yara_files))
            mistakes = list(_contradictions(rules))
        if mistakes:
            raise ValueError("\n".join(mistakes))
        return rules

    def match(self, name: str, *, language: str, applications: frozenset[str] = APPLICATIONS) -> Trigger | None:
        """The trigger behind a procedure name or a defined name, those that run by themselves first."""
        folded = name.casefold()
        listener, _, event = folded.rpartition("_")
        known = (
            *self._whole.get((language, folded), ()),
            *(self._events.get((language, event), ()) if listener else ()),
        )
        candidates = [*known, *(t for t, expression in self._expressions[language] if expression.fullmatch(name))]
        fitting = [t for t in candidates if t.applies & applications]
        return min(fitting, key=lambda t: not t.by_itself, default=None)

    @cached_property
    def _whole(self) -> dict[tuple[str, str], tuple[Trigger, ...]]:
        return _table((trigger, trigger.names) for trigger in self.triggers)

    @cached_property
    def _events(self) -> dict[tuple[str, str], tuple[Trigger, ...]]:
        return _table((trigger, trigger.events) for trigger in self.triggers)

    @cached_property
    def _expressions(self) -> dict[str, tuple[tuple[Trigger, re.Pattern[str]], ...]]:
        return {
            language: tuple(
                (t, re.compile(_expression(t), re.IGNORECASE | re.DOTALL))
                for t in self.triggers
                if t.language == language and (t.pattern or t.prefixes)
            )
            for language in LANGUAGES
        }


def _table(
    entries: Iterable[tuple[Trigger, tuple[str, ...]]],
) -> dict[tuple[str, str], tuple[Trigger, ...]]:
    """Language and folded word, and the triggers that know it."""
    table: dict[tuple[str, str], tuple[Trigger, ...]] = {}
    for trigger, words in entries:
        for word in words:
            key = (trigger.language, word.casefold())
            table[key] = (*table.get(key, ()), trigger)
    return table


def _expression(trigger: Trigger) -> str:
    parts = [f"{re.escape(prefix)}.*" for prefix in trigger.prefixes]
    return "|".join([*parts, trigger.pattern] if trigger.pattern else parts)


def _trigger(number: int, entry: Any, mistakes: list[str]) -> Trigger:
    """One entry as a ``Trigger``; what is wrong with it is added to ``mistakes``, and the result is then not used."""
    if not isinstance(entry, dict):
        mistakes.append(f"Trigger {number} is not a table.")
        entry = {}
    called = f"Trigger {entry.get('id') or number!r}"
    texts = {key: entry.get(key) for key in _TEXT_KEYS}
    mistakes += [f"{called} has an unknown key {key!r}." for key in entry if key not in _KEYS]
    mistakes += [f"{called} needs a text for {key!r}." for key, text in texts.items() if not _is_text(text)]
    if _is_text(texts["id"]) and not _ID.fullmatch(str(texts["id"])):
        mistakes.append(f"{called}: an id is made of lower-case words joined by hyphens.")
    lists = {key: _texts(called, entry, key, mistakes) for key in _LIST_KEYS}
    if not lists["applies"] or not APPLICATIONS.issuperset(lists["applies"]):
        mistakes.append(f"{called}: 'applies' is a list of {_either(APPLICATIONS)}.")
    mistakes += [
        f"{called}: {name!r} is not a name a macro can have."
        for name in (*lists["names"], *lists["prefixes"], *lists["events"])
        if not _NAME.fullmatch(name)
    ]
    language, runs = entry.get("language", "vba"), entry.get("runs", "itself")
    if language not in LANGUAGES:
        mistakes.append(f"{called}: 'language' is {_either(LANGUAGES)}.")
    if runs not in STARTERS:
        mistakes.append(f"{called}: 'runs' is {_either(STARTERS)}.")
    pattern = entry.get("pattern", "")
    if "pattern" in entry:
        mistakes += _bad_pattern(called, pattern)
    if not isinstance(entry.get("module", False), bool):
        mistakes.append(f"{called}: 'module' is true or false.")
    if not (lists["names"] or lists["prefixes"] or lists["events"] or pattern):
        mistakes.append(f"{called} needs 'names', 'prefixes', 'events' or a 'pattern'.")
    return Trigger(
        **{key: str(text) for key, text in texts.items()},
        applies=frozenset(lists["applies"]),
        language=str(language),
        runs=str(runs),
        names=lists["names"],
        prefixes=lists["prefixes"],
        events=lists["events"],
        pattern=str(pattern),
        module=entry.get("module") is True,
        references=lists["references"],
    )


def _bad_pattern(called: str, pattern: object) -> Iterable[str]:
    if not isinstance(pattern, str) or not pattern:
        yield f"{called}: 'pattern' is a regular expression in quotes."
        return
    if _DANGEROUS_PATTERN.search(pattern):
        yield f"{called}: the pattern {pattern!r} repeats a group, refers back or looks around: too slow."
    try:
        re.compile(pattern)
    except re.error as error:
        yield f"{called}: the pattern {pattern!r} is no regular expression: {error}."


def _contradictions(rules: ScanRules) -> Iterable[str]:
    """What only shows when the rules are seen together: the same id twice, a test that another rule or none answers."""
    seen: set[str] = set()
    for trigger in rules.triggers:
        if trigger.id in seen:
            yield f"Trigger {trigger.id!r} is there twice."
        seen.add(trigger.id)
        alone = ScanRules((trigger,))
        if alone.match(trigger.test, language=trigger.language) is None:
            yield f"Trigger {trigger.id!r} does not match its own test {trigger.test!r}."


def _texts(called: str, entry: dict[str, Any], key: str, mistakes: list[str]) -> tuple[str, ...]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(_is_text(item) for item in value):
        mistakes.append(f"{called}: {key!r} is a list of texts.")
        return ()
    return tuple(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _either(words: Iterable[str]) -> str:
    return " or ".join(f'"{word}"' for word in sorted(words))
