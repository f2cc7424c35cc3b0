"""The header of a message as signatures see it: raw fields in order, every byte kept (RFC 5322 §2.2).

Contract: pure. ``read`` takes any bytes and raises ``Unreadable`` for a header longer than ``MAX_HEADER`` bytes or
``MAX_FIELDS`` fields; nothing else. A line that is no field becomes a field without a name, which nobody can sign.
"""

from __future__ import annotations

import mmap
import re
from dataclasses import dataclass
from typing import Final

MAX_HEADER: Final = 256 << 10
MAX_FIELDS: Final = 2000

Bytes = bytes | mmap.mmap

_NAME = re.compile(rb"([!-9;-~]+)[ \t]*:")
_LINE = re.compile(rb"[^\n]*\n(?:[ \t][^\n]*\n)*")


class Unreadable(Exception):
    """The message cannot be authenticated. The text is a sentence."""


@dataclass(frozen=True, slots=True)
class RawField:
    """One field. ``key`` is its name in lower case, ``name`` all bytes before the colon, ``value`` all after it up to
    and with its last line end."""

    key: bytes
    name: bytes
    value: bytes

    @property
    def text(self) -> str:
        """The value unfolded, for parsing."""
        return self.value.replace(b"\r\n", b"").decode("utf-8", "replace").strip()


@dataclass(frozen=True, slots=True)
class Header:
    """All fields, and where the body begins."""

    fields: tuple[RawField, ...]
    body: int

    def all(self, key: bytes) -> list[RawField]:
        """The fields of that name, the topmost first."""
        return [field for field in self.fields if field.key == key]


def read(data: Bytes) -> Header:
    """The header of a message. Raises ``Unreadable``."""
    if data[:2] == b"\r\n":
        return Header((), 2)
    end = data.find(b"\n\r\n", 0, MAX_HEADER + 3)
    if end < 0 and len(data) > MAX_HEADER:
        raise Unreadable(f"the header is longer than {MAX_HEADER} bytes")
    block, body = (data[: end + 1], end + 3) if end >= 0 else (data[: len(data)], len(data))
    if not block.endswith(b"\n"):
        block += b"\r\n"
    fields: list[RawField] = []
    for match in _LINE.finditer(block):
        if len(fields) >= MAX_FIELDS:
            raise Unreadable(f"the header has more than {MAX_FIELDS} fields")
        fields.append(_field(match.group()))
    return Header(tuple(fields), body)


def _field(line: bytes) -> RawField:
    named = _NAME.match(line)
    if named is None:
        return RawField(b"", b"", line)
    return RawField(named.group(1).lower(), line[: named.end() - 1], line[named.end() :])


def select(fields: tuple[RawField, ...], keys: list[bytes]) -> list[RawField]:
    """The fields a signature over ``keys`` is about: those of one name from the bottom up (RFC 6376 §5.4.2); a name
    without a field left stands for none."""
    left: dict[bytes, list[RawField]] = {}
    for field in fields:
        left.setdefault(field.key, []).append(field)
    return [left[key].pop() for key in keys if left.get(key)]
