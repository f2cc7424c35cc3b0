"""OpenDocument and its predecessor of StarOffice, in a zip file or in one XML file: macros, events and links
(OASIS ODF 1.3 part 3).

Contract: ``inspect`` reports macro libraries and which event starts them, encryption, DDE, and links that are followed
when the document is opened. The libraries every program writes without a module in them are no macros. What is embedded
in a package is handed on by ``containers.zip``, what is embedded in one XML file from here. XML that is not sound is
``CORRUPT``. Raises ``OverLimit`` out of the budget.
"""

from __future__ import annotations

import binascii
import re

from gateway.closed_sets import FileType, Kind, Verdict
from gateway.scan.containers import zip as zip_file
from gateway.scan.documents import cell_dde
from gateway.scan.documents.opc import is_plain, parse
from gateway.scan.documents.remote import is_dangerous, is_remote, is_share
from gateway.scan.look import Blob, Corrupt, Look
from gateway.scan.triggers import APPLICATIONS

TYPES = frozenset({FileType.ODF, FileType.FLAT_ODF})

_TEXTS = ("content.xml", "styles.xml", "meta.xml", "settings.xml")
_INDEXES = ("script-lb.xml", "script-lc.xml", "dialog-lb.xml", "dialog-lc.xml")
_ENCRYPTED = b"encryption-data"
_WORDS = (b"<event", b":event", b"dde-", b"dde(", b"<module", b":module", b"source-code", b"binary-data", b"<!entity")
_LEADS_OUT = re.compile(rb"href\s{0,9}=\s{0,9}[\"']\s{0,9}(?:[a-z][a-z.+-]{1,40}:|[/\\]{2}|&#)")
_DDE_FORMULA = re.compile(rb"formula\s{0,9}=\s{0,9}[\"'][^\"'>|]{0,1000}\|")
_LISTENERS = frozenset({"event-listener", "event"})
_OF_DOCUMENT = frozenset({"scripts", "script", "events"})
_STARTS = frozenset(
    {
        *("load", "new", "start-app", "load-finished", "view-created", "load-done", "unload", "close", "view-closed"),
        *("before-unload", "prepare-view-closing", "prepare-unload", "focus", "domfocusin", "domfocusout"),
    }
)
"""What happens without the reader's doing; ``dom:``, ``office:`` and ``on-`` in front of it taken away."""
_FETCHED = frozenset(
    {"object", "object-ole", "section-source", "cell-range-source", "floating-frame", "template", "applet"}
)
_SHOWN = frozenset({"image", "fill-image", "plugin", "background-image", "sound"})
_DDE = frozenset({"dde-source", "dde-connection-decl", "dde-link"})
_CODE_LINE = re.compile(r"^[ \t]*(?!rem\b|'|option\b|attribute\b)\S", re.IGNORECASE | re.MULTILINE)
_PROCEDURE = re.compile(
    r"^[ \t]*(?:public[ \t]+|private[ \t]+)?(?:sub|function)[ \t]+(\w{1,255})", re.IGNORECASE | re.MULTILINE
)
_VBA_SUPPORT = re.compile(r"^[ \t]*option[ \t]+vbasupport[ \t]+1", re.IGNORECASE | re.MULTILINE)
_DDE_FUNCTION = re.compile(r"\bDDE\(\s{0,20}\"?([^\";)]{1,200})", re.IGNORECASE)
OF_PROGRAM = re.compile(
    r"(?:application:|macro:///(?=\w)|vnd\.sun\.star\.script:(?=[\w.]+\?)(?=.*language=Basic)(?=.*location=application))"
)
"""Basic that the program brings with it, as the letters of its wizards call it. Scripts of other languages are not
among it, because those it brings run what the document tells them (CVE-2019-9848)."""
_MAX_CODE = 4 << 20
_MAX_TOLD = 20
_EXCERPT = 600


