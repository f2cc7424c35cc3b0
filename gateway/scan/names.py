"""File names as Windows takes them: the one place where a name somebody gave a file is made plain.

Contract: a name is a hint about what a reader's machine will do with a file, never evidence of what is in it. The
functions take any text and never raise. What hides an ending (MITRE ATT&CK T1036.002, T1036.007) is undone: trailing
dots, blanks and quotes, which Windows drops; characters that print nothing or turn the line round; wide letters; an
alternate data stream; a NUL, behind which some programs stop reading.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

LONGEST = 4096
"""Characters looked at; no file system takes a longer name."""

_DRIVE = re.compile(r"(?<![^/\\])([A-Za-z]):")
_TRAILING = " .\t\r\n\"'`;,>)]"
_CLASS_IDENTIFIER = re.compile(r"\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}\Z")
TURNS_ROUND = frozenset("\u202a\u202b\u202d\u202e\u2066\u2067\u2068")
"""Characters that make the rest of a name run the other way (Unicode Standard Annex 9)."""


def plain(name: str) -> str:
    """The last element of the path ``name`` without what hides its ending, in lower case."""
    last = re.split(r"[/\\]", name[-LONGEST:])[-1]
    shown = "".join(c for c in unicodedata.normalize("NFKC", last) if unicodedata.category(c) not in ("Cf", "Cc"))
    return shown.lower().partition(":")[0].rstrip(_TRAILING)


def endings(name: str) -> tuple[str, ...]:
    """Every ending Windows may go by, without its dot: ``js``, or a class identifier in braces; most names have one.

    A name that holds a NUL has two.
    """
    if name.isascii() and "." not in name:
        return ()  # the usual name is the number of a part
    readings = (name, name.partition("\0")[0]) if "\0" in name else (name,)
    found = (_ending(plain(reading)) for reading in readings)
    return tuple(dict.fromkeys(ending for ending in found if ending))


def pretends(name: str) -> str:
    """What the name pretends to be by an inner ending, as ``pdf`` in ``invoice.pdf.js``; else ""."""
    words = [word.strip() for word in plain(name).split(".")]
    inner = words[-2] if len(words) > 2 else ""
    return inner if inner in _SHOWN else ""


def element(name: str) -> str:
    """The whole of ``name`` as one element of a path, so that neither a folder nor a drive hides its ending."""
    return _DRIVE.sub(r"\1_", name).replace("/", "_")


def worst(readings: Sequence[str]) -> str:
    """Of the names different programs show for one file, the first that ends like one that is run; else the first of
    all, or "" when there is none. A blank inside an ending may be where a line was folded, and so counts as none."""
    if len(readings) < 2:
        return readings[0] if readings else ""
    for reading in readings:
        ending = (endings(reading) or ("",))[-1]
        if "".join(ending.split()) not in _SHOWN and ending:
            return reading
    return readings[0]


def _ending(name: str) -> str:
    ending = name.rpartition(".")[2].strip() if "." in name else ""
    return ending if len(ending) <= 20 or _CLASS_IDENTIFIER.match(ending) else ""


_SHOWN = frozenset(
    {
        *("doc", "docx", "docm", "xls", "xlsx", "xlsm", "ppt", "pptx", "rtf", "odt", "pdf", "txt", "csv", "eml", "msg"),
        *("jpg", "jpeg", "png", "gif", "bmp", "tif", "tiff", "svg", "mp3", "mp4", "wav", "htm", "html", "xml", "zip"),
    }
)
"""Endings of files that are looked at, not run."""
