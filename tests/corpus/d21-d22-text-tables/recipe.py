DDE = "=cmd|'/c echo inert'!A0"

CLEAN = """name,amount,contact\r\n"A, B",-12.50,a@example.com\r\n=SUM(B2:B9),+49 30 1234,@example\r\n"""
PIPES = "| name | what | wow! |\r\n|---|---|---|\r\n| a | b|'c'! | d |\r\n"
DIF = 'TABLE\r\n0,1\r\n"EXCEL"\r\nDATA\r\n0,0\r\n""\r\n-1,0\r\nBOT\r\n1,0\r\n"{}"\r\n-1,0\r\nEOD\r\n'
ODC = (
    '<html xmlns:o="urn:schemas-microsoft-com:office:office"><head><meta name=ProgId content=ODC.Table>'
    '<xml id=msodc><odc:OfficeDataConnection xmlns:odc="urn:schemas-microsoft-com:office:odc"><odc:Connection>'
    "<odc:ConnectionString>Provider=SQLOLEDB;Data Source=db.example</odc:ConnectionString></odc:Connection>"
    "</odc:OfficeDataConnection></xml></head></html>"
)

TEXTS = {
    "armed.csv": f"name,what\r\nA,{DDE}\r\n",
    "armed-quoted.csv": f'name,what\r\nA,"{DDE}"\r\n',
    "armed-plus.csv": f"+1{DDE.replace('=', '+')}\r\n",
    "armed-minus.csv": "-1+cmd|'/c echo inert'!A0\r\n",
    "armed-at.csv": "@SUM(1)*cmd|' /c echo inert'!A0\r\n",
    "armed-tab.tsv": f"A\t{DDE}\r\n",
    "armed-semicolon.txt": f"A;{DDE}\r\n",
    "armed-aligned.prn": f"A       {DDE}\r\n",
    "armed-known-server.csv": "=MSEXCEL|inert!A0\r\n",
    "armed-nul.csv": "=c\0m\0d|'/c echo inert'!A0\r\n",
    "armed.dif": DIF.format(DDE),
    "armed.iqy": "WEB\r\n1\r\nhttp://example.com/table.dat\r\n",
    "armed-bare.iqy": "http://example.com/table.dat\r\n",
    "armed.dqy": "XLODBC\r\n1\r\nDRIVER=SQL Server;SERVER=db.example\r\nSELECT 1\r\n",
    "armed.oqy": "QueryType=OLEDB\r\nVersion=1\r\nCommandType=Cube\r\nConnection=Provider=MSOLAP;Data Source=x\r\n",
    "armed.rqy": "QueryType=OLEDB\r\nVersion=1\r\nCommandType=Table\r\nConnection=Provider=MSDASQL;Data Source=x\r\n",
    "armed.odc": ODC,
    "clean.csv": CLEAN,
    "clean-pipes.txt": PIPES,
    "clean.dif": DIF.format("A"),
    "clean.txt": "http://example.com/table.dat\r\n",
}


def _wk1(name: bytes) -> bytes:
    """A worksheet of Lotus 1-2-3 with one named range."""
    named = b"\x0b\x00\x18\x00" + name.ljust(16, b"\0") + bytes(8)
    return b"\x00\x00\x02\x00\x06\x04" + named + b"\x01\x00\x00\x00"


FILES = {name: lambda text=text: text.encode() for name, text in TEXTS.items()}
FILES["armed-utf16.csv"] = lambda: TEXTS["armed.csv"].encode("utf-16")
FILES["clean-utf16.csv"] = lambda: CLEAN.encode("utf-16")
FILES["armed.wk1"] = lambda: _wk1(b"\\0")
FILES["armed-key.wk1"] = lambda: _wk1(b"\\A")
FILES["clean.wk1"] = lambda: _wk1(b"TOTAL")
