"""The OpenAPI 3.1 document, made from the same table as the routes.

Contract: every operation of the table is in it, with what it takes, what it gives and every status it may answer with.
"""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway import __version__
from gateway.web.api.operations import Operation
from gateway.web.api.problems import MEDIA_TYPE, ProblemDetails

ID = {"type": "string", "pattern": "^[0-9a-f]{1,64}$", "examples": ["0123456789abcdef"]}
ALWAYS = (400, 401, 403, 429, 503)
"""What any operation may be refused with."""

DESCRIPTION = """\
What is held by Macrogate, and what becomes of it, for programs. Send a token as `Authorization: Bearer mgt_...`;
`macrogate token add` makes one. Refusals are problem details (RFC 9457) whose `detail` is a sentence for a person.
Times are UTC."""


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The whole document, ready to be written as JSON."""
    paths: dict[str, dict[str, Any]] = {}
    references, schemas = _schemas(operations)
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, references, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Macrogate", "version": __version__, "description": DESCRIPTION},
        "servers": [{"url": "/api/v1"}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "mgt_..."}},
        },
    }


Key = tuple[type[BaseModel], Literal["validation", "serialization"]]


def _schemas(operations: Sequence[Operation]) -> tuple[dict[Any, Any], dict[str, Any]]:
    keys: list[Key] = [(ProblemDetails, "serialization")]
    for operation in operations:
        keys += [(model, "validation") for model in (operation.body, operation.query) if model]
        keys += [(operation.answer, "serialization")] if operation.answer else []
    references, definitions = models_json_schema(keys, ref_template="#/components/schemas/{model}")
    return references, definitions["$defs"]


def _operation(operation: Operation, references: dict[Any, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    scopes = [str(operation.scope)] if operation.scope else []
    told: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": " ".join(filter(None, (operation.detail, _takes(operation)))),
        "security": [{"token": scopes}],
        "responses": _responses(operation, references),
    }
    parameters = _parameters(operation, references, schemas)
    if parameters:
        told["parameters"] = parameters
    if operation.body:
        schema = references[operation.body, "validation"]
        told["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return told


def _takes(operation: Operation) -> str:
    return f"Takes a token with the scope `{operation.scope}`." if operation.scope else "Any token will do."


def _parameters(operation: Operation, references: dict[Any, Any], schemas: dict[str, Any]) -> list[dict[str, Any]]:
    named = [name for name in ("held_id", "entry_id") if f"{{{name}}}" in operation.path]
    found: list[dict[str, Any]] = [{"name": name, "in": "path", "required": True, "schema": ID} for name in named]
    if operation.query:
        model = references[operation.query, "validation"]["$ref"].rpartition("/")[2]
        wanted = schemas.pop(model)
        for field, schema in wanted["properties"].items():
            shape = {key: value for key, value in schema.items() if key not in {"title", "description"}}
            told = {"name": field, "in": "query", "description": schema.get("description", ""), "schema": shape}
            found.append(told | ({"required": True} if field in wanted.get("required", ()) else {}))
    return found


def _schema(operation: Operation, references: dict[Any, Any], media_type: str) -> Any:
    if operation.answer and media_type == "application/json":
        return references[operation.answer, "serialization"]
    return {"type": "object" if media_type.endswith("+json") else "string"}


def _responses(operation: Operation, references: dict[Any, Any]) -> dict[str, Any]:
    content = {kind: {"schema": _schema(operation, references, kind)} for kind in operation.media_types}
    responses: dict[str, Any] = {"200": {"description": "Done.", "content": content}}
    problem = {MEDIA_TYPE: {"schema": references[ProblemDetails, "serialization"]}}
    more = [*operation.refusals]
    more += [422] if operation.query or operation.body else []
    more += [413, 415] if operation.body else []
    for status in sorted({*ALWAYS, *more}):
        responses[str(status)] = {"description": f"{HTTPStatus(status).phrase}.", "content": problem}
    return responses
