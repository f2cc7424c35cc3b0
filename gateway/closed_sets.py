"""The closed sets: the words in which findings, decisions and states are told.

Contract: nothing here imports anything of ours or does anything. These are the only values that may become a metric
label or a word in a policy file.
"""

from __future__ import annotations

import enum


class Verdict(enum.IntEnum):
    """How bad a part is; a message is as bad as its worst part. Ordered, so ``max()`` is the rule."""

    CLEAN = 0
    MACRO = 1
    SUSPICIOUS = 2
    UNSCANNABLE = 3
    AUTOEXEC = 4

    @property
    def label(self) -> str:
        """The word operators read: ``clean`` ... ``autoexec``."""
        return self.name.lower()

    @classmethod
    def of(cls, label: str) -> Verdict:
        """The verdict behind a word. Raises ``KeyError`` for any other word."""
        return cls[label.upper()]


class Kind(enum.StrEnum):
    """What a finding is about."""

    VBA_AUTOEXEC = "vba-autoexec"
    VBA_MACRO = "vba-macro"
    VBA_STOMPED = "vba-stomped"
    XLM_AUTOEXEC = "xlm-autoexec"
    XLM_MACRO = "xlm-macro"
    DDE = "dde"
    REMOTE_TEMPLATE = "remote-template"
    OLE_PACKAGE = "ole-package"
    ACTIVEX = "activex"
    ENCRYPTED = "encrypted"
    DECRYPTED = "decrypted"
    EMBEDDED_DOCUMENT = "embedded-document"
    SCRIPT_CARRIER = "script-carrier"
    HTML_SMUGGLING = "html-smuggling"
    MIME_AMBIGUOUS = "mime-ambiguous"
    ARCHIVE_AMBIGUOUS = "archive-ambiguous"
    LIMIT = "limit"
    CORRUPT = "corrupt"
    TIMEOUT = "timeout"
    CRASH = "crash"
    YARA = "yara"


USUAL_VERDICT: dict[Kind, Verdict] = {
    Kind.VBA_AUTOEXEC: Verdict.AUTOEXEC,
    Kind.VBA_MACRO: Verdict.MACRO,
    Kind.VBA_STOMPED: Verdict.UNSCANNABLE,  # the source shown is not the code that runs (MITRE T1564.007)
    Kind.XLM_AUTOEXEC: Verdict.AUTOEXEC,
    Kind.XLM_MACRO: Verdict.MACRO,
    Kind.DDE: Verdict.SUSPICIOUS,
    Kind.REMOTE_TEMPLATE: Verdict.SUSPICIOUS,
    Kind.OLE_PACKAGE: Verdict.SUSPICIOUS,
    Kind.ACTIVEX: Verdict.SUSPICIOUS,
    Kind.ENCRYPTED: Verdict.UNSCANNABLE,
    Kind.DECRYPTED: Verdict.CLEAN,
    Kind.EMBEDDED_DOCUMENT: Verdict.CLEAN,
    Kind.SCRIPT_CARRIER: Verdict.SUSPICIOUS,
    Kind.HTML_SMUGGLING: Verdict.SUSPICIOUS,
    Kind.MIME_AMBIGUOUS: Verdict.UNSCANNABLE,
    Kind.ARCHIVE_AMBIGUOUS: Verdict.UNSCANNABLE,
    Kind.LIMIT: Verdict.UNSCANNABLE,
    Kind.CORRUPT: Verdict.UNSCANNABLE,
    Kind.TIMEOUT: Verdict.UNSCANNABLE,
    Kind.CRASH: Verdict.UNSCANNABLE,
    Kind.YARA: Verdict.SUSPICIOUS,
}


class FileType(enum.StrEnum):
    """What a part is, judged by its content and never by its name."""

    DOC = "doc"
    XLS = "xls"
    PPT = "ppt"
    OLE = "ole"
    DOCX = "docx"
    DOCM = "docm"
    XLSX = "xlsx"
    XLSM = "xlsm"
    XLSB = "xlsb"
    PPTX = "pptx"
    PPTM = "pptm"
    OOXML = "ooxml"
    FLAT_OPC = "flat-opc"
    WORD_XML = "word-xml"
    EXCEL_XML = "excel-xml"
    RTF = "rtf"
    ODF = "odf"
    FLAT_ODF = "flat-odf"
    VBA_PROJECT = "vba-project"
    MHT = "mht"
    ACTIVEMIME = "activemime"
    ONENOTE = "onenote"
    PDF = "pdf"
    ZIP = "zip"
    SEVEN_ZIP = "7z"
    RAR = "rar"
    TAR = "tar"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZSTD = "zstd"
    CAB = "cab"
    DISK_IMAGE = "disk-image"
    ARCHIVE = "archive"
    MACINTOSH = "macintosh"
    TNEF = "tnef"
    MSG = "msg"
    EMAIL = "email"
    MBOX = "mbox"
    PST = "pst"
    CMS = "cms"
    OPENPGP = "openpgp"
    HTML = "html"
    XML = "xml"
    TEXT = "text"
    IMAGE = "image"
    SCRIPT = "script"
    LNK = "lnk"
    EXECUTABLE = "executable"
    BINARY = "binary"
    EMPTY = "empty"


class Action(enum.StrEnum):
    """What is done with a message. ``STRIP`` and ``DISARM`` always keep the original in quarantine."""

    DELIVER = "deliver"
    TAG = "tag"
    DISARM = "disarm"
    STRIP = "strip"
    QUARANTINE = "quarantine"
    REJECT = "reject"
    DEFER = "defer"


class Effect(enum.StrEnum):
    """What an exception to the rules does (``gateway.policy.exceptions``)."""

    ALLOW = "allow"
    BLOCK = "block"


class HeldState(enum.StrEnum):
    """``HELD → RELEASING → RELEASED``, ``HELD → DELETED | EXPIRED``; nothing else."""

    HELD = "held"
    RELEASING = "releasing"
    RELEASED = "released"
    DELETED = "deleted"
    EXPIRED = "expired"


class AuthResult(enum.StrEnum):
    """The words of RFC 8601 §2.7 for how an authentication ended."""

    PASS = "pass"  # noqa: S105 - the word of the standard, no password
    NONE = "none"
    FAIL = "fail"
    NEUTRAL = "neutral"
    POLICY = "policy"
    SOFTFAIL = "softfail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"
