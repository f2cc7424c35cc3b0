"""The API, asked as programs and as attackers ask."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from gateway.closed_sets import HeldState
from gateway.quarantine.journal import Entry
from gateway.quarantine.models import HeldMessage
from gateway.quarantine.sidecar import FORMAT, Record, decode
from gateway.readable import Reading
from gateway.web.api import looks, models
from gateway.web.api.door import WRONG_TOKENS
from gateway.web.api.held import COUNTED
from gateway.web.api.operations import Call, Operation
from gateway.web.api.site import operations
from gateway.web.api.taking import LARGEST_BODY
from gateway.web.api.tokens import Scope
from gateway.web.desk import Failed, NotTaken, Query
from gateway.web.look import Similar
from gateway.web.pages import DeskError
from gateway.web.visits import COOKIE
from tests.unit.web.api.conftest import Api
from tests.unit.web.test_site import EVIL, ID, StubDesk, held_message

TABLE = operations(StubDesk())
EVERYTHING = tuple(Scope)
BODIES: dict[str, Any] = {
    "releaseMessage": {"why": "expected"},
    "deleteMessage": {"why": "spam"},
    "downloadParcel": {"why": "to see"},
    "requestRelease": {"why": "expected"},
    "approveRequest": {"number": 2, "why": "called the sender"},
    "sendApproved": {"number": 2},
    "refuseRequest": {"number": 2, "why": "malware"},
    "takeBackRequest": {"number": 2},
    "releaseSeveral": {"ids": [ID], "why": "expected"},
    "deleteSeveral": {"ids": [ID], "why": "spam"},
    "requestSeveral": {"ids": [ID], "why": "expected"},
    "addException": {"effect": "block", "subject": "sender", "what": "evil.example", "why": "phishing"},
    "removeException": {"why": "over"},
}


NOT_THERE = {"showException", "removeException"}
QUERIES = {"downloadMessage": {"why": "ticket 7"}}


def ask(api: Api, operation: Operation, headers: dict[str, str], **more: Any) -> Any:
    """A good request for an operation."""
    if operation.body:
        more.setdefault("json", BODIES[operation.name])
    more.setdefault("params", QUERIES.get(operation.name))
    return api.client.request(
        operation.method, operation.path.format(held_id=ID, entry_id="0" * 10), headers=headers, **more
    )


def by_name(name: str) -> Operation:
    return next(operation for operation in TABLE if operation.name == name)


@pytest.mark.parametrize("operation", TABLE, ids=lambda operation: operation.name)
def test_an_operation_takes_its_own_scope_and_no_other(api: Api, operation: Operation) -> None:
    for scope in Scope:
        answer = ask(api, operation, api.token(scope))
        if operation.scope in {None, scope}:
            assert answer.status_code == (404 if operation.name in NOT_THERE else 200), answer.text
            continue
        assert answer.status_code == 403
        assert f'error="insufficient_scope", scope="{operation.scope}"' in answer.headers["www-authenticate"]


@pytest.mark.parametrize("operation", TABLE, ids=lambda operation: operation.name)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Basic YW5uOng="},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer mgt_" + "x" * 43},
        {"Authorization": "Bearer ../../users.json"},
        {"Cookie": f"{COOKIE}=x"},
    ],
)
def test_without_a_good_token_nothing_is_told(api: Api, operation: Operation, headers: dict[str, str]) -> None:
    answer = ask(api, operation, headers)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"].startswith('Bearer realm="macrogate"')
    assert api.desk.done == api.desk.asked == []


def test_a_token_ends_with_its_time_its_removal_and_its_owner(api: Api) -> None:
    good = api.token(Scope.READ)
    assert api.client.get("/today", headers=good).status_code == 200
    old = api.tokens.add("old", "ann", [Scope.READ], datetime.now(UTC) - timedelta(seconds=1))
    answer = api.client.get("/today", headers={"Authorization": f"Bearer {old}"})
    assert (answer.status_code, "has expired" in answer.json()["detail"]) == (401, True)
    other = api.token(Scope.RELEASE, Scope.READ)
    api.tokens.remove("ann-read")
    assert api.client.get("/today", headers=good).status_code == 401
    assert api.client.get("/today", headers=other).status_code == 200
    api.users.remove("ann")
    assert api.client.get("/today", headers=other).status_code == 401


def test_a_token_can_do_no_more_than_its_owner(api: Api) -> None:
    answer = ask(api, by_name("releaseMessage"), api.token(*EVERYTHING, user="vic"))
    assert (answer.status_code, "takes the role releaser" in answer.json()["detail"]) == (403, True)
    assert api.desk.done == []


def test_wrong_tokens_are_counted_and_good_ones_still_heard(api: Api) -> None:
    wrong = {"Authorization": "Bearer mgt_" + "x" * 43}
    codes = [api.client.get("/whoami", headers=wrong).status_code for _ in range(WRONG_TOKENS + 1)]
    assert codes == [401] * WRONG_TOKENS + [429]
    assert api.client.get("/whoami", headers=wrong).headers["retry-after"] == "300"
    assert api.client.get("/whoami", headers=api.token(Scope.READ)).status_code == 200


@pytest.mark.parametrize("query", ["access_token={}", "token=x", "subject={}"])
def test_a_token_in_an_address_is_refused(api: Api, query: str) -> None:
    good = api.token(Scope.READ)
    secret = good["Authorization"].removeprefix("Bearer ")
    answer = api.client.get(f"/messages?{query.format(secret)}", headers=good)
    assert (answer.status_code, "no place in an address" in answer.json()["detail"]) == (400, True)
    assert secret not in answer.text


def test_two_tokens_are_none(api: Api) -> None:
    value = api.token(Scope.READ)["Authorization"]
    assert api.client.get("/whoami", headers=[("Authorization", value)] * 2).status_code == 401


def test_a_broken_file_lets_nobody_in_and_is_told(api: Api) -> None:
    good = api.token(Scope.READ)
    api.tokens.path.write_text("[]")
    answer = api.client.get("/whoami", headers=good)
    assert (answer.status_code, "is not a file of tokens" in answer.json()["detail"]) == (503, True)


def test_whose_it_is(api: Api) -> None:
    told = api.client.get("/whoami", headers=api.token(Scope.READ, user="vic")).json()
    assert told == {"user": "vic", "role": "viewer", "token": "vic-read", "scopes": ["read"], "expires": None}


# --- looking ---


NEW = {
    "file": "ab" * 32,
    "since": "2026-11-22",
    "until": "2026-11-23T10:30:00+02:00",
    "campaign": "cd" * 32,
    "text": "two words",
}


def test_the_list_is_asked_as_the_page_asks(api: Api) -> None:
    search = {"subject": "inv", "verdict": "autoexec", "state": "all", "sender": "a", "recipient": "b", **NEW}
    more = {"older": "17", "limit": "20"}
    answer = api.client.get("/messages", params=search | more, headers=api.token(Scope.READ))
    assert answer.status_code == 200
    assert api.desk.asked[-1] == Query("all", "autoexec", "a", "b", "inv", "17", "", 21, **NEW)
    here = str(api.desk.message.place)
    told = answer.json()
    assert (len(told["items"]), told["older"], told["newer"]) == (20, here, here)
    assert api.client.get("/messages", headers=api.token(Scope.READ)).json()["newer"] is None


@pytest.mark.parametrize(
    "query",
    [
        "state=x",
        "verdict=%00",
        "older=-1",
        "older=9e9",
        "newer=%D9%A3",
        "older=" + "9" * 40,
        "limit=0",
        "limit=201",
        "limit=x",
        "order=id;drop+table+held",
        "subject=a&subject=b",
        f"older=1-{ID}%0a",
        "page=2",
        "since=yesterday",
        "since=1700000000",
        "since=2026-02-30",
        "since=2026-11-22T10:00:00",
        "until=2026-W01-1",
        "until=2026-11-22T25:00:00Z",
        "until=2026-11-22%0a",
        "campaign=xyz",
        "file=ab",
        "file=" + "A" * 64,
        "campaign=' or 1=1 --",
        "campaign=" + "a" * 65,
        "text=" + "a" * 501,
    ],
)
def test_odd_words_of_a_search_are_refused(api: Api, query: str) -> None:
    answer = api.client.get(f"/messages?{query}", headers=api.token(Scope.READ))
    assert answer.status_code in {400, 422}
    assert api.desk.asked == []


def test_a_message_is_told_as_it_is_on_disk(api: Api) -> None:
    told = api.client.get(f"/messages/{ID}", headers=api.token(Scope.READ)).json()
    assert told["record"]["report"]["findings"][0]["verdict"] == "autoexec"
    read = decode(json.dumps(told["record"] | {"format": FORMAT}).encode())
    assert read.report.findings == (api.desk.finding,)
    assert [entry["what"] for entry in told["history"]] == ["kept"]
    assert told["history_intact"] is True


def test_messages_are_counted_as_they_are_listed(api: Api) -> None:
    answer = api.client.get("/messages/count", params={"subject": "inv", **NEW}, headers=api.token(Scope.READ))
    assert answer.json() == {"count": 60, "more": False}
    assert api.desk.counted == [Query(subject="inv", limit=COUNTED + 1, **NEW)]
    assert api.client.get("/messages/count?limit=1", headers=api.token(Scope.READ)).status_code == 422


def test_a_message_is_looked_into_as_on_its_page(api: Api) -> None:
    api.desk.look.others = (Similar(held_message(id="f" * 16), "same macro"),)
    token = api.token(Scope.READ)

    def told(what: str) -> Any:
        answer = api.client.get(f"/messages/{ID}/{what}", headers=token)
        assert answer.status_code == 200, answer.text
        return answer.json()

    assert told("text")["header"] == "Subject: x"
    assert told("text")["passages"][0]["links"] == [{"text": "here", "target": "http://evil.example/x", "kind": "link"}]
    (source,) = told("source")["items"]
    assert (source["where"], source["language"], "Sub AutoOpen()" in source["text"]) == ("2/invoice.docm", "vba", True)
    (similar,) = told("similar")["items"]
    assert (similar["message"]["id"], similar["common"]) == ("f" * 16, "same macro")
    history = told("history")
    assert ([entry["what"] for entry in history["history"]], history["history_intact"]) == (["kept"], True)
    outlook = api.client.get(f"/messages/{ID}/outlook", headers=api.token(Scope.RELEASE)).json()
    assert (outlook["verdict"], outlook["worse"], outlook["no_copy"]) == ("autoexec", False, "")
    api.desk.look.wrong = "The message could not be looked into: a worker died"
    answer = api.client.get(f"/messages/{ID}/source", headers=token)
    assert (answer.status_code, "a worker died" in answer.json()["detail"]) == (409, True)
    assert api.desk.look.taken == api.desk.done == []


def test_what_todays_rules_say_is_for_whoever_may_release(api: Api) -> None:
    answer = api.client.get(f"/messages/{ID}/outlook", headers=api.token(*EVERYTHING, user="analyst"))
    assert (answer.status_code, "takes the role releaser" in answer.json()["detail"]) == (403, True)


async def test_programs_do_not_take_all_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, full, working = StubDesk(), asyncio.Event(), asyncio.Event()
    at_work = []

    async def read(held_id: str) -> Reading:
        at_work.append(held_id)
        if len(at_work) == looks.TURNS:
            full.set()
        await working.wait()
        return Reading("Subject: x")

    monkeypatch.setattr(desk.look, "read", read)
    monkeypatch.setattr(looks, "WAIT_SECONDS", 0.2)
    operations = looks.LookOperations(desk)
    call = Call(cast(Any, None), ID, "", None, None)
    first = [asyncio.create_task(operations.read(call)) for _ in range(looks.TURNS)]
    await full.wait()
    with pytest.raises(Failed, match="Too many messages"):
        await operations.read(call)
    assert len(at_work) == looks.TURNS
    working.set()
    await asyncio.gather(*first)
    assert await operations.read(call)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(models.Message, HeldMessage), (models.Record, Record), (models.Entry, Entry)],
    ids=["message", "record", "entry"],
)
def test_what_the_quarantine_knows_is_told(ours: Any, theirs: Any) -> None:
    assert set(ours.model_fields) == set(theirs.__dataclass_fields__)


def test_bytes_that_are_no_text_are_still_json(api: Api) -> None:
    api.desk.message = held_message(sender="b\udcfcro@outside.test", subject=EVIL)
    answer = api.client.get("/messages", headers=api.token(Scope.READ))
    assert answer.json()["items"][0]["sender"] == "b?ro@outside.test"
    assert answer.json()["items"][0]["subject"] == EVIL
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("name", ["f" * 16, "..%2f..%2fetc", "%00", "' or 1=1 --", "A" * 16, "f" * 65, "*"])
def test_no_message_no_answer(api: Api, name: str) -> None:
    token = api.token(*EVERYTHING)
    assert api.client.get(f"/messages/{name}", headers=token).status_code == 404
    for act in ("release", "delete"):
        answer = api.client.post(f"/messages/{name}/{act}", headers=token, json={"why": "x"})
        assert answer.status_code == 404
    assert api.desk.done == []


def test_a_download_says_who_and_why(api: Api) -> None:
    token, analyst = api.token(Scope.DOWNLOAD), api.token(Scope.DOWNLOAD, user="analyst")
    whole = api.client.post(f"/messages/{ID}/download", headers=token, json={"why": "to see"})
    assert (whole.status_code, whole.content) == (200, b"zip")
    assert (whole.headers["content-length"], whole.headers["content-disposition"]) == (
        "3",
        f'attachment; filename="{ID}.zip"',
    )
    part = {"why": "the macro", "part": "2/invoice.docm"}
    assert api.client.post(f"/messages/{ID}/download", headers=analyst, json=part).status_code == 200
    assert api.client.post(f"/messages/{ID}/download", headers=token, json={"why": " "}).status_code == 422
    nowhere = api.client.post(f"/messages/{ID}/download", headers=token, json={"why": "x", "part": "3/other.docm"})
    assert (nowhere.status_code, "no part 3/other.docm" in nowhere.json()["detail"]) == (404, True)
    assert api.client.get(f"/messages/{ID}/raw?why=ticket+7", headers=token).content.startswith(b"From: a")
    assert api.client.get(f"/messages/{ID}/raw", headers=token).status_code == 422
    for method, path in (("GET", "raw"), ("POST", "download")):
        viewer = api.token(Scope.DOWNLOAD, user="vic")
        body: Any = {"json": {"why": "x"}} if method == "POST" else {"params": {"why": "x"}}
        answer = api.client.request(method, f"/messages/{ID}/{path}", headers=viewer, **body)
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
    assert api.desk.look.taken == [
        (ID, "ann (api)", "to see", ""),
        (ID, "analyst (api)", "the macro", "2/invoice.docm"),
        (ID, "ann (api)", "ticket 7", "raw"),
    ]


def test_who_asks_for_a_header_takes_nothing(api: Api) -> None:
    answer = api.client.head(f"/messages/{ID}/raw?why=x", headers=api.token(Scope.DOWNLOAD))
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, "1234", b"")
    assert answer.headers["content-disposition"] == f'attachment; filename="{ID}.eml"'
    viewer = api.token(Scope.DOWNLOAD, user="vic")
    assert api.client.head(f"/messages/{ID}/raw?why=x", headers=viewer).status_code == 403
    assert api.client.head(f"/messages/{'f' * 16}/raw?why=x", headers=api.token(Scope.DOWNLOAD)).status_code == 404
    api.desk.message = held_message(state=HeldState.DELETED, stored=0)
    assert api.client.head(f"/messages/{ID}/raw?why=x", headers=api.token(Scope.DOWNLOAD)).status_code == 409
    assert api.desk.look.taken == []


# --- acting ---


def test_a_release_has_a_person_a_reason_and_recipients(api: Api) -> None:
    wish = {"why": "expected", "recipients": ["alice@example.com"]}
    answer = ask(api, by_name("releaseMessage"), api.token(Scope.RELEASE), json=wish)
    assert answer.json()["replies"] == [{"recipient": "alice@example.com", "reply": "250 2.0.0 Ok"}]
    assert api.desk.done == [("release", ID, "ann (api)", "expected", ("alice@example.com",))]


def test_a_deletion_too(api: Api) -> None:
    assert ask(api, by_name("deleteMessage"), api.token(Scope.DELETE)).json()["state"] == "deleted"
    assert api.desk.done == [("delete", ID, "ann (api)", "spam")]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[" * 100_000, 400),
        (b'{"why":' * 50_000, 400),
        (b'{"why": "\xff"}', 400),
        (b'{"why": "\\ud800"}', 400),
        (b"null", 422),
        (b"{}", 422),
        (b'{"why": ""}', 422),
        (b'{"why": " \\t"}', 422),
        (b'{"why": 1}', 422),
        (b'{"why": "x", "who": "root"}', 422),
        (b'{"why": "x", "recipients": []}', 422),
        (b'{"why": "x", "recipients": "all"}', 422),
        (b'{"why": "' + b"x" * 501 + b'"}', 422),
        (b'{"why": "x"}' + b" " * LARGEST_BODY, 413),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else str(value),
)
def test_an_odd_body_is_refused_and_does_nothing(api: Api, body: bytes, status: int) -> None:
    headers = api.token(*EVERYTHING) | {"Content-Type": "application/json"}
    answer = api.client.post(f"/messages/{ID}/release", headers=headers, content=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["detail"]
    assert api.desk.done == []


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_form_can_send_is_no_body(api: Api, kind: str) -> None:
    headers = api.token(*EVERYTHING) | {"Content-Type": kind}
    answer = api.client.post(f"/messages/{ID}/delete", headers=headers, content=b'{"why": "x"}')
    assert answer.status_code == 415
    assert api.desk.done == []


@pytest.mark.parametrize(
    ("error", "status"), [(DeskError("it is released"), 409), (NotTaken("550 no"), 502), (Failed("busy"), 503)]
)
def test_what_the_desk_refuses_is_told(
    api: Api, monkeypatch: pytest.MonkeyPatch, error: DeskError, status: int
) -> None:
    async def refuse(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(api.desk, "release", refuse)
    answer = ask(api, by_name("releaseMessage"), api.token(Scope.RELEASE))
    assert (answer.status_code, answer.json()["detail"]) == (status, str(error))


def test_a_copy_to_others_or_without_its_macros(api: Api) -> None:
    release, token = by_name("releaseMessage"), api.token(Scope.RELEASE)
    assert (
        ask(api, release, token, json={"why": "x", "to": ["a@b.test"], "recipients": ["c@d.test"]}).status_code == 409
    )
    assert api.desk.done == []
    wish = {"why": "look", "to": ["soc@example.com"], "disarmed": True, "again": True}
    assert ask(api, release, token, json=wish).status_code == 200
    assert api.desk.how == [(("soc@example.com",), True, True, "")]


def test_exceptions_are_made_listed_and_taken_back(api: Api) -> None:
    releaser, admin = api.token(Scope.READ, Scope.EXCEPTIONS), api.token(Scope.EXCEPTIONS, user="admin")
    block = BODIES["addException"]
    made = api.client.post("/exceptions", json=block, headers=releaser)
    assert (made.status_code, made.json()["what"], made.json()["who"]) == (200, "@evil.example", "ann (api)")
    allow = block | {"effect": "allow"}
    assert api.client.post("/exceptions", json=allow, headers=releaser).status_code == 403
    assert api.client.post("/exceptions", json=block | {"what": "<>"}, headers=releaser).status_code == 409
    assert api.client.post("/exceptions", json=block | {"subject": "x"}, headers=releaser).status_code == 422
    end = f"/exceptions/{made.json()['id']}/remove"
    assert api.client.post(end, json={"why": "let it in"}, headers=releaser).status_code == 403
    assert api.client.post(end, json={"why": "over"}, headers=admin).json()["removed_why"] == "over"
    assert api.client.post(end, json={"why": "over"}, headers=admin).status_code == 404
    assert api.client.get("/exceptions", headers=releaser).json() == {"items": []}
    ended = api.client.get(f"/exceptions/{made.json()['id']}", headers=releaser).json()
    assert (ended["removed_by"], ended["why"]) == ("admin (api)", "phishing")
    assert api.client.get(f"/exceptions/{'f' * 10}", headers=releaser).status_code == 404
    assert api.client.get("/exceptions/..%2fx", headers=releaser).status_code == 404
    assert len(api.client.get("/exceptions?ended=true", headers=releaser).json()["items"]) == 1


# --- manners ---


@pytest.mark.parametrize("path", sorted({operation.path for operation in TABLE} | {"/openapi.json"}))
def test_methods_that_are_not_there_are_named(api: Api, path: str) -> None:
    methods = {operation.method for operation in TABLE if operation.path == path} or {"GET"}
    for method in ("OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "POST", "GET"):
        if method in methods:
            continue
        answer = api.client.request(method, path.format(held_id=ID, entry_id="0" * 10), headers=api.token(*EVERYTHING))
        assert answer.status_code == 405
        assert methods <= set(answer.headers["allow"].split(", "))
    assert api.desk.done == []


def test_head_is_a_get(api: Api) -> None:
    assert api.client.head("/messages", headers=api.token(Scope.READ)).status_code == 200
    assert api.client.head("/messages").status_code == 401
    assert api.client.head(f"/messages/{ID}/delete", headers=api.token(Scope.DELETE)).status_code == 405


@pytest.mark.parametrize("path", ["/messages", "/openapi.json", "/nothing", "/", f"/messages/{ID}/delete"])
def test_every_answer_is_for_programs_only(api: Api, path: str) -> None:
    for origin in ("https://evil.test", "null"):
        headers = api.client.get(path, headers=api.token(Scope.READ) | {"Origin": origin}).headers
        assert headers["content-type"] in {"application/json", "application/problem+json"}
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert not [name for name in headers if name.startswith("access-control")]
        assert "set-cookie" not in headers


def test_there_is_a_document_of_everything(api: Api) -> None:
    told = api.client.get("/openapi.json").json()
    assert told["openapi"] == "3.1.0"
    listed = {(method.upper(), path) for path, methods in told["paths"].items() for method in methods}
    assert listed == {(operation.method, operation.path) for operation in TABLE}
    for operation in TABLE:
        one = told["paths"][operation.path][operation.method.lower()]
        assert one["security"] == [{"token": [operation.scope] if operation.scope else []}]
        assert ("requestBody" in one) == (operation.body is not None)
        assert all("$ref" not in parameter["schema"] for parameter in one.get("parameters", ()))
