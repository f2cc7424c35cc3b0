"""The words a policy is written in, and how each kind of value is read.

Contract: closed sets come from ``gateway.closed_sets``; a word outside them, or a value of the wrong shape, raises
``ValueError`` with the sentence to show. The types at the end of the file are what ``gateway.policy.model`` is made of.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, TypeVar

from pydantic import BeforeValidator

from gateway.closed_sets import Action, AuthResult, FileType, Kind, Verdict
from gateway.mistakes import meant, networks, shown, size

RESERVED = frozenset({"default", "on-failure", "exception"})
"""Rule ids that ``gateway.policy`` and ``gateway.pipeline`` give themselves."""

Network = IPv4Network | IPv6Network
T = TypeVar("T")


class Direction(enum.StrEnum):
    """Seen from ``[local]``: who is ours, sender or recipient, or both."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


FAMILIES: dict[str, frozenset[FileType]] = {
    "word": frozenset({FileType.DOC, FileType.DOCX, FileType.DOCM, FileType.RTF, FileType.WORD_XML, FileType.MHT}),
    "excel": frozenset({FileType.XLS, FileType.XLSX, FileType.XLSM, FileType.XLSB, FileType.EXCEL_XML}),
    "powerpoint": frozenset({FileType.PPT, FileType.PPTX, FileType.PPTM}),
    "office": frozenset(
        {
            FileType.OLE,
            FileType.OOXML,
            FileType.FLAT_OPC,
            FileType.ODF,
            FileType.FLAT_ODF,
            FileType.VBA_PROJECT,
            FileType.ACTIVEMIME,
        }
    ),
    "onenote": frozenset({FileType.ONENOTE}),
    "pdf": frozenset({FileType.PDF}),
    "archive": frozenset(
        {
            FileType.ZIP,
            FileType.SEVEN_ZIP,
            FileType.RAR,
            FileType.TAR,
            FileType.GZIP,
            FileType.BZIP2,
            FileType.XZ,
            FileType.ZSTD,
            FileType.CAB,
            FileType.ARCHIVE,
            FileType.MACINTOSH,
        }
    ),
    "disk-image": frozenset({FileType.DISK_IMAGE}),
    "mail": frozenset(
        {
            FileType.TNEF,
            FileType.MSG,
            FileType.EMAIL,
            FileType.MBOX,
            FileType.PST,
            FileType.CMS,
            FileType.OPENPGP,
        }
    ),
    "html": frozenset({FileType.HTML}),
    "text": frozenset({FileType.TEXT, FileType.XML}),
    "image": frozenset({FileType.IMAGE}),
    "program": frozenset({FileType.SCRIPT, FileType.LNK, FileType.EXECUTABLE}),
    "other": frozenset({FileType.BINARY, FileType.EMPTY}),
}
"""Which file types a family word stands for; each type is in exactly one family. ``office`` is what may be any of the
three programs' (a template, a flat package, a bare OLE file)."""

_VERDICT_WORDS = tuple(verdict.label for verdict in Verdict)


def _words(value: object) -> list[str]:
    """One word or a list of words, never empty: an empty list would never match, which nobody means."""
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"must be a word or a list of words, not {shown(value)}")
    if not words:
        raise ValueError("is an empty list, which never matches; name something or leave the key out")
    return words


def _closed(known: Iterable[str], read: Callable[[str], T]) -> Callable[[object], frozenset[T]]:
    """A reader of words out of a closed set."""
    words = tuple(str(word) for word in known)

    def check(value: object) -> frozenset[T]:
        given = _words(value)
        wrong = [f"{shown(word)} is unknown{meant(word, words)}" for word in given if word not in words]
        if wrong:
            raise ValueError(f"{'; '.join(wrong)}; the words are {', '.join(words)}")
        return frozenset(read(word) for word in given)

    return check


def _one_of(known: Iterable[str], read: Callable[[str], T]) -> Callable[[object], T]:
    """A reader of exactly one word out of a closed set."""
    check = _closed(known, read)

    def check_one(value: object) -> T:
        (word,) = check(str(value))
        return word

    return check_one


