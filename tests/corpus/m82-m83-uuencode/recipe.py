import re

from gateway import samples
from tests.makers import mail

CONTENTS = {"armed": samples.doc_autoopen(), "clean": samples.doc()}
FRAMES = {
    "framed": lambda block: block,
    "no-end": lambda block: block.replace(b"`\r\nend\r\n", b""),
    "no-frame": lambda block: re.sub(rb"^begin.*\n|`\r\nend\r\n", b"", block),
}


def coded(content: bytes, word: str, frame: str) -> bytes:
    fields = mail.fields({"Content-Type": "application/msword; name=a.doc", "Content-Transfer-Encoding": word})
    return mail.message([mail.text(), fields + b"\r\n" + FRAMES[frame](mail.uuencode(content))])


def inline(content: bytes) -> bytes:
    body = mail.raw("Dear all,\n\nhere it is:\n\n") + mail.uuencode(content, "Invoice 7.doc") + mail.raw("\nRegards\n")
    return mail.fields({"From": "a@example.com", "Subject": "Invoice"}) + b"\r\n" + body


FILES = {
    f"m82-{word}-{frame}-{kind}.eml": (lambda content=content, word=word, frame=frame: coded(content, word, frame))
    for word, frame in (
        *((word, "framed") for word in ("x-uuencode", "uuencode", "x-uue", "uue", "x-uu")),
        ("uuencode", "no-end"),
        ("x-uu", "no-frame"),
    )
    for kind, content in CONTENTS.items()
} | {f"m83-inline-{kind}.eml": (lambda content=content: inline(content)) for kind, content in CONTENTS.items()}
