"""The messages of the benchmark: a mixed office day, office documents alone, one large attachment.

The day: 60 % text, 25 % HTML, 7 % OOXML, 4 % OLE (.doc, .xls), 3 % PDF, 1 % with a macro; about 24 KB a message. Text,
HTML, OOXML, OLE and PDF differ in every message, so no cache helps with them; the macro documents are one campaign,
the same document to everybody, as such mail comes. All from one seed: every run and every peer gets the same bytes.
"""

from __future__ import annotations

import base64
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path

import xlsxwriter

from gateway.samples import excel, vba, word
from gateway.samples.compound import compound_file, streams_of
from tests.e2e.talk import stuffed

WORDS = """
invoice meeting delivery quarter budget draft contract review schedule customer report attached please regards
update order number price project team office monday question answer version change thank find below amount due
""".split()  # noqa: SIM905 - thirty words read better as words

PLACEHOLDER = b"UNIQUE-ID"

Maker = Callable[[random.Random, int], bytes]


def prose(rng: random.Random, size: int) -> str:
    """Plausible text of about ``size`` characters in lines of mail width."""
    lines, line, total = [], "", 0
    while total < size:
        line += rng.choice(WORDS) + " "
        if len(line) > 66:
            lines.append(line.rstrip())
            total += len(line) + 1
            line = ""
    return "\r\n".join([*lines, line])


def headers(number: int, content_type: str, more: str = "") -> bytes:
    """The header section of message ``number``, empty line included."""
    text = (
        f"From: Sender {number} <sender@outside.test>\r\nTo: <user@bench.test>\r\nSubject: Message {number}\r\n"
        f"Date: Sun, 22 Nov 2026 09:00:00 +0000\r\nMessage-ID: <{number}@outside.test>\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: {content_type}\r\n{more}\r\n"
    )
    return text.encode()


def with_attachment(rng: random.Random, number: int, name: str, content_type: str, data: bytes) -> bytes:
    """A short text and one attachment in base64."""
    boundary = f"=_bench_{number}"
    encoded = base64.encodebytes(data).replace(b"\n", b"\r\n")
    return b"".join(
        (
            headers(number, f'multipart/mixed; boundary="{boundary}"'),
            f"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{prose(rng, 600)}\r\n".encode(),
            f'--{boundary}\r\nContent-Type: {content_type}; name="{name}"\r\nContent-Transfer-Encoding: base64\r\n'
            f'Content-Disposition: attachment; filename="{name}"\r\n\r\n'.encode(),
            encoded,
            f"--{boundary}--\r\n".encode(),
        )
    )


def text(rng: random.Random, number: int) -> bytes:
    """5 KB of plain text."""
    return headers(number, "text/plain; charset=utf-8") + prose(rng, 4700).encode()


def html(rng: random.Random, number: int) -> bytes:
    """A newsletter: text and HTML, 25 KB."""
    boundary = f"=_bench_{number}"
    rows = "\r\n".join(f'<tr><td style="padding:4px">{prose(rng, 180)}</td></tr>' for _ in range(95))
    return b"".join(
        (
            headers(number, f'multipart/alternative; boundary="{boundary}"'),
            f"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{prose(rng, 1500)}\r\n".encode(),
            f"--{boundary}\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body><table>{rows}</table>"
            f"</body></html>\r\n--{boundary}--\r\n".encode(),
        )
    )


