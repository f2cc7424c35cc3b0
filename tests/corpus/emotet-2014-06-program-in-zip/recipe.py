from gateway.samples import mail as samples
from tests.makers import museum

PROGRAM = b"MZ" + bytes(58) + b"\x40\x00\x00\x00PE\x00\x00" + bytes(200)
TEXT = "Sehr geehrter Kunde,\nanbei erhalten Sie Ihre Mobilfunk-Rechnung vom Juni.\n"


def sent(name: str, content: bytes) -> bytes:
    return museum.letter("Ihre Rechnung Juni 2014", TEXT, {"Rechnung_2014_06.zip": samples.zipped(name, content)})


FILES = {
    "armed.eml": lambda: sent("Rechnung_2014_06_11_ihre_nummer_0049.pdf.exe", PROGRAM),
    "clean.eml": lambda: sent("Rechnung_2014_06.txt", b"Rechnung ueber 19,99 Euro\r\n"),
}
