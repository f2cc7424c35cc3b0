import base64
from collections.abc import Callable

from tests.makers import hidings, mail
from tests.makers.hidings import ARMED, CLEAN

# (the word in the mail, how Python writes it)
CODECS = (
    ("utf-7", "utf-7"),
    ("utf-16", "utf-16"),
    ("UTF-16LE", "utf-16-le"),
    ("utf-16be", "utf-16-be"),
    ("utf-16", "utf-16-le"),
    ("utf-32", "utf-32"),
    ("utf-32be", "utf-32-be"),
    ("cp037", "cp037"),
    ("IBM500", "cp500"),
    ("x-ebcdic-germany", "cp273"),
    ("ibm01140", "cp1140"),
)
IDLE = {"iso-2022-jp": b"\x1b(J\x1b(B", "iso-2022-kr": b"\x0e\x0f", "hz-gb-2312": b"~{~}"}


def page(content: bytes) -> bytes:
    encoded = base64.b64encode(content)
    return (
        b"<html><body><script>l.href = URL.createObjectURL(new Blob([atob('" + encoded + b"')]));"
        b"l.download = 'a.doc'; l.click()</script></body></html>"
    )


TEXTS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "uuencode": ("text/plain", lambda content: b"Hello\r\n\r\n" + mail.uuencode(content, "a.doc")),
    "base64": ("text/plain", lambda content: b"Hello\r\n\r\n" + mail.encode(content, "base64")),
    "page": ("text/html", page),
}


def letter(kind: str, charset: str, body: bytes) -> bytes:
    return mail.message([mail.text(), mail.part(body, f"{kind}; charset={charset}", coding="base64")])


def in_codec(text: str, charset: str, codec: str) -> hidings.Hide:
    kind, write = TEXTS[text]
    return lambda content: letter(kind, charset, write(content).decode("latin-1").encode(codec))


def all_in_base64(text: str) -> hidings.Hide:
    """UTF-7 may write every letter that way, not only those outside of ASCII."""
    kind, write = TEXTS[text]

    def hide(content: bytes) -> bytes:
        wide = write(content).decode("latin-1").encode("utf-16-be")
        return letter(kind, "unicode-1-1-utf-7", b"+" + base64.b64encode(wide).rstrip(b"=") + b"-")

    return hide


def kept_apart(text: str, charset: str) -> hidings.Hide:
    kind, write = TEXTS[text]

    def hide(content: bytes) -> bytes:
        body = write(content)
        return letter(kind, charset, b"".join(body[at : at + 8] + IDLE[charset] for at in range(0, len(body), 8)))

    return hide


HIDINGS = (
    {
        f"{number}-{codec}-{text}.eml": in_codec(text, charset, codec)
        for number, (charset, codec) in enumerate(CODECS, 1)
        for text in (TEXTS if codec in ("utf-7", "utf-16", "cp037") else ["base64"])
    }
    | {f"utf-7-all-{text}.eml": all_in_base64(text) for text in TEXTS}
    | {f"{charset}-{text}.eml": kept_apart(text, charset) for charset in IDLE for text in ("uuencode", "page")}
)
GREEK = "Καλημέρα, δείτε το συνημμένο.\r\n" * 20
JAPANESE = "添付ファイルをご覧ください。 Hello.\r\n" * 20

FILES = hidings.files(HIDINGS, armed=ARMED) | {
    "clean-utf-16.eml": lambda: letter("text/plain", "utf-16", GREEK.encode("utf-16")),
    "clean-utf-7.eml": lambda: letter("text/plain", "utf-7", GREEK.encode("utf-7")),
    "clean-iso-2022-jp.eml": lambda: letter("text/plain", "iso-2022-jp", JAPANESE.encode("iso2022_jp")),
    "clean-cp037-document.eml": lambda: in_codec("uuencode", "cp037", "cp037")(CLEAN),
}
