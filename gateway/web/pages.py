"""What all pages share: how they are made from templates, what they forbid the browser, how a form is read.

Contract: everything is escaped by the templates; every page carries ``HEADERS``. ``fields`` takes any request and never
raises: what is no small form has no fields.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway import __version__
from gateway.closed_sets import HeldState, Verdict
from gateway.web import shown
from gateway.web.people import Act

LARGEST_FORM = 1 << 18
"""Bytes; a message with a thousand recipients to choose from needs half of it."""

LONGEST_FIELD = 500
"""Characters of one text somebody types."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

HERE = Path(__file__).resolve().parent


class DeskError(Exception):
    """What was asked for cannot be done; the message is a sentence for the person who asked."""


class Templates:
    """The pages in ``templates/``."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self._environment.filters |= {"when": shown.when, "size": shown.size, "defanged": shown.defanged}
        self._environment.filters |= {"exact": shown.exactly_when, "defanged_text": shown.defanged_text}
        self._environment.filters |= {"header": shown.header, "answers": shown.answers_for_it}
        self._environment.globals |= {"listing": shown.listing, "misleads": shown.misleads}
        self._environment.globals |= {"code": shown.code, "ago": shown.ago, "version": __version__}
        self._environment.globals |= {"states": list(HeldState), "Act": Act}
        self._environment.globals |= {"verdicts": [verdict.label for verdict in reversed(Verdict)]}

    def page(self, template: str, *, status: int = 200, **facts: Any) -> Response:
        """One page; ``user`` and ``form`` are those of who is signed in, if anybody is."""
        facts = {"user": None, "form": "", "waiting": 0, "now": datetime.now(UTC)} | facts
        text = self._environment.get_template(template).render(**facts)
        return HTMLResponse(text, status_code=status, headers=HEADERS)


async def fields(request: Request) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The texts of a form, the last of each name and all of each name; files are no texts."""
    length = request.headers.get("content-length", "")
    if request.method != "POST" or not length.isdecimal() or int(length) > LARGEST_FORM:
        return {}, {}
    try:
        data: FormData = await request.form(max_files=0, max_fields=1000, max_part_size=1 << 16)
    except Exception:  # noqa: BLE001 - whatever a stranger sends as a form is none
        return {}, {}
    texts = [(name, value) for name, value in data.multi_items() if isinstance(value, str)]
    several: dict[str, list[str]] = {}
    for name, value in texts:
        several.setdefault(name, []).append(value)
    return dict(texts), several
