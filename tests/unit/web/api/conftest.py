"""The API over a quarantine of one message, and tokens for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from gateway.closed_sets import Verdict
from gateway.exception_desk import ExceptionDesk
from gateway.exceptions import ExceptionList
from gateway.iocs import Indicator, IocKind
from gateway.iocs.gather import Collected, Wanted
from gateway.web import users as users_module
from gateway.web.api.site import api_routes
from gateway.web.api.tokens import Scope, Tokens
from gateway.web.people import Person, Role
from gateway.web.users import Users
from tests.unit.web.test_site import NOW, PASSWORD, StubDesk


@dataclass
class Api:
    """The routes, with a client that has a token of its own for every wish."""

    desk: StubDesk
    users: Users
    tokens: Tokens
    client: TestClient
    made: dict[str, str] = field(default_factory=dict)

    def token(self, *scopes: Scope, user: str = "ann") -> dict[str, str]:
        """The header with a token of these scopes."""
        name = f"{user}-{'-'.join(sorted(scopes))}"
        if name not in self.made:
            self.made[name] = self.tokens.add(name, user, scopes, None)
        return {"Authorization": f"Bearer {self.made[name]}"}


class StubIocs:
    """One indicator of each kind."""

    async def collect(self, wanted: Wanted, *, by: Person) -> Collected:
        values = {
            IocKind.SHA256: "ab" * 32,
            IocKind.URL: "http://evil.example.org/a",
            IocKind.DOMAIN: "evil.example.org",
            IocKind.IP: "192.0.2.1",
        }
        found = [Indicator(kind, value, Verdict.AUTOEXEC, NOW, NOW, 1) for kind, value in values.items()]
        return Collected(found, {"our own": 1})


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Api:
    cheap = users_module.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(users_module, "_HASHER", cheap)
    users, tokens, desk = Users(tmp_path / "users.json"), Tokens(tmp_path / "tokens.json"), StubDesk()
    desk.iocs = StubIocs()
    desk.exceptions = ExceptionDesk(ExceptionList(tmp_path / "exceptions.json"))
    for role in Role:
        users.put({"viewer": "vic", "releaser": "ann"}.get(role, role), role, PASSWORD)
    client = TestClient(Starlette(routes=api_routes(desk, tokens, users)), base_url="http://gate.test/api/v1")
    return Api(desk, users, tokens, client)
