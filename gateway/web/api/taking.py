"""Reading what a request brings: a query, a small JSON body.

Contract: gives an object of the model that was asked for, or raises ``Problem``: 400 for what cannot be read, 413 for
too much, 415 for another type, 422 for what can be read and is not what is wanted. At most ``LARGEST_BODY`` bytes of a
body are ever kept; the depth of JSON is bounded by pydantic's reader.
"""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from gateway.mistakes import sentences
from gateway.web.api.problems import Problem

LARGEST_BODY = 1 << 19
"""Bytes; a release to a thousand recipients needs most of it."""
MAX_SENTENCES = 5

Model = TypeVar("Model", bound=BaseModel)


def query_of(request: Request, model: type[Model]) -> Model:
    """The query of an address. Raises ``Problem``."""
    pairs = request.query_params.multi_items()
    if len({name for name, _ in pairs}) < len(pairs):
        raise Problem(400, "Something is given twice in the address; once is enough.")
    try:
        return model.model_validate(dict(pairs))
    except ValidationError as error:
        raise _wrong(error, model) from error


async def body_of(request: Request, model: type[Model]) -> Model:
    """The body. Raises ``Problem``."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" or "content-encoding" in request.headers:
        raise Problem(415, "Send JSON as it is: Content-Type: application/json, no Content-Encoding.")
    try:
        return model.model_validate_json(await _read(request))
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            raise Problem(400, f"The body is not JSON: {error.errors()[0]['ctx']['error']}.") from error
        raise _wrong(error, model) from error


async def _read(request: Request) -> bytes:
    taken = bytearray()
    try:
        async for chunk in request.stream():
            taken += chunk
            if len(taken) > LARGEST_BODY:
                raise Problem(413, f"The body is larger than {LARGEST_BODY} bytes.", {"Connection": "close"})
    except ClientDisconnect as error:
        raise Problem(400, "The body ended too soon.") from error
    return bytes(taken)


def _wrong(error: ValidationError, model: type[BaseModel]) -> Problem:
    told = [sentence for _, sentence in zip(range(MAX_SENTENCES), sentences(error, model), strict=False)]
    return Problem(422, "; ".join(told))
