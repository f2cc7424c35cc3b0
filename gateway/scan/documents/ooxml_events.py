"""What in a package starts its macros, or a program, besides the names of the procedures.

Contract: ``inspect`` reads the ribbon (MS-CUSTOMUI), the list of events that Word keeps of a project (MS-DOCX
``vbaSuppData``), the actions of slides and the classes of controls. Slides are read only where a macro or a link to a
program could be behind them. XML that is not sound makes its part unreadable, which the package tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PureWindowsPath

from gateway.message import Kind
from gateway.scan.documents import activex
from gateway.scan.documents.opc import Element, Package, elements
from gateway.scan.documents.package import RUNNABLE
from gateway.scan.look import Blob, Corrupt, Look

_ACTION = b"ppaction://"
_MACRO, _PROGRAM = "ppaction://macro", "ppaction://program"
_POINTED_AT = frozenset({"hlinkMouseOver", "hlinkHover"})


def inspect(package: Package, has_macros: bool, blob: Blob, look: Look) -> None:
    """Report the first thing of each sort."""
    if has_macros:
        _tell_ribbon(package, blob, look)
        _tell_listed_events(package, blob, look)
    _tell_actions(package, has_macros, blob, look)
    for name in package.parts:
        if "/activex/" in name and name.endswith(".xml"):
            for element in _elements(package, name, frozenset({"ocx"})):
                activex.tell(element.attributes.get("classid", ""), blob.where, look)


def _tell_ribbon(package: Package, blob: Blob, look: Look) -> None:
    """Macros that the package's own ribbon calls while it is drawn (MS-CUSTOMUI 2.2: onLoad, loadImage and get...)."""
    named = {r.target for r in package.relations if r.kind == "extensibility"}
    for name in package.parts:
        if name not in named and not (name.startswith("customui/") and name.endswith(".xml")):
            continue
        for element in _elements(package, name, None):
            for attribute, macro in element.attributes.items():
                if attribute in {"onLoad", "loadImage"} or attribute.startswith("get"):
                    sentence = f"Runs by itself when the ribbon is drawn: {macro}, {attribute} of {element.name}"
                    look.find(Kind.VBA_AUTOEXEC, blob.where, sentence, reference="MS-CUSTOMUI 2.2")
                    return


def _tell_listed_events(package: Package, blob: Blob, look: Look) -> None:
    """Word writes down which events of the document and which macros a project has, whatever its source shows."""
    named = {r.target for r in package.relations if r.kind == "wordvbadata"}
    for name in package.parts:
        if name not in named and not name.endswith("/vbadata.xml"):
            continue
        for element in _elements(package, name, None):
            macro = element.attributes.get("macroName", "")
            known = look.rules.match(macro.rpartition(".")[2], language="vba", applications=frozenset({"word"}))
            if element.name.startswith("eventDoc"):
                sentence = f"Runs by itself: Word has noted a macro for {element.name}"
            elif known and known.by_itself:
                sentence = f"{known.title}: Word has noted the macro {macro}"
            else:
                continue
            look.find(Kind.VBA_AUTOEXEC, blob.where, sentence, reference="MS-DOCX vbaSuppData")
            return


def _tell_actions(package: Package, has_macros: bool, blob: Blob, look: Look) -> None:
    """Macros and programs behind the shapes of a presentation."""
    programs = {(r.source, r.id): r.target for r in package.relations if r.external and _is_program(r.target)}
    sources = {source for source, _ in programs}
    for name in package.parts:
        if not (name.startswith("ppt/slide") and name.endswith(".xml") and (has_macros or name in sources)):
            continue
        for content in package.read(name):
            if _ACTION not in content:
                continue
            for element in _sound(package, name, content):
                action = element.attributes.get("action", "")
                target = programs.get((name, element.attributes.get("id", "")), "")
                if action.startswith(_MACRO) and element.name in _POINTED_AT and has_macros:
                    sentence = f"Runs by itself when the mouse is over a shape: {action.partition('=')[2]}"
                    look.find(Kind.VBA_AUTOEXEC, blob.where, sentence, reference="MITRE ATT&CK T1204.002")
                elif action.startswith(_PROGRAM) or target:
                    deed = "The mouse over" if element.name in _POINTED_AT else "A click on"
                    sentence = f"{deed} a shape starts a program: {target or action}"
                    look.find(Kind.OLE_PACKAGE, blob.where, sentence, reference="MITRE ATT&CK T1204.002")


def _is_program(target: str) -> bool:
    path = target.partition("?")[0]
    return not path.lower().startswith(("http:", "https:", "mailto:")) and (
        PureWindowsPath(path).suffix.lower().lstrip(".") in RUNNABLE
    )


def _elements(package: Package, name: str, wanted: frozenset[str] | None) -> Iterator[Element]:
    for content in package.read(name):
        yield from _sound(package, name, content, wanted)


def _sound(package: Package, name: str, content: bytes, wanted: frozenset[str] | None = None) -> list[Element]:
    try:
        return elements(content, wanted)
    except Corrupt as error:
        package.unreadable[name] = str(error)
        return []
