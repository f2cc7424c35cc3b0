import re

from gateway import samples
from tests.makers import mail

CONTENTS = {"armed": samples.doc_autoopen(), "clean": b"Gr\xc3\xbc\xc3\x9fe, 1+1=2\r\n" * 30}
# what stands before the two digits of each escape, and what behind
BENT = {
    "m80-small-letters": ("=", "", "02x"),
    "m80-soft-break-everywhere": ("=", "=\r\n", "02X"),
    "m80-blank-soft-break": ("=", "= \t\r\n", "02X"),
    "m80-two-signs": ("==", "=\r\n", "02X"),
    "m80-half-an-escape": ("=4=", "=\r\n", "02X"),
    "m80-no-escape": ("=XX=", "=\r\n", "02X"),
    "m80-sign-and-blank": ("= =", "=\r\n", "02X"),
    "m80-control-character": ("\x12=", "=\r\n", "02X"),
    "m80-sign-at-the-end": ("=", "==\r\n", "02X"),
    "m81-lf": ("=", "=\n", "02X"),
    "m81-cr": ("=", "=\r", "02X"),
    "m81-crcrlf": ("=", "=\r\r\n", "02X"),
    "m81-crlflf": ("=", "=\r\n\n", "02X"),
    "m81-no-soft-break": ("=", "\r\n", "02X"),
}


def bent(content: bytes, before: str, behind: str, digits: str) -> bytes:
    return "".join(before + format(byte, digits) + behind for byte in content).encode()


def split(content: bytes) -> bytes:
    """Line ends between the two digits of an escape."""
    return re.sub(rb"(=.)(.)(=..)", rb"\1=\r\n\2\3", bent(content, "=", "", "02X"))


def letter(body: bytes) -> bytes:
    fields = {"Content-Type": "application/msword; name=a.doc", "Content-Transfer-Encoding": "quoted-printable"}
    return mail.message([mail.text(), mail.fields(fields) + b"\r\n" + body])


FILES = {
    f"{name}-{kind}.eml": (lambda bend=bend, content=content: letter(bent(content, *bend)))
    for name, bend in BENT.items()
    for kind, content in CONTENTS.items()
} | {f"m81-split-{kind}.eml": (lambda content=content: letter(split(content))) for kind, content in CONTENTS.items()}
