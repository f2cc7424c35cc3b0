from gateway import samples
from tests.makers.mail import message, part, single, text
from tests.makers.odd_mail import letter

KINDS = {
    "partial": "message/partial; id=x@example.com; number=1; total=2",
    "ftp": "message/external-body; access-type=anon-ftp; site=example.com; name=a.doc",
    "mail-server": "message/external-body; access-type=mail-server; server=a@example.com",
    "url": 'message/external-body; access-type=URL; URL="https://example.com/a.doc"',
}

FILES = {
    f"{name}-armed.eml": lambda kind=kind: single(letter(samples.doc_autoopen(), ())[:6000], kind)
    for name, kind in KINDS.items()
} | {
    "as-a-part-held.eml": lambda: message(
        [text(), part(b"Content-Type: application/msword\r\n\r\n", KINDS["url"], coding="")]
    ),
    "report-clean.eml": lambda: message([text(), part(b"Action: failed\r\n", "message/delivery-status", coding="")]),
}
