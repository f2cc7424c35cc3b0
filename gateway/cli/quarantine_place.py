"""Where the quarantine of a command is: on this machine, or behind the API of a gateway elsewhere.

Contract: ``places`` gives a command its options for that, and ``reach`` opens what they name and runs the command's
work over it. Both kinds do the same and fail in the same words. The token comes from a file, never from the command
line, which everybody on the machine can read.
"""

from __future__ import annotations

import contextlib
import functools
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar

import click

from gateway.cli import quarantine_run as run
from gateway.cli.quarantine_remote import RemoteQuarantine, server_at
from gateway.config import Settings
from gateway.quarantine import Filters, Held, HeldMessage, Quarantine, Released
from gateway.quarantine.downloads import AS_IT_IS
from gateway.web.api.tokens import SHAPE

Command = TypeVar("Command", bound=Callable[..., Any])


class Holdings(Protocol):
    """What commands ask of a quarantine. All raise ``QuarantineError``."""

    async def find(self, filters: Filters) -> Sequence[HeldMessage]: ...

    async def resolve(self, prefix: str) -> str: ...

    async def get(self, held_id: str) -> Held: ...

    async def open_message(self, held_id: str, *, why: str) -> BinaryIO:
        """The bytes as received; it is noted that this person takes them."""

    async def release(
        self,
        held_id: str,
        *,
        why: str,
        recipients: Sequence[str] | None,
        to: Sequence[str] | None,
        again: bool,
        alone: str = "",
    ) -> Released: ...

    async def delete(self, held_id: str, *, why: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """What the options say. ``next_hop`` is for once, "" the configured one."""

    config: Path | None
    server: str
    token_file: Path | None
    plain_http: bool
    next_hop: str = ""


class LocalQuarantine:
    """The store of this machine's configuration."""

    def __init__(self, store: Quarantine, settings: Settings, next_hop: str) -> None:
        self._store = store
        self._settings = settings
        self._next_hop = next_hop
        self.find, self.resolve, self.get = store.find, store.resolve, store.get

    async def open_message(self, held_id: str, *, why: str) -> BinaryIO:
        """The bytes as received; the caller closes it."""
        with contextlib.ExitStack() as opened:
            message = opened.enter_context(await self._store.open_message(held_id))
            await self._store.note_download(held_id, who=run.who(), why=why, what=AS_IT_IS)
            opened.pop_all()
        return message

    async def release(
        self,
        held_id: str,
        *,
        why: str,
        recipients: Sequence[str] | None,
        to: Sequence[str] | None,
        again: bool,
        alone: str = "",
    ) -> Released:
        """Send it to its recipients, some of them, or a copy to others."""
        async with run.deliver_with(self._settings, self._next_hop) as deliver:
            return await self._store.release(
                held_id, who=run.who(), why=why, recipients=recipients, to=to, again=again, deliver=deliver, alone=alone
            )

    async def delete(self, held_id: str, *, why: str) -> None:
        """Remove its bytes."""
        await self._store.delete(held_id, who=run.who(), why=why)


def places(command: Command) -> Command:
    """Options that say where; the command gets them as ``place``."""

    @functools.wraps(command)
    def with_place(config: Path | None, server: str, token_file: Path | None, plain_http: bool, **options: Any) -> Any:
        if config and server:
            raise click.UsageError(
                "--config is for the gateway on this machine, --server for another: use one of them."
            )
        return command(place=Place(config, server, token_file, plain_http), **options)

    decorated: Any = with_place
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    result: Command = decorated
    return result


_OPTIONS = (
    click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Configuration file (default: /etc/macrogate/macrogate.toml if there is one).",
    ),
    click.option(
        "--server",
        default="",
        metavar="URL",
        envvar="MACROGATE_SERVER",
        help="A gateway elsewhere, by its API: https://gw.example.com.",
    ),
    click.option(
        "--token-file",
        envvar="MACROGATE_TOKEN_FILE",
        type=click.Path(path_type=Path, dir_okay=False),
        help="The file, for its owner only, with the token for --server.",
    ),
    click.option(
        "--plain-http", is_flag=True, help="Let --server be http:// on another machine, where all can listen."
    ),
)


def reach(work: Callable[[Holdings], Awaitable[int]], place: Place, next_hop: str = "") -> int:
    """Open the place and do the work over it; its exit code."""
    opened = _remote(place, next_hop) if place.server else _local(replace(place, next_hop=next_hop))

    async def through() -> int:
        async with opened as holdings:
            return await work(holdings)

    return run.guarded(through)


def _local(place: Place) -> AbstractAsyncContextManager[Holdings]:
    settings = run.settings(place.config)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Holdings]:
        store = await run.open_here(settings)
        try:
            yield LocalQuarantine(store, settings, place.next_hop)
        finally:
            await store.close()

    return opened()


def _remote(place: Place, next_hop: str) -> AbstractAsyncContextManager[Holdings]:
    if next_hop:
        raise click.UsageError("--next-hop is for the gateway on this machine; another knows its own.")
    remote = server_of(place)

    @asynccontextmanager
    async def opened() -> AsyncIterator[Holdings]:
        yield remote

    return opened()


def server_of(place: Place) -> RemoteQuarantine:
    """The gateway elsewhere that the options name."""
    if place.token_file is None:
        raise click.UsageError("--server needs --token-file: macrogate token add NAME, on that machine, makes a token.")
    try:
        server = server_at(place.server, plain=place.plain_http)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    return RemoteQuarantine(server, _token(place.token_file))


def _token(path: Path) -> str:
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise click.UsageError(f"{path} can be read by others than its owner; chmod 600 {path}")
            words = file.read(1024).split()
    except OSError as error:
        raise click.UsageError(f"{path} cannot be read: {error.strerror}") from error
    if len(words) != 1 or not words[0].isascii() or not SHAPE.fullmatch(words[0].decode("ascii")):
        raise click.UsageError(f"{path} holds no token: it begins with mgt_ and stands alone")
    return words[0].decode("ascii")
