"""The jailed side: one process that takes a message, looks into it, answers, and takes the next.

Contract: ``run`` is entered in a fresh child of the fork server and never returns. It loads its tasks, closes every
door behind it (``jail.confinement``), says ``Ready`` or ``Unfit``, and then answers one job after the other until the
front closes the channel. Whatever goes wrong ends in an answer that is no verdict or in the end of the process; both
are "no verdict" to the front. A small message comes with its job, a larger one as a descriptor and is mapped read-only;
nothing of it is kept between jobs.

It talks JSON over a socket: a queue or pipe of multiprocessing would unpickle in the front what a taken-over worker
sends.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import mmap
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Protocol

from gateway.jail import confinement
from gateway.jail.report_frame import encode_report
from gateway.jail.wire import (
    MAX_CHANGES,
    MAX_TAIL,
    Ask,
    Authenticated,
    Disarmed,
    Exposed,
    Extracted,
    Failed,
    Frame,
    FrameReader,
    Job,
    Named,
    Read,
    Ready,
    Rewritten,
    Sources,
    Unfit,
    decode_job,
    decode_recalled,
    encode_answer,
    flatten,
)
from gateway.message import Authentication, Edits, Finding, Report, clip
from gateway.readable import Reading, Source

OUT_OF_MEMORY: Final = 71
"""Exit code (EX_OSERR of sysexits.h) by which the front tells a spent memory limit from a crash."""

_CHANNEL: Final = 3
_CHUNK: Final = 1 << 16

Data = bytes | mmap.mmap
Recall = Callable[[str], tuple[Finding, ...] | None]


@dataclass(frozen=True, slots=True)
class Orders:
    """What a worker is told at birth. ``tasks`` names a function ``module:name`` that makes ``Tasks`` of these orders;
    ``limits`` are the fields of ``scan.budget.Limits``; ``max_memory`` in bytes, ``timeout`` in seconds."""

    tasks: str
    max_memory: int
    timeout: float
    limits: Mapping[str, int | float]
    triggers_toml: str
    contact: str
    passwords: tuple[str, ...] = field(default=(), repr=False)
    """To try on what is encrypted. Not to be shown anywhere."""
    yara: tuple[tuple[str, str], ...] = ()
    """Rule files as (name, text)."""
    language: str = "en"
    """Of the notices."""
    templates: tuple[tuple[str, str], ...] = ()
    """Own wording of the notices, as (action, text)."""
    authserv_id: str = ""
    """Whose forged Authentication-Results are found; "": nobody's."""
    trusted: tuple[str, ...] = ()
    """Hosts believed about SPF, in lower case."""

    @property
    def as_json(self) -> bytes:
        """For ``from_json``, in another process."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, fields: dict[str, Any]) -> Orders:
        """JSON knows no tuples."""
        pairs = {name: tuple(map(tuple, fields[name])) for name in ("yara", "templates")}
        words = {name: tuple(fields[name]) for name in ("passwords", "trusted")}
        return cls(**(fields | pairs | words))


class CannotDo(Exception):
    """The job has no result, for a known reason; the worker is as good as before. The message is a sentence; ``signed``
    says that a signature is the reason."""

    def __init__(self, sentence: str, *, signed: bool = False) -> None:
        super().__init__(sentence)
        self.signed = signed


class Tasks(Protocol):
    """The work itself. All methods run inside the jail and may raise anything."""

    @property
    def edition(self) -> str:
        """Rules and engine, as one word: what was found under another edition is not comparable."""

    def examine(self, data: Data, job: Job, recall: Recall | None) -> Report: ...

    def rewrite(self, data: Data, job: Job) -> Edits: ...

    def disarm(self, data: Data, job: Job) -> tuple[Disarmed, bytes]: ...

    def names(self, data: Data) -> tuple[str, ...]: ...

    def authenticate(self, data: Data, job: Job) -> Authentication: ...

    def read(self, data: Data) -> Reading: ...

    def sources(self, data: Data) -> tuple[Source, ...]: ...

    def extract(self, data: Data, job: Job) -> bytes: ...

    def warn(self, expose: Callable[[], None]) -> None:
        """``expose`` is to be called each time before code that may be taken over sees bytes of a message."""


def run(channel: socket.socket, orders: Orders) -> None:
    """The life of a worker. Does not return: nothing of what Python does at a program's end is wanted."""
    code = os.EX_SOFTWARE
    try:
        channel = _let_go(channel)
        confinement.detach()
        code = _live(channel, orders)
    except MemoryError:
        code = OUT_OF_MEMORY
    finally:
        os._exit(code)


def _live(channel: socket.socket, orders: Orders) -> int:
    try:
        tasks = _make_tasks(orders)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the operator has to read it
        channel.sendall(encode_answer(Unfit(clip(f"{type(error).__name__}: {error}".replace("\n", "; "), 2000))))
        return os.EX_CONFIG
    memory = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
    missing = confinement.confine(orders.max_memory)
    gc.freeze()  # what was loaded is never garbage: keep it out of every collection, and shared with the fork server
    channel.sendall(encode_answer(Ready(tasks.edition, tuple(clip(word, 200) for word in missing))))
    Worker(channel, tasks, orders, memory).serve()
    return os.EX_OK


def _make_tasks(orders: Orders) -> Tasks:
    module, _, name = orders.tasks.partition(":")
    tasks: Tasks = getattr(importlib.import_module(module), name)(orders)
    return tasks


