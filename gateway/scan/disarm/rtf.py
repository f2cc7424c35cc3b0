"""Rich Text Format: objects, fields and templates that act go as whole groups, what they showed stays (RTF 1.9.1).

Contract: ``disarm`` keeps the promise of ``parts``. The groups of the file have to be balanced; Word asks for less, so
a file made to confuse readers is not disarmed. Which groups act the scan says: it is asked about all of them at once,
then about halves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.closed_sets import FileType
from gateway.scan.budget import Budget
from gateway.scan.disarm import splices
from gateway.scan.disarm.parts import CannotDisarm, Disarmed, Work
from gateway.scan.disarm.splices import Cut

TYPES = frozenset({FileType.RTF})

_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})?[ ]?|\\'[0-9a-fA-F]{2}|\\([^a-zA-Z])|([{}])|[^\\{}]+|\\", re.DOTALL
)
_STEPS_BETWEEN_CLOCKS = 4096
_MOST_GROUPS = 20_000
_MOST_DEPTH = 500
_BLANKS = b"\r\n\t \0"

_ACTING = {
    b"object": ("an embedded object that could act", b"result"),
    b"field": ("a field that could act by itself", b"fldrslt"),
    b"template": ("a link to a template elsewhere", b""),
    b"nextfile": ("a link to a template elsewhere", b""),
    b"objdata": ("an embedded object that could act", b""),
    b"fldinst": ("a field that could act by itself", b""),
}
"""The first word of a group, what it is called, and the group inside it that is shown."""
_INSIDE = {b"objdata": b"object", b"fldinst": b"field"}
"""Groups that go with the one around them, if that is what it should be."""
_SHOWN = frozenset({b"result", b"fldrslt"})


@dataclass(slots=True)
class _Group:
    """One group that matters. ``inner`` is where the content begins behind its first word."""

    word: bytes
    start: int
    inner: int
    above: _Group | None
    end: int = 0
    shown: _Group | None = None


def disarm(content: bytes, name: str, work: Work) -> Disarmed:
    """The document without the groups that act."""
    groups = [group for group in _groups(content, work.budget) if _stands_alone(group)]
    acting = list(_acting(content, groups, work))
    if not acting:
        raise CannotDisarm(f"{name or 'the document'} holds nothing that could be taken out")
    removed = dict.fromkeys(_ACTING[group.word][0] for group in acting)
    cuts = [cut for group in acting for cut in _cuts(group)]
    media_type = "application/msword" if name.lower().endswith(".doc") else "application/rtf"
    return Disarmed(splices.spliced(content, cuts), name, media_type, tuple(removed))


def _stands_alone(group: _Group) -> bool:
    """Whether it may go by itself, which data inside an object do not."""
    if group.word in _SHOWN:
        return False
    around = group.above
    while around is not None and around.word != _INSIDE.get(group.word):
        around = around.above
    return group.word not in _INSIDE or around is None


def _acting(content: bytes, groups: list[_Group], work: Work) -> Iterator[_Group]:
    if not groups or work.is_clean(b"{\\rtf1 " + b"".join(_judged(content, group) for group in groups) + b"}", "x.rtf"):
        return
    if len(groups) == 1:
        yield groups[0]
        return
    middle = len(groups) // 2
    yield from _acting(content, groups[:middle], work)
    yield from _acting(content, groups[middle:], work)


def _judged(content: bytes, group: _Group) -> bytes:
    """The group without what it shows, which is judged by itself."""
    if group.shown is None:
        return content[group.start : group.end]
    return content[group.start : group.shown.start] + content[group.shown.end : group.end]


def _cuts(group: _Group) -> Iterator[Cut]:
    """Without the group, or with nothing of it but the content of what it shows."""
    if group.shown is None:
        yield Cut(group.start, group.end)
        return
    yield Cut(group.start, group.shown.inner, b"{")
    yield Cut(group.shown.end - 1, group.end, b"}")


def _groups(content: bytes, budget: Budget) -> list[_Group]:
    """Every group that matters, outer ones first. Raises ``CannotDisarm`` for groups that are not balanced."""
    found: list[_Group] = []
    stack: list[_Group] = []
    position = len(content) - len(content.lstrip(_BLANKS))
    if not content.startswith(b"{\\rt", position):
        raise CannotDisarm("something stands before the document")
    steps = 0
    while match := _TOKEN.match(content, position):
        steps += 1
        if not steps % _STEPS_BETWEEN_CLOCKS:
            budget.check_time()
        word, number, symbol, brace = match.groups()
        if brace == b"{":
            stack.append(_Group(b"", position, 0, stack[-1] if stack else None))
        elif brace == b"}":
            stack.pop().end = match.end()
        elif word and not stack[-1].word:
            _name(stack[-1], word.lower(), match.end(), found)
        elif symbol != b"*" and not stack[-1].word and match[0].strip(_BLANKS):
            stack[-1].word = b"text"
        position = match.end()
        if word and word.lower() == b"bin":
            position += max(0, int(number or b"0"))
        if not stack:
            break
        if len(stack) > _MOST_DEPTH or len(found) > _MOST_GROUPS:
            raise CannotDisarm("its groups are too many")
    if stack or position > len(content) or content[position:].strip(_BLANKS):
        raise CannotDisarm("its groups are not balanced")
    return found


def _name(group: _Group, word: bytes, inner: int, found: list[_Group]) -> None:
    """The first word of a group says what it is."""
    group.word, group.inner = word, inner
    if word not in _ACTING and word not in _SHOWN:
        return
    found.append(group)
    above = group.above
    if above is not None and above.word in _ACTING and _ACTING[above.word][1] == word:
        if above.shown is not None:
            raise CannotDisarm("an object shows two things")
        above.shown = group