def inspect(blob: Blob, look: Look) -> None:
    """Look into one document."""
    inspection = _Inspection(blob, look)
    if bytes(blob.data[:2]) == b"PK" or b"PK\x03\x04" in bytes(blob.data[:4096]):
        inspection.package()
    else:
        inspection.read(bytes(blob.data), "")
    inspection.tell_macros()


class _Inspection:
    """One document being looked at."""

    def __init__(self, blob: Blob, look: Look) -> None:
        self.blob, self.look = blob, look
        self.modules: list[tuple[str, str]] = []
        self.started: list[str] = []
        self.called: list[str] = []
        self.told: set[str] = set()

    def package(self) -> None:
        for member in zip_file.members(self.blob.data, self.look.budget):
            name = member.name.replace("\\", "/").lstrip("/")
            folder, file = name.partition("/")[0].casefold(), name.rpartition("/")[2].casefold()
            try:
                if file == "manifest.xml":
                    self._manifest(member.read())
                elif folder in {"basic", "scripts"} and file and not file.startswith(_INDEXES):
                    self._script(name, member.read())
                elif file in _TEXTS:
                    self.read(member.read(), name)
            except Corrupt as error:
                self._find(Kind.CORRUPT, f"Its part {name} {error}")

    def _manifest(self, content: bytes) -> None:
        if _ENCRYPTED in content.replace(b"\0", b""):
            self._find(Kind.ENCRYPTED, "Is encrypted with a password that is not known")

    def _script(self, name: str, content: bytes) -> None:
        """One module: XML with Basic in it, or source of another language as it is."""
        if content.lstrip(b"\xef\xbb\xbf\0 \r\n\t").startswith(b"<"):
            self.read(content, name)
        elif content.strip():
            self.modules.append((name, content[:_MAX_CODE].decode("utf-8", "replace")))

    def read(self, content: bytes, name: str) -> None:
        """One XML part, or a document that is one."""
        if not is_plain(content) or b"\0" in content[:200] or _is_worth_a_look(content.lower()):
            handlers = _Handlers(self, name)
            parse(content, handlers.start, text=handlers.text, end=handlers.end, clock=self.look.budget.check_time)

    def tell_macros(self) -> None:
        coded = [(name, code) for name, code in self.modules if _CODE_LINE.search(code)]
        excerpt = coded[0][1][:_EXCERPT] if coded else ""
        for event in self.started[:_MAX_TOLD]:
            self._find(Kind.VBA_AUTOEXEC, f"A macro of LibreOffice Basic or a script runs by itself: {event}", excerpt)
        for name, code in coded:
            if _VBA_SUPPORT.search(code):
                for match in _PROCEDURE.finditer(code):
                    trigger = self.look.rules.match(match[1], language="vba", applications=APPLICATIONS)
                    if trigger is not None and trigger.by_itself:
                        sentence = f"LibreOffice Basic as VBA, {trigger.title}: {match[1]} in {name}"
                        self._find(Kind.VBA_AUTOEXEC, sentence, excerpt)
        if coded:
            count = len(coded)
            sentence = f"Holds macros of LibreOffice Basic or another language in {count} modules, {coded[0][0]} first"
            self._find(Kind.VBA_MACRO, sentence, excerpt)
        for event in self.called[:_MAX_TOLD]:
            self._find(Kind.VBA_MACRO, f"A control or shape calls a macro: {event}")

    def _find(self, kind: Kind, sentence: str, excerpt: str = "", verdict: Verdict | None = None) -> None:
        if sentence not in self.told and len(self.told) < _MAX_TOLD:
            self.told.add(sentence)
            self.look.find(kind, self.blob.where, sentence, reference="OASIS ODF 1.3", excerpt=excerpt, verdict=verdict)

    def event(self, values: dict[str, str], *, of_document: bool) -> None:
        name = values.get("event-name", "")
        plain = name.rpartition(":")[2].casefold().removeprefix("on-")
        macro = values.get("href") or values.get("macro-name", "")
        shown = f"{name or 'event'} calls {macro}"
        if not macro and "language" in values:
            return  # the program writes every event it knows
        if OF_PROGRAM.match(macro) or (
            values.get("location") == "application" and values.get("language") == "StarBasic"
        ):
            self._find(Kind.VBA_MACRO, f"Calls a macro that comes with the program: {shown}", verdict=Verdict.CLEAN)
            return
        (self.started if of_document or plain in _STARTS else self.called).append(shown)

    def link(self, element: str, values: dict[str, str]) -> None:
        address = values.get("href", "")
        if values.get("action", "").casefold() == "execute":
            self._find(Kind.SCRIPT_CARRIER, f"Starts a program by a click: {address}")
        elif element in _FETCHED and is_remote(address):
            self._find(Kind.REMOTE_TEMPLATE, f"Fetches a remote {element} when it is opened: {address}")
        elif element in _SHOWN and is_share(address):
            self._find(
                Kind.REMOTE_TEMPLATE, f"Sends the reader's credentials to another machine ({element}): {address}"
            )
        elif is_dangerous(address):
            self._find(Kind.REMOTE_TEMPLATE, f"Holds a link that starts a program of Windows: {address}")

    def dde(self, values: dict[str, str]) -> None:
        source = f"{values.get('dde-application', '')}|{values.get('dde-topic', '')}"
        if source != "|":
            self._find(Kind.DDE, f"Asks another program for data by DDE: {source}")

    def formula(self, formula: str) -> None:
        if source := dde_source(formula):
            self._find(Kind.DDE, f"Asks another program for data by DDE: {source}")

    def hand_on(self, encoded: str) -> None:
        try:
            content = binascii.a2b_base64(encoded.encode("ascii", "ignore"))
        except binascii.Error as error:
            self._find(Kind.CORRUPT, f"What is embedded in it is not sound base64 ({error})")
            return
        self.look.budget.spend_bytes(len(content))
        self.look.descend(self.blob, content, "embedded")