def _let_go(channel: socket.socket) -> socket.socket:
    """Keep the channel and nothing else: what else is open here belongs to the fork server."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(channel.detach(), _CHANNEL, inheritable=False)
    for standard in (0, 1, 2):
        os.dup2(null, standard, inheritable=False)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > _CHANNEL:
            with contextlib.suppress(OSError):  # the descriptor of the listing itself
                os.close(int(name))
    return socket.socket(fileno=_CHANNEL)


class Worker:
    """Jobs in, answers out, over a blocking stream socket. ``memory`` is an open ``/proc/self/statm``."""

    def __init__(self, channel: socket.socket, tasks: Tasks, orders: Orders, memory: int) -> None:
        self._channel = channel
        self._tasks = tasks
        self._orders = orders
        self._memory = memory
        self._reader = FrameReader()
        self._descriptors: list[int] = []
        self._job = 0
        self._exposed = 0
        tasks.warn(self._expose)

    def serve(self) -> None:
        """Until the front closes the channel."""
        while (frame := self._receive()) is not None:
            job = decode_job(frame)
            self._job = job.job
            confinement.limit_processor(self._orders.timeout)
            with self._message(frame) as data:
                pieces = self._perform(job, data)
            del frame, data
            for piece in pieces:
                self._channel.sendall(piece)

    def _message(self, frame: Frame) -> AbstractContextManager[Data]:
        """What the job is about: behind the descriptor that came with it, or else in its frame."""
        return _mapped(self._descriptors.pop()) if self._descriptors else contextlib.nullcontext(bytes(frame.tail))

    def _perform(self, job: Job, data: Data) -> tuple[bytes, ...]:
        """The frame to answer with, in pieces."""
        try:
            return self._answered(job, data)
        except CannotDo as refusal:
            return (encode_answer(Failed(job.job, clip(str(refusal), 500), self._grown(), refusal.signed)),)
        except MemoryError:
            raise
        except (Exception, SystemExit) as error:  # noqa: BLE001 - told as "no verdict"; SystemExit: a library's own
            return (encode_answer(Failed(job.job, clip(f"{type(error).__name__}: {error}", 500), grown=True)),)

    def _answered(self, job: Job, data: Data) -> tuple[bytes, ...]:
        tasks, number = self._tasks, job.job
        match job.do:
            case "examine":
                recall = self._recall_for(job) if job.recall else None
                frame = encode_report(number, tasks.examine(data, job, recall), grown=self._grown())
            case "names":
                frame = encode_answer(Named(number, tasks.names(data), self._grown()))
            case "authenticate":
                frame = encode_answer(Authenticated(number, tasks.authenticate(data, job), self._grown()))
            case "read":
                frame = encode_answer(Read(number, tasks.read(data), self._grown()))
            case "sources":
                frame = encode_answer(Sources(number, tasks.sources(data), self._grown()))
            case _:
                return self._with_tail(job, data)
        return (frame,)

    def _with_tail(self, job: Job, data: Data) -> tuple[bytes, ...]:
        answer: Rewritten | Disarmed | Extracted
        if job.do == "disarm":
            answer, tail = self._tasks.disarm(data, job)
        elif job.do == "extract":
            answer, tail = Extracted(job.job), self._tasks.extract(data, job)
        else:
            edits = self._tasks.rewrite(data, job)
            splices, tail = flatten(edits)
            answer = Rewritten(job.job, splices, edits.changes[:MAX_CHANGES])
        if len(tail) > MAX_TAIL:
            return (encode_answer(Failed(job.job, f"the result is larger than {MAX_TAIL >> 20} MiB")),)
        return encode_answer(replace(answer, grown=self._grown()), len(tail)), tail

    def _expose(self) -> None:
        if self._exposed != self._job:
            self._exposed = self._job
            self._channel.sendall(encode_answer(Exposed(self._job)))

    def _recall_for(self, job: Job) -> Recall:
        def recall(sha256: str) -> tuple[Finding, ...] | None:
            self._channel.sendall(encode_answer(Ask(job.job, sha256)))
            frame = self._receive()
            if frame is None:
                os._exit(os.EX_OK)  # the front is gone: nobody waits for this verdict
            return decode_recalled(frame)

        return recall

    def _receive(self) -> Frame | None:
        """The next frame; descriptors that came with it are put aside. None when the front has closed."""
        while (frame := self._reader.next()) is None:
            data, descriptors, _, _ = socket.recv_fds(self._channel, _CHUNK, 1)
            self._descriptors += descriptors
            if not data:
                return None
            self._reader.feed(data)
        return frame

    def _grown(self) -> bool:
        resident = int(os.pread(self._memory, 100, 0).split()[1]) * mmap.PAGESIZE  # proc(5): statm counts pages
        return resident > self._orders.max_memory // 2


@contextlib.contextmanager
def _mapped(descriptor: int) -> Iterator[Data]:
    """The message as read-only memory; an empty one cannot be mapped (mmap(2), EINVAL)."""
    try:
        size = os.fstat(descriptor).st_size
        data: Data = mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) if size else b""
    finally:
        os.close(descriptor)
    try:
        yield data
    finally:
        if isinstance(data, mmap.mmap):
            try:
                data.close()
            except BufferError:  # a view of it is still held by a cycle or a kept traceback
                gc.collect()
                with contextlib.suppress(BufferError):
                    data.close()
