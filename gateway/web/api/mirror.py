"""The vocabulary of ``gateway.message`` as models with a JSON schema.

Contract: ``model_of`` gives for a dataclass the model that has its fields, read from its attributes, so that what is
added to the vocabulary is in the API's answers and in its OpenAPI document without anybody thinking of it. Verdicts are
told by their word; texts are made printable (bytes of an address that are no UTF-8 are no JSON).
"""

from __future__ import annotations

import dataclasses
import types
import typing
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, create_model

from gateway.closed_sets import Verdict
from gateway.message import clip

from datetime import datetime  # isort: skip

VERDICTS = tuple(verdict.label for verdict in Verdict)


def _printable(value: Any) -> Any:
    return clip(value, len(value), keep="\n\t") if isinstance(value, str) else value


def _word(value: Any) -> Any:
    return value.label if isinstance(value, Verdict) else value


Text = Annotated[str, BeforeValidator(_printable)]
VerdictWord = Annotated[Literal["clean", "macro", "suspicious", "unscannable", "autoexec"], BeforeValidator(_word)]
PLAIN: dict[Any, Any] = {str: Text, Verdict: VerdictWord, datetime: AwareDatetime}


@cache
def model_of(kind: type) -> Any:
    """The model of a dataclass, a class of pydantic's; nested ones have theirs."""
    hints = typing.get_type_hints(kind)
    fields: dict[str, Any] = {field.name: (_mirrored(hints[field.name]), ...) for field in dataclasses.fields(kind)}
    made: type[BaseModel] = create_model(
        kind.__name__, __config__=ConfigDict(from_attributes=True), __doc__=kind.__doc__, **fields
    )
    return made


def _mirrored(hint: Any) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple and arguments[1:] == (...,):
        return tuple[_mirrored(arguments[0]), ...]  # type: ignore[misc]  # made while the program runs
    if origin in {types.UnionType, typing.Union}:
        return typing.Union[tuple(_mirrored(one) for one in arguments)]  # noqa: UP007 - the members are known only now
    if dataclasses.is_dataclass(hint):
        return model_of(typing.cast(type, hint))
    return PLAIN.get(hint, hint)
