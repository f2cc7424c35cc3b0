import base64

from gateway import samples
from tests.makers import mail

CONTENTS = {
    "armed": samples.docm_autoopen(),
    "clean": samples.docx(),
    "picture-clean": b"\x89PNG\r\n\x1a\n" + bytes(900),
}


def folded(line: bytes, width: int) -> bytes:
    return b"\r\n ".join(line[at : at + width] for at in range(0, len(line), width)) + b"\r\n"


def calendar(content: bytes, width: int = 75) -> bytes:
    attach = b"ATTACH;ENCODING=BASE64;VALUE=BINARY;X-FILENAME=a.docm:" + base64.b64encode(content)
    body = mail.raw("BEGIN:VCALENDAR\nVERSION:2.0\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Meeting\n") + folded(
        attach, width
    )
    return mail.message([mail.text(), mail.part(body + mail.raw("END:VEVENT\nEND:VCALENDAR\n"), "text/calendar")])


def card(content: bytes, kind: bytes = b"PHOTO;ENCODING=b;TYPE=PNG:", width: int = 75) -> bytes:
    line = folded(kind + base64.b64encode(content), width)
    body = mail.raw("BEGIN:VCARD\nVERSION:3.0\nFN:Ada\n") + line + mail.raw("\nEND:VCARD\n")
    return mail.message([mail.text(), mail.part(body, "text/vcard", name="ada.vcf")])


FILES = {
    f"{name}-{kind}.eml": (lambda make=make, content=content: make(content))
    for name, make in {
        "calendar": calendar,
        "calendar-short-lines": lambda content: calendar(content, 10),
        "card": card,
        "card-data-uri": lambda content: card(content, b"PHOTO:data:application/octet-stream;base64,"),
    }.items()
    for kind, content in CONTENTS.items()
}
