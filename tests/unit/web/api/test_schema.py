"""The API keeps what its own document promises, whatever it is asked (schemathesis, in this process)."""

from __future__ import annotations

import pytest
import schemathesis

from gateway.web.api import door
from gateway.web.api.tokens import Scope
from tests.explore import explore
from tests.unit.web.api.conftest import Api
from tests.unit.web.test_site import ID


def test_every_operation_keeps_its_promise(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "WRONG_TOKENS", 1 << 20)  # each case is tried with a wrong one as well
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", api.client.app)
    seen = explore(schema, api.token(*Scope), ID)
    assert {("listMessages", 200), ("showMessage", 200), ("releaseMessage", 200), ("deleteMessage", 200)} <= seen
    assert {("listMessages", 422), ("releaseMessage", 422)} <= seen
