import base64
from collections.abc import Callable

from gateway import samples

ARMED, CLEAN = samples.doc_autoopen(), samples.doc()
TOP = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
TEXT = b"Content-Type: text/plain\r\n\r\nhello\r\n"
FILE = b"Content-Type: application/octet-stream; name=a.doc\r\n"


def escaped(content: bytes, soft: bytes = b"=\r\n") -> bytes:
    lines = [content[at : at + 20] for at in range(0, len(content), 20)]
    return soft.join(b"".join(b"=%02X" % byte for byte in line) for line in lines)


def part(content: bytes, soft: bytes = b"=\r\n", gap: bytes = b"\r\n") -> bytes:
    return FILE + b"Content-Transfer-Encoding: quoted-printable\r\n" + gap + escaped(content, soft)


def letter(attached: bytes, kind: bytes = b"multipart/mixed; boundary=B", end: bytes = b"\r\n--B--\r\n") -> bytes:
    return TOP + b"Content-Type: " + kind + b"\r\n\r\n--B\r\n" + TEXT + b"--B\r\n" + attached + end


def forwarded(content: bytes) -> bytes:
    inner = b"Received: by many\r\n" * 9000 + letter(part(content))
    head = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return letter(head + base64.encodebytes(inner).replace(b"\n", b"\r\n"))


HIDINGS: dict[str, Callable[[bytes], bytes]] = {
    "no-close-delimiter": lambda content: letter(part(content), end=b""),
    "no-empty-line": lambda content: letter(part(content, gap=b"")),
    "blank-line": lambda content: letter(part(content, gap=b" \t\r\n")),
    "soft-break-with-blanks": lambda content: letter(part(content, soft=b"= \t\r\n")),
    "boundary-and-a-word": lambda content: letter(part(content), b"multipart/mixed; boundary=B x"),
    "type-in-encoded-word": lambda content: letter(part(content), b"=?us-ascii?q?multipart/mixed=3B?= boundary=B"),
    "five-boundaries": lambda content: letter(
        part(content),
        b"".join(b"multipart/mixed; boundary=%d\r\nContent-Type: " % n for n in range(5)) + b"a/b; boundary=B",
    ),
    "indented-delimiters": lambda content: letter(part(content)).replace(b"\r\n--B", b"\r\n --B"),
    "forwarded-in-base64": forwarded,
}

FILES = {
    f"{name}-{kind}.eml": (lambda hide=hide, content=content: hide(content))
    for name, hide in HIDINGS.items()
    for kind, content in (("armed", ARMED), ("clean", CLEAN))
}
