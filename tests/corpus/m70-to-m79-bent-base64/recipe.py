import base64
import re
from collections.abc import Callable

from gateway import samples
from tests.makers import mail

ARMED, CLEAN, TEXT = samples.doc_autoopen(), samples.doc(), b"Nothing but words, and a few more of them.\r\n" * 40


def cut(text: bytes, size: int) -> list[bytes]:
    return [text[at : at + size] for at in range(0, len(text), size)]


def chunked(content: bytes, size: int) -> bytes:
    return b"".join(base64.b64encode(piece) for piece in cut(content, size))


def lines(encoded: bytes, width: int = 76) -> bytes:
    return b"\r\n".join(cut(encoded, width)) + b"\r\n"


plain = base64.b64encode
ONE_READING: dict[str, Callable[[bytes], bytes]] = {
    "m70-blanks": lambda content: b" ".join(cut(plain(content), 1)),
    "m70-vertical-tabs": lambda content: b"\v".join(cut(plain(content), 1)),
    "m70-empty-lines": lambda content: b"\r\n\r\n".join(cut(plain(content), 3)),
    "m71-hash": lambda content: b"#".join(cut(plain(content), 1)),
    "m75-padding-too-much": lambda content: lines(plain(content)).rstrip() + b"===\r\n",
    "m75-padding-missing": lambda content: lines(plain(content + b"\0" * (4 - len(content) % 3)).rstrip(b"=")),
    "m77-lines-of-five": lambda content: lines(plain(content), 5),
    "m77-mixed-lines": lambda content: lines(plain(content)[:40], 8) + lines(plain(content)[40:]),
    "m77-one-line": plain,
}
SEVERAL_READINGS: dict[str, Callable[[bytes], bytes]] = {
    "m78-other-alphabet": lambda content: lines(base64.urlsafe_b64encode(content)),
    "m71-dash": lambda content: lines(b"-".join(cut(plain(content), 1))),
    "m71-dot": lambda content: lines(b".".join(cut(plain(content), 4))),
    "m71-words-behind-a-hash": lambda content: b"\r\n".join(line + b"#abcd0123" for line in cut(plain(content), 64)),
    "m72-uuencode-frame": lambda content: b"begin-base64 744 x\r\n" + lines(plain(content)) + b"====\r\n",
    "m72-a-letter-before": lambda content: b"A\r\n\r\n" + lines(plain(content)),
    "m72-three-letters-before": lambda content: b"ABC\r\n\r\n" + lines(plain(content)),
    "m73-two-chunks": lambda content: plain(content[:4099]) + b"\r\n" + lines(plain(content[4099:])),
    "m74-a-chunk-for-two-bytes": lambda content: lines(chunked(content, 2)),
    "m74-a-chunk-for-each-byte": lambda content: lines(chunked(content, 1)),
    "m75-padding-in-groups": lambda content: re.sub(rb"(..)(..)", rb"\1=\2", plain(content)),
    "m75-padding-before-lines": lambda content: b"\r\n".join(b"=" + line for line in cut(plain(content), 76)),
    "m75-half-the-padding": lambda content: lines(chunked(content, 1).replace(b"==", b"=")),
    "m76-padding-as-a-letter": lambda content: re.sub(rb"A(?=.{9})", b"=", plain(content)),
    "m76-padding-within": lambda content: re.sub(rb"(.)(..)=", rb"\1=\2", chunked(content, 2)),
    "m76-zeros-before-padding": lambda content: chunked(content, 1).replace(b"A==", b"=A="),
    "m77-a-letter-too-much": lambda content: b"\r\n".join(line + b"X" for line in cut(plain(content), 4)),
    "m79-innocent-first": lambda content: plain(b"hello, hello\n") + b"\r\n" + lines(plain(content)),
    "m79-innocent-behind": lambda content: (
        lines(plain(content + b"\0" * (1 + len(content) % 3))) + plain(b"and a few words")
    ),
}


def letter(body: bytes) -> bytes:
    attached = mail.fields(
        {"Content-Type": "application/octet-stream; name=a.doc", "Content-Transfer-Encoding": "base64"}
    )
    return mail.message([mail.text(), attached + b"\r\n" + body])


FILES = {
    f"{name}-{kind}.eml": (lambda bend=bend, content=content: letter(bend(content)))
    for readings, kinds in (
        (ONE_READING, {"armed": ARMED, "clean": CLEAN}),
        (SEVERAL_READINGS, {"armed": ARMED, "clean": TEXT}),
    )
    for name, bend in readings.items()
    for kind, content in kinds.items()
} | {
    f"{name}-document-held.eml": (lambda bend=SEVERAL_READINGS[name]: letter(bend(CLEAN)))
    for name in ("m73-two-chunks", "m79-innocent-first")
}
