from gateway import samples
from tests.makers import mail
from tests.makers.codings import yenc

CONTENTS = {"armed": samples.doc_autoopen(), "clean": samples.doc()}


def coded(content: bytes) -> bytes:
    fields = mail.fields({"Content-Type": "application/msword; name=a.doc", "Content-Transfer-Encoding": "x-yencode"})
    return mail.message([mail.text(), fields + b"\r\n" + yenc(content)])


def inline(content: bytes, head: str = "") -> bytes:
    body = mail.raw("Here it is:\n\n") + yenc(content, "Invoice 7.doc", head=head) + mail.raw("\nRegards\n")
    return mail.fields({"From": "a@example.com", "Subject": "Invoice"}) + b"\r\n" + body


FILES = {
    **{f"coded-{kind}.eml": (lambda content=content: coded(content)) for kind, content in CONTENTS.items()},
    **{f"inline-{kind}.eml": (lambda content=content: inline(content)) for kind, content in CONTENTS.items()},
    "one-of-two-held.eml": lambda: inline(CONTENTS["clean"][3000:], "part=2 total=2 "),
}
