"""The jail, seen from the front: a fixed number of workers, a bounded queue, and what happens when one dies.

Contract: ``examine``, ``rewrite`` and all else a worker is asked to do raise ``ScanFailed`` and nothing else (but
cancellation). A worker that does not answer by the deadline is killed with its process group; one that dies, lies
or stammers is buried; either costs one message its verdict and is replaced at once, and no other message notices.
A worker that gives bytes to a decoder which may be taken over (``jail.wire.Exposed``) is believed about that message
and replaced before the next one. Content that has cost ``poison_after`` workers is refused without costing another
(``ScanFailed.poison``). The event loop never waits for a process.

The pool is our own, not pebble's or multiprocessing's: those unpickle what a worker sends. Here it is JSON,
checked by ``jail.wire``; the message goes to the worker as a copy or as a descriptor that cannot be written through.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import itertools
import os
import signal
import time
from collections.abc import Coroutine, Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from gateway.closed_sets import Action, Kind
from gateway.events import MailLog
from gateway.jail.checks import WireError
from gateway.jail.process import OUT_OF_MEMORY
from gateway.jail.wire import (
    INLINE,
    RESULTS,
    Answer,
    Ask,
    Authenticated,
    Disarmed,
    Examined,
    Exposed,
    Failed,
    Job,
    Named,
    Read,
    Result,
    Rewritten,
    Sources,
    decode_answer,
    encode_job,
    encode_recalled,
    unflatten,
)
from gateway.message import Answer as DnsAnswer
from gateway.message import Authentication, Decision, Edits, Report, ScanFailed
from gateway.metrics import Metrics
from gateway.readable import Reading, Source
from gateway.spool import Spool
from gateway.workers.link import Nursery, WorkerGone, WorkerLink, WorkerUnfit, explain
from gateway.workers.memory import PoisonList, VerdictMemory, body_digest
from gateway.workers.settings import Jail
from gateway.workers.turns import STOPPING, Turns

_T = TypeVar("_T")

MAX_ASKS: Final = 10_000
"""Questions to the verdict cache in one job; more than any message has documents."""

RETRY_SECONDS: Final = (0.1, 0.5, 2.0, 5.0, 15.0, 30.0)
"""Pauses between tries to replace a worker that does not start; the last one repeats."""

REASONS: Final[Mapping[int | None, str]] = MappingProxyType({OUT_OF_MEMORY: "memory", -signal.SIGXCPU: "timeout"})
"""Exit codes that are no plain crash. With ``timeout`` and ``protocol`` these are the label values of the metric."""


class Workers:
    """The pool. Belongs to one event loop, from ``start`` to ``stop``."""

    def __init__(self, settings: Jail, metrics: Metrics, events: MailLog) -> None:
        self._settings = settings
        self._metrics = metrics
        self._events = events
        self._nursery = Nursery(settings.orders)
        self._links: set[WorkerLink] = set()
        self._turns = Turns(settings.queue, settings.queue_timeout, self._release)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._numbers = itertools.count(1)
        self._memory = VerdictMemory(metrics)
        self._poison = PoisonList(settings.poison_after)
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """All workers are ready. Raises ``WorkerUnfit`` if one cannot be; then, and if this is cancelled, none is left
        behind."""
        atexit.register(self._kill_all)  # should the daemon end without stop(): the workers ignore the gentle signals
        starts = [asyncio.create_task(self._hire()) for _ in range(self._settings.workers)]
        try:
            results = await asyncio.gather(*starts, return_exceptions=True)
        except asyncio.CancelledError:
            await self.stop()
            raise
        for result in results:
            if isinstance(result, BaseException):
                await self.stop()
                raise result
        self._tell_missing([result for result in results if isinstance(result, WorkerLink)])

    async def _hire(self) -> WorkerLink:
        link = await self._nursery.start()
        self._adopt(link)
        return link

    def _tell_missing(self, links: list[WorkerLink]) -> None:
        missing = sorted({word for link in links for word in link.ready.missing})
        if missing:
            self._events.notice("jail", missing=missing)

    @property
    def count(self) -> tuple[int, int]:
        """Workers alive, and how many of them are at work."""
        return len(self._links), len(self._links) - self._turns.resting

    async def stop(self) -> None:
        """Kill and bury all workers. Whoever still waits gets ``ScanFailed``. Safe to call twice."""
        self._stopping.set()
        self._turns.end()
        for link in self._links:
            link.kill()
        while self._tasks:
            await asyncio.wait(self._tasks)
        await asyncio.gather(*(self._bury(link) for link in list(self._links)))
        self._nursery.close()
        atexit.unregister(self._kill_all)

    async def examine(self, content: Spool, *, name: str = "", mail: bool = True) -> Report:
        """What the scan says about a message or, without ``mail``, about one file of that ``name``. Raises
        ``ScanFailed``."""
        if len(self._poison):
            await self._refuse_poison(content)
        job = Job(next(self._numbers), "examine", recall=len(self._memory) > 0, name=name, mail=mail)
        try:
            answer, _ = await self._submit(job, content)
        except ScanFailed as failure:
            raise await self._blame(content, failure) from None
        assert isinstance(answer, Examined)
        return answer.report

    async def rewrite(self, content: Spool, decision: Decision, held_id: str, link: str = "") -> Edits:
        """The changes ``decision`` asks for. Raises ``ScanFailed``, also when the result would not be better."""
        changed = decision.targets if decision.action in (Action.DISARM, Action.STRIP) else ()
        job = Job(
            next(self._numbers),
            "rewrite",
            strip=tuple(target for target in changed if target not in decision.disarm),
            disarm=tuple(target for target in changed if target in decision.disarm),
            why=decision.why,
            held_id=held_id,
            link=link,
            subject_prefix=decision.subject_prefix,
        )
        answer, tail = await self._submit(job, content)
        assert isinstance(answer, Rewritten)
        return unflatten(answer, tail)

    async def disarm(self, content: Spool, *, name: str = "") -> tuple[Disarmed, bytes | bytearray]:
        """A document of that ``name`` without what runs in it. Raises ``ScanFailed``, also when that cannot be had."""
        answer, tail = await self._submit(Job(next(self._numbers), "disarm", name=name), content)
        assert isinstance(answer, Disarmed)
        return answer, tail

    async def names(self, content: Spool) -> tuple[str, ...]:
        """What has to be asked of DNS to know who answers for a message. Raises ``ScanFailed``."""
        answer, _ = await self._submit(Job(next(self._numbers), "names"), content)
        assert isinstance(answer, Named)
        return answer.names

    async def authenticate(self, content: Spool, answers: tuple[DnsAnswer, ...]) -> Authentication:
        """Who answers for a message, by the answers of DNS. Raises ``ScanFailed``."""
        answer, _ = await self._submit(Job(next(self._numbers), "authenticate", answers=answers), content)
        assert isinstance(answer, Authenticated)
        return answer.authentication

    async def read(self, content: Spool) -> Reading:
        """Header and texts of a message, for a person. Raises ``ScanFailed``."""
        answer, _ = await self._look(Job(next(self._numbers), "read"), content)
        assert isinstance(answer, Read)
        return answer.reading

    async def sources(self, content: Spool) -> tuple[Source, ...]:
        """The code of every macro and script of a message. Raises ``ScanFailed``."""
        answer, _ = await self._look(Job(next(self._numbers), "sources"), content)
        assert isinstance(answer, Sources)
        return answer.sources

    async def extract(self, content: Spool, where: str) -> bytes | bytearray:
        """The decoded bytes of the part with the path ``where``. Raises ``ScanFailed``, also when there is none."""
        _, tail = await self._look(Job(next(self._numbers), "extract", where=where), content)
        return tail

    async def _look(self, job: Job, content: Spool) -> tuple[Answer, bytes | bytearray]:
        """A job for a person, who opens a page more than once: content known to cost workers costs none for it."""
        if len(self._poison) and self._poison.is_poison(await body_digest(content)):
            raise ScanFailed(Kind.CRASH, "the same content has cost several scan workers", poison=True)
        return await self._submit(job, content)

    # -- one job --

    async def _submit(self, job: Job, content: Spool) -> tuple[Answer, bytes | bytearray]:
        link = await self._next_worker()
        try:
            frame, descriptors = _packed(job, content)
        except OSError as error:
            self._release(link)
            raise ScanFailed(Kind.LIMIT, f"the message cannot be handed over: {error.strerror}") from None
        # A task of its own: when our caller is cancelled the worker still has to be listened to until it is done.
        return await asyncio.shield(self._spawn(self._work(link, job, frame, descriptors, content.size)))

    async def _work(
        self, link: WorkerLink, job: Job, frame: bytes, descriptors: list[int], size: int
    ) -> tuple[Answer, bytes | bytearray]:
        """Have ``link`` do the job, and see to what becomes of it afterwards."""
        self._metrics.workers_busy.inc()
        try:
            answer, tail = await self._in_time(link, job, frame, descriptors, size)
        except WireError as error:
            raise await self._lose(link, "protocol", f"the scan worker gave no valid answer: {error}") from None
        except WorkerGone:
            raise await self._lose(link, *(self._too_late() if link.overdue else ())) from None
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
            self._metrics.workers_busy.dec()
        link.jobs += 1
        if answer.grown or link.exposed or link.overdue or link.jobs >= self._settings.messages_per_worker:
            self._spawn(self._renew(link))
        else:
            self._release(link)
        if isinstance(answer, Failed):
            raise ScanFailed(Kind.CRASH, answer.why, signed=answer.signed)
        if isinstance(answer, Examined):
            self._memory.learn(link.ready.edition, answer.report)
        return answer, tail

    async def _in_time(
        self, link: WorkerLink, job: Job, frame: bytes, descriptors: list[int], size: int
    ) -> tuple[Result | Failed, bytes | bytearray]:
        """The worker's answer. One that does not come in time is killed, which ends the wait: ``WorkerGone``. Raises
        ``WireError`` too."""
        deadline = asyncio.get_running_loop().call_later(self._settings.timeout, link.expire)
        try:
            await link.send(frame, descriptors)
            return await self._answer(link, job, size)
        finally:
            deadline.cancel()

    def _too_late(self) -> tuple[str, str]:
        return "timeout", f"the scan gave no verdict within {self._settings.timeout:g} seconds"

    async def _answer(self, link: WorkerLink, job: Job, size: int) -> tuple[Result | Failed, bytes | bytearray]:
        """What the worker says in the end; what it asks on the way is answered. Raises ``WorkerGone`` or
        ``WireError``."""
        for _ in range(MAX_ASKS):
            frame = await link.receive()
            answer = decode_answer(frame, job.job, size)
            if isinstance(answer, Ask) and job.recall:
                await link.send(encode_recalled(self._memory.recall(link.ready.edition, answer.sha256)))
            elif isinstance(answer, Exposed):
                link.exposed = True
            elif isinstance(answer, (Failed, RESULTS[job.do])):
                return answer, frame.tail
            else:
                raise WireError(f"{answer.say!r} is no answer to {job.do!r}")
        raise WireError("too many questions")

    async def _next_worker(self) -> WorkerLink:
        """A free worker, in order of asking. Raises ``ScanFailed`` when none is free in time."""
        began = time.monotonic()
        link = await self._turns.take()
        self._metrics.queue_seconds.observe(time.monotonic() - began)
        return link

    def _release(self, link: WorkerLink) -> None:
        """Give a worker to the next message, or let it rest."""
        if link.ended and not self._stopping.is_set():
            self._spawn(self._lose(link))
        else:
            self._turns.give(link)

    # -- life and death of workers --

    def _adopt(self, link: WorkerLink) -> None:
        self._links.add(link)
        self._metrics.workers.set(len(self._links))
        link.watch(self._died)
        self._release(link)

    def _died(self, link: WorkerLink) -> None:
        """The process has ended. When stopping that was us, and ``stop`` buries it."""
        if self._stopping.is_set():
            return
        if self._turns.forget(link):
            self._spawn(self._lose(link))
        else:
            link.kill()  # wakes who listens to it, even if a child of it keeps the channel open

    async def _lose(self, link: WorkerLink, reason: str = "", sentence: str = "") -> ScanFailed:
        """Bury a worker that died or must die, and replace it. Returns what its message is told."""
        code = await self._bury(link)
        if self._stopping.is_set():
            return ScanFailed(Kind.LIMIT, STOPPING)
        if not reason:
            reason, sentence = REASONS.get(code, "crash"), f"the scan worker died: {explain(code)}"
        self._metrics.worker_died(reason)
        self._events.worker_died(reason, sentence)
        self._spawn(self._replace())
        return ScanFailed(Kind.TIMEOUT if reason == "timeout" else Kind.CRASH, sentence)

    async def _renew(self, link: WorkerLink) -> None:
        """A worker that has done enough goes before what it has kept becomes a burden. Not a death."""
        await self._bury(link)
        await self._replace()

    async def _bury(self, link: WorkerLink) -> int | None:
        self._turns.forget(link)
        self._links.discard(link)
        self._metrics.workers.set(len(self._links))
        return await self._nursery.reap(link)

    async def _replace(self) -> None:
        for pause in itertools.chain(RETRY_SECONDS, itertools.repeat(RETRY_SECONDS[-1])):
            if self._stopping.is_set():
                return
            try:
                link = await self._nursery.start()
            except WorkerUnfit as error:
                self._events.notice("worker-unfit", why=str(error))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stopping.wait(), pause)
                continue
            self._adopt(link)
            return

    def _spawn(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Run beside everything else; ``stop`` waits for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _kill_all(self) -> None:
        for link in self._links:
            link.kill()

    # -- poison --

    async def _refuse_poison(self, content: Spool) -> None:
        digest = await body_digest(content)
        if self._poison.is_poison(digest):
            self._metrics.poisoned.inc()
            raise ScanFailed(Kind.CRASH, "the same content has cost several scan workers", poison=True)

    async def _blame(self, content: Spool, failure: ScanFailed) -> ScanFailed:
        """Remember what this content cost. Being busy or stopping is nobody's fault."""
        if failure.kind is Kind.LIMIT or self._stopping.is_set():
            return failure
        digest = await body_digest(content)
        if not self._poison.blame(digest):
            return failure
        self._metrics.poisoned.inc()
        self._events.poison(digest)
        return ScanFailed(failure.kind, failure.detail, poison=True)


def _packed(job: Job, content: Spool) -> tuple[bytes, list[int]]:
    """The frame to send for a job, and the descriptor to send with it, if any. Raises ``OSError``."""
    if content.size <= INLINE:
        return encode_job(job, content.read()), []
    return encode_job(job), [content.descriptor()]
