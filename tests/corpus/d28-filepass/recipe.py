from gateway.samples.biff import MACRO_SHEET, WORKSHEET, Sheet, workbook_stream
from gateway.samples.compound import compound_file
from tests.makers import locks, mail

SHEET = Sheet("Sheet1", WORKSHEET)
QUIET = workbook_stream([SHEET])
RUNNING = workbook_stream([SHEET, Sheet("Macro1", MACRO_SHEET, 2)], auto_open=1)


def locked(stream: bytes, password: str) -> bytes:
    return compound_file({("Workbook",): locks.workbook_rc4(stream, password)})


def sent(stream: bytes) -> bytes:
    book = mail.part(locked(stream, "Rechnung-0815"), "application/vnd.ms-excel", name="rechnung.xls")
    return mail.message([mail.text("Anbei die Rechnung.\n\nPasswort: Rechnung-0815\n"), book])


FILES = {
    "armed-default-password.xls": lambda: locked(RUNNING, "VelvetSweatshop"),
    "armed-password-in-the-body.eml": lambda: sent(RUNNING),
    "armed-unknown-password.xls": lambda: locked(RUNNING, "nobody knows"),
    "clean-default-password.xls": lambda: locked(QUIET, "VelvetSweatshop"),
    "clean-password-in-the-body.eml": lambda: sent(QUIET),
}
