"""Excel packages for tests: the sample workbooks with a cell, a part or a label changed."""

from __future__ import annotations

from gateway import samples
from gateway.samples.package import OFFICE, package, parts_of

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SHEET = "xl/worksheets/sheet1.xml"
MACROS = "xl/macrosheets/sheet1.xml"


def formula_cell(formula: str) -> bytes:
    """A workbook with one formula, as it stands in the XML."""
    parts = parts_of(samples.xlsx())
    return package({**parts, SHEET: parts[SHEET].replace(b"<v>", b"<f>" + formula.encode() + b"</f><v>")})


def with_parts(parts: dict[str, str | bytes]) -> bytes:
    """A workbook with further parts, which its directory does not list."""
    return package({**parts_of(samples.xlsx()), **parts})


def macro_formulas(*formulas: str) -> bytes:
    """A workbook with a macro sheet that runs by itself and has these formulas from A1 on."""
    cells = "".join(f'<row r="{n}"><c r="A{n}"><f>{f}</f></c></row>' for n, f in enumerate(formulas, 1))
    parts = parts_of(samples.xlsm_xlm_auto_open())
    head, _, tail = parts[MACROS].partition(b"<sheetData>")
    return package({**parts, MACROS: head + b"<sheetData>" + cells.encode() + tail[tail.index(b"</sheetData>") :]})


def external_link(
    link: str, *, name: str = "xl/externalLinks/externalLink1.xml", relation: str = "externalLink"
) -> bytes:
    """A workbook with an external link part and the relationship to it."""
    parts = parts_of(samples.xlsx())
    rels = parts["xl/_rels/workbook.xml.rels"].decode()
    added = f'<Relationship Id="rId9" Type="{OFFICE}/{relation}" Target="/{name}"/></Relationships>'
    content = f'<externalLink xmlns="{MAIN}">{link}</externalLink>'
    rels = rels.replace("</Relationships>", added)
    return package({**parts, "xl/_rels/workbook.xml.rels": rels, name: content})


def connection(attributes: str, source: str) -> bytes:
    """A workbook with one data connection."""
    content = f'<connections xmlns="{MAIN}"><connection id="1" {attributes}>{source}</connection></connections>'
    return with_parts({"xl/connections.xml": content})


def relabelled(
    data: bytes, changes: dict[str, list[tuple[bytes, bytes]]], renamed: dict[str, str] | None = None
) -> bytes:
    """The package with these replacements in some of its parts, and some parts under another name."""
    parts = parts_of(data)
    for name, replacements in changes.items():
        for old, new in replacements:
            assert old in parts[name], (name, old)
            parts[name] = parts[name].replace(old, new)
    return package({(renamed or {}).get(name, name): content for name, content in parts.items()})
