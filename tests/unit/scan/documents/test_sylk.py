import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.message import Kind
from gateway.scan.documents.sylk import inspect
from tests.unit.scan.documents.recorder import looked_into


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("ID;P\r\nO;E\r\nNN;NAuto_open;ER1C1;F\r\nC;X1;Y1;EHALT()\r\nE\r\n", [Kind.XLM_AUTOEXEC]),
        ("ID;P\nO;E\nNN;NTotal;ER1C1\nE\n", [Kind.XLM_MACRO]),
        ("ID;P\nNN;NAuto_open;ER1C1\nE\n", []),
        ("ID;PWXL;N;E\nC;Y1;X1;K1\nE\n", []),
        ("Dear all,\nO;E\nNN;NAuto_open\n", []),
        ("", []),
    ],
)
def test_a_macro_sheet_in_text(text, kinds):
    assert looked_into(inspect, text.encode()).kinds == kinds


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read(data):
    looked_into(inspect, b"ID;P\n" + data)
