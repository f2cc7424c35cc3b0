from gateway import samples
from gateway.samples import vba
from gateway.samples.compound import compound_file, streams_of
from tests.makers import xlm

VBA = 'Private Sub Workbook_Open()\n  If False Then ExecuteExcel4Macro "RUN(""Macro1!R1C1"")"\nEnd Sub\n'


def _from_vba() -> bytes:
    project = streams_of(vba.project(samples.excel.xlsm(VBA)), under=("_VBA_PROJECT_CUR",))
    return compound_file({("Workbook",): xlm.stream(hidden=2), **project}, xlm.EXCEL)


FILES = {
    "armed-hidden-exec.xls": lambda: xlm.xls(xlm.stream(hidden=2, formulas=xlm.dangerous())),
    "armed-hidden-event.xls": lambda: xlm.xls(
        xlm.stream(hidden=1, formulas=(xlm.command(xlm.ON_TIME, xlm.number(1), xlm.text("M")),))
    ),
    "armed-visible-exec.xls": lambda: xlm.xls(xlm.stream(hidden=0, formulas=xlm.dangerous())),
    "armed-honest.xls": lambda: xlm.xls(xlm.stream(hidden=1)),
    "armed-workbook-open.xls": _from_vba,
    "clean.xls": samples.xls,
}
