"""Workbooks of Excel 2003 in XML: formulas that act go, and the values they had stay."""

from __future__ import annotations

import pytest

from gateway.scan.disarm import CannotDisarm
from tests.unit.scan.disarm.stand_in import run

SPREADSHEET = "urn:schemas-microsoft-com:office:spreadsheet"
SUM = ' ss:Formula="=SUM(RC[1]:RC[2])"'
DDE = " ss:Formula=\"=cmd|'/c echo inert'!A0\""
CALL = ' ss:Formula=\'=CALL("inert","inert","J")\''
NAME = '<NamedRange ss:Name="a" ss:RefersTo="=EXEC(&quot;inert&quot;)"/>'
QUERY = "<x:QueryTable>{}<x:URLString>http://host.example/t</x:URLString></x:QueryTable>"


def book(cell: str = "", names: str = "", more: str = "") -> bytes:
    return (
        '<?xml version="1.0"?>\r\n<?mso-application progid="Excel.Sheet"?>\r\n'
        f'<Workbook xmlns="{SPREADSHEET}" xmlns:ss="{SPREADSHEET}" xmlns:x="urn:schemas-microsoft-com:office:excel">'
        f'<Names>{names}</Names><Worksheet ss:Name="Größe"><Table><Row><Cell{SUM}><Data>2</Data></Cell>'
        f'<Cell{cell} ss:StyleID="s1"><Data ss:Type="Number">1</Data></Cell></Row></Table>{more}</Worksheet></Workbook>'
    ).encode()


WAYS = {
    "DDE": (book(DDE), book(), "formulas that start another program"),
    "letters by number": (book(DDE.replace("|", "&#124;")), book(), "formulas that start another program"),
    "a function of macros": (book(CALL), book(), "formulas that start another program"),
    "a name": (book(names=NAME), book(), "formulas that start another program"),
    "a query": (
        book(more=QUERY.format("<x:RefreshOnFileOpen/>")),
        book(more=QUERY.format("")),
        "that it fetches data as soon as it is opened",
    ),
}


@pytest.mark.parametrize(("armed", "left", "removed"), WAYS.values(), ids=WAYS)
def test_what_acts_goes_and_nothing_else(armed: bytes, left: bytes, removed: str) -> None:
    result = run(armed, "x.xml")
    assert result.content == left
    assert (result.name, result.media_type, result.removed) == ("x.xml", "application/xml", (removed,))


def test_a_workbook_that_is_called_one_is_sent_as_one() -> None:
    assert run(book(DDE), "x.xls").media_type == "application/vnd.ms-excel"


REFUSED = {
    "UTF-16": (book(DDE).decode().replace('"1.0"', '"1.0" encoding="UTF-16"').encode("utf-16"), "unusual encoding"),
    "cut off": (book(DDE)[:-10], "not sound XML"),
    "a server and a topic": (
        book(more="<x:Server>cmd</x:Server><x:Topic>/c inert</x:Topic>"),
        "nothing that could be taken out",
    ),
}


@pytest.mark.parametrize(("data", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_certain_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(CannotDisarm, match=why):
        run(data, "x.xml")
