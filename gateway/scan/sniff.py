"""What a part is, by its content.

Contract: names and declared types are never asked. ``candidates`` gives every reading a program may take, the first one
being what most would say (and ``families``, where it is an OLE or zip file): a picture with a zip file ``behind`` it is
both. Never raises, whatever the bytes; costs microseconds for most types. The answer decides who looks into the part,
so a type that is wrongly added costs time and a type that is missing costs a detection.
"""

from __future__ import annotations

import html
import re

from gateway.closed_sets import FileType
from gateway.scan import behind, families, ole_directory
from gateway.scan.containers import archive, cms, macintosh, openpgp, unread, zip_records
from gateway.scan.search import holds

HEAD = 4096
HEADER = 256 << 10
"""How long the header of an attached message may be."""

# (offset, magic bytes, type). The first line that fits is the first candidate.
MAGIC: tuple[tuple[int, bytes, FileType], ...] = (
    (0, b"Rar!\x1a\x07", FileType.RAR),
    (0, b"7z\xbc\xaf\x27\x1c", FileType.SEVEN_ZIP),
    (0, b"\x1f\x8b\x08", FileType.GZIP),
    (0, b"\xfd7zXZ\x00", FileType.XZ),
    (0, b"\x28\xb5\x2f\xfd", FileType.ZSTD),
    (0, b"MSCF\x00\x00\x00\x00", FileType.CAB),
    (0, b"\x78\x9f\x3e\x22", FileType.TNEF),  # MS-OXTNEF §2.1.3.1
    (0, b"ActiveMime", FileType.ACTIVEMIME),
    (0, bytes.fromhex("4C0000000114020000000000C000000000000046"), FileType.LNK),  # MS-SHLLINK §2.1
    (0, bytes.fromhex("E4525C7B8CD8A74DAEB15378D02996D3"), FileType.ONENOTE),  # MS-ONESTORE §2.3.1
    (0, bytes.fromhex("A12FFF43D9EF764C9EE210EA5722765F"), FileType.ONENOTE),  # .onetoc2, the same section
    (0, b"\x7fELF", FileType.EXECUTABLE),
    (0, b"\xca\xfe\xba\xbe\x00\x00\x00", FileType.EXECUTABLE),  # a Java class, or Mach-O for several processors
    (0, b"\xcf\xfa\xed\xfe", FileType.EXECUTABLE),  # Mach-O
    (0, b"\xce\xfa\xed\xfe", FileType.EXECUTABLE),
    (0, b"dex\n0", FileType.EXECUTABLE),
    (0, b"#@~^", FileType.SCRIPT),  # an encoded VBScript or JScript
    (32769, b"CD001", FileType.DISK_IMAGE),
    (257, b"ustar", FileType.TAR),
    (0, b"ITSF\x03\x00", FileType.SCRIPT),  # compiled HTML help runs what it carries
    (0, b"\x1f\x9d", FileType.ARCHIVE),
    (2, b"-lh", FileType.ARCHIVE),
    (2, b"-lz", FileType.ARCHIVE),
    (0, b"\x04\x22\x4d\x18", FileType.ARCHIVE),  # an lz4 frame
    (0, b"\xc7\x71", FileType.ARCHIVE),  # cpio of the older, binary kind
    (0, b"\x71\xc7", FileType.ARCHIVE),
    (0, b"LZIP\x01", FileType.ARCHIVE),
    (0, b"07070", FileType.ARCHIVE),
    (0, b"!<arch>\n", FileType.ARCHIVE),
    (0, macintosh.APPLE_SINGLE, FileType.MACINTOSH),
    (0, macintosh.APPLE_DOUBLE, FileType.MACINTOSH),
    (128, ole_directory.MAGIC, FileType.MACINTOSH),  # MacBinary, whatever its header says
    (0, b"!BDN", FileType.PST),  # MS-PST §2.2.2.6
    (0, b"\x89PNG\r\n\x1a\n", FileType.IMAGE),
    (0, b"\xff\xd8\xff", FileType.IMAGE),
    (0, b"GIF8", FileType.IMAGE),
    (0, b"II*\x00", FileType.IMAGE),
    (0, b"MM\x00*", FileType.IMAGE),
    (8, b"WEBP", FileType.IMAGE),
    *((offset, magic, kind) for offset, magic, kind, _ in unread.MAGIC),
)

_FROM_START = [line for line in MAGIC if line[0] >= 0]
_FROM_END = [line for line in MAGIC if line[0] < 0]
# One expression, a group a line: a text fits none of them, and asking one by one costs more than all else about it.
_BEGINS = re.compile(b"|".join(b".{%d}(%b)" % (at, re.escape(magic)) for at, magic, _ in _FROM_START), re.DOTALL)
# And it is asked only where two bytes at the start, or the magic further in, say that it will answer.
_FIRST_TWO = frozenset(magic[:2] for at, magic, _ in _FROM_START if not at)
_FURTHER_IN = re.compile(
    b"|".join(b".{%d}%b" % (at, re.escape(magic)) for at, magic, _ in _FROM_START if at), re.DOTALL
)

_EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}" + b"$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"
"""The test file every scanner stops (68 bytes); in pieces, so that none stops this module."""
_EICAR_LONGEST = 128

_TEXT_BYTES = bytes([7, 8, 9, 10, 12, 13, 27, *range(32, 256)])
_FIELD_LINE = re.compile(rb"(?:From [^\n]*\n|[\r\n])*(?:[!-9;-~]+[ \t]*:[^\n]*\n(?:[ \t][^\n]*\n)*)+")
_MIME_FIELD = re.compile(rb"^(?:mime-version|content-(?:type|transfer-encoding))[ \t]*:", re.IGNORECASE | re.MULTILINE)
_OWN_FIELD = re.compile(rb"^(?:from|to|received|return-path|delivered-to)[ \t]*:", re.IGNORECASE | re.MULTILINE)
_HTML = re.compile(rb"<(?:!doctype html|html|head|body|meta|script|div|table|iframe|p|a|br|img)[\s>/]", re.IGNORECASE)
_NAMESPACE = re.compile(rb"xmlns(?::[^\s=]{1,100})?\s{0,100}=\s{0,100}[\"']([^\"']{1,1000})")
SEPARATOR = re.compile(rb"(?:\A|(?<=\n))From [^\n]{1,300}\n(?=[!-9;-~]{1,100}:)")
"""The line before each message of a mailbox file (RFC 4155), and the name of the field behind it."""
_FLAT_ODF = re.compile(rb"<(?:[\w.-]{1,40}:)?document[\s>]")
_WSF_JOB = re.compile(rb"<job[\s>]")


def sniff(data: bytes | memoryview) -> FileType:
    """The first of ``candidates``."""
    return candidates(data)[0]


def candidates(data: bytes | memoryview) -> tuple[FileType, ...]:
    """Every type the bytes can be read as, the likeliest first; at least one."""
    if not len(data):
        return (FileType.EMPTY,)
    whole = bytes(data)
    head = whole[:HEAD]
    found = [_by_magic(whole, head) or _by_text(whole, head) or FileType.BINARY]
    found += behind.readings(whole, head, found[0])
    return tuple(dict.fromkeys(found))


def _by_magic(data: bytes, head: bytes) -> FileType | None:
    if head.startswith(ole_directory.MAGIC):
        return families.ole_type(data)
    if head[:4] in (zip_records.LOCAL, zip_records.END, b"PK\x07\x08", b"PK00"):
        return families.zip_type(data)
    if _may_begin(data, head) and (known := _BEGINS.match(data)) and known.lastindex:
        return _FROM_START[known.lastindex - 1][2]
    for offset, magic, kind in _FROM_END:
        if data[offset : offset + len(magic)] == magic:
            return kind
    for fits, kind in _JUDGED:
        if fits(data, head):
            return kind
    return None


def _may_begin(data: bytes, head: bytes) -> bool:
    return head[:2] in _FIRST_TWO or _FURTHER_IN.match(data) is not None


def _is_bzip2(_data: bytes, head: bytes) -> bool:
    return head[:3] == b"BZh" and head[3:4].isdigit()


def _is_lzma(_data: bytes, head: bytes) -> bool:
    """A .lzma file with the usual properties, its size unknown or below a terabyte."""
    return head[:3] == b"\x5d\x00\x00" and head[10:13] in (b"\x00\x00\x00", b"\xff\xff\xff")


def _is_old_tar(_data: bytes, head: bytes) -> bool:
    return archive.is_old_tar(head)


def is_test_file(data: bytes | memoryview) -> bool:
    """Whether it is EICAR's test file: a DOS program with a fixed beginning, and blanks behind it at most."""
    return len(data) <= _EICAR_LONGEST and bytes(data).rstrip(b" \t\r\n\x1a") == _EICAR


def _is_program(data: bytes, head: bytes) -> bool:
    """PE, NE or a DOS program with a believable header; two letters alone begin many texts."""
    if is_test_file(data):
        return True
    if head[:2] not in (b"MZ", b"ZM") or len(data) < 64:
        return False
    at = int.from_bytes(head[60:64], "little")
    return data[at : at + 2] in (b"PE", b"NE", b"LE", b"LX") or b"\x00" in head[2:32]


def _is_pdf(_data: bytes, head: bytes) -> bool:
    return b"%PDF-" in head[:1024]


def _is_rtf(_data: bytes, head: bytes) -> bool:
    """Word is content with ``{\\rt``; see the tolerance of its reader for what stands behind it."""
    return head[:1024].lstrip(b"\xef\xbb\xbf\x00 \t\r\n").startswith(b"{\\rt")


def _is_fat_image(_data: bytes, head: bytes) -> bool:
    named = b"FAT" in (head[54:57], head[82:85]) or head[3:11] in (b"NTFS    ", b"EXFAT   ")
    return named and head[510:512] == b"\x55\xaa"


def _is_disk(_data: bytes, head: bytes) -> bool:
    return unread.is_partitioned(head[:512])


