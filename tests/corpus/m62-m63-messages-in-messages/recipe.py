from collections.abc import Callable

from gateway import samples
from tests.makers.mail import message, part, single, text
from tests.makers.odd_mail import WORDS, letter


def forwarded(content: bytes, kind: str, coding: str = "", name: str = "") -> bytes:
    return message([text(), part(letter(content, ()), kind, coding=coding, name=name)])


def deep(content: bytes, levels: int, coding: str) -> bytes:
    made = letter(content, ())
    for _ in range(levels):
        made = single(made, "message/rfc822", coding=coding)
    return made


WAYS: dict[str, Callable[[bytes], bytes]] = {
    "rfc822": lambda content: forwarded(content, "message/rfc822"),
    "rfc822-base64": lambda content: forwarded(content, "message/rfc822", "base64"),
    "rfc822-quoted-printable": lambda content: forwarded(content, "message/rfc822", "quoted-printable"),
    "global": lambda content: forwarded(content, "message/global", "8bit"),
    "global-base64": lambda content: forwarded(content, "message/global", "base64"),
    "text-rfc822": lambda content: forwarded(content, "text/rfc822"),
    "as-a-file": lambda content: forwarded(content, "application/octet-stream", "base64", "mail.eml"),
    "as-text": lambda content: forwarded(content, "text/plain", "base64"),
    "digest": lambda content: message([b"\r\n" + letter(content, ())], subtype="digest"),
    "digest-encoded": lambda content: message([part(letter(content, ()), "message/rfc822")], subtype="digest"),
    "fifty-deep": lambda content: deep(content, 50, "7bit"),
    "five-deep-encoded": lambda content: deep(content, 5, "base64"),
}

FILES = {
    f"{name}-{word}.eml": lambda way=way, content=content: way(content)
    for name, way in WAYS.items()
    for word, content in (("armed", samples.doc_autoopen()), ("clean", WORDS))
} | {
    "too-deep-held.eml": lambda: deep(WORDS, 101, "7bit"),
    "too-deep-encoded-held.eml": lambda: deep(WORDS, 20, "base64"),
}
