"""What the VBA projects of a document would do: which macros run by themselves.

Contract: ``inspect_vba`` says for each project of a compound file one of: it runs by itself (a finding for each
trigger, with the lines around it), it holds macros that wait to be started, it is empty (told, and clean), its source
is not what runs, or it cannot be read. Procedure names are looked for in declarations only, so a name in a comment or a
string is no trigger. Our own reader goes first; where it sees no trigger, olevba is asked for a second opinion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.message import Kind, Verdict
from gateway.scan.documents.compound import CompoundFile
from gateway.scan.documents.olevba import second_reading
from gateway.scan.documents.vba_project import (
    CONTINUATION,
    SPACE,
    Module,
    Project,
    find_projects,
    read_project,
    search_source,
)
from gateway.scan.look import Look
from gateway.scan.triggers import ScanRules, Trigger

_DECLARATION = re.compile(
    rf"^(?!{SPACE}*rem\b)(?:[^\n']*:)?{SPACE}*(?:\d+{SPACE}+)?"
    rf"(?:(?:public|private|friend|static|global){SPACE}+)*(sub|function){SPACE}+\[?(\w+)",
    re.IGNORECASE | re.MULTILINE,
)
_STRING = re.compile(r'"[^"\n]*"')
_NOT_CODE = re.compile(rf"{SPACE}*(?:$|attribute\b|option\b|'|rem\b|version\b)", re.IGNORECASE)
_MAX_TOLD = 10
_EXCERPT_LINES = 12
_SMALLEST_PROCEDURE = 3
_MAX_NAME = 255  # MS-VBAL 3.3.5: no identifier is longer


@dataclass(frozen=True, slots=True)
class _Hit:
    trigger: Trigger
    module: Module
    procedure: str
    line: int


def inspect_vba(
    file: CompoundFile, data: bytes | memoryview, where: str, look: Look, applications: frozenset[str]
) -> None:
    """Report on every VBA project of ``file``, whose bytes are ``data``; ``applications`` may open the document."""
    projects = [read_project(file, storage, look.budget) for storage in find_projects(file)]
    found = [list(_hits(project.modules, look.rules, applications)) for project in projects]
    size = sum(len(module.source) for project in projects for module in project.modules)
    if size and not any(hit.trigger.by_itself for hits in found for hit in hits):
        second = [Module(name, text) for name, text in second_reading(data, size, look.budget)]
        found[0] += [hit for hit in _hits(second, look.rules, applications) if hit.trigger.by_itself]
    for project, hits in zip(projects, found, strict=True):
        _tell(project, hits, where, look)


def carve_vba(content: bytes, where: str, look: Look, applications: frozenset[str]) -> None:
    """Report on module source that lies in bytes nobody can find their way in."""
    project = search_source(content, look.budget)
    if project.modules:
        _tell(project, list(_hits(project.modules, look.rules, applications)), where, look)


def _tell(project: Project, hits: list[_Hit], place: str, look: Look) -> None:
    told = [hit for hit in hits if hit.trigger.by_itself] or hits[:1]
    for hit in told[:_MAX_TOLD]:
        kind = Kind.VBA_AUTOEXEC if hit.trigger.by_itself else Kind.VBA_MACRO
        sentence = f"{hit.trigger.title}: {hit.procedure} in module {hit.module.name}"
        look.find(kind, place, sentence, reference=hit.trigger.id, excerpt=_excerpt(hit.module.source, hit.line))
    _tell_hidden(project, place, look)
    if hits:
        return
    lines = [(module, count) for module in project.modules if (count := _code_lines(module.source))]
    if lines:
        total = sum(count for _, count in lines)
        module = lines[0][0]
        sentence = f"Holds {total} lines of macro code that nothing runs by itself, in module {module.name} first"
        look.find(Kind.VBA_MACRO, place, sentence, excerpt=_excerpt(module.source, _first_code_line(module.source)))
    elif not project.stomped and not project.unreadable:
        sentence = "Holds an empty macro project: modules without a line of code"
        look.find(Kind.VBA_MACRO, place, sentence, verdict=Verdict.CLEAN)


def _tell_hidden(project: Project, place: str, look: Look) -> None:
    if project.stomped:
        sentence = f"The source of module {project.stomped[0]} is not what its compiled code was made from"
        look.find(Kind.VBA_STOMPED, place, sentence, reference="MITRE ATT&CK T1564.007")
    elif name := _only_compiled(project, look.rules):
        sentence = f"The compiled code knows {name}, which runs by itself, and the source does not show it"
        look.find(Kind.VBA_STOMPED, place, sentence, reference="MITRE ATT&CK T1564.007")
    if project.unreadable:
        sentence = f"The macro project is damaged: module {project.unreadable[0]} cannot be read to its end"
        look.find(Kind.CORRUPT, place, sentence)


def _hits(modules: list[Module], rules: ScanRules, applications: frozenset[str]) -> Iterator[_Hit]:
    for module in modules:
        for keyword, name, line in _declarations(module.source):
            trigger = rules.match(name, language="vba", applications=applications)
            if name.casefold() == "main":
                named = rules.match(module.name, language="vba", applications=applications)
                trigger = named if named and named.module else trigger
            if trigger:
                yield _Hit(trigger, module, f"{keyword.capitalize()} {name}", line)


def _declarations(source: str) -> Iterator[tuple[str, str, int]]:
    """``Sub`` or ``Function``, the name, and the number of its line from 0."""
    # of the same length, so that lines can be counted in the source
    joined = _STRING.sub(_blanks, CONTINUATION.sub(_blanks, source))
    line, counted = 0, 0
    for match in _DECLARATION.finditer(joined):
        line += source.count("\n", counted, match.start())
        counted = match.start()
        yield match[1], match[2][:_MAX_NAME], line


def _blanks(match: re.Match[str]) -> str:
    return " " * len(match[0])


def _only_compiled(project: Project, rules: ScanRules) -> str:
    """A name that runs by itself, known to the compiled code and nowhere in the source; else "".

    Names of code long deleted stay in the project, so only a project with compiled lines counts.
    """
    if project.compiled_lines < _SMALLEST_PROCEDURE:
        return ""
    compiled = project.compiled.lower()
    source = "\n".join(module.source for module in project.modules).lower()
    for name in sorted(rules.whole_names):
        encoded = name.encode()
        # the plain search first: an expression over a megabyte for each of a hundred names takes a third of a second
        if encoded in compiled and name not in source and re.search(rb"\b" + encoded + rb"\b", compiled):
            return name
    return ""


def _code_lines(source: str) -> int:
    return sum(1 for line in source.split("\n") if not _NOT_CODE.match(line))


def _first_code_line(source: str) -> int:
    return next((n for n, line in enumerate(source.split("\n")) if not _NOT_CODE.match(line)), 0)


def _excerpt(source: str, line: int) -> str:
    return "\n".join(source.split("\n")[line : line + _EXCERPT_LINES])