def _is_arc(_data: bytes, head: bytes) -> bool:
    return unread.is_arc(head[:32])


def _is_bitmap(data: bytes, head: bytes) -> bool:
    return head[:2] == b"BM" and head[6:10] == b"\x00\x00\x00\x00" and int.from_bytes(head[2:6], "little") <= len(data)


def _is_cms(_data: bytes, head: bytes) -> bool:
    return head[:1] == b"\x30" and cms.begins(head)


def _is_openpgp(data: bytes, head: bytes) -> bool:
    return openpgp.begins(head, len(data))


def _is_macbinary(data: bytes, head: bytes) -> bool:
    return not head[0] and macintosh.is_macbinary(head, len(data))


_JUDGED = (
    (_is_cms, FileType.CMS),
    (_is_bzip2, FileType.BZIP2),
    (_is_openpgp, FileType.OPENPGP),
    (_is_macbinary, FileType.MACINTOSH),
    (_is_lzma, FileType.XZ),
    (_is_old_tar, FileType.TAR),
    (_is_program, FileType.EXECUTABLE),
    (_is_pdf, FileType.PDF),
    (_is_rtf, FileType.RTF),
    (_is_fat_image, FileType.DISK_IMAGE),
    (_is_disk, FileType.DISK_IMAGE),
    (_is_arc, FileType.ARCHIVE),
    (_is_bitmap, FileType.IMAGE),
)


def _by_text(data: bytes, head: bytes) -> FileType | None:
    text = _as_text(head)
    if text is None:
        return None
    start = text.lstrip()[:1024].lower()
    if start.startswith(b"<"):
        return _markup_type(_respelt(data) or data, start)
    if text.startswith(b"From ") and _is_mailbox(data):
        return FileType.MBOX
    if _is_mail(text, data):
        return FileType.EMAIL if _OWN_FIELD.search(text) else FileType.MHT
    if b"<" in text and _is_script(text[:HEAD].lower()):
        return FileType.SCRIPT
    return FileType.HTML if b"<" in text and _HTML.search(text) else FileType.TEXT


def _as_text(head: bytes) -> bytes | None:
    """``head`` in an ASCII-compatible encoding, or None when it is no text."""
    if (respelt := _respelt(head)) is not None:
        return respelt
    # zeros behind a text are padding, which Word and Excel do not mind
    text = head.rstrip(b"\x00")
    return text if text and not text.translate(None, _TEXT_BYTES) else None


_MARKED = (b"\xff", b"\xfe", b"\xef", b"<", b"\0")


def _respelt(head: bytes) -> bytes | None:
    """A text that is marked as UTF-8 or in UTF-16 in UTF-8, and None for any other bytes."""
    if head[:1] not in _MARKED:
        return None
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
        if head.startswith(mark):
            return head[len(mark) :].decode(encoding, "replace").encode("utf-8", "replace")
    if head.startswith(b"<\x00"):
        return head.decode("utf-16-le", "replace").encode("utf-8", "replace")
    if head.startswith(b"\x00<"):
        return head.decode("utf-16-be", "replace").encode("utf-8", "replace")
    return None


def _markup_type(text: bytes, start: bytes) -> FileType:
    document = _xml_document(text)
    if document is not None:
        return document
    if _is_script(text[:HEAD].lower()):
        return FileType.SCRIPT
    if start.startswith(b"<?xml") and b"<html" not in start:
        return FileType.XML
    return FileType.HTML


def _xml_document(text: bytes) -> FileType | None:
    """An office document that is one XML file, by its namespaces."""
    found = _NAMESPACE.findall(text) if holds(text, b"xmlns") else []
    names = html.unescape(b"\n".join(found).decode("latin-1"))
    if "office/2006/xmlPackage" in names:
        return FileType.FLAT_OPC
    if "office/word/2003/wordml" in names or holds(text, b"w:wordDocument"):
        return FileType.WORD_XML
    if "schemas-microsoft-com:office:spreadsheet" in names and (b"<Workbook" in text or b":Workbook" in text):
        return FileType.EXCEL_XML
    if "opendocument:xmlns:office" in names and _FLAT_ODF.search(text) is not None:
        return FileType.FLAT_ODF
    return None


def _is_script(start: bytes) -> bool:
    """An HTML application or a Windows script file. Plain script source looks like any other text."""
    return b"<hta:application" in start or (b"<script" in start and _WSF_JOB.search(start) is not None)


def _is_mailbox(data: bytes) -> bool:
    """More than one message, each behind its separator line."""
    first = SEPARATOR.match(data)
    return first is not None and SEPARATOR.search(data, first.end()) is not None


def _is_mail(text: bytes, data: bytes) -> bool:
    """A block of header fields at the very start, at least one of them of MIME."""
    block = _FIELD_LINE.match(text)
    if block is not None and len(data) > HEAD and b"\n" not in text[block.end() :]:
        # nothing but fields so far; what many programs have passed on has a header of any length
        text = data[:HEADER]
        block = _FIELD_LINE.match(text)
    return block is not None and _MIME_FIELD.search(text, 0, block.end()) is not None
