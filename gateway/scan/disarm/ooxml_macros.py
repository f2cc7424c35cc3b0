"""Macro projects in packages, and everything that is there for the sake of one.

Contract: ``take_out`` drops the project, what is kept beside it (MS-OFFMACRO2: signatures, Word's list of events), the
keyboard shortcuts, toolbars and ribbons that call macros, and the signature of the package, which fits no longer.
"""

from __future__ import annotations

from gateway.scan.disarm.ooxml_parts import Parts
from gateway.scan.disarm.ooxml_xml import named
from gateway.scan.documents import ooxml

_PROJECT = frozenset(
    {"vbaproject", "vbaprojectsignature", "vbaprojectsignatureagile", "vbaprojectsignaturev3", "wordvbadata"}
)
_SIGNED = "origin"
_CALLBACKS = ("on", "get", "loadImage")


def take_out(parts: Parts) -> None:
    """See the module."""
    _drop_projects(parts)
    _drop_shortcuts(parts)
    _drop_ribbons(parts)
    for link in [link for link in parts.living() if link.relation.kind == _SIGNED and not link.relation.source]:
        parts.drop(link.relation.target)
        parts.unlink(link)
        parts.tell("its digital signature, which the change would break")


def _drop_projects(parts: Parts) -> None:
    projects = set(ooxml.vba_parts(parts.package))
    beside = {
        name
        for name in parts.names
        if "vbaprojectsignature" in name.rpartition("/")[2] or "vbaproject" in parts.package.content_type(name)
    }
    related = [link for link in parts.living() if link.relation.kind in _PROJECT]
    for name in {*projects, *beside, *(link.relation.target for link in related)}:
        parts.drop(name)
    for link in related:  # a project elsewhere, or one that is not there
        parts.unlink(link)
    if projects or related:
        parts.tell("its macros")


def _drop_shortcuts(parts: Parts) -> None:
    for name in _targets(parts, "keymapcustomizations"):
        if parts.xml(name, named("macro", "wll", "toolbars")).nodes:
            parts.drop(name)
            parts.tell("keyboard shortcuts and toolbars that call macros")
    for name in _targets(parts, "attachedtoolbars"):
        parts.drop(name)
        parts.tell("toolbars that call macros")


def _drop_ribbons(parts: Parts) -> None:
    """A ribbon without macros behind it only hides and shows commands, and may stay."""
    for name in _targets(parts, "extensibility", "usercustomization"):
        if parts.xml(name, lambda node: any(key.startswith(_CALLBACKS) for key in node.attributes)).nodes:
            parts.drop(name)
            parts.tell("commands on the ribbon that call macros")


def _targets(parts: Parts, *kinds: str) -> list[str]:
    """The parts that relationships of these kinds lead to."""
    found = {link.relation.target: None for link in parts.living() if link.relation.kind in kinds}
    return [name for name in found if name in parts.names]
