import base64
import zlib
from collections.abc import Callable

from gateway import samples
from tests.makers import mail
from tests.makers.wrappers import (
    AUTH_ENVELOPED,
    COMPRESSED,
    ENVELOPED,
    armour,
    cms,
    compressed,
    literal,
    locked,
    packet,
)

CONTENTS = {"armed": samples.doc_autoopen(), "clean": samples.doc()}
SMIME = "application/pkcs7-mime; smime-type="
LINES = [f"Line {number} of a letter, nothing else.\n" for number in range(20)]


def entity(content: bytes) -> bytes:
    """What is signed: a message without the fields of a letter."""
    inner = mail.multipart([mail.text(), mail.part(content, "application/msword", name="a.doc")], boundary="inner")
    return b"Content-Type: multipart/mixed; boundary=inner\r\n\r\n" + inner


def signed(content: bytes) -> bytes:
    """Signed beside the message (RFC 1847 §2.1)."""
    signature = mail.part(cms(None), "application/pkcs7-signature", name="smime.p7s")
    return mail.message([entity(content), signature], subtype='signed; protocol="application/pkcs7-signature"')


def smime(file: bytes, kind: str = "signed-data", name: str = "smime.p7m") -> bytes:
    return mail.single(file, SMIME + kind, coding="base64", name=name)


def clear_signed(content: bytes) -> bytes:
    block = mail.uuencode(content).replace(b"\r\n-", b"\r\n- -")
    body = b"-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\nHere it is:\r\n\r\n" + block
    return mail.single(body + armour(packet(2, b"\4" + bytes(60)), "SIGNATURE"))


OPAQUE: dict[str, Callable[[bytes], bytes]] = {
    "m100-der": lambda content: smime(cms(entity(content))),
    "m100-ber-in-pieces": lambda content: smime(cms(entity(content), pieces=1000)),
    "m100-x-type": lambda content: mail.single(cms(entity(content)), "application/x-pkcs7-mime", coding="base64"),
    "m100-octet-stream": lambda content: mail.message(
        [mail.text(), mail.part(cms(entity(content)), name="letter.p7m")]
    ),
    "m100-document": lambda content: mail.message([mail.text(), mail.part(cms(content), name="invoice.doc.p7m")]),
    "m100-signed-twice": lambda content: smime(cms(mail.part(cms(entity(content)), SMIME + "signed-data"))),
    "m100-base64-text": lambda content: mail.message(
        [mail.text(), mail.part(base64.encodebytes(cms(content)), name="a.p7m")]
    ),
    "m100-pem": lambda content: mail.single(
        b"-----BEGIN PKCS7-----\r\n" + base64.encodebytes(cms(content)) + b"-----END PKCS7-----\r\n"
    ),
    "m100-compressed": lambda content: smime(cms(zlib.compress(entity(content)), COMPRESSED), "compressed-data"),
    "m101-openpgp-signed-only": lambda content: mail.message([mail.part(compressed(literal(content)), name="a.gpg")]),
    "m101-openpgp-armour": lambda content: mail.single(b"Hello\r\n" + armour(compressed(literal(content), 2))),
    "m102-clear-signed": signed,
    "m102-openpgp-clear-signed": clear_signed,
}

FILES = {
    f"{name}-{kind}.eml": (lambda hide=hide, content=content: hide(content))
    for name, hide in OPAQUE.items()
    for kind, content in CONTENTS.items()
} | {
    "m101-enveloped-held.eml": lambda: smime(cms(b"locked" * 20, ENVELOPED), "enveloped-data"),
    "m101-authenticated-enveloped-held.eml": lambda: smime(cms(b"locked" * 20, AUTH_ENVELOPED), "authEnveloped-data"),
    "m101-openpgp-held.eml": lambda: mail.message([mail.text(), mail.part(locked(), name="a.pgp")]),
    "m101-openpgp-armour-held.eml": lambda: mail.single(b"Hello\r\n" + armour(locked())),
    "m101-openpgp-mime-held.eml": lambda: mail.message(
        [
            mail.part(b"Version: 1\r\n", "application/pgp-encrypted", coding="7bit"),
            mail.part(armour(locked()), coding="7bit"),
        ],
        subtype='encrypted; protocol="application/pgp-encrypted"',
    ),
    "m101-openpgp-key-clean.eml": lambda: mail.single(armour(packet(6, b"\4" + bytes(270)), "PUBLIC KEY BLOCK")),
    "m101-openpgp-talk-clean.eml": lambda: mail.raw(
        "Subject: How to\n\nEach message begins with\n-----BEGIN PGP MESSAGE-----\nand goes on in base64.\n"
    ),
    "m102-openpgp-letter-clean.eml": lambda: mail.single(
        b"-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: SHA256\r\n\r\n"
        + mail.raw("".join(LINES))
        + armour(packet(2, b"\4" + bytes(60)), "SIGNATURE")
    ),
}
