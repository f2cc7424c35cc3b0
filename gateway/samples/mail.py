"""Whole messages with CRLF lines, as a client hands them to an SMTP server: clean ones, and some to be stopped.

Contract: each function gives the bytes between DATA and the final dot, without dot-stuffing. Addresses are in
``example.com`` unless given; the Message-ID tells which sample it is.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from email.message import EmailMessage
from email.policy import SMTP

from gateway.samples import excel, word

SENDER, RECIPIENT = "sender@example.com", "recipient@example.com"
DATE = "Sun, 01 Nov 2026 12:00:00 +0000"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
DOCM = "application/vnd.ms-word.document.macroEnabled.12"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLSM = "application/vnd.ms-excel.sheet.macroEnabled.12"
DOC, XLS = "application/msword", "application/vnd.ms-excel"


def plain_message(sender: str = SENDER, recipient: str = RECIPIENT) -> bytes:
    """Text and nothing else."""
    return _letter("plain", "Minutes of Tuesday", sender, recipient).as_bytes()


def html_message(sender: str = SENDER, recipient: str = RECIPIENT) -> bytes:
    """HTML with a picture in it, and the same as text."""
    letter = _letter("html", "The new logo", sender, recipient)
    letter.add_alternative('<html><body><p>Hello,</p><img src="cid:logo@example.com"></body></html>', subtype="html")
    *_, html = letter.iter_parts()
    html.add_related(_picture(), "image", "png", cid="<logo@example.com>")
    return letter.as_bytes()


def docx_message(sender: str = SENDER, recipient: str = RECIPIENT) -> bytes:
    """A clean document attached."""
    return attached("docx", "Minutes.docx", DOCX, word.docx(), sender=sender, recipient=recipient)


def xlsx_message(sender: str = SENDER, recipient: str = RECIPIENT) -> bytes:
    """A clean workbook attached."""
    return attached("xlsx", "Figures.xlsx", XLSX, excel.xlsx(), sender=sender, recipient=recipient)


def japanese_message(sender: str = SENDER, recipient: str = RECIPIENT) -> bytes:
    """A clean document with a Japanese name, written in both ways programs write it (RFC 2231 and RFC 2047)."""
    message = attached(
        "japanese", "議事録.docx", DOCX, word.docx(), subject="議事録の送付", sender=sender, recipient=recipient
    )
    encoded = b' name="=?utf-8?b?6K2w5LqL6Yyy?=\r\n =?utf-8?b?LmRvY3g=?="'
    kind = b"Content-Type: " + DOCX.encode()
    return message.replace(kind, kind + b";\r\n" + encoded, 1)


def docm_autoopen_message(sender: str = SENDER, recipient: str = RECIPIENT) -> bytes:
    """A document with a macro that runs by itself."""
    return attached("docm-autoopen", "Invoice.docm", DOCM, word.docm_autoopen(), sender=sender, recipient=recipient)


def xls_workbook_open_message(sender: str = SENDER, recipient: str = RECIPIENT) -> bytes:
    """A binary workbook with a macro that runs by itself."""
    return attached(
        "xls-workbook-open", "Invoice.xls", XLS, excel.xls_workbook_open(), sender=sender, recipient=recipient
    )


def xlsm_xlm_message(sender: str = SENDER, recipient: str = RECIPIENT) -> bytes:
    """A workbook with an Excel 4.0 macro that runs by itself."""
    return attached("xlsm-xlm", "Invoice.xlsm", XLSM, excel.xlsm_xlm_auto_open(), sender=sender, recipient=recipient)


def forwarded_zip_message(sender: str = SENDER, recipient: str = RECIPIENT) -> bytes:
    """A message that forwards another one, which has a zip file with such a document."""
    inner = _letter("inner", "Your invoice", SENDER, RECIPIENT)
    inner.add_attachment(zipped("Invoice.docm", word.docm_autoopen()), "application", "zip", filename="Invoice.zip")
    outer = _letter("forwarded-zip", "Fwd: Your invoice", sender, recipient)
    outer.add_attachment(inner)
    return outer.as_bytes()


def selftest_message(sender: str, recipient: str) -> bytes:
    """The message that tells whether a chain stops what it has to stop, as EICAR and GTUBE do for others."""
    return attached(
        "selftest",
        "macrogate-selftest.docm",
        DOCM,
        word.docm_autoopen(),
        subject="Macrogate self-test: this message should have been stopped",
        sender=sender,
        recipient=recipient,
    )


def attached(
    tag: str,
    name: str,
    content_type: str,
    content: bytes,
    *,
    subject: str = "Your documents",
    sender: str = SENDER,
    recipient: str = RECIPIENT,
) -> bytes:
    """A letter with one attachment of any kind."""
    letter = _letter(tag, subject, sender, recipient)
    main, _, sub = content_type.partition("/")
    letter.add_attachment(content, main, sub, filename=name)
    return letter.as_bytes()


def zipped(name: str, content: bytes) -> bytes:
    """A zip file with one member."""
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return result.getvalue()


def _letter(tag: str, subject: str, sender: str, recipient: str) -> EmailMessage:
    letter = EmailMessage(policy=SMTP)
    letter["From"] = sender
    letter["To"] = recipient
    letter["Subject"] = subject
    letter["Date"] = DATE
    letter["Message-ID"] = f"<{tag}@macrogate.example.com>"
    letter.set_content("Hello,\n\nplease find what you asked for.\n\nKind regards\n")
    return letter


def _picture() -> bytes:
    """A PNG of one grey dot."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\x00\x80")) + chunk(b"IEND", b"")
    )
