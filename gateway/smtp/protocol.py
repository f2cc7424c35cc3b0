"""SMTP as bytes in and bytes out (RFC 5321): the DATA decoder and emitter, commands, paths, parameters, attributes.

Contract: no socket, no clock, no task. Only CRLF ends a line and only CRLF.CRLF ends a message, coming in and going
out; what is emitted never holds a CR without LF, a LF without CR, or a line that begins with a single dot, so even the
most lenient next hop counts one message (SMTP smuggling, CVE-2023-51764 to 51766). Whatever cannot be read raises
``CommandError``, which carries the reply for the client. Strings keep their octets (UTF-8 with ``surrogateescape``).
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import Literal

from gateway.message import Reply

BareNewline = Literal["normalize", "reject"]

MAX_COMMAND = 4096
"""Octets of a command line with CRLF. RFC 5321 §4.5.3.1.4 says 512 and more for extensions; Postfix reads 2048."""

MAX_PATH = 1024
"""Octets of one path. RFC 5321 §4.5.3.1.3 says 256; real VERP and ORCPT addresses are longer."""

_END = b"\r\n.\r\n"

# ---------------------------------------------------------------------------------------------------------- messages


class DataDecoder:
    """What follows 354, up to CRLF.CRLF, without dot transparency (RFC 5321 §4.5.2).

    ``feed`` returns what may be stored. A bare LF becomes CRLF and a bare CR a space, as Postfix's smtpd and cleanup
    do, so that a later relay finds nothing to repair and what is scanned is what is delivered; ``bare`` and ``nul``
    say that there was something to object to. Lines may have any length.
    """

    def __init__(self) -> None:
        self.done = False
        self.bare = False
        self.nul = False
        self.rest = b""
        """What came behind the final dot: pipelined commands."""
        self._held = b"\r\n"  # the CRLF of the DATA command itself: a message may begin with the dot that ends it
        self._skip = 2

    def feed(self, data: bytes) -> bytes:
        """The next octets of the message that ``data`` makes certain. Not to be called once ``done``."""
        raw = self._held + data
        dots = b"." in raw  # base64 has none, and looking for one octet is many times as fast as for five
        end = raw.find(_END) if dots else -1
        if end >= 0:
            self.done = True
            raw, self.rest, self._held = raw[: end + 2], raw[end + 5 :], b""
        else:
            self._held = _beginning_of_end(raw)
            if self._held:
                raw = raw[: -len(self._held)]
        if b"\0" in raw:
            self.nul = True
        if dots:
            raw = raw.replace(b"\r\n.", b"\r\n")
        if not _only_crlf(raw):
            self.bare = True
            raw = _with_crlf(raw)
        if self._skip and raw:
            raw, self._skip = raw[self._skip :], 0
        return raw


class DotStuffer:
    """A message as it goes behind a 354, cut anywhere. Strict whatever is fed: bare CR and LF are treated as in
    ``DataDecoder``, and a missing CRLF at the end is added."""

    def __init__(self) -> None:
        self._at_line_start = True
        self._held = b""

    def feed(self, piece: bytes) -> bytes:
        """The octets to send for ``piece``."""
        if self._held:
            piece, self._held = self._held + piece, b""
        if piece.endswith(b"\r"):
            piece, self._held = piece[:-1], b"\r"
        if not piece:
            return b""
        if not _only_crlf(piece):
            piece = _with_crlf(piece)
        if b"." in piece:
            dot = b"." if self._at_line_start and piece.startswith(b".") else b""
            piece = dot + piece.replace(b"\r\n.", b"\r\n..")
        self._at_line_start = piece.endswith(b"\n")
        return piece

    def finish(self) -> bytes:
        """The end of the last line, if it is missing, and the final dot."""
        if self._held:
            return b" " + _END
        return b".\r\n" if self._at_line_start else _END


def _beginning_of_end(raw: bytes) -> bytes:
    """The longest tail of ``raw`` that may turn out to be the beginning of the end."""
    for length in range(min(len(_END) - 1, len(raw)), 0, -1):
        if raw.endswith(_END[:length]):
            return _END[:length]
    return b""


def _only_crlf(raw: bytes) -> bool:
    """No CR and no LF but in pairs. Every octet comes by here twice: the decoder of text files, which takes note of the
    line ends it sees, needs a third of the time that counting them does."""
    seen = io.IncrementalNewlineDecoder(None, translate=False)
    seen.decode(raw.decode("latin-1"), final=True)
    return seen.newlines in {None, "\r\n"}


def _with_crlf(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b" ").replace(b"\n", b"\r\n")


_RECEIVED = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)


def received_fields(head: bytes) -> int:
    """How many ``Received`` fields the header section at the beginning of ``head`` has."""
    end = head.find(b"\r\n\r\n")
    return sum(1 for _ in _RECEIVED.finditer(head, 0, end if end >= 0 else len(head)))


# ---------------------------------------------------------------------------------------------------------- commands


class CommandError(Exception):
    """The client sent something that is no SMTP. ``reply`` says so to it; ``fatal`` means that the two sides may no
    longer agree on where a command begins, so that nothing further may be read."""

    def __init__(self, text: str, *, fatal: bool = False) -> None:
        super().__init__(text)
        self.reply = Reply.of(text)
        self.fatal = fatal


@dataclass(frozen=True, slots=True)
class Command:
    """One command line. ``verb`` in upper case; ``argument`` without the blanks around it, otherwise verbatim."""

    verb: str
    argument: str = ""

    @classmethod
    def parse(cls, line: bytes) -> Command:
        """``line`` as read up to its LF. Raises ``CommandError``, fatal for a bare CR or LF and for NUL."""
        if not line.endswith(b"\r\n"):
            raise CommandError("500 5.5.2 Commands end with <CR><LF>, not with a bare <LF>", fatal=True)
        text = line[:-2]
        if b"\r" in text or b"\0" in text:
            raise CommandError("501 5.5.2 A command holds neither a bare <CR> nor NUL", fatal=True)
        verb, _, argument = text.partition(b" ")
        if not verb.isascii() or not verb:
            raise CommandError("500 5.5.2 Command not recognized")
        return cls(verb.decode("ascii").upper(), argument.strip(b" \t").decode("utf-8", "surrogateescape"))


@dataclass(frozen=True, slots=True)
class Path:
    """The argument of MAIL FROM or RCPT TO: what stands between the angle brackets, and the ESMTP parameters behind
    them, both verbatim: source routes, quoted local parts and the rest are the next hop's business."""

    address: str
    parameters: str = ""

    @property
    def ascii(self) -> bool:
        """Needs no SMTPUTF8."""
        return self.address.isascii()

    def keywords(self) -> dict[str, str]:
        """Keyword in upper case → value, "" if it has none. Raises ``CommandError`` for bad syntax and for a keyword
        named twice, because two readers could choose differently."""
        found: dict[str, str] = {}
        for word in filter(None, self.parameters.split(" ")):
            match = _PARAMETER.fullmatch(word)
            if match is None:
                raise CommandError("501 5.5.4 Malformed parameter")
            keyword = match[1].upper()
            if keyword in found:
                raise CommandError(f"501 5.5.4 Parameter {keyword} given twice")
            found[keyword] = match[2] or ""
        return found

    def with_parameter(self, keyword: str, word: str) -> Path:
        """The same path with the parameter ``keyword`` written as ``word``, or left out if ``word`` is empty."""
        words = [word if _named(old, keyword) else old for old in self.parameters.split(" ")]
        return Path(self.address, " ".join(filter(None, words)))


