from gateway import samples
from gateway.samples.package import package, parts_of
from tests.makers import xlm

NAME = xlm.lbl("\x01", flags=0x20)


def _xlsm(old: bytes, new: bytes) -> bytes:
    parts = parts_of(samples.xlsm_xlm_auto_open())
    return package({**parts, "xl/workbook.xml": parts["xl/workbook.xml"].replace(old, new)})


FILES = {
    **{f"armed-state-{state}.xls": lambda s=state: xlm.xls(xlm.stream(NAME, hidden=s)) for state in (1, 2, 3, 255)},
    "armed-no-title.xls": lambda: xlm.xls(xlm.stream(NAME, title="")),
    "armed-nul-title.xls": lambda: xlm.xls(xlm.stream(NAME, title="\0")),
    "armed-very-hidden.xlsm": lambda: _xlsm(b'"hidden"', b'"veryHidden"'),
    "armed-unknown-state.xlsm": lambda: _xlsm(b'"hidden"', b'"gone"'),
    "armed-no-title.xlsm": lambda: _xlsm(b'"Macro1"', b'""'),
    "armed-very-hidden.xlsb": samples.xlsb_xlm_auto_open,
    "clean-hidden.xls": lambda: xlm.xls(xlm.stream(hidden=2, kind=0x10)),
}
