from gateway import samples
from tests.makers.mail import encode, raw
from tests.makers.odd_mail import LETTER, TYPE, WORDS, letter

HEAD = raw(LETTER.partition("Content-Type")[0])


def encoded(content: bytes, coding: str, kind: str = TYPE) -> bytes:
    body = letter(content, ()).partition(b"\r\n\r\n")[2]
    return HEAD + raw(f"{kind}Content-Transfer-Encoding: {coding}\n\n") + encode(body, coding)


def said_only(content: bytes, coding: str) -> bytes:
    return letter(content, (TYPE, f"{TYPE}Content-Transfer-Encoding: {coding}\n"))


CONTENTS = (("armed", samples.doc_autoopen()), ("clean", WORDS))

FILES = (
    {
        f"{way.__name__}-{coding}-{word}.eml": lambda way=way, coding=coding, content=content: way(content, coding)
        for way in (encoded, said_only)
        for coding in ("base64", "quoted-printable")
        for word, content in CONTENTS
    }
    | {
        f"no-boundary-{word}.eml": lambda content=content: encoded(content, "base64", "Content-Type: multipart/mixed\n")
        for word, content in CONTENTS
    }
    | {"said_only-noted.eml": lambda: said_only(samples.doc(), "quoted-printable")}
)
