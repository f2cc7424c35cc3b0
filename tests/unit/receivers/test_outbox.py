"""The queue before a receiver: it never waits, counts what it loses, and comes to an end."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from gateway.events import Line
from gateway.receivers import RefusedError, outbox
from gateway.receivers.outbox import Outbox, close
from tests.unit.receivers.doubles import Listener, finished, line, until


class Stub:
    """A receiver that takes lines unless it is told otherwise."""

    def __init__(self, takes: int = 1000) -> None:
        self.got: list[Line] = []
        self.takes = takes
        self.trouble: Exception | None = None
        self.hangs: threading.Event | None = None
        self.tries = 0
        self.closed = False

    def send(self, lines: Sequence[Line]) -> int:
        self.tries += 1
        if self.hangs is not None:
            self.hangs.wait(30)
            raise ConnectionResetError
        if self.trouble is not None:
            raise self.trouble
        self.got += lines[: self.takes]
        return min(len(lines), self.takes)

    def abort(self) -> None:
        if self.hangs is not None:
            self.hangs.set()

    def close(self) -> None:
        self.closed = True


def test_everything_is_sent_in_order_however_little_is_taken_at_once() -> None:
    stub = Stub(takes=7)
    box = Outbox("syslog", stub)
    for number in range(50):
        box.put(line(number))
    box.start(Listener())
    for number in range(50, 100):
        box.put(line(number))
    close([box])

    assert stub.got == [line(number) for number in range(100)]
    assert (box.lost, box.waiting, stub.closed, finished(box)) == (0, 0, True, True)


def test_what_comes_after_the_end_is_counted() -> None:
    box = Outbox("syslog", Stub())
    box.start(Listener())
    close([box])
    box.put(line())

    assert box.lost == 1


def test_a_receiver_that_is_away_is_told_once_and_its_lines_wait() -> None:
    stub, told = Stub(), Listener()
    stub.trouble = ConnectionRefusedError(111, "Connection refused")
    box = Outbox("http", stub, pause=0.001)
    box.start(told)
    box.put(line(1))
    until(lambda: stub.tries > 3)
    box.put(line(2))
    stub.trouble = None
    until(lambda: told.back)
    close([box])

    assert stub.got == [line(1), line(2)]
    assert told.failed == [("http", "[Errno 111] Connection refused")]
    assert told.back == [("http", 0)]


def test_what_does_not_fit_is_lost_and_counted_and_nobody_waits() -> None:
    stub = Stub()
    stub.trouble = OSError("away")
    box = Outbox("file", stub, most=10)
    box.start(Listener())
    for number in range(25):
        box.put(line(number))
    assert (box.waiting, box.lost) == (10, 15)
    close([box])

    assert box.lost == 25
    assert finished(box)


def test_memory_is_bounded_by_length_as_well(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(outbox, "MOST_CHARACTERS", 1000)
    box = Outbox("file", Stub())
    for _ in range(10):
        box.put(line(text="x" * 300))

    assert (box.waiting, box.lost) == (3, 7)


def test_a_pause_is_cut_short_by_the_end_for_one_last_try() -> None:
    stub, told = Stub(), Listener()
    stub.trouble = OSError("away")
    box = Outbox("syslog", stub, pause=3600)
    box.start(told)
    box.put(line())
    until(lambda: told.failed)
    stub.trouble = None
    close([box])

    assert stub.got == [line()]
    assert box.lost == 0


def test_a_receiver_that_hangs_does_not_hold_up_the_end(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(outbox, "LAST_SECONDS", 0.2)
    stub = Stub()
    stub.hangs = threading.Event()
    box = Outbox("syslog", stub)
    box.start(Listener())
    box.put(line())
    until(lambda: stub.tries)
    close([box])
    until(lambda: finished(box))

    assert box.lost == 1


def test_what_is_refused_is_given_up_and_the_rest_goes_on() -> None:
    stub, told = Stub(), Listener()
    stub.trouble = RefusedError("400 no")
    box = Outbox("http", stub)
    box.start(told)
    box.put(line(1))
    until(lambda: box.lost)
    stub.trouble = None
    box.put(line(2))
    close([box])

    assert stub.got == [line(2)]
    assert (box.lost, told.failed) == (1, [("http", "400 no")])


def test_a_mistake_of_ours_does_not_end_the_sending() -> None:
    stub, told = Stub(), Listener()
    stub.trouble = KeyError("x")
    box = Outbox("http", stub, pause=0.001)
    box.start(told)
    box.put(line(1))
    until(lambda: told.failed)
    stub.trouble = None
    until(lambda: stub.got)
    close([box])

    assert told.failed == [("http", "KeyError('x')")]