_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^\x00-\x20=\x7f]+))?")

# RFC 5321 §4.1.2, loosely: a quoted string may hold anything printable, a backslash quotes one character; outside
# quotes there is no blank, no control character and no bracket. The alternatives begin differently: no backtracking.
_PATH = re.compile(r'<((?:[^\x00-\x20\x7f<>"\\]|"(?:[^\x00-\x1f\x7f"\\]|\\[^\x00-\x1f\x7f])*"|\\[^\x00-\x1f\x7f])*)>')


def parse_path(argument: str, keyword: str) -> Path:
    """``FROM:<a@example.com> SIZE=1`` or ``TO:<b@example.com>``; ``keyword`` is FROM or TO. Blanks behind the colon are
    forgiven, as every MTA does; missing brackets are not. Raises ``CommandError``."""
    head, colon, rest = argument.partition(":")
    if not colon or head.strip().upper() != keyword:
        raise CommandError(f"501 5.5.4 Syntax: {keyword}:<address>")
    rest = rest.lstrip(" ")
    match = _PATH.match(rest)
    if match is None:
        raise CommandError(f"501 5.1.{7 if keyword == 'FROM' else 3} Bad address syntax")
    behind = rest[match.end() :]
    if behind and not behind.startswith(" "):
        raise CommandError("501 5.5.4 A blank has to stand between the address and its parameters")
    if len(match[1].encode("utf-8", "surrogateescape")) > MAX_PATH:
        raise CommandError("501 5.1.3 Address too long")
    return Path(match[1], behind.strip(" "))


def _named(word: str, keyword: str) -> bool:
    return word.partition("=")[0].upper() == keyword


def parse_hello(argument: str) -> str:
    """The name behind HELO or EHLO. Raises ``CommandError`` for none, for 8-bit, control characters and over 255."""
    if not argument:
        raise CommandError("501 5.5.4 Syntax: EHLO hostname")
    if not (argument.isascii() and argument.isprintable()) or len(argument) > 255:
        raise CommandError("501 5.5.2 That is no host name")
    return argument


# --------------------------------------------------------------------------------------------- XFORWARD and XCLIENT

UNKNOWN = ("[UNAVAILABLE]", "[TEMPUNAVAIL]")

_XTEXT = re.compile(r"(?:[\x21-\x2a\x2c-\x3c\x3e-\x7e]|\+[0-9A-Fa-f]{2})*")
_HEX = re.compile(r"\+([0-9A-Fa-f]{2})")


def unxtext(value: str) -> str:
    """RFC 3461 §4 xtext, decoded. Raises ``CommandError`` if ``value`` is none, or if it decodes to anything but
    printable ASCII without blanks: it ends up in headers, logs and commands."""
    if _XTEXT.fullmatch(value) is None:
        raise CommandError("501 5.5.4 Attribute values are xtext")
    text = _HEX.sub(lambda match: chr(int(match[1], 16)), value)
    if not (text.isascii() and text.isprintable()) or " " in text or len(text) > 255:
        raise CommandError("501 5.5.4 Bad attribute value")
    return text


def parse_attributes(argument: str, allowed: frozenset[str]) -> dict[str, str]:
    """``NAME=a.example ADDR=192.0.2.1`` → name in upper case → value decoded, "" for a value that is not available.
    Raises ``CommandError`` for a name outside ``allowed``, named twice, or a bad value."""
    found: dict[str, str] = {}
    for word in filter(None, argument.split(" ")):
        name, equals, value = word.partition("=")
        name = name.upper()
        if not equals or name not in allowed or name in found:
            raise CommandError("501 5.5.4 Bad attribute name")
        found[name] = "" if value.upper() in UNKNOWN else unxtext(value)
    if not found:
        raise CommandError("501 5.5.4 Syntax: attribute=value ...")
    return found
