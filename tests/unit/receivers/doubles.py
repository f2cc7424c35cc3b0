"""Lines, somebody to tell about trouble, and receivers on loopback that do what the test says."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from gateway.events import Line
from gateway.receivers.outbox import Outbox

MOMENT = "2026-11-24T21:15:00.123456Z"


def line(number: int = 0, text: str = "", level: str = "info", event: str = "message") -> Line:
    return Line(text or f'{{"event":"message","number":{number}}}', level, event, MOMENT)


def until(truth: Callable[[], object], seconds: float = 20) -> None:
    """Wait for another thread to do its part."""
    end = time.monotonic() + seconds
    while not truth():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.005)


class Listener:
    """Satisfies ``outbox.Told``."""

    def __init__(self) -> None:
        self.failed: list[tuple[str, str]] = []
        self.back: list[tuple[str, int]] = []

    def receiver_failed(self, receiver: str, why: str) -> None:
        self.failed.append((receiver, why))

    def receiver_back(self, receiver: str, lost: int) -> None:
        self.back.append((receiver, lost))


def finished(outbox: Outbox) -> bool:
    return not any(thread.name == f"log-{outbox.name}" for thread in threading.enumerate())


class Web:
    """A collector: answers each POST with the next of ``answers``, the last one for ever; None is no answer at all."""

    def __init__(self, *answers: int | None) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.answers = list(answers)
        self.released = threading.Event()


@contextmanager
def collecting(*answers: int | None) -> Iterator[tuple[Web, str]]:
    web = Web(*answers)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = web.answers.pop(0) if len(web.answers) > 1 else web.answers[0]
            web.headers.append({"path": self.path, **dict(self.headers.items())})
            web.bodies.append(body)
            if answer is None:
                web.released.wait(20)
                self.close_connection = True
                return
            self.send_response(answer)
            self.send_header("Location", "http://192.0.2.1/")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield web, f"http://127.0.0.1:{server.server_address[1]}/in?x=1"
    finally:
        web.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