_words_to_verdicts = _closed(_VERDICT_WORDS, Verdict.of)
_word_to_verdict = _one_of(_VERDICT_WORDS, Verdict.of)


def _verdicts(value: object) -> frozenset[Verdict]:
    if not isinstance(value, dict):
        return _words_to_verdicts(value)
    if set(value) != {"at_least"}:
        raise ValueError('a table here has exactly one key: { at_least = "suspicious" }')
    least = _word_to_verdict(value["at_least"])
    return frozenset(verdict for verdict in Verdict if verdict >= least)


def _networks(value: object) -> tuple[Network, ...]:
    return networks(_words(value))


def _digests(what: str) -> Callable[[object], frozenset[str]]:
    def read(value: object) -> frozenset[str]:
        words = [word.lower() for word in _words(value)]
        wrong = [shown(word) for word in words if not re.fullmatch(r"[0-9a-f]{64}", word)]
        if wrong:
            raise ValueError(f"{', '.join(wrong)}: {what}")
        return frozenset(words)

    return read


_hashes = _digests("a SHA-256 is 64 hexadecimal digits, as sha256sum prints it")
_prints = _digests("a macro is named by 64 hexadecimal digits, as macrogate scan -v prints them behind 'code'")


def _one_line(value: object) -> str:
    if not isinstance(value, str) or len(value) > 200 or not value.isprintable():
        raise ValueError(f"must be one line of at most 200 printable characters, not {shown(value)}")
    return value


def _rule_id(value: object) -> str:
    text = _one_line(value)
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text) or len(text) > 60:
        raise ValueError(f"{shown(text)} must be lower-case words joined by hyphens, like held-macros")
    if text in RESERVED:
        raise ValueError(f"{text!r} is a name the program uses itself; choose another")
    return text


def _domains(value: object) -> tuple[str, ...]:
    words = _words(value)
    if wrong := [shown(word) for word in words if not re.fullmatch(r"\.?[\w-]+(\.[\w-]+)*", word)]:
        raise ValueError(f'{", ".join(wrong)}: write domains as "example.com", and ".example.com" for all below it')
    return tuple(words)


_RESULTS = tuple(word for word in AuthResult if word is not AuthResult.SOFTFAIL)  # that one is SPF's
_words_to_families = _closed(FAMILIES, lambda word: FAMILIES[word])

OneLine = Annotated[str, BeforeValidator(_one_line)]
RuleId = Annotated[str, BeforeValidator(_rule_id)]
OneAction = Annotated[Action, BeforeValidator(_one_of(Action, Action))]
OneVerdict = Annotated[Verdict, BeforeValidator(_word_to_verdict)]
OneType = Annotated[FileType, BeforeValidator(_one_of(FileType, FileType))]
Size = Annotated[int, BeforeValidator(size)]
Verdicts = Annotated[frozenset[Verdict], BeforeValidator(_verdicts)]
Kinds = Annotated[frozenset[Kind], BeforeValidator(_closed(Kind, Kind))]
Types = Annotated[frozenset[FileType], BeforeValidator(_closed(FileType, FileType))]
Families = Annotated[
    frozenset[FileType], BeforeValidator(lambda value: frozenset[FileType]().union(*_words_to_families(value)))
]
Directions = Annotated[frozenset[Direction], BeforeValidator(_closed(Direction, Direction))]
Networks = Annotated[tuple[Network, ...], BeforeValidator(_networks)]
Hashes = Annotated[frozenset[str], BeforeValidator(_hashes)]
Domains = Annotated[tuple[str, ...], BeforeValidator(_domains)]
Words = Annotated[tuple[str, ...], BeforeValidator(lambda value: tuple(_words(value)))]
Results = Annotated[frozenset[AuthResult], BeforeValidator(_closed(_RESULTS, AuthResult))]
OneResult = Annotated[AuthResult, BeforeValidator(_one_of(_RESULTS, AuthResult))]
MacroPrints = Annotated[frozenset[str], BeforeValidator(_prints)]
