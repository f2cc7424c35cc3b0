from collections.abc import Callable

from gateway import samples
from tests.makers import mail
from tests.makers.ole import compound
from tests.makers.wrappers import rtf_stored

CONTENTS = {"armed": samples.docm_autoopen(), "clean": samples.docx()}
NAME = "Invoice.docm".encode("utf-16-le")
ATTACHED = "__attach_version1.0_#00000000/"


def msg(content: bytes, storage: str = ATTACHED) -> bytes:
    streams = {f"{storage}__substg1.0_37010102": content, f"{storage}__substg1.0_3707001F": NAME}
    return compound({"__properties_version1.0": b"", f"{ATTACHED}__properties_version1.0": b"", **streams})


def inner_msg(content: bytes) -> bytes:
    inner = f"{ATTACHED}__substg1.0_3701000D/"
    streams = {f"{inner}{ATTACHED}__substg1.0_37010102": content, f"{inner}__properties_version1.0": b""}
    return compound({"__properties_version1.0": b"", f"{ATTACHED}__properties_version1.0": b"", **streams})


def msg_body(content: bytes) -> bytes:
    text = (b"Hello\r\n" + mail.uuencode(content, "a.docm")).decode().encode("utf-16-le")
    return compound(
        {
            "__properties_version1.0": b"",
            "__substg1.0_1000001F": text,
            "__substg1.0_10090102": rtf_stored(b"{\\rtf1 hello}"),
            "__nameid_version1.0/__substg1.0_10090102": b"\1\0\0\0\6\0\0\0",
        }
    )


def referenced() -> bytes:
    path = "\\\\files.example.com\\share\\plan.docx".encode("utf-16-le")
    return compound({"__properties_version1.0": b"", f"{ATTACHED}__substg1.0_370D001F": path})


def letter(content: bytes) -> bytes:
    return mail.message([mail.text(), mail.part(content, name="a.docm")])


def mailbox(content: bytes) -> bytes:
    others = [mail.single(b"Nothing but words.\r\n") for _ in range(12)]
    separator = b"From ada@example.com Mon Jan  5 10:00:00 2026\r\n"
    return b"".join(separator + one + b"\r\n" for one in (*others, letter(content), *others))


def split_message(content: bytes) -> bytes:
    """One message to the program that shows it, two to one that reads mailboxes."""
    whole = b"From ada@example.com Mon Jan  5 10:00:00 2026\r\n" + letter(content)
    middle = whole.index(b"UEsDB") + 780
    return whole[:middle] + b"\r\nFrom x@y Mon Jan  5 10:00:00 2026\r\nX: y\r\n\r\n" + whole[middle:]


HIDINGS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "msg": ("letter.msg", msg),
    "oft": ("letter.oft", msg),
    "msg-in-msg": ("letter.msg", inner_msg),
    "msg-body": ("letter.msg", msg_body),
    "eml": ("letter.eml", letter),
    "mht": ("page.mht", lambda content: mail.message([mail.part(content, name="a.docm")], subtype="related")),
    "mbox": ("archive.mbox", mailbox),
}

FILES = {
    f"{title}-{kind}.eml": (
        lambda name=name, hide=hide, content=content: mail.message([mail.text(), mail.part(hide(content), name=name)])
    )
    for title, (name, hide) in HIDINGS.items()
    for kind, content in CONTENTS.items()
} | {
    "mbox-or-message-armed.eml": lambda: mail.message(
        [mail.text(), mail.part(split_message(CONTENTS["armed"]), name="letter.eml")]
    ),
    "reference-noted.eml": lambda: mail.message([mail.text(), mail.part(referenced(), name="letter.msg")]),
    "pst-held.eml": lambda: mail.message([mail.text(), mail.part(b"!BDN" + bytes(600), name="mail.pst")]),
}
