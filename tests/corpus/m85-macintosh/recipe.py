from collections.abc import Callable

from gateway import samples
from tests.makers import mail
from tests.makers.codings import binhex
from tests.makers.wrappers import apple_single, macbinary

CONTENTS = {"armed": samples.doc_autoopen(), "clean": samples.doc()}


def coded(content: bytes, word: str) -> bytes:
    fields = mail.fields({"Content-Type": "application/msword; name=a.doc", "Content-Transfer-Encoding": word})
    return mail.message([mail.text(), fields + b"\r\n" + binhex(content)])


def double(content: bytes) -> bytes:
    header = mail.part(apple_single(b"", double=True), "application/applefile", name="%a.doc")
    inner = mail.multipart([header, mail.part(content, "application/msword", name="a.doc")], boundary="forks")
    return mail.message([mail.text(), b"Content-Type: multipart/appledouble; boundary=forks\r\n\r\n" + inner])


HIDINGS: dict[str, Callable[[bytes], bytes]] = {
    **{word: lambda content, word=word: coded(content, word) for word in ("binhex", "binhex40", "mac-binhex40")},
    "binhex-type": lambda content: mail.message(
        [mail.part(binhex(content), "application/mac-binhex40", coding="7bit")]
    ),
    "binhex-inline": lambda content: mail.single(
        b"Here it is:\r\n\r\n" + binhex(content, resource=b"fork") + b"\r\nBye\r\n"
    ),
    "appledouble": double,
    "applesingle": lambda content: mail.message([mail.part(apple_single(content), "application/applefile")]),
    "resource-fork": lambda content: mail.message(
        [mail.part(apple_single(content, double=True), "application/applefile")]
    ),
    "macbinary": lambda content: mail.message([mail.part(macbinary(content), "application/macbinary")]),
}

FILES = {
    f"{name}-{kind}.eml": (lambda hide=hide, content=content: hide(content))
    for name, hide in HIDINGS.items()
    for kind, content in CONTENTS.items()
}
