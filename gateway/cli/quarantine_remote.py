"""The quarantine of a gateway on another machine, by its API.

Contract: does what the local one does and gives what it gives, so that a command looks the same wherever the gateway
is. Certificates are checked, redirects are not followed, every wait has an end, and the token leaves only in the
``Authorization`` header of the server it was given for. What goes wrong is a ``QuarantineError`` with the gateway's own
sentence where it has said one.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import ssl
import tempfile
from collections.abc import Mapping, Sequence
from email.message import Message
from ipaddress import ip_address
from typing import Any, BinaryIO
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from pydantic import TypeAdapter, ValidationError

from gateway import __version__
from gateway.closed_sets import HeldState
from gateway.message import clip
from gateway.quarantine import (
    Filters,
    Held,
    HeldMessage,
    HeldNotFound,
    NotPossible,
    QuarantineError,
    Released,
    ReleaseFailed,
)
from gateway.quarantine.journal import Entry, Journal
from gateway.quarantine.sidecar import FORMAT, BadRecord, decode

SECONDS = 60.0
"""For the server to say something; a release waits for the next hop behind it."""
LARGEST_ANSWER = 64 << 20
PAGE = 200
CHUNK = 256 * 1024
API = "/api/v1"
WAITING = frozenset({HeldState.HELD, HeldState.RELEASING})

ERRORS: Mapping[int, type[QuarantineError]] = {404: HeldNotFound, 409: NotPossible, 502: ReleaseFailed}

_MESSAGE = TypeAdapter(HeldMessage)
_ENTRIES = TypeAdapter(tuple[Entry, ...])


def server_at(url: str, *, plain: bool) -> SplitResult:
    """The address of a gateway. Raises ``ValueError`` with a sentence; ``plain``: HTTP without TLS is allowed."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"{url!r} is no address of a gateway: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValueError(f"{url!r} is no address of a gateway; write it as https://gw.example.com")
    if parts.scheme == "http" and not plain and not _is_loopback(parts.hostname):
        raise ValueError(
            f"{url} would show the token to everybody on the way; use https://, or --plain-http if you must"
        )
    return parts


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class RemoteQuarantine:
    """The gateway at ``server``, asked with ``token``."""

    def __init__(self, server: SplitResult, token: str, *, seconds: float = SECONDS) -> None:
        self._server = server
        self._token = token
        self._seconds = seconds

    async def find(self, filters: Filters) -> tuple[HeldMessage, ...]:
        """What fits, newest first."""
        found: list[HeldMessage] = []
        older = ""
        while len(found) < filters.limit:
            words = _search(filters) | {"limit": str(min(PAGE, filters.limit))} | ({"older": older} if older else {})
            page = await self._ask("GET", f"/messages?{urlencode(words)}")
            messages = [_read(_MESSAGE, item) for item in _list(page, "items")]
            found += [one for one in messages if not filters.states or one.state in filters.states]
            older = str(page.get("older") or "")
            if not older or not messages:
                break
        return tuple(found[: filters.limit])

    async def resolve(self, prefix: str) -> str:
        """The one id that begins so."""
        return (await self.get(prefix)).message.id

    async def get(self, held_id: str) -> Held:
        """Everything about one message."""
        told = await self._ask("GET", _path(held_id))
        try:
            record = decode(json.dumps(told["record"] | {"format": FORMAT}).encode())
        except (BadRecord, KeyError, TypeError) as error:
            raise _strange(str(error)) from error
        intact = told.get("history_intact") is True
        journal = Journal(_read(_ENTRIES, told.get("history")), intact)
        return Held(_read(_MESSAGE, told), record, journal, intact)

    async def open_message(self, held_id: str, *, why: str) -> BinaryIO:
        """The bytes as received, in a file without a name; the caller closes it."""
        file, _ = await asyncio.to_thread(self._download, f"{_path(held_id, '/raw')}?{urlencode({'why': why})}")
        return file

    async def iocs(self, query: Mapping[str, str]) -> tuple[BinaryIO, dict[str, Any]]:
        """Indicators as they are written there, in a file without a name, and the notes about them."""
        file, headers = await asyncio.to_thread(self._download, f"/iocs?{urlencode(query)}")
        with contextlib.suppress(ValueError, RecursionError):
            notes = json.loads(headers.get("Macrogate-Notes", ""))
            if isinstance(notes, dict):
                return file, notes
        file.close()
        raise _strange("it has no notes")

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
        if alone:
            raise QuarantineError("--alone is for commands on the gateway's own machine.")
        wish: dict[str, object] = {"why": why}
        wish |= {"recipients": list(recipients)} if recipients else {}
        wish |= {"to": list(to)} if to else {}
        wish |= {"again": True} if again else {}
        told = await self._ask("POST", _path(held_id, "/release"), wish)
        try:
            replies = tuple((str(one["recipient"]), str(one["reply"])) for one in told["replies"])
            return Released(HeldState(told["state"]), replies)
        except (KeyError, TypeError, ValueError) as error:
            raise _strange(str(error)) from error

    async def delete(self, held_id: str, *, why: str) -> None:
        """Remove its bytes."""
        await self._ask("POST", _path(held_id, "/delete"), {"why": why})

    async def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        told = await asyncio.to_thread(self._call, method, path, body)
        if not isinstance(told, dict):
            raise _strange("it is no JSON object")
        return told

    def _call(self, method: str, path: str, body: object) -> Any:
        connection = self._connection()
        try:
            with self._send(connection, method, path, body) as answer:
                text = answer.read(LARGEST_ANSWER + 1)
            if len(text) > LARGEST_ANSWER:
                raise _strange("it is too large")
            return json.loads(text)
        except (OSError, http.client.HTTPException) as error:
            raise self._unreachable(error) from error
        except (ValueError, RecursionError) as error:
            raise _strange("it is no JSON") from error
        finally:
            connection.close()

    def _download(self, path: str) -> tuple[BinaryIO, Message]:
        connection = self._connection()
        file = tempfile.TemporaryFile()  # noqa: SIM115 - whoever asked for it closes it
        try:
            with self._send(connection, "GET", path, None) as answer:
                while chunk := answer.read(CHUNK):
                    file.write(chunk)
                if answer.length:
                    raise http.client.IncompleteRead(b"", answer.length)
            file.seek(0)
            return file, answer.headers
        except (OSError, http.client.HTTPException) as error:
            file.close()
            raise self._unreachable(error) from error
        except QuarantineError:
            file.close()
            raise
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._server.hostname or "", self._server.port
        if self._server.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self._seconds)
        return http.client.HTTPSConnection(host, port, timeout=self._seconds, context=ssl.create_default_context())

    def _send(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: object
    ) -> http.client.HTTPResponse:
        headers = {"Authorization": f"Bearer {self._token}", "User-Agent": f"macrogate/{__version__}"}
        data = None
        if body is not None:
            headers["Content-Type"], data = "application/json", json.dumps(body).encode()
        connection.request(method, self._server.path.rstrip("/") + API + path, data, headers)
        answer = connection.getresponse()
        if answer.status != 200:
            with answer:
                raise self._refusal(answer)
        return answer

    def _refusal(self, answer: http.client.HTTPResponse) -> QuarantineError:
        kind = answer.headers.get_content_type()
        if kind != "application/problem+json":
            where = self._server.geturl()
            return QuarantineError(
                f"{where} answered {answer.status} {clip(answer.reason, 80)}, not as a gateway does; is it one?"
            )
        try:
            detail = str(json.loads(answer.read(1 << 16))["detail"])
        except (ValueError, KeyError, TypeError, RecursionError):
            detail = answer.reason
        return ERRORS.get(answer.status, QuarantineError)(clip(detail, 2000))

    def _unreachable(self, error: Exception) -> QuarantineError:
        where = self._server.geturl()
        if isinstance(error, TimeoutError):
            return QuarantineError(
                f"{where} said nothing for {self._seconds:g} seconds; whether it was done is not known."
            )
        if isinstance(error, ssl.SSLCertVerificationError):
            return QuarantineError(f"The certificate of {where} is not good: {error.verify_message}")
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return QuarantineError(f"{where} cannot be reached: {clip(reason, 300)}")


def _path(held_id: str, below: str = "") -> str:
    return f"/messages/{quote(held_id, safe='')}{below}"


def _search(filters: Filters) -> dict[str, str]:
    """As the API is asked; it knows one state at a time, so of several all are asked for."""
    if filters.states == WAITING:
        state = "waiting"
    else:
        state = next(iter(filters.states)).value if len(filters.states) == 1 else "all"
    names = ("sender", "recipient", "subject", "text", "campaign", "file")
    words = {name: str(getattr(filters, name)) for name in names}
    words["verdict"] = "" if filters.verdict is None else filters.verdict.label
    words |= {name: moment.isoformat() for name in ("since", "until") if (moment := getattr(filters, name))}
    return {"state": state} | {name: word for name, word in words.items() if word}


def _list(told: dict[str, Any], name: str) -> list[Any]:
    value = told.get(name)
    if not isinstance(value, list):
        raise _strange(f"it has no {name}")
    return value


def _read(adapter: TypeAdapter[Any], value: Any) -> Any:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise _strange(str(error.errors()[0]["msg"])) from error


def _strange(why: str) -> QuarantineError:
    return QuarantineError(f"The answer cannot be read ({clip(why, 200)}): is this a gateway of another version?")
