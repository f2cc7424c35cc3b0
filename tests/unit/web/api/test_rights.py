"""Who may do what by API: every role, every operation, over a real quarantine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.closed_sets import Effect
from gateway.exception_desk import ExceptionDesk
from gateway.exceptions import ExceptionList
from gateway.policy.entries import Subject
from gateway.web import users as users_module
from gateway.web.api.operations import Operation
from gateway.web.people import Person, Role
from tests.unit.test_looking import ID
from tests.unit.web.api.conftest import StubIocs
from tests.unit.web.api.test_api import BODIES, QUERIES, TABLE
from tests.unit.web.api.test_requests import Program, programs
from tests.unit.web.test_site import StubDesk

LEAST = {
    "listMessages": Role.VIEWER,
    "countMessages": Role.VIEWER,
    "showMessage": Role.VIEWER,
    "readMessage": Role.VIEWER,
    "showSource": Role.VIEWER,
    "showOutlook": Role.RELEASER,
    "listSimilar": Role.VIEWER,
    "showHistory": Role.VIEWER,
    "downloadMessage": Role.ANALYST,
    "downloadParcel": Role.ANALYST,
    "releaseMessage": Role.RELEASER,
    "deleteMessage": Role.RELEASER,
    "releaseSeveral": Role.RELEASER,
    "deleteSeveral": Role.RELEASER,
    "requestSeveral": Role.ANALYST,
    "listRequests": Role.VIEWER,
    "showRequest": Role.VIEWER,
    "requestRelease": Role.ANALYST,
    "approveRequest": Role.RELEASER,
    "sendApproved": Role.RELEASER,
    "refuseRequest": Role.RELEASER,
    "takeBackRequest": Role.ANALYST,
    "listExceptions": Role.VIEWER,
    "showException": Role.VIEWER,
    "exportIndicators": Role.VIEWER,
    "addException": Role.RELEASER,
    "removeException": Role.ADMIN,  # of a block: it lets mail pass
    "today": Role.VIEWER,
    "whoAmI": Role.VIEWER,
    "version": Role.VIEWER,
}
"""The least role for each operation."""

NAMES = {Role.VIEWER: "vic", Role.ANALYST: "al", Role.RELEASER: "bob", Role.ADMIN: "adi"}
ADMIN = Person("adi", Role.ADMIN)


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    hasher = users_module.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(users_module, "_HASHER", hasher)


async def answers(program: Program, operation: Operation, entry_id: str, **body: Any) -> dict[Role, tuple[int, str]]:
    """What each role is answered, the least one first; the tokens are for everything."""
    program.at.desk._today = StubDesk().today
    told = {}
    for role, name in NAMES.items():
        answer = await program.client.request(
            operation.method,
            operation.path.format(held_id=ID, entry_id=entry_id),
            headers={"Authorization": f"Bearer {program.tokens[name]}"},
            params=QUERIES.get(operation.name),
            json=BODIES[operation.name] | body if operation.body else None,
        )
        told[role] = answer.status_code, answer.text
    return told


def test_every_operation_has_its_role() -> None:
    assert set(LEAST) == {operation.name for operation in TABLE}


@pytest.mark.parametrize("operation", TABLE, ids=lambda operation: operation.name)
async def test_a_token_for_everything_does_what_its_owner_may(tmp_path: Path, operation: Operation) -> None:
    least = LEAST[operation.name]
    async with programs(tmp_path, two_person=False) as program:
        desk = program.at.desk
        desk.iocs = StubIocs()
        desk.exceptions = ExceptionDesk(ExceptionList(tmp_path / "exceptions.json"))
        block = await desk.exceptions.add(Effect.BLOCK, Subject.SENDER, "evil.example", by=ADMIN, why="phishing")
        for role, (status, text) in (await answers(program, operation, block.id)).items():
            assert (status == 403) is not role.may(least), (role, text)
            assert status != 403 or f"takes the role {least}; yours is {role}" in text
            assert status in {200, 403, 404, 409}, text


async def test_what_lets_mail_pass_is_for_the_admin(tmp_path: Path) -> None:
    add = next(operation for operation in TABLE if operation.name == "addException")
    async with programs(tmp_path) as program:
        program.at.desk.exceptions = ExceptionDesk(ExceptionList(tmp_path / "exceptions.json"))
        told = await answers(program, add, "", effect="allow")
        assert [status for status, _ in told.values()] == [403, 403, 403, 200]
