"""What the VBA projects of a document would do: which macros run by themselves.

Contract: ``inspect_vba`` says for each project of a compound file one of: it runs by itself (a finding for each
trigger, with the lines around it), it holds macros that wait to be started, it is empty (told, and clean), its source
is not what runs, or it cannot be read. Procedure names are looked for in declarations only, so a name in a comment or a
string is no trigger. Our own reader goes first; where it sees no trigger, olevba is asked for a second opinion. What
is told is told with the fingerprint of the project and with the addresses and commands it holds. Raises ``OverLimit``.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.closed_sets import Kind, Verdict
from gateway.scan.documents import vba_source
from gateway.scan.documents.compound import CompoundFile
from gateway.scan.documents.olevba import second_reading
from gateway.scan.documents.vba_compression import find_containers
from gateway.scan.documents.vba_fingerprint import fingerprint
from gateway.scan.documents.vba_project import Module, Project, read_projects, search_source
from gateway.scan.documents.vba_strings import indicators
from gateway.scan.look import Look
from gateway.scan.triggers import Trigger

_MAX_TOLD = 10
_SMALLEST_PROCEDURE = 3
_LOOKED_FOR_IN_COMPILED = (
    *("autoopen", "autoexec", "autonew", "autoclose", "autoexit", "document_open", "document_new", "document_close"),
    *("auto_open", "auto_close", "workbook_open", "workbook_activate", "workbook_beforeclose"),
)
"""What stomped code is started by. Names of code long deleted stay in a project, so the rarer ones say nothing."""
_IN_A_FORM = "Runs when the form it belongs to is shown or used"


@dataclass(frozen=True, slots=True)
class _Hit:
    trigger: Trigger
    module: Module
    declared: vba_source.Declaration

    @property
    def by_itself(self) -> bool:
        """The events of a form come only after other code has shown it."""
        return self.trigger.by_itself and not self._in_a_form

    @property
    def title(self) -> str:
        return _IN_A_FORM if self._in_a_form else self.trigger.title

    @property
    def _in_a_form(self) -> bool:
        return self.module.form and not self.trigger.is_called(self.declared.name)

    @property
    def sentence(self) -> str:
        line = vba_source.line_number(self.module.source, self.declared.start)
        procedure = f"{self.declared.keyword.capitalize()} {self.declared.name}"
        return f"{self.title}: {procedure} in module {self.module.name}, line {line}"


def inspect_vba(
    file: CompoundFile, data: bytes | memoryview, where: str, look: Look, applications: frozenset[str]
) -> None:
    """Report on every VBA project of ``file``, whose bytes are ``data``; ``applications`` may open the document."""
    projects = read_projects(file, look.budget)
    projects += _left_over(projects, bytes(data), look)
    found = [list(_hits(project.modules, look, applications)) for project in projects]
    size = sum(len(module.source) for project in projects for module in project.modules)
    if size and file.is_finite() and not any(hit.by_itself for hits in found for hit in hits):
        forms = {module.name for project in projects for module in project.modules if module.form}
        # olevba puts an extension behind the name
        second = [
            Module(name, text, name.partition(".")[0] in forms)
            for name, text in second_reading(data, size, look.budget)
        ]
        found[0] += [hit for hit in _hits(second, look, applications) if hit.by_itself]
    for project, hits in zip(projects, found, strict=True):
        _Telling(project, hits, where, look).run()


def carve_vba(content: bytes, where: str, look: Look, applications: frozenset[str]) -> None:
    """Report on module source that lies in bytes nobody can find their way in."""
    project = search_source(content, look.budget)
    if project.modules:
        _Telling(project, list(_hits(project.modules, look, applications)), where, look).run()


def inspect_script(source: str, where: str, look: Look, applications: frozenset[str]) -> None:
    """Report on Basic source that lies open, such as the script behind a form of Outlook, if it is any."""
    project = Project((), [Module("of the form", source.replace("\r\n", "\n").replace("\r", "\n"))])
    if any(vba_source.declarations(project.modules[0].source)):
        _Telling(project, list(_hits(project.modules, look, applications)), where, look).run()


def _left_over(projects: list[Project], data: bytes, look: Look) -> list[Project]:
    """Source that lies in the file and in none of its projects, where a repair or another program may find it.

    In no real document compared was there any: Office leaves no source behind.
    """
    known = sorted(module.source for project in projects for module in project.modules)
    if len(find_containers(data)) <= len(known):
        return []
    rest = search_source(data, look.budget)
    rest.modules = [module for module in rest.modules if not is_beginning(module.source, known)]
    return [rest] if rest.modules else []


def is_beginning(source: str, known: list[str]) -> bool:
    """Whether one of ``known``, which are in order, begins with ``source``: it then stands right behind it."""
    place = bisect_left(known, source)
    return place < len(known) and known[place].startswith(source)


class _Telling:
    """One project and what in it runs, put into findings."""

    def __init__(self, project: Project, hits: list[_Hit], where: str, look: Look) -> None:
        self.project, self.hits, self.where, self.look = project, hits, where, look
        # listings of the carved kind hold a module as often as the file does
        self.sources = list(dict.fromkeys(module.source for module in project.modules))

    def run(self) -> None:
        self.look.match_rules(self.where, "\n".join(self.sources).encode("utf-8", "replace"), "vba")
        if self.hits:
            self._tell_triggers()
        self._tell_hidden()
        if not self.hits:
            self._tell_quiet()

    def _tell_triggers(self) -> None:
        name, holds = self._name(), indicators(self.sources, self.look.budget)
        for hit in ([hit for hit in self.hits if hit.by_itself] or self.hits[:1])[:_MAX_TOLD]:
            self.look.find(
                Kind.VBA_AUTOEXEC if hit.by_itself else Kind.VBA_MACRO,
                self.where,
                hit.sentence,
                reference=hit.trigger.id,
                excerpt=vba_source.excerpt(hit.module.source, hit.declared.start),
                fingerprint=name,
                indicators=holds,
            )

    def _tell_quiet(self) -> None:
        lines = [(module, n) for module in self.project.modules if (n := vba_source.code_lines(module.source))]
        if lines:
            total = sum(count for _, count in lines)
            module = lines[0][0]
            place = vba_source.first_code(module.source)
            self.look.find(
                Kind.VBA_MACRO,
                self.where,
                f"Holds {total} lines of macro code that nothing runs by itself, in module {module.name} first",
                excerpt=vba_source.excerpt(module.source, place),
                fingerprint=self._name(),
                indicators=indicators(self.sources, self.look.budget),
            )
        elif not self.project.stomped and not self.project.unreadable:
            self._tell_empty()

    def _tell_empty(self) -> None:
        odd = next((m for m in self.project.modules if not vba_source.is_credibly_empty(m.source)), None)
        if odd:
            sentence = f"The macro project is damaged: what can be read of module {odd.name} is no source"
            self.look.find(Kind.CORRUPT, self.where, sentence)
        else:
            sentence = "Holds an empty macro project: modules without a line of code"
            self.look.find(Kind.VBA_MACRO, self.where, sentence, verdict=Verdict.CLEAN)

    def _tell_hidden(self) -> None:
        project = self.project
        if project.stomped:
            sentence = f"The source of module {project.stomped[0]} is not what its compiled code was made from"
            self.look.find(Kind.VBA_STOMPED, self.where, sentence, reference="MITRE ATT&CK T1564.007")
        elif name := _only_compiled(project):
            sentence = f"The compiled code knows {name}, which runs by itself, and the source does not show it"
            self.look.find(Kind.VBA_STOMPED, self.where, sentence, reference="MITRE ATT&CK T1564.007")
        if project.unreadable:
            sentence = f"The macro project is damaged: module {project.unreadable[0]} cannot be read to its end"
            self.look.find(Kind.CORRUPT, self.where, sentence)

    def _name(self) -> str:
        return "" if self.project.stomped or self.project.unreadable else fingerprint(self.sources)


def _hits(modules: list[Module], look: Look, applications: frozenset[str]) -> Iterator[_Hit]:
    def match(name: str) -> Trigger | None:
        return look.rules.match(name, language="vba", applications=applications)

    for module in modules:
        look.budget.check_time()
        listeners = vba_source.listeners(module.source)
        for declared in vba_source.declarations(module.source):
            trigger = match(declared.name)
            if declared.name.casefold() == "main":
                named = match(module.name)
                trigger = named if named and named.module else trigger
            listener, _, event = declared.name.rpartition("_")
            if not trigger and (kind := listeners.get(listener.casefold())):
                # an object of any name has the events of its class
                trigger = match(f"{kind}_{event}")
            if trigger and (declared.keyword != "property" or trigger.is_called(declared.name)):
                yield _Hit(trigger, module, declared)


def _only_compiled(project: Project) -> str:
    """A name that runs by itself, known to the compiled code and nowhere in the source; else "".

    Only a project with compiled lines counts: what was deleted leaves its name, and no lines.
    """
    if project.compiled_lines < _SMALLEST_PROCEDURE:
        return ""
    compiled = project.compiled.lower()
    source = "\n".join(module.source for module in project.modules).lower()
    for name in _LOOKED_FOR_IN_COMPILED:
        encoded = name.encode()
        # the plain search first: an expression over a megabyte for each of the names takes a long time
        if encoded in compiled and name not in source and re.search(rb"\b" + encoded + rb"\b", compiled):
            return name
    return ""