def xlsx(rng: random.Random) -> bytes:
    """A workbook by XlsxWriter, about 40 KB."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True}) as book:
        sheet = book.add_worksheet("Figures")
        for row in range(280):
            sheet.write_row(row, 0, [f"{rng.choice(WORDS)} {row}", *(rng.random() for _ in range(9))])
    return file.getvalue()


def docx(rng: random.Random) -> bytes:
    """A document of plain paragraphs and one incompressible picture, about 40 KB."""
    paragraphs = "".join(f"<w:p><w:r><w:t>{prose(rng, 400)}</w:t></w:r></w:p>" for _ in range(60))
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    schema = "http://schemas.openxmlformats.org"
    parts = {
        "[Content_Types].xml": f'<?xml version="1.0"?><Types xmlns="{schema}/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="png" ContentType="image/png"/>'
        f'<Override PartName="/word/document.xml" ContentType="{word}"/></Types>',
        "_rels/.rels": f'<?xml version="1.0"?><Relationships xmlns="{schema}/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{schema}/officeDocument/2006/relationships/officeDocument" '
        'Target="word/document.xml"/></Relationships>',
        "word/document.xml": f'<?xml version="1.0"?><w:document xmlns:w="{schema}/wordprocessingml/2006/main">'
        f"<w:body>{paragraphs}</w:body></w:document>",
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
        package.writestr("word/media/image1.png", picture(rng), zipfile.ZIP_STORED)
    return file.getvalue()


def picture(rng: random.Random) -> bytes:
    """A PNG of 100 x 100 random pixels, 30 KB."""
    rows = b"".join(b"\0" + rng.randbytes(300) for _ in range(100))

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 100, 100, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def pdf(rng: random.Random) -> bytes:
    """A one-page PDF with a compressed stream, about 140 KB."""
    stream = zlib.compress(rng.randbytes(140_000))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>",
        b"<< /Filter /FlateDecode /Length %d >>\nstream\n%b\nendstream" % (len(stream), stream),
    ]
    out, offsets = bytearray(b"%PDF-1.4\n"), []
    for index, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (index, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)


@lru_cache(maxsize=1)
def _doc_template() -> bytes:
    paragraph = prose(random.Random(0), 690) + PLACEHOLDER.decode() + "\r"
    return word.doc(paragraph * 100)


def doc(rng: random.Random) -> bytes:
    """A binary Word document with 70 KB of text, a word of which is another one each time."""
    return _doc_template().replace(PLACEHOLDER, b"%09d" % rng.randrange(10**9))


def xls(rng: random.Random) -> bytes:
    """A binary workbook whose property stream makes it 70 KB."""
    streams = streams_of(excel.xls())
    return compound_file({**streams, ("\x05DocumentSummaryInformation",): prose(rng, 66_000).encode()})


def macro(number: int) -> bytes:
    """A document whose empty macro runs by itself; every ``number`` another one."""
    return word.docm(vba.inert("AutoOpen") + f"' number {number}\r\n")


def office(name: str, document: Callable[[random.Random], bytes]) -> Maker:
    """A maker of messages with such a document."""

    def make(rng: random.Random, number: int) -> bytes:
        return with_attachment(rng, number, name, "application/octet-stream", document(rng))

    return make


def campaign(rng: random.Random, number: int) -> bytes:
    """One mail of a wave: its own text, the same document as all others."""
    return with_attachment(rng, number, "Invoice.docm", "application/octet-stream", word.docm_autoopen())


def fresh_macro(rng: random.Random, number: int) -> bytes:
    """A macro document nobody has seen before."""
    return with_attachment(rng, number, "Invoice.docm", "application/octet-stream", macro(number))


def large(rng: random.Random, number: int) -> bytes:
    """One attachment of 25 MiB as it goes over the wire, of no format in particular."""
    return with_attachment(rng, number, "video.mp4", "video/mp4", b"\0\0\0\x18ftypmp42" + rng.randbytes(19 << 20))


DOCX, XLSX = office("Minutes.docx", docx), office("Figures.xlsx", xlsx)
DOC, XLS, PDF = office("Letter.doc", doc), office("Prices.xls", xls), office("Offer.pdf", pdf)

DAY: tuple[tuple[Maker, float], ...] = (
    (text, 0.60),
    (html, 0.25),
    (DOCX, 0.035),
    (XLSX, 0.035),
    (DOC, 0.02),
    (XLS, 0.02),
    (PDF, 0.03),
    (campaign, 0.01),
)


def messages(seed: int, count: int, *makers: tuple[Maker, float]) -> Iterator[bytes]:
    """``count`` messages by makers chosen by their weights."""
    rng = random.Random(seed)
    chosen = rng.choices([maker for maker, _ in makers], [weight for _, weight in makers], k=count)
    for number, maker in enumerate(chosen):
        yield maker(rng, seed * 1_000_000 + number)


def sets(home: Path, count: int) -> dict[str, Path]:
    """Every set of messages the benchmark sends, by case, each in a file below ``home``."""
    documents = max(count // 6, 50)
    wanted: dict[str, Iterator[bytes]] = {
        "warm-up": messages(1, 80, *DAY),
        "day": messages(2, count, *DAY),
        "ooxml": messages(3, documents, (DOCX, 1), (XLSX, 1)),
        "ole": messages(4, documents, (DOC, 1), (XLS, 1)),
        "one text": messages(5, 400, (text, 1)),
        "one ooxml": messages(6, 200, (DOCX, 1), (XLSX, 1)),
        "macro first": messages(7, 40, (fresh_macro, 1)),
        "macro again": messages(8, 200, (campaign, 1)),
        "25 MiB": messages(9, 6, (large, 1)),
    }
    paths = {}
    for case, made in wanted.items():
        paths[case] = home / f"{case.replace(' ', '-')}.messages"
        write(paths[case], made)
    return paths


def write(path: Path, messages: Iterator[bytes]) -> int:
    """Store messages as they go over the wire, each behind its length; returns how many."""
    count = 0
    with path.open("wb") as file:
        for message in messages:
            wire = stuffed(message)
            file.write(struct.pack(">I", len(wire)) + wire)
            count += 1
    return count


def read(path: Path) -> list[bytes]:
    """What ``write`` stored."""
    data, position, messages = path.read_bytes(), 0, []
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        messages.append(data[position + 4 : position + 4 + length])
        position += 4 + length
    return messages
