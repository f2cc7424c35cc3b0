import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.closed_sets import Kind, Verdict
from gateway.scan.documents import text_tables
from gateway.scan.look import Blob
from tests.unit.scan.documents.recorder import Recorder, looked_into

CSV = b"name,amount\r\nA,=cmd|'/c calc'!A0\r\n"


@pytest.mark.parametrize(
    "data",
    [
        CSV,
        b"\xef\xbb\xbf" + CSV,
        CSV.decode().encode("utf-16"),
        b"\xfe\xff" + CSV.decode().encode("utf-16-be"),
        b"<html><table><tr><td>=cmd|'/c calc'!A0</td></tr></table>",
        b"<table><td class=xl65><font>=cmd|&#39;/c calc&#39;!A0</font></td></table>",
        b"<table><td x:fmla=\"=cmd|'/c calc'!A0\">1</td></table>",
        b"A,B\n" * 5000 + CSV,
    ],
)
def test_dde_in_a_table(data):
    look = looked_into(text_tables.inspect, data)
    assert look.kinds == [Kind.DDE]
    assert "cmd|/c calc" in look.findings[0].detail


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"WEB\r\n1\r\nhttp://example.com/a.dat\r\n", "web query"),
        (b"web\n1\n\\\\example.com\\a\n", "web query"),
        (b"XLODBC\r\n1\r\nDRIVER=SQL Server;SERVER=example.com\r\n", "database query"),
        (b"QueryType=OLEDB\r\nVersion=1\r\nCommandType=Table\r\nConnection=Provider=MSDASQL;x\r\n", "OLE DB query"),
        (
            b'<html xmlns:o="urn:schemas-microsoft-com:office:office"><xml><odc:OfficeDataConnection>'
            b"<odc:ConnectionString>Provider=x</odc:ConnectionString>",
            "Office data connection",
        ),
    ],
)
def test_query_files(data, what):
    for form in (data, b"\xef\xbb\xbf" + data, data.decode().encode("utf-16")):
        look = looked_into(text_tables.inspect, form)
        assert look.kinds == [Kind.SCRIPT_CARRIER]
        assert look.verdict is Verdict.SUSPICIOUS
        assert what in look.findings[0].detail


def test_a_web_query_without_its_head_is_known_by_its_name():
    look = Recorder()
    text_tables.inspect(Blob(b"http://example.com/a.dat\r\n", "2/a.iqy", "a.IQY"), look)
    assert look.kinds == [Kind.SCRIPT_CARRIER]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"a,b\r\n-1,=SUM(A1)\r\n",
        b"http://example.com/a.dat\r\n",
        b"WEB\r\ndesign is easy\r\n",
        b"<p>=cmd|'/c calc'!A0</p>",
        b"\x89PNG\r\n\x1a\n\x01\x02" + CSV,
        b"<td>=A1|B1</td>",
    ],
)
def test_nothing_to_find(data):
    assert not looked_into(text_tables.inspect, data).findings


@given(st.binary(max_size=2000))
def test_any_bytes_are_survived(data):
    looked_into(text_tables.inspect, data)
