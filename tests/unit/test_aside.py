"""A log that nobody reads, and what libraries say."""

import io
import json
import logging
import os
import threading
from typing import TextIO, cast

from gateway.aside import Aside, Overheard
from gateway.events import MailLog


def test_everything_is_written_in_order() -> None:
    stream = io.StringIO()
    log = Aside(stream)
    for number in range(100):
        log.write(f"{number}\n")
    log.close()

    assert stream.getvalue() == "".join(f"{number}\n" for number in range(100))


def test_a_log_that_nobody_reads_stops_nothing_and_is_counted() -> None:
    reader, writer = os.pipe()
    with open(writer, "w", encoding="ascii") as pipe:
        log = Aside(pipe, most=10)
        events = MailLog(cast(TextIO, log))
        for _ in range(100):
            events.notice("loud", text="x" * 8192)  # a pipe holds 64 KiB

        assert 50 < events.dropped < 100
        reading = threading.Thread(target=read_all, args=(reader,))
        reading.start()  # only now: until here nobody read
        log.close()
    reading.join()


def read_all(descriptor: int) -> None:
    with open(descriptor, "rb") as pipe:
        pipe.read()


def test_a_stream_that_fails_does_not_end_the_writing() -> None:
    class Full(io.StringIO):
        full = True

        def write(self, text: str) -> int:
            if self.full:
                self.full = False
                failed.set()
                raise OSError(28, "No space left on device")
            return super().write(text)

    failed = threading.Event()
    stream = Full()
    log = Aside(stream)
    events = MailLog(cast(TextIO, log))
    events.notice("lost")
    assert failed.wait(10)
    events.notice("kept")
    log.close()

    assert json.loads(stream.getvalue())["event"] == "kept"
    assert events.dropped == 1


def test_a_library_speaks_in_events_and_does_not_repeat_itself() -> None:
    stream = io.StringIO()
    logger = logging.Logger("mail.log")
    logger.addHandler(Overheard(MailLog(stream)))
    logger.info("not interesting")
    for _ in range(512):
        logger.warning("odd client %r", "evil\r\n\x1b[31m")
    logger.error("accept failed", exc_info=OSError(24, "Too many open files"))
    logger.warning("%d", "no number")

    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["event"] for line in told] == ["library"] * 3
    assert told[0]["text"] == "odd client 'evil\\r\\n\\x1b[31m'"
    assert told[1]["error"] == "OSError(24, 'Too many open files')"
