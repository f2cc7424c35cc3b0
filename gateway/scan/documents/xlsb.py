"""The records of a binary workbook, ``.xlsb`` (MS-XLSB).

Contract: ``read_workbook`` gives sheets and names of ``workbook.bin``, ``dde_sources`` the DDE links of an
``externalLink.bin``. Reading stops where the records end to make sense; nothing raises but ``OverLimit``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.scan.budget import Budget

_NAME, _SHEET, _SOURCE = 39, 156, 360
"""BrtName (MS-XLSB 2.4.711), BrtBundleSh (2.4.309), BrtBeginSupBook (2.4.233)."""
_DDE = 1
_STEPS_BETWEEN_CLOCKS = 4096


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet as the workbook lists it."""

    name: str
    relation: str
    state: int


def read_workbook(content: bytes, budget: Budget) -> tuple[list[Sheet], list[str]]:
    """The listed sheets and the defined names."""
    sheets: list[Sheet] = []
    names: list[str] = []
    for kind, body in _records(content, budget):
        if kind == _SHEET and len(body) >= 12:
            state = struct.unpack_from("<I", body)[0]
            relation, position = _string(body, 8)
            sheets.append(Sheet(_string(body, position)[0], relation, state))
        elif kind == _NAME and len(body) >= 13:
            names.append(_string(body, 9)[0])
    return sheets, names


def dde_sources(content: bytes, budget: Budget) -> Iterator[str]:
    """Each DDE link as ``server|topic``."""
    for kind, body in _records(content, budget):
        if kind == _SOURCE and len(body) >= 6 and struct.unpack_from("<H", body)[0] == _DDE:
            server, position = _string(body, 2)
            yield f"{server}|{_string(body, position)[0]}"


def _records(content: bytes, budget: Budget) -> Iterator[tuple[int, bytes]]:
    """Type and content of each record (2.1.4): both numbers in seven bits a byte."""
    position, steps, end = 0, 0, len(content)
    while position < end:
        kind, position = _number(content, position, 2)
        size, position = _number(content, position, 4)
        yield kind, content[position : position + size]
        position += size
        steps += 1
        if not steps % _STEPS_BETWEEN_CLOCKS:
            budget.check_time()


def _number(content: bytes, position: int, most: int) -> tuple[int, int]:
    value = 0
    for place in range(most):
        if position >= len(content):
            break
        byte = content[position]
        position += 1
        # a record type keeps its continuation bit clear in the value: 2.1.4 counts 7 bits of each byte
        value |= (byte & 0x7F) << 7 * place
        if not byte & 0x80:
            break
    return value, position


def _string(body: bytes, position: int) -> tuple[str, int]:
    """XLWideString (2.5.169); a null string is empty."""
    if position + 4 > len(body):
        return "", len(body)
    length = struct.unpack_from("<I", body, position)[0]
    position += 4
    if length == 0xFFFFFFFF:
        return "", position
    return body[position : position + 2 * length].decode("utf-16-le", "replace"), position + 2 * length
