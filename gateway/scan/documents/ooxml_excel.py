"""Excel workbooks since 2007: macro sheets, DDE, and formulas that reach out of the workbook.

Contract: ``inspect_workbook`` is asked for every package and does nothing for one without sheets. A macro sheet is
found by relationship, by content type, by folder, by its own root element, and in a binary workbook by functions that
only macro sheets have, so mislabelling it does not hide it. What cannot be read is told in ``package.unreadable``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.closed_sets import Kind, Verdict
from gateway.scan.documents import ooxml_cells, ooxml_data, xlm, xlm_code, xlsb
from gateway.scan.documents.cell_dde import starts_program
from gateway.scan.documents.opc import Element, Package, elements, is_xml, parse
from gateway.scan.documents.parsed_formula import Reader
from gateway.scan.documents.remote import is_remote
from gateway.scan.look import Blob, Corrupt, Look

_SHEET_RELATIONS = frozenset({"worksheet", "xlmacrosheet", "xlintlmacrosheet", "chartsheet", "dialogsheet"})
_MACRO_RELATIONS = frozenset({"xlmacrosheet", "xlintlmacrosheet"})
_SHEET_STATE = {"hidden": "hidden", "veryhidden": "very hidden"}
_NOTED = (("RTD", "a program for live data (RTD)"), ("PY", "Python in Microsoft's cloud"))
_MACRO_FUNCTIONS = ("EXEC", "CALL", "REGISTER", "REGISTER.ID")


@dataclass(slots=True)
class _Book:
    """The workbook parts of a package: titles and states by part name, defined names, and how to read formulas."""

    titles: dict[str, tuple[str, str]] = field(default_factory=dict)
    names: list[tuple[str, str]] = field(default_factory=list)
    reader: Reader = field(default_factory=lambda: Reader(12))


def inspect_workbook(package: Package, blob: Blob, look: Look) -> None:
    """Report what can act in the sheets of a workbook and in what it is linked to."""
    sheets = sheets_of(package)
    if not sheets and not any(r.kind == "externallink" for r in package.relations):
        return
    book = _read_book(package, look)
    macros = xlm.Workbook()
    for name, marked in sheets.items():
        look.budget.check_time()
        for content in package.read(name):
            try:
                _read_sheet(name, content, book, macros, look, blob, marked=marked)
            except Corrupt as error:
                package.unreadable.setdefault(name, str(error))
    for defined, refers in book.names:
        macros.define(defined, refers)
    xlm.tell(macros, blob.where, look)
    _tell_links(package, blob, look)
    ooxml_data.inspect_connections(package, blob, look)


def sheets_of(package: Package) -> dict[str, bool]:
    """Every part that may be a sheet, and whether the package calls it a macro sheet."""
    related = {r.target: r.kind in _MACRO_RELATIONS for r in package.relations if r.kind in _SHEET_RELATIONS}
    found: dict[str, bool] = {}
    for name in package.parts:
        if "/_rels/" in name or "binaryindex" in name:
            continue
        kind = package.content_type(name)
        if related.get(name) or "macrosheet" in kind or "/macrosheets/" in name:
            found[name] = True
        elif name in related or "worksheet" in kind or "/worksheets/" in name:
            found[name] = False
    return found


def _read_sheet(
    name: str, content: bytes, book: _Book, macros: xlm.Workbook, look: Look, blob: Blob, *, marked: bool
) -> None:
    title, state = book.titles.get(name, (name, "unlisted"))
    if not is_xml(content):
        if marked or xlsb.may_be_macro_sheet(content):
            _read_binary(content, title, state, book, macros, look, marked=marked)
    elif marked or ooxml_cells.is_macro_sheet(content):
        macros.macro_sheets.append((title, state))
        ooxml_cells.read_formulas(content, title, macros)
    else:
        _tell_cells(ooxml_cells.reaching(content), title, blob, look)


def reaches_out(found: dict[str, str]) -> bool:
    """Whether what ``ooxml_cells`` finds in formulas is more than a note."""
    address = any(is_remote(part) for part in found.get("WEBSERVICE", "").split('"')[1::2])
    return address or "DDE" in found or not found.keys().isdisjoint(_MACRO_FUNCTIONS)


def _read_binary(
    content: bytes, title: str, state: str, book: _Book, macros: xlm.Workbook, look: Look, *, marked: bool
) -> None:
    found = xlm.Workbook()
    xlsb.read_formulas(content, title, book.reader, found, look.budget)
    if marked or any(xlm_code.is_macro(formula.text) for formula in found.formulas):
        macros.macro_sheets.append((title, state))
        macros.full = macros.full or found.full
        for formula in found.formulas:
            macros.add(formula.sheet, formula.row, formula.column, formula.text)


def _tell_cells(found: dict[str, str], title: str, blob: Blob, look: Look) -> None:
    if "DDE" in found:
        sentence = f"A cell of sheet {title!r} asks another program for data by DDE: {found['DDE']}"
        look.find(Kind.DDE, blob.where, sentence, indicators=[found["DDE"]])
    for name in _MACRO_FUNCTIONS:
        if name in found:
            sentence = f"A cell of sheet {title!r} calls {name}, a function of Excel 4.0 macros"
            look.find(Kind.XLM_MACRO, blob.where, sentence, excerpt=found[name], verdict=Verdict.SUSPICIOUS)
    if "WEBSERVICE" in found:
        formula = found["WEBSERVICE"]
        address = next((part for part in formula.split('"')[1::2] if is_remote(part)), "")
        # without an address it is put together from cells, as forms for currencies and postcodes do
        verdict = Verdict.SUSPICIOUS if address else Verdict.CLEAN
        sentence = f"A cell of sheet {title!r} fetches data from elsewhere when it is calculated: {address or formula}"
        indicators = [address or formula]
        look.find(Kind.REMOTE_TEMPLATE, blob.where, sentence, excerpt=formula, indicators=indicators, verdict=verdict)
    for name, what in _NOTED:
        if name in found:
            sentence = f"A cell of sheet {title!r} asks {what}"
            look.find(Kind.DDE, blob.where, sentence, excerpt=found[name], verdict=Verdict.CLEAN)


def _read_book(package: Package, look: Look) -> _Book:
    book = _Book()
    ids = {(r.source, r.id): r.target for r in package.relations}
    for name in [n for n in package.parts if n.rpartition("/")[2].startswith("workbook.") or _is_workbook(package, n)]:
        for content in package.read(name):
            xml = is_xml(content)
            listed = _read_xml(package, name, content, book) if xml else _read_bin(content, book, look)
            book.titles.update({ids.get((name, relation), ""): (title, state) for title, relation, state in listed})
    return book


def _is_workbook(package: Package, name: str) -> bool:
    kind = package.content_type(name)
    if "main" not in kind:
        return False
    return ("excel" in kind or "spreadsheetml" in kind) and "main" in kind.replace("+", ".").split(".")


def _read_xml(package: Package, name: str, content: bytes, book: _Book) -> list[tuple[str, str, str]]:
    """Sheets as (title, relationship id, how visible); what defined names refer to is the text of their elements."""
    sheets: list[tuple[str, str, str]] = []
    defined: list[list[str]] = []
    inside = False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal inside
        local = tag.rpartition(" ")[2]
        values = {key.rpartition(" ")[2]: value for key, value in attributes.items()}
        inside = local == "definedName"
        if inside:
            defined.append([values.get("name", "")])
        elif local == "sheet":
            state = _SHEET_STATE.get(values.get("state", "").casefold(), "visible")
            sheets.append((values.get("name", ""), values.get("id", ""), state))

    def text(data: str) -> None:
        if inside:
            defined[-1].append(data)

    try:
        parse(content, start, text=text)
    except Corrupt as error:
        package.unreadable.setdefault(name, str(error))
    book.names += [(title, "".join(pieces).strip()) for title, *pieces in defined]
    return sheets


def _read_bin(content: bytes, book: _Book, look: Look) -> list[tuple[str, str, str]]:
    found = xlsb.read_workbook(content, look.budget)
    book.reader = found.reader()
    book.names += [
        (name, book.reader.text(expression) if xlm.may_run(name) else "") for name, expression in found.names
    ]
    return [(sheet.name, sheet.relation, xlm.HIDDEN[sheet.state & 3]) for sheet in found.sheets]


def _tell_links(package: Package, blob: Blob, look: Look) -> None:
    """Links to other workbooks are ordinary; those to another program by DDE are not."""
    related = {r.target for r in package.relations if r.kind == "externallink"}
    for name in package.parts:
        if "/_rels/" in name or not (name in related or "externallink" in name + package.content_type(name)):
            continue
        for content in package.read(name):
            for source in dict.fromkeys(_dde_links(package, name, content, look)):
                sentence = f"Asks another program for data by DDE: {source}"
                look.find(Kind.DDE, blob.where, sentence, indicators=[source])


def _dde_links(package: Package, name: str, content: bytes, look: Look) -> list[str]:
    if not is_xml(content):
        return list(xlsb.dde_sources(content, look.budget))
    try:
        found: list[Element] = elements(content, frozenset({"ddeLink", "oleLink"}))
    except Corrupt as error:
        package.unreadable.setdefault(name, str(error))
        return []
    links = [
        (e.attributes.get("ddeService", ""), e.attributes.get("ddeTopic", "")) for e in found if e.name == "ddeLink"
    ]
    programs = [e.attributes.get("progId", "") for e in found if e.name == "oleLink"]
    return [f"{service}|{topic}" for service, topic in links] + [name for name in programs if starts_program(name)]
