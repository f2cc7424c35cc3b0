"""Wiring by hand, signals, reload, drain.

Contract: ``start`` returns once the jail runs, the quarantine is open and every port is bound, the SMTP port last, or
raises ``StartError`` with the sentence that helps and leaves nothing behind. ``reload`` builds everything new beside
the old and swaps one reference, or refuses and changes nothing. ``stop`` closes the doors, lets messages past their
final dot finish, and gives everything back.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from gateway import __version__, rounds, systemd, tokens
from gateway.config import ConfigError, Log, Settings
from gateway.desk import ReleaseDesk
from gateway.events import MAX_LISTED, MailLog
from gateway.exception_desk import ExceptionDesk
from gateway.exceptions import ExceptionList
from gateway.generation import Generation, Surroundings, generate
from gateway.health import Health
from gateway.ioc_desk import IocDesk
from gateway.listening import Inherited
from gateway.looking import Looking
from gateway.message import clip
from gateway.metrics import Metrics
from gateway.milter.server import MilterListener
from gateway.postroom import PostRoom
from gateway.quarantine import Quarantine, QuarantineError, Settled
from gateway.quarantine.release import Deliver
from gateway.smtp.client import HopPool
from gateway.smtp.server import SmtpListener
from gateway.web import application
from gateway.web.api.site import api_routes
from gateway.web.api.tokens import Tokens
from gateway.web.front import Front
from gateway.web.oidc import client as oidc
from gateway.web.pages import DeskError
from gateway.web.requests import Ask, request_routes
from gateway.web.server import WebServer
from gateway.web.site import routes
from gateway.web.users import Users
from gateway.wiring import (
    WiringError,
    certificate_expiry,
    hop_settings,
    milter_settings,
    oidc_terms,
    read_links,
    server_settings,
)
from gateway.workers import Workers

DRAIN_SECONDS = 60.0

FIXED = (
    *("smtp.listen", "milter.listen", "http.listen", "http.public_url", "http.trusted_proxies"),
    *("http.user_header", "http.users", "http.tokens", "http.oidc"),
    *("policy.exceptions", "quarantine.store", "quarantine.messages"),
    *(f"log.{key}" for key in Log.model_fields),
)
"""Settings that only a restart can change: they belong to open ports and files."""


class StartError(Exception):
    """The daemon cannot start; the message is the sentence for the admin."""


class Daemon:
    """One gateway: its listeners, its quarantine, and the configuration in force."""

    def __init__(self, settings: Settings, events: MailLog, source: Callable[[], Settings] | None = None) -> None:
        self.events = events
        self.metrics = Metrics()
        self.smtp_address = ""
        self.milter_address = ""
        self.http_address = ""
        self.exceptions = ExceptionList(settings.policy.exceptions)
        self._settings = settings
        self._source = source or (lambda: settings)
        self._tasks: set[asyncio.Task[None]] = set()
        """Helpers that run until ``stop`` ends them."""
        self._farewells: set[asyncio.Task[None]] = set()
        """What a reload has put out of use and lets go of; ``stop`` waits for them."""
        self._hangup = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._inherited = Inherited()
        self._around: Surroundings | None = None
        self._generation: Generation | None = None
        self._listener: SmtpListener | None = None
        self._milter: MilterListener | None = None
        self._web: WebServer | None = None
        self._quarantine: Quarantine | None = None
        self._health: Health | None = None
        self._postroom: PostRoom | None = None

    async def run(self) -> None:
        """Start, serve until SIGTERM or SIGINT, stop. Raises ``StartError``. A SIGHUP during the start is obeyed after
        it; of many that come during a reload one is enough."""
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._hangup.set)
        await self.start()
        gc.collect()
        gc.freeze()  # what is loaded stays: looking through it for garbage held the loop for up to 60 ms at a time
        _keep(self._tasks, self._obey_hangups(), "reload")
        doors = ", ".join(filter(None, (self.smtp_address, self.milter_address)))
        systemd.notify("READY=1", f"STATUS=listening on {doors}")
        await stop.wait()
        systemd.notify("STOPPING=1")
        await self.stop()

    async def start(self) -> None:
        """Open everything. Raises ``StartError``."""
        self._loop = asyncio.get_running_loop()
        self._inherited = Inherited(systemd.sockets())
        try:
            await self._open(self._settings)
        except (WiringError, QuarantineError) as error:
            await self.stop(drain_seconds=0)
            raise StartError(str(error)) from error
        except BaseException:
            await self.stop(drain_seconds=0)
            raise

    async def _open(self, settings: Settings) -> None:
        store = settings.quarantine
        self._quarantine = await Quarantine.open(
            store.store, store.messages, exclusive=True, two_person=store.two_person
        )
        settled = self._quarantine.settled
        if settled != Settled():
            self.events.notice(
                "quarantine-put-in-order",
                recovered=settled.indexed,
                swept=settled.swept,
                unreadable=[clip(why, 300) for why in settled.unreadable[:MAX_LISTED]],
                missing=list(settled.missing[:MAX_LISTED]),
            )
        await rounds.begin_exceptions(self.exceptions, self.events)
        self._around = Surroundings(
            self._quarantine,
            self.events,
            self.metrics,
            lambda: self.exceptions.current,
            self._dismiss,
            self._disconnect,
        )
        self._generation = await generate(settings, self._around)
        self._health = Health(
            self._quarantine, self.metrics, self.events, self.exceptions, self.current, lambda: self._settings
        )
        self._health.certificate_expiry = certificate_expiry(settings)
        self._postroom = PostRoom(
            self._quarantine, lambda: self._settings, self._way_of_releases, self.metrics, self.events
        )
        if settings.http.listen:
            await self._start_web(settings.http.listen)
        if settings.milter.listen:
            await self._start_milter(settings)
        if settings.smtp.listen:
            await self._start_smtp(settings)
        if left := self._inherited.left():
            raise StartError(f"systemd has opened {', '.join(left)}, where no setting listens; mend macrogate.socket")
        _keep(self._tasks, rounds.watch_loop(self._health), "loop-lag")
        _keep(self._tasks, rounds.keep_house(self._quarantine, lambda: self._settings, self.events), "housekeeping")
        _keep(self._tasks, rounds.watch_exceptions(self.exceptions, self.events), "exceptions")
        _keep(self._tasks, self._postroom.work(), "digests")
        self.events.started(
            version=__version__,
            smtp=self.smtp_address,
            milter=self.milter_address,
            next_hop=settings.smtp.next_hop,
            http=self.http_address,
            policy=self.current().policy.version[:12],
        )

    def _front(self) -> Front:
        """Whom the web servers in front have signed in."""
        http = self._settings.http

        def tell(address: str) -> None:
            self.events.notice("user-header-ignored", client=address, header=http.user_header)

        return Front(http.user_header, http.trusted_proxies, tell)

    async def _start_web(self, listen: str) -> None:
        host, _, port = listen.rpartition(":")
        http = self._settings.http
        assert self._quarantine is not None
        desk = ReleaseDesk(
            self._quarantine,
            self._way_of_releases,
            self.health.today,
            ExceptionDesk(self.exceptions),
            Looking(self._quarantine, self.current),
            self.events.release_request,
            IocDesk(self._quarantine, lambda: self._settings),
        )
        users = Users(http.users)
        pages = [
            *routes(
                desk,
                users,
                public_url=http.public_url,
                proxies=http.trusted_proxies,
                front=self._front(),
                oidc=(oidc.Client(terms), self.events) if (terms := oidc_terms(http)) else None,
            ),
            *api_routes(desk, Tokens(http.tokens), users),
            *request_routes(self._read_link, self._told_of(desk.ask)),
        ]
        self._web = WebServer(application(self.metrics.registry, self.health.refresh, self.health.ready, pages))
        try:
            bound = await self._web.start(host.strip("[]"), int(port), self._inherited.take(listen))
        except OSError as error:
            raise StartError(f"http.listen {listen}: {error.strerror or error}") from error
        self.http_address = f"{host}:{bound}"

    def _told_of(self, ask: Ask) -> Ask:
        """``ask``, after which the admin is told; whoever asks does not wait for that."""

        async def ask_and_tell(held_id: str, recipient: str, why: str) -> None:
            await ask(held_id, recipient, why)
            assert self._postroom is not None
            _keep(self._tasks, self._postroom.tell(held_id, recipient, why), "tell-admin")

        return ask_and_tell

    async def _start_smtp(self, settings: Settings) -> None:
        self._listener = SmtpListener(server_settings(settings), self.current, self.metrics, self.events)
        try:
            bound = await self._listener.start(settings.smtp.listen, self._inherited.take(settings.smtp.listen))
        except OSError as error:
            raise StartError(f"smtp.listen {settings.smtp.listen}: {error.strerror or error}") from error
        self.smtp_address = _shown(bound[0].getsockname())

    async def _start_milter(self, settings: Settings) -> None:
        self._milter = MilterListener(milter_settings(settings), self.current, self.metrics, self.events)
        try:
            bound = await self._milter.start(settings.milter.listen, self._inherited.take(settings.milter.listen))
        except OSError as error:
            raise StartError(f"milter.listen {settings.milter.listen}: {error.strerror or error}") from error
        self.milter_address = _shown(bound[0].getsockname())

    async def _read_link(self, token: str) -> tuple[str, str]:
        try:
            links = await asyncio.to_thread(read_links, self._settings)
            if links is None:
                raise DeskError("Nobody can ask by link here.")
            request = tokens.read(links.secret, token, time.time())
        except WiringError as error:  # the file of the secret; a recipient can do nothing about it
            raise DeskError("That cannot be checked now; please try again later.") from error
        except tokens.BadToken as error:
            raise DeskError(str(error)) from error
        return request.held_id, request.recipient

    @contextlib.asynccontextmanager
    async def _way_of_releases(self) -> AsyncIterator[Deliver]:
        """Connections of their own: a release must not wait for, nor disturb, the mail that flows."""
        smtp = self._settings.smtp
        pool = HopPool(hop_settings(self._settings, smtp.release_next_hop or smtp.next_hop), self.metrics)
        try:
            yield pool.deliver
        finally:
            await pool.close()

    def current(self) -> Generation:
        """The configuration in force."""
        assert self._generation is not None
        return self._generation

    @property
    def health(self) -> Health:
        """How it fares, once it is open."""
        assert self._health is not None
        return self._health

    async def reload(self) -> bool:
        """Take the configuration as its file says now; False if it was refused and nothing changed."""
        async with self._reloading:
            try:
                settings = await asyncio.to_thread(self._source)
                self._refuse_fixed(settings)
                assert self._around is not None
                server = server_settings(settings)
                self._generation = await generate(settings, self._around, self._generation)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the old configuration stays
                known = isinstance(error, ConfigError | WiringError | OSError)
                self.health.refused = str(error) if known else repr(error)
                self.events.reloaded(ok=False, why=self.health.refused)
                self.metrics.reloads.labels("refused").inc()
                return False
            if self._listener is not None:
                self._listener.reconfigure(server)
            if self._milter is not None:
                self._milter.reconfigure(milter_settings(settings))
            self._settings = settings
            if self._quarantine is not None:
                self._quarantine.requests.two_person = settings.quarantine.two_person
            self.health.certificate_expiry = certificate_expiry(settings)
            self.health.refused = ""
            self.events.reloaded(ok=True)
            self.metrics.reloads.labels("taken").inc()
            return True

    def _refuse_fixed(self, settings: Settings) -> None:
        for name in FIXED:
            section, _, key = name.partition(".")
            old, new = (getattr(getattr(which, section), key) for which in (self._settings, settings))
            if old != new:
                raise WiringError(f"{name} cannot change from {old} to {new} while running; restart to change it")

    async def _obey_hangups(self) -> None:
        while True:
            await self._hangup.wait()
            self._hangup.clear()
            systemd.reloading()
            await self.reload()
            systemd.notify("READY=1")

    async def stop(self, drain_seconds: float = DRAIN_SECONDS) -> None:
        """Stop taking mail, let what is past its final dot finish, give everything back. Safe after a failed start."""
        listeners = [listener for listener in (self._listener, self._milter) if listener is not None]
        await asyncio.gather(*(listener.drain(drain_seconds) for listener in listeners))
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)  # what became of no use just now has been given to _farewells then
        if self._web is not None:
            await self._web.stop()
        self._inherited.close()
        if self._generation is not None:
            generation, self._generation = self._generation, None
            await generation.hops.close()
            await generation.workers.thing.stop()
        await asyncio.gather(*self._farewells, return_exceptions=True)
        if self._quarantine is not None:
            await self._quarantine.close()
        if self.smtp_address or self.milter_address:
            self.events.stopped(smtp=self.smtp_address, milter=self.milter_address)

    def _dismiss(self, workers: Workers) -> None:
        self._let_go(workers.stop, "dismiss-workers")

    def _disconnect(self, hops: HopPool) -> None:
        self._let_go(hops.close, "disconnect-hops")

    def _let_go(self, end: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        """Called when nothing refers to a thing any more, and the garbage collector may do so on any thread."""
        if self._generation is not None:  # else stop() has done so
            self._loop.call_soon_threadsafe(lambda: _keep(self._farewells, end(), name))


def _keep(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None], name: str) -> None:
    """Begin ``work`` as one of ``tasks``, which hold it until it is done."""
    task = asyncio.create_task(work, name=name)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


def _shown(bound: str | tuple[Any, ...]) -> str:
    """An address as the configuration writes it."""
    if isinstance(bound, str):
        return f"unix:{bound}"
    host, port = bound[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
