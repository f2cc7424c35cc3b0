"""What is wrong with a file an admin wrote, as sentences.

Contract: turns pydantic's errors, all of them, into one line each: where (the path of keys), what, and the word that
was probably meant. Never raises for any error pydantic reports. Numbers with a unit, as both kinds of file use them,
are read here too; they raise ``ValueError`` with the sentence to show.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeGuard, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

_SIZE = re.compile(r"(\d{1,15})\s*([KMGT]?)i?B?", re.IGNORECASE | re.ASCII)
_SIZE_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)\s*(ms|s|m|h|d|w)", re.ASCII)
_DURATION_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def networks(words: Iterable[str]) -> tuple[IPv4Network | IPv6Network, ...]:
    """CIDR networks; all that are none are named in one ``ValueError``."""
    found, wrong = [], []
    for word in words:
        try:
            found.append(ip_network(word))
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        raise ValueError(f'{"; ".join(wrong)}; write networks as "192.0.2.0/24" or "2001:db8::/32"')
    return tuple(found)


def sentences(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """One ``key.path: sentence`` for each error, in the order of the file's model."""
    for detail in error.errors(include_url=False):
        if detail["type"] == "default_factory_not_called":
            continue  # a consequence of another mistake, which is told
        path = ".".join(str(step) for step in detail["loc"])
        yield f"{path}: {_sentence(detail, model)}" if path else _sentence(detail, model)


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> str:
    match detail["type"]:
        case "extra_forbidden":
            known = _fields(model, detail["loc"][:-1])
            return f"there is no such key{meant(str(detail['loc'][-1]), known)}; known here: {', '.join(known)}"
        case "missing":
            return "this key is missing"
        case "value_error":
            return str(detail["ctx"]["error"])
        case "literal_error":
            return f"must be {detail['ctx']['expected']}, not {shown(detail['input'])}"
        case "model_type" | "model_attributes_type" | "dict_type":
            return f"must be a table of keys, not {shown(detail['input'])}"
        case _:
            text = detail["msg"].removeprefix("Input should be ")
            return f"must be {text}, not {shown(detail['input'])}"


def _fields(model: type[BaseModel], path: Iterable[str | int]) -> tuple[str, ...]:
    """The keys the table at ``path`` may have."""
    for step in path:
        field = model.model_fields.get(str(step))
        annotation = field.annotation if field else None
        tables = [inner for inner in (annotation, *get_args(annotation)) if _is_model(inner)]
        if not tables:
            return ()
        model = tables[0]
    return tuple(model.model_fields)


def _is_model(annotation: object) -> TypeGuard[type[BaseModel]]:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def meant(word: str, known: Iterable[str]) -> str:
    """``" (did you mean 'x'?)"``, or nothing if no known word is near."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" (did you mean {near[0]!r}?)" if near else ""


def shown(value: object) -> str:
    """A value of the file, short enough for a sentence."""
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def size(value: object) -> int:
    """Bytes: ``50M``, ``64K``, ``1G`` (powers of 1024), or a plain number of bytes."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and (found := _SIZE.fullmatch(value.strip())):
        return int(found[1]) * _SIZE_UNITS[found[2].upper()]
    raise ValueError(f'{shown(value)} is not a size; write bytes as "50M", "64K" or 1048576')


def duration(value: object) -> float:
    """Seconds: ``30s``, ``5m``, ``12h``, ``30d``, or a plain number of seconds."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e12:
        return float(value)
    if isinstance(value, str) and (found := _DURATION.fullmatch(value.strip())):
        return float(found[1]) * _DURATION_UNITS[found[2]]
    raise ValueError(f'{shown(value)} is not a duration; write it as "30s", "5m", "12h" or "30d"')
