import pytest

from gateway.closed_sets import FileType, Kind
from gateway.scan.documents import spreadsheetml
from gateway.scan.look import Corrupt
from gateway.scan.sniff import sniff
from tests.unit.scan.documents.recorder import looked_into

HEAD = (
    '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>'
    '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:x="urn:schemas-microsoft-com:office:excel" '
    'xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
)


def book(cell: str) -> bytes:
    return f'{HEAD}<Worksheet ss:Name="S"><Table><Row>{cell}</Row></Table></Worksheet></Workbook>'.encode()


@pytest.mark.parametrize(
    ("cell", "kinds"),
    [
        ("<Cell ss:Formula=\"=cmd|'/c calc'!A0\"/>", [Kind.DDE]),
        ('<Cell ss:Formula="=cmd&#124;&#39;/c calc\'!A0"/>', [Kind.DDE]),
        ("<Cell ss:Formula='=EXEC(\"calc.exe\")'/>", [Kind.XLM_MACRO]),
        (
            "<x:QueryTable><x:RefreshOnFileOpen/><x:URLString>http://example.com/a</x:URLString></x:QueryTable>",
            [Kind.REMOTE_TEMPLATE],
        ),
        ("<x:QueryTable><x:URLString>http://example.com/a</x:URLString></x:QueryTable>", []),
        ('<Cell ss:Formula="=SUM(R1C1)"><Data ss:Type="Number">1</Data></Cell>', []),
        ('<Cell ss:HRef="http://example.com/"><Data ss:Type="String">a|b!</Data></Cell>', []),
    ],
)
def test_what_a_cell_can_do(cell, kinds):
    data = book(cell)
    assert sniff(data) is FileType.EXCEL_XML
    assert looked_into(spreadsheetml.inspect, data).kinds == kinds


def test_the_encoding_does_not_matter():
    data = book("<Cell ss:Formula=\"=cmd|'/c calc'!A0\"/>").decode().replace('"1.0"', '"1.0" encoding="utf-16"', 1)
    assert sniff(data.encode("utf-16")) is FileType.EXCEL_XML
    assert looked_into(spreadsheetml.inspect, data.encode("utf-16")).kinds == [Kind.DDE]


def test_what_comes_before_a_break_is_told():
    data = book("<Cell ss:Formula=\"=cmd|'/c calc'!A0\"/>")[:-20] + b"<&"
    with pytest.raises(Corrupt):
        looked_into(spreadsheetml.inspect, data)
