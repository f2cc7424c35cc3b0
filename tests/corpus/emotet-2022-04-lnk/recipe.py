import struct

from gateway.samples import mail as samples
from tests.makers import museum

# MS-SHLLINK 2.1: a header that says the link has a name and arguments (HasName, HasArguments, IsUnicode)
HEAD = struct.pack("<I16sII", 0x4C, bytes.fromhex("0114020000000000C000000000000046"), 0xA4, 0) + bytes(48)


def text(value: str) -> bytes:
    return struct.pack("<H", len(value)) + value.encode("utf-16-le")


def shortcut() -> bytes:
    return HEAD + text("inert") + text("/c echo INERT")


def sent(name: str, content: bytes) -> bytes:
    return museum.reply("Electronic form", "form attached\n", {"form.zip": samples.zipped(name, content)})


FILES = {
    "armed.eml": lambda: sent("INVOICE 2022-04-22_1033, USA.doc.lnk", shortcut()),
    "clean.eml": lambda: sent("INVOICE 2022-04-22_1033, USA.txt", b"Total: 12 USD\r\n"),
}
