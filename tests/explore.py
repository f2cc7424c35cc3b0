"""Schemathesis against the API: what its own document promises, tried with good data and with bad.

Contract: ``explore`` calls every operation with cases made from the OpenAPI document and runs every check schemathesis
has: status codes, media types, schemas of answers, no 5xx, data that is wrong refused and data that is right taken,
nothing told without a token, methods that are not there. Raises ``AssertionError`` (a ``FailureGroup``) at the first.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.generation import GenerationMode
from schemathesis.schemas import BaseSchema

PROOF = bool(os.environ.get("MACROGATE_PROOF"))
EXAMPLES = 500 if PROOF else 8
"""Cases an operation, of each kind."""

PATIENCE = 300.0
"""Seconds for an answer: long enough that only one that never comes is missed."""


def explore(
    schema: BaseSchema, headers: dict[str, str], held_id: str, examples: int = EXAMPLES, **how: Any
) -> set[tuple[str, int]]:
    """Which operation answered with which statuses. ``held_id`` is that of a message that is there."""
    seen: set[tuple[str, int]] = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            if mode is GenerationMode.NEGATIVE and not operation.body and not list(operation.query):
                continue
            known = {"held_id": held_id} if "{held_id}" in operation.path else None

            @settings(
                max_examples=examples,
                deadline=None,
                database=None,
                derandomize=not PROOF,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(mode, path_parameters=known))
            def one(case: Any) -> None:
                answer = case.call_and_validate(headers=headers, timeout=PATIENCE, **how)
                seen.add((case.operation.definition.raw["operationId"], answer.status_code))

            one()
    return seen
