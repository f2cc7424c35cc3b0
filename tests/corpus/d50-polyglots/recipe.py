from gateway import samples
from gateway.samples.mail import zipped
from tests.makers.hidings import ARMED, CLEAN, files

RTF = b"{\\rtf1\\ansi some text\\par}"
PROGRAM = b"MZ" + bytes(58) + (64).to_bytes(4, "little") + b"PE\x00\x00" + bytes(400)


def inner(content: bytes) -> bytes:
    return zipped("a.doc", content)


HIDINGS = {
    "pdf": lambda content: b"%PDF-1.4\n%%EOF\n" + inner(content),
    "jpeg": lambda content: b"\xff\xd8\xff\xe0" + bytes(200) + b"\xff\xd9" + inner(content),
    "gif": lambda content: b"GIF89a" + bytes(30) + b";" + inner(content),
    "large-bitmap": lambda content: b"\x89PNG\r\n\x1a\n" + bytes(5 << 20) + inner(content) + bytes(5 << 20),
    "rtf": lambda content: RTF + inner(content),
    "html": lambda content: b"<html><body>hello</body></html>" + inner(content),
    "text": lambda content: b"hello\r\n" * 20_000 + inner(content),
}

FILES = files(HIDINGS, armed=ARMED, clean=CLEAN) | {
    "armed-program.exe": lambda: PROGRAM + inner(ARMED),
    "armed-word-in-picture.docm": lambda: b"\xff\xd8\xff\xe0" + bytes(200) + samples.docm_autoopen(),
}
