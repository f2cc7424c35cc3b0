from gateway.samples import mail as samples
from tests.makers import museum

SCRIPT = b'// INERT: assigns a text to a variable\r\nvar place = "ht" + "tp://example.com/inert";\r\n'


def sent(name: str, content: bytes) -> bytes:
    return museum.letter(
        "DHL delivery note", "Your parcel has arrived.\n", {"DHL_note.zip": samples.zipped(name, content)}
    )


FILES = {
    "armed.eml": lambda: sent("DHL_note_2015.js", SCRIPT),
    "clean.eml": lambda: sent("DHL_note_2015.txt", b"Your parcel is at the office.\r\n"),
}
