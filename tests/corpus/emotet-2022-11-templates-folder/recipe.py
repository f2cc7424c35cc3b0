from gateway import samples
from gateway.samples import mail as sample_mail
from tests.makers import museum


def sent(document: bytes) -> bytes:
    zipped = sample_mail.zipped("Rech 2022.03.11_1047.xls", document)
    return museum.reply("Rechnung", "Guten Tag,\nanbei die Rechnung.\n", {"Rech 2022.03.11_1047.zip": zipped})


FILES = {
    "armed.eml": lambda: sent(samples.xls_xlm_auto_open(2)),
    "clean.eml": lambda: sent(samples.xls()),
}
