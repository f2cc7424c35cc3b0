"""Syslog over each transport, to a real socket that reads what came."""

from __future__ import annotations

import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from gateway.endpoint import Endpoint
from gateway.receivers.outbox import Outbox, close
from gateway.receivers.places import SyslogPlace
from gateway.receivers.syslog import MOST_OCTETS, Syslog, ascii_json, framed
from tests.unit.receivers.doubles import MOMENT, Listener, line, until

RFC5424 = re.compile(
    rb"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) "
    rb"([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) ([!-~]{1,32}) - (.*)",
    re.DOTALL,
)
"""RFC 5424 §6, without structured data."""


def place(transport: str, port: int) -> SyslogPlace:
    return SyslogPlace(transport, Endpoint("127.0.0.1", port))


def read(data: bytes) -> Iterator[bytes]:
    """RFC 6587 §3.4.1."""
    while data:
        count, _, rest = data.partition(b" ")
        yield rest[: int(count)]
        data = rest[int(count) :]


@contextmanager
def server(context: ssl.SSLContext | None = None) -> Iterator[tuple[int, list[bytes]]]:
    """A TCP server that reads connections to their end, one after another, and says what each brought."""
    got: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with context.wrap_socket(connection, server_side=True) if context else connection as peer:
                parts = []
                while data := peer.recv(65536):
                    parts.append(data)
                got.append(b"".join(parts))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1], got
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_udp_is_one_datagram_a_message() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(20)
        syslog = Syslog(place("udp", receiver.getsockname()[1]), "mx.example.com")
        syslog.send([line(1), line(2, level="error", event="poison")])
        syslog.close()
        first, second = receiver.recv(65536), receiver.recv(65536)

    found = RFC5424.fullmatch(first)
    assert found is not None
    assert found.groups()[:4] == (b"22", MOMENT.encode(), b"mx.example.com", b"macrogate")
    assert (found[6], json.loads(found[7])) == (b"message", {"event": "message", "number": 1})
    assert second.startswith(b"<19>1 ")
    assert b" poison - " in second


def test_a_unix_socket_gets_what_syslog_3_writes(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        receiver.settimeout(20)
        syslog = Syslog(SyslogPlace.parse(f"unix:{path}"), "mx")
        syslog.send([line(1)])
        syslog.close()
        message = receiver.recv(65536)

    assert re.fullmatch(rb"<22>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d macrogate\[\d+\]: (\{.*\})", message)


def test_tcp_frames_by_counting_octets() -> None:
    lines = [line(number, text=f'{{"event":"message","subject":"Rechnung für {number} 🙈"}}') for number in range(3)]
    with server() as (port, got):
        syslog = Syslog(place("tcp", port), "mx")
        syslog.send(lines[:2])
        syslog.send(lines[2:])
        syslog.close()
        until(lambda: got)

    events = [json.loads(RFC5424.fullmatch(message)[7]) for message in read(got[0])]  # type: ignore[index]
    assert [event["subject"] for event in events] == [f"Rechnung für {number} 🙈" for number in range(3)]


def test_tls_with_a_certificate_of_ones_own(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with server(context) as (port, got):
        syslog = Syslog(place("tls", port), "mx", tmp_path / "ca.pem")
        syslog.send([line(1)])
        syslog.send([line(2)])
        syslog.close()
        until(lambda: got)
    assert len(list(read(got[0]))) == 2


def test_a_server_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, pytest.raises(ssl.SSLError):
            context.wrap_socket(connection, server_side=True)

    thread = threading.Thread(target=serve)
    thread.start()
    with listener, pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
        Syslog(place("tls", listener.getsockname()[1]), "mx", tmp_path / "ca.pem").send([line()])
    thread.join()


def test_a_server_that_went_away_is_noticed_before_the_next_batch_is_lost() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        syslog = Syslog(place("tcp", listener.getsockname()[1]), "mx")
        syslog.send([line(1)])
        first, _ = listener.accept()
        assert first.recv(65536)
        first.close()
        with pytest.raises(ConnectionError):
            syslog.send([line(2)])
        syslog.send([line(2)])
        second, _ = listener.accept()
        with second:
            syslog.close()
            assert b'"number":2' in second.recv(65536)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_a_receiver_that_is_away_is_an_error_to_be_tried_again(transport: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        syslog = Syslog(place(transport, taken.getsockname()[1]), "mx")
        with pytest.raises(ConnectionError):
            send_often(syslog)


def send_often(syslog: Syslog) -> None:
    """What nobody takes comes back with a datagram after the first."""
    for _ in range(100):
        syslog.send([line()])


def test_a_receiver_that_reads_nothing_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.receivers.outbox.LAST_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        box = Outbox("syslog", Syslog(place("tcp", listener.getsockname()[1]), "mx"))
        box.start(Listener())
        for number in range(3000):
            box.put(line(number, text='{"event":"message","subject":"' + "x" * 4000 + '"}'))
        connection, _ = listener.accept()
        with connection:
            close([box])
    until(lambda: not [thread for thread in threading.enumerate() if thread.name == "log-syslog"])
    assert box.lost > 0


def test_what_is_too_long_loses_its_longest_fields_and_says_so() -> None:
    event = {
        "event": "message",
        "id": "1",
        "findings": ["ü" * 9000],
        "recipients": ["a" * 300] * 30,
        "verdict": "macro",
    }
    told = json.loads(ascii_json(json.dumps(event, ensure_ascii=False), MOST_OCTETS))
    assert told == {"event": "message", "id": "1", "verdict": "macro", "left_out": ["findings", "recipients"]}


@given(st.dictionaries(st.text(max_size=20), st.one_of(st.text(), st.integers(), st.lists(st.text())), max_size=8))
def test_whatever_is_in_it_a_message_is_ascii_bounded_and_json(event: dict[str, object]) -> None:
    text = json.dumps(event, ensure_ascii=False)
    for limit in (150, MOST_OCTETS):
        told = ascii_json(text, limit)
        assert told.isascii()
        assert len(told) <= limit
        assert isinstance(json.loads(told), dict)
    assert json.loads(ascii_json(text, 1 << 20)) == event


@given(st.lists(st.binary(max_size=50), max_size=5))
def test_frames_are_read_as_they_were_written(messages: list[bytes]) -> None:
    assert list(read(b"".join(framed(message) for message in messages))) == messages
