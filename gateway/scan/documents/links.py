"""Relationships that lead out of an Office Open XML package: which of them act (ECMA-376 part 2 §9.3, part 1 §15).

Contract: ``tell`` reports what Office fetches or starts when it opens the document or the reader moves the mouse. Links
a reader has to click, and pictures and films of the web, are in every honest document and no alarm; a share is, because
Windows shows it the reader's credentials unasked. A kind of relationship nobody has heard of counts as fetched.
"""

from __future__ import annotations

from gateway.closed_sets import Kind
from gateway.scan.documents.opc import Element, Package, elements
from gateway.scan.documents.remote import is_dangerous, is_remote, is_share
from gateway.scan.look import Blob, Corrupt, Look

_CLICKED = frozenset({"hyperlink", "httphyperlink", "slide"})
_SHOWN = frozenset({"image", "video", "audio", "media", "mailmergesource", "mailmergeheadersource", "recipientdata"})
"""Fetched to be shown, without a danger from the web itself."""
_THINGS = {
    "attachedtemplate": "template",
    "oleobject": "object",
    "frame": "page in a frame",
    "subdocument": "part of the document",
    "afchunk": "part of the document",
    "externallinkpath": "workbook",
}
_WORKBOOK = "externallinkpath"
"""Departments link their workbooks on file servers, and Excel asks before it looks there; ``@`` is in WebDAV names."""
_ACTIONS = frozenset({"hlinkClick", "hlinkMouseOver", "hlinkHover"})
_MAX_TOLD = 20


def tell(package: Package, blob: Blob, look: Look) -> None:
    """Report every relationship that acts."""
    sentences: dict[tuple[Kind, str], None] = {}
    for relation in package.relations:
        if relation.external and (found := judged(relation.kind, relation.target)):
            sentences[found] = None
    for found in _actions(package):
        sentences[found] = None
    for kind, sentence in list(sentences)[:_MAX_TOLD]:
        look.find(kind, blob.where, sentence, reference="MITRE ATT&CK T1221")


def judged(kind: str, address: str) -> tuple[Kind, str] | None:
    """The finding about one relationship that leads out, by the last word of its type; None when it is harmless."""
    if is_dangerous(address):
        return Kind.REMOTE_TEMPLATE, f"Holds a link that starts a program of Windows: {address}"
    if kind in _CLICKED or (kind == _WORKBOOK and is_share(address) and "@" not in address):
        return None
    if kind in _SHOWN:
        if is_share(address):
            return Kind.REMOTE_TEMPLATE, f"Sends the reader's credentials to another machine ({kind}): {address}"
        return None
    if is_remote(address):
        thing = _THINGS.get(kind, f"{kind or 'nameless'} part")
        return Kind.REMOTE_TEMPLATE, f"Fetches a remote {thing} when it is opened: {address}"
    return None


def _actions(package: Package) -> list[tuple[Kind, str]]:
    """Programs that a presentation starts by a click or under the mouse (ECMA-376 part 1 §21.1.2.3.5)."""
    found = []
    suspects = {r.source for r in package.relations if r.kind == "hyperlink" and r.external and _may_run(r.target)}
    for name in sorted(suspects & package.parts.keys()):
        targets = {r.id: r.target for r in package.relations if r.source == name}
        for content in package.read(name):
            for element in _elements(package, name, content):
                action = element.attributes.get("action", "").strip().casefold()
                if action.startswith("ppaction://program"):
                    target = targets.get(element.attributes.get("id", ""), "")
                    how = "a click" if element.name == "hlinkClick" else "the mouse above it"
                    found.append((Kind.SCRIPT_CARRIER, f"Starts a program by {how}: {target}"))
    return found


def _may_run(target: str) -> bool:
    """Addresses of the web and of mail are not programs; anything else may be one."""
    return not target.casefold().startswith(("http:", "https:", "mailto:", "#"))


def _elements(package: Package, name: str, content: bytes) -> list[Element]:
    try:
        return elements(content, _ACTIONS)
    except Corrupt as error:
        package.unreadable.setdefault(name, str(error))
        return []
