"""olevba's reading of a VBA project: the second opinion behind our own; the only module that knows oletools.

Contract: ``second_reading`` gives the modules olevba extracts, or none. It is asked only about compound files whose
projects our own reader could decompress within the budget, so its unbounded decompression is bounded too, and only up
to a size its speed allows. Its analysis and deobfuscation are never used: they take seconds on 600 KB.
"""

from __future__ import annotations

import logging
import warnings
from functools import cache
from typing import Any

from gateway.scan.budget import Budget

MAX_SIZE = 4 << 20
"""olevba reads every stream of the file; 4 MiB take it about 10 ms."""
MAX_SOURCE = 16 << 10
"""Characters of source olevba decompresses at about 1 ms a thousand."""


def second_reading(data: bytes | memoryview, source_size: int, budget: Budget) -> list[tuple[str, str]]:
    """Module names and sources, as olevba sees them; empty where it fails, since our own reading stands anyway.

    ``source_size`` is how many characters our own reading has.
    """
    if len(data) > MAX_SIZE or source_size > MAX_SOURCE:
        return []
    budget.check_time()
    try:
        parser = load()("document", data=bytes(data))
        try:
            return [(_text(name), _text(code)) for _, _, name, code in parser.extract_macros()]
        finally:
            parser.close()
    except Exception:  # noqa: BLE001 - olevba raises a dozen types on damaged files; the finding is our own reader's
        return []


@cache
def load() -> Any:
    """``VBA_Parser``, imported when the first macro is met, or ahead of that: 200 ms and 23 MiB."""
    with warnings.catch_warnings():
        # oletools calls pyparsing by names that pyparsing 3 warns about
        warnings.simplefilter("ignore", DeprecationWarning)
        from oletools.olevba import VBA_Parser
    logging.getLogger("olevba").setLevel(logging.CRITICAL)
    return VBA_Parser


def _text(value: object) -> str:
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
    return text.replace("\r\n", "\n").replace("\r", "\n")
