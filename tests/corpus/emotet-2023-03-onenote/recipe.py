from tests.makers import museum, onenote

SCRIPT = b"<job><script language='JScript'>// INERT: nothing is run here\r\n</script></job>"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(100)


def sent(content: bytes) -> bytes:
    return museum.reply("Message details", "See the attached file.\n", {"Detail_03.16.2023.one": content})


FILES = {
    "armed.eml": lambda: sent(onenote.section(PICTURE, SCRIPT)),
    "clean.eml": lambda: sent(onenote.section(PICTURE)),
}
