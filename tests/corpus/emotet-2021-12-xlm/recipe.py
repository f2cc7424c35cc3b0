from gateway import samples
from tests.makers import museum


def sent(name: str, document: bytes) -> bytes:
    return museum.reply("order 2112", "FYI\n", {name: document})


FILES = {
    "armed-hidden.eml": lambda: sent("order.xls", samples.xls_xlm_auto_open(1)),
    "armed-very-hidden.eml": lambda: sent("order.xls", samples.xls_xlm_auto_open(2)),
    "armed-xlsm.eml": lambda: sent("order.xlsm", samples.xlsm_xlm_auto_open()),
    "clean.eml": lambda: sent("order.xls", samples.xls()),
}