def dde_source(formula: str) -> str:
    """What a formula of a cell asks for data by DDE, or nothing."""
    function = _DDE_FUNCTION.search(formula)
    return function[1] if function else cell_dde.in_formula(formula.encode("utf-8", "replace"))


def _is_worth_a_look(lower: bytes) -> bool:
    """Plain searches first: the expressions alone take a millisecond for a few kilobytes."""
    if any(word in lower for word in _WORDS) or _LEADS_OUT.search(lower) is not None:
        return True
    return b'"execute"' in lower or (b"|" in lower and _DDE_FORMULA.search(lower) is not None)


class _Handlers:
    """The handlers of one parse."""

    def __init__(self, inspection: _Inspection, name: str) -> None:
        self._inspection, self._name = inspection, name
        self._collecting = ""
        self._pieces: list[str] = []
        self._room = _MAX_CODE
        self._scripts = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(" ")[2]
        if local in _OF_DOCUMENT and "office" in name:
            self._scripts += 1
        if local in {"module", "source-code", "binary-data"}:
            self._collecting, self._pieces, self._room = local, [], _MAX_CODE
        if not attributes:
            return
        values = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        if local == "module":
            self._name = values.get("name", self._name)
        if local in _LISTENERS and "presentation" not in name:
            self._inspection.event(values, of_document=self._scripts > 0)
        elif local in _DDE:
            self._inspection.dde(values)
        elif "href" in values:
            self._inspection.link(local, values)
        if "formula" in values:
            self._inspection.formula(values["formula"])

    def text(self, data: str) -> None:
        if self._collecting and (self._room > 0 or self._collecting == "binary-data"):
            self._pieces.append(data)
            self._room -= len(data)

    def end(self, name: str) -> None:
        local = name.rpartition(" ")[2]
        if local in _OF_DOCUMENT and "office" in name:
            self._scripts -= 1
        if local != self._collecting:
            return
        self._collecting, content = "", "".join(self._pieces)
        if local == "binary-data":
            self._inspection.hand_on(content)
        else:
            self._inspection.modules.append((self._name or "a module", content))
