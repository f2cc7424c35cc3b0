"""The log by HTTP, to a real server."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from gateway.receivers import RefusedError
from gateway.receivers.collector import Collector, read_authorization
from gateway.receivers.outbox import Outbox, close
from gateway.receivers.places import CollectorPlace
from tests.unit.receivers.doubles import Listener, collecting, line, until


def collector(url: str, authorization: Path | None = None) -> Collector:
    return Collector(CollectorPlace.parse(url), authorization)


def test_a_batch_is_one_request_of_lines_on_one_connection(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("Bearer one\n")
    with collecting(200) as (web, url):
        sending = collector(url, token)
        assert sending.send([line(1), line(2, text='{"subject":"für 🙈"}')]) == 2
        token.write_text("Bearer two")
        sending.send([line(3)])
        sending.close()

    assert web.bodies == [f'{line(1).text}\n{{"subject":"für 🙈"}}\n'.encode(), f"{line(3).text}\n".encode()]
    assert [headers["Authorization"] for headers in web.headers] == ["Bearer one", "Bearer two"]
    assert web.headers[0]["path"] == "/in?x=1"
    assert web.headers[0]["Content-Type"] == "application/x-ndjson"


@pytest.mark.parametrize("status", [301, 307, 401, 403, 404, 408, 429, 500, 503])
def test_what_may_pass_is_trouble_and_no_redirection_is_followed(status: int) -> None:
    with collecting(status, 200) as (web, url):
        sending = collector(url)
        with pytest.raises(OSError, match=str(status)):
            sending.send([line(1)])
        sending.send([line(1)])
        sending.close()
    assert len(web.bodies) == 2


@pytest.mark.parametrize("status", [400, 413, 422])
def test_what_will_never_be_taken_is_refused(status: int) -> None:
    with collecting(status) as (_, url):
        sending = collector(url)
        with pytest.raises(RefusedError, match=str(status)):
            sending.send([line(1)])
        sending.close()


def test_a_collector_that_never_answers_does_not_hold_up_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.receivers.outbox.LAST_SECONDS", 0.2)
    with collecting(None) as (web, url):
        box = Outbox("http", collector(url))
        box.start(Listener())
        box.put(line())
        until(lambda: web.bodies)
        for number in range(5000):
            box.put(line(number))  # returns at once
        close([box])
        until(lambda: not [thread for thread in threading.enumerate() if thread.name == "log-http"])
    assert box.lost == 5001


def test_a_collector_that_never_answers_is_given_up_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.receivers.collector.PATIENCE", 0.1)
    told = Listener()
    with collecting(None, 200) as (web, url):
        box = Outbox("http", collector(url), pause=0.001)
        box.start(told)
        box.put(line(1))
        until(lambda: told.back)
        close([box])
    assert (len(web.bodies), box.lost) == (2, 0)
    assert told.failed == [("http", "timed out")]


@pytest.mark.parametrize("content", ["", "  \n", "a\r\nX-Evil: b", "Bearer ü"])
def test_an_authorization_that_is_none_is_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "token"
    path.write_bytes(content.encode())
    with pytest.raises(OSError, match="Authorization header"):
        read_authorization(path)


def test_a_token_that_is_gone_is_trouble_that_may_pass(tmp_path: Path) -> None:
    with collecting(200) as (web, url), pytest.raises(OSError, match="No such file"):
        collector(url, tmp_path / "nothing").send([line()])
    assert web.bodies == []


def test_lines_are_json_each() -> None:
    with collecting(204) as (web, url):
        sending = collector(url)
        sending.send([line(number) for number in range(10)])
        sending.close()
    assert [json.loads(one)["number"] for one in web.bodies[0].splitlines()] == list(range(10))
