"""What is wrong with a request, as programs and people read it (RFC 9457).

Contract: every refusal of the API is a ``Problem``: a status, and a sentence that helps. What a stranger sent is quoted
only printable and short, and only ever inside JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from gateway.message import clip
from gateway.web.desk import Failed, NotAllowed, NotHeld, NotTaken
from gateway.web.pages import DeskError

MEDIA_TYPE = "application/problem+json"
MAX_DETAIL = 2000

HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
    }
)
"""Of every answer of the API."""


def status_of(error: DeskError) -> int:
    """The status that says what kind of trouble it is."""
    kinds = {NotHeld: 404, NotAllowed: 403, NotTaken: 502, Failed: 503}
    return next((status for kind, status in kinds.items() if isinstance(error, kind)), 409)


class ProblemDetails(BaseModel):
    """Why something was not done."""

    model_config = ConfigDict(title="Problem")

    type: str = Field(
        default="about:blank", description="Always about:blank: the status says what kind of problem it is."
    )
    title: str = Field(description="The name of the status.")
    status: int = Field(description="The status of HTTP, once more.", ge=400, le=599)
    detail: str = Field(description="A sentence for a person.")


class Problem(Exception):
    """Ends a request with this status; ``detail`` is the sentence."""

    def __init__(self, status: int, detail: str, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers

    def response(self) -> Response:
        """As it is sent."""
        title = HTTPStatus(self.status).phrase
        details = ProblemDetails(title=title, status=self.status, detail=clip(str(self), MAX_DETAIL))
        return Response(
            details.model_dump_json(), self.status, headers={**HEADERS, **self.headers}, media_type=MEDIA_TYPE
        )
