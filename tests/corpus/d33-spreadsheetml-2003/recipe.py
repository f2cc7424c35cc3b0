_SPREADSHEET = "urn:schemas-microsoft-com:office:spreadsheet"


def _book(cell: str, more: str = "", encoding: str = "utf-8") -> bytes:
    text = (
        f'<?xml version="1.0" encoding="{encoding}"?>\r\n<?mso-application progid="Excel.Sheet"?>\r\n'
        f'<Workbook xmlns="{_SPREADSHEET}" xmlns:ss="{_SPREADSHEET}" xmlns:x="urn:schemas-microsoft-com:office:excel">'
        f'<Worksheet ss:Name="Sheet1"><Table><Row><Cell{cell}><Data ss:Type="Number">1</Data></Cell></Row></Table>'
        f"{more}</Worksheet></Workbook>"
    )
    return text.encode(encoding)


_DDE = " ss:Formula=\"=cmd|'/c echo inert'!A0\""
_QUERY = "<x:QueryTable>{}<x:URLString>http://example.com/table</x:URLString></x:QueryTable>"

FILES = {
    "armed-dde.xml": lambda: _book(_DDE),
    "armed-dde-utf16.xml": lambda: _book(_DDE, encoding="utf-16"),
    "armed-dde-references.xml": lambda: _book(_DDE.replace("|", "&#124;").replace("'", "&apos;")),
    "armed-xlm-function.xml": lambda: _book(' ss:Formula=\'=CALL("inert","inert","J")\''),
    "armed-web-query.xml": lambda: _book("", _QUERY.format("<x:RefreshOnFileOpen/>")),
    "clean.xml": lambda: _book(' ss:Formula="=SUM(RC[1]:RC[2])"'),
    "clean-web-query.xml": lambda: _book("", _QUERY.format("")),
}
