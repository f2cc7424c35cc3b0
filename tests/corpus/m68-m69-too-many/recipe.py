from gateway import samples
from tests.makers.mail import fields, message, multipart, part, raw, text


def nested(levels: int, inside: bytes) -> bytes:
    for level in range(levels):
        kind = {"Content-Type": f"multipart/mixed; boundary=b{level}"}
        inside = fields(kind) + b"\r\n" + multipart([inside], boundary=f"b{level}")
    return inside


def self_similar() -> bytes:
    """Each part is every other one's body again: two boundaries that divide each other, on every level."""
    level = "Content-Type: multipart/mixed; boundary=a; boundary=b\n\n--a\n--b\n"
    return raw(level * 60 + "\nx\n" + "--b\n--a\n" * 60)


FILES = {
    "parts-clean.eml": lambda: message([text("x\n")] * 1000),
    "parts-armed.eml": lambda: message([text("x\n")] * 2100 + [part(samples.doc_autoopen())]),
    "levels-clean.eml": lambda: nested(100, text("x\n")),
    "levels-armed.eml": lambda: nested(101, part(samples.doc_autoopen())),
    "self-similar-noted.eml": self_similar,
    "digests-noted.eml": lambda: b"Content-Type: multipart/digest; boundary=a\r\n\r\n--a\r\n\r\n" * 200,
}
