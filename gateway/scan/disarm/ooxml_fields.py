"""Fields in the text of Word packages (ECMA-376 part 1 §17.16): one that acts becomes the text it shows.

Contract: ``take_out`` takes the marks and the instruction of each field to which the scan would object, and leaves its
result. Where single harmless fields act together, all fields of that part become text. Of a form field only the macros
it calls are taken. Raises ``CannotDisarm`` and ``OverLimit``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.scan.disarm.ooxml_parts import Parts
from gateway.scan.disarm.ooxml_xml import Node, Xml, named
from gateway.scan.disarm.parts import CannotDisarm
from gateway.scan.documents import fields, ooxml, word_fields
from gateway.scan.look import Corrupt

_INSTRUCTIONS = frozenset({"instrText", "delInstrText"})
_DEEPEST = 50
_FORM_MACROS = ("entryMacro", "exitMacro")


@dataclass(slots=True, eq=False)
class _Field:
    """One field: what marks it, what stands in its instruction, and what that says, as ``fields`` takes it."""

    marks: list[Node]
    inside: list[Node] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    open: bool = True
    """Whether the instruction still goes on."""

    @property
    def acts(self) -> bool:
        return bool(fields.told(fields.joined("".join(self.pieces))))


def take_out(parts: Parts) -> None:
    """See the module."""
    for name in list(ooxml.texts(parts.package)):
        if name not in parts.names:
            continue
        _clean_forms(parts, name)
        if not _acts(parts, name):
            continue
        parts.tell("fields that fetch data or start programs")
        _to_text(parts, name, every=False)
        if _acts(parts, name):
            _to_text(parts, name, every=True)
        if _acts(parts, name):
            raise CannotDisarm(f"fields in its part {name} cannot be taken out")


def _acts(parts: Parts, name: str) -> bool:
    try:
        instructions = word_fields.in_xml(parts.content(name), parts.work.budget.check_time)
    except Corrupt as error:
        raise CannotDisarm(f"its part {name} {error}") from error
    return bool(fields.told(instructions)) or len(instructions) > fields.MAX_TEXT


def _clean_forms(parts: Parts, name: str) -> None:
    content = parts.content(name).replace(b"\0", b"")
    if not any(word.encode() in content for word in _FORM_MACROS):
        return
    xml = parts.xml(name, named(*_FORM_MACROS))
    for node in xml.nodes:
        xml.remove(node)
        parts.tell("macros that form fields call")
    parts.put(name, xml)


def _to_text(parts: Parts, name: str, *, every: bool) -> None:
    xml = parts.xml(name, _is_in_run)
    for one in _fields(xml):
        parts.work.budget.check_time()
        if not (every or one.acts):
            continue
        for mark in one.marks:
            if mark.name == "fldSimple":
                xml.unwrap(mark)
            else:
                xml.remove(mark)
        for node in one.inside:
            xml.remove(node)
    parts.put(name, xml)


def _is_in_run(node: Node) -> bool:
    """A field, or anything a run shows."""
    return node.name in {"fldSimple", "fldChar"} or (
        node.parent is not None and node.parent.name == "r" and node.name != "rPr"
    )


def _fields(xml: Xml) -> Iterator[_Field]:
    """Every field, those inside others before them."""
    stack: list[_Field] = []
    for node in xml.nodes:
        kind = node.get("fldCharType") if node.name == "fldChar" else ""
        if node.name == "fldSimple":
            text = node.get("instr")
            _say(stack, fields.joined(text))
            yield _Field([node], pieces=[text])
        elif kind == "begin":
            if len(stack) >= _DEEPEST:
                raise CannotDisarm(f"it has fields inside one another deeper than {_DEEPEST}")
            _hold(stack, node)
            _say(stack, fields.OPEN)
            stack.append(_Field([node]))
        elif kind and stack:
            stack[-1].marks.append(node)
            stack[-1].open = False
            _hold(stack[:-1], node)
            if kind == "end":
                _say(stack[:-1], fields.CLOSE)
                yield stack.pop()
        else:
            _hold(stack, node)
            if node.name in _INSTRUCTIONS:
                _say(stack, node.text)
    yield from reversed(stack)


def _say(stack: list[_Field], text: str) -> None:
    for one in stack:
        if one.open:
            one.pieces.append(text)


def _hold(stack: list[_Field], node: Node) -> None:
    for one in stack:
        if one.open:
            one.inside.append(node)
