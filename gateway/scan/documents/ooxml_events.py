"""What in a package starts its macros besides the names of the procedures.

Contract: ``inspect`` reads the ribbon (MS-CUSTOMUI), the list of events that Word keeps of a project (MS-DOCX
``vbaSuppData``) and the actions of slides, all only beside a macro project, and the classes of controls. Unsound XML
makes its part unreadable, which the package tells.
"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.closed_sets import Kind
from gateway.scan.documents import activex
from gateway.scan.documents.opc import Element, Package, elements
from gateway.scan.look import Blob, Corrupt, Look

_ACTION = b"ppaction://"
_MACRO = "ppaction://macro"
_POINTED_AT = frozenset({"hlinkMouseOver", "hlinkHover"})


def inspect(package: Package, has_macros: bool, blob: Blob, look: Look) -> None:
    """Report the first thing of each sort."""
    if has_macros:
        _tell_ribbon(package, blob, look)
        _tell_listed_events(package, blob, look)
        _tell_pointed_at(package, blob, look)
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


def _tell_pointed_at(package: Package, blob: Blob, look: Look) -> None:
    """Macros behind the shapes of a presentation that wait for the mouse alone; a click is the reader's deed."""
    for name in package.parts:
        if not (name.startswith("ppt/slide") and name.endswith(".xml")):
            continue
        for content in package.read(name):
            if _ACTION not in content:
                continue
            for element in _sound(package, name, content, _POINTED_AT):
                action = element.attributes.get("action", "")
                if action.startswith(_MACRO):
                    sentence = f"Runs by itself when the mouse is over a shape: {action.partition('=')[2]}"
                    look.find(Kind.VBA_AUTOEXEC, blob.where, sentence, reference="ECMA-376 part 1")


def _elements(package: Package, name: str, wanted: frozenset[str] | None) -> Iterator[Element]:
    for content in package.read(name):
        yield from _sound(package, name, content, wanted)


def _sound(package: Package, name: str, content: bytes, wanted: frozenset[str] | None = None) -> list[Element]:
    try:
        return elements(content, wanted)
    except Corrupt as error:
        package.unreadable.setdefault(name, str(error))
        return []
