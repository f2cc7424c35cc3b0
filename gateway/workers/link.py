"""One worker as the front sees it, and the place workers come from.

Contract: ``Nursery.start`` gives a worker that has said it is ready, or raises ``WorkerUnfit`` with a sentence for the
operator; ``reap`` leaves no zombie and no descriptor. Neither blocks the event loop: forking and reaping are done by
one thread. A ``WorkerLink`` raises
``WorkerGone`` when the process is no longer there, and ``WireError`` when it does not speak the language.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from gateway.jail import server
from gateway.jail.checks import WireError
from gateway.jail.process import OUT_OF_MEMORY, Orders
from gateway.jail.wire import Frame, FrameReader, Ready, Unfit, decode_answer

START_SECONDS: Final = 30.0
"""From its fork until it is ready: it compiles the rules and closes the doors behind it. What comes before has
``server.PATIENCE``."""

REAP_SECONDS: Final = 5.0
CHUNK: Final = 256 * 1024


class WorkerGone(Exception):
    """The process has closed its side or died."""


class WorkerUnfit(Exception):
    """A worker could not begin. The message says why, for the operator."""


class WorkerLink:
    """A running worker: its process, its channel, and how many jobs it has done."""

    def __init__(self, process: server.Child, channel: socket.socket) -> None:
        self.process = process
        self.jobs = 0
        self.ended = False
        self.exposed = False
        """Something that could have taken it over was given to it: it must not see another message."""
        self.ready = Ready("", ())
        self.overdue = False
        """It did not answer in time, and was killed for it."""
        self._channel = channel
        self._reader = FrameReader()
        self._listening: asyncio.AbstractEventLoop | None = None
        self._arrival: asyncio.Future[None] | None = None
        self._lost = ""

    async def send(self, data: bytes, descriptors: Sequence[int] = ()) -> None:
        """Hand over a frame, descriptors with its first byte. Raises ``WorkerGone``."""
        view = memoryview(data)
        while view:
            try:
                if descriptors:
                    sent = socket.send_fds(self._channel, [view], list(descriptors))
                else:
                    sent = self._channel.send(view)
            except BlockingIOError:
                await self._writable()
                continue
            except OSError as error:
                raise WorkerGone(str(error)) from None
            view = view[sent:]
            descriptors = ()

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        loop.add_writer(self._channel, ready.set_result, None)
        ready.add_done_callback(lambda _: loop.remove_writer(self._channel))
        await ready

    async def receive(self) -> Frame:
        """The next frame. Raises ``WorkerGone`` or ``WireError``. Descriptors a worker sends the kernel drops here."""
        while (frame := self._reader.next()) is None:
            if self._lost:
                raise WorkerGone(self._lost)
            loop = asyncio.get_running_loop()
            self._arrival = loop.create_future()
            if self._listening is None:
                self._listening = loop
                loop.add_reader(self._channel, self._take)
            await self._arrival
        return frame

    def _take(self) -> None:
        """Something has come. The loop goes on listening from one job to the next, which spares four system calls a
        job; of a worker that speaks while nobody waits for it, no more than this one chunk is taken."""
        try:
            data = self._channel.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError as error:
            data, self._lost = b"", str(error)
        if data:
            self._reader.feed(data)
        else:
            self._lost = self._lost or "the worker closed its channel"
        if self._lost or self._arrival is None or self._arrival.done():
            self._stop_listening()
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    def _stop_listening(self) -> None:
        if self._listening is not None:
            self._listening.remove_reader(self._channel)
            self._listening = None

    def watch(self, died: Callable[[WorkerLink], None]) -> None:
        """Call ``died`` once when the process ends, whether or not anybody is talking to it."""
        loop = asyncio.get_running_loop()

        def ended() -> None:
            loop.remove_reader(self.process.news)
            self.ended = True
            died(self)

        loop.add_reader(self.process.news, ended)

    def kill(self) -> None:
        """End the worker and whatever it may have started (its process group), at once. Who waits for its answer gets
        ``WorkerGone``."""
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)  # not close: nobody would wake who waits for it
        self.process.kill()

    def expire(self) -> None:
        """Its time is up."""
        self.overdue = True
        self.kill()

    def close(self) -> None:
        """Give the channel back. Nobody may be waiting on it."""
        self._stop_listening()
        self._channel.close()


class Nursery:
    """Starts workers with the same orders, and buries them."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders.as_json
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nursery")

    async def start(self) -> WorkerLink:
        """A worker that is ready. Raises ``WorkerUnfit``."""
        loop = asyncio.get_running_loop()
        try:
            link = await loop.run_in_executor(self._thread, self._fork)
        except OSError as error:
            raise WorkerUnfit(f"a worker could not be started: {error}") from error
        try:
            async with asyncio.timeout(START_SECONDS):
                answer = decode_answer(await link.receive(), job=0, size=0)
        except (WorkerGone, WireError, TimeoutError) as error:
            code = await self.reap(link)
            raise WorkerUnfit(f"a worker ended before it was ready ({explain(code)}): {error}") from None
        except BaseException:
            await self.reap(link)
            raise
        if not isinstance(answer, Ready):
            await self.reap(link)
            raise WorkerUnfit(f"a worker cannot work: {answer.why if isinstance(answer, Unfit) else 'wrong greeting'}")
        link.ready = answer
        return link

    def _fork(self) -> WorkerLink:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = server.fork(theirs, self._orders)
            except BaseException:
                ours.close()
                raise
        ours.setblocking(False)
        return WorkerLink(process, ours)

    async def reap(self, link: WorkerLink) -> int | None:
        """Kill the worker if it still lives, wait for its end, and give back its exit code as ``Child.wait`` does."""
        link.kill()
        loop = asyncio.get_running_loop()
        loop.remove_reader(link.process.news)
        link.close()
        return await loop.run_in_executor(self._thread, link.process.wait, REAP_SECONDS)

    def close(self) -> None:
        """After the last worker was reaped."""
        self._thread.shutdown()


def explain(code: int | None) -> str:
    """An exit code of ``Child.wait`` in words."""
    if code is None:
        return "nobody saw its end"
    if code == OUT_OF_MEMORY:
        return "out of memory"
    if code == -signal.SIGSYS:
        return "killed for a forbidden system call"
    if code < 0:
        return f"killed by {_signal_name(-code)}"
    return f"exit code {code}"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal between SIGRTMIN and SIGRTMAX has no name
        return f"signal {number}"
