"""Asks the provider by HTTP, within limits.

Contract: an answer is a JSON object of ``LARGEST`` bytes at the most, whole within ``PATIENCE`` seconds, from the very
address that was asked: a redirection is an error, so that nobody can send us elsewhere. TLS with a certificate for that
name, except on loopback where the issuer is there itself. Whatever goes wrong is a ``ProviderError``. Nothing blocks.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import h11

from gateway import __version__
from gateway.endpoint import Endpoint
from gateway.message import clip
from gateway.web.oidc import ProviderError

PATIENCE = 8.0
"""Seconds for one question, from looking up the name to the last byte."""
LARGEST = 256 << 10
"""Bytes of one answer; documents of providers in use have 2 to 10 KB, sets of keys up to 20 KB."""


@dataclass(frozen=True, slots=True)
class Place:
    """One address of a provider."""

    https: bool
    host: str
    port: int
    target: str

    @classmethod
    def parse(cls, text: object, *, loopback: bool) -> Place:
        """Raises ``ProviderError``. With ``loopback`` plain HTTP is good enough on this machine."""
        if not isinstance(text, str) or not text.isascii() or not text.isprintable() or " " in text:
            raise ProviderError(f"{clip(str(text), 200)!a} is no address")
        try:
            url = urlsplit(text)
            host, port = url.hostname or "", url.port
        except ValueError:
            host, port = "", None
        if not host or url.scheme not in {"https", "http"} or url.fragment or "@" in url.netloc:
            raise ProviderError(f"{clip(text, 200)!a} is no address")
        https = url.scheme == "https"
        port = port or (443 if https else 80)
        if not https and not (loopback and Endpoint(host=host, port=port).private):
            raise ProviderError(f"{clip(text, 200)} is plain HTTP, where others could sign in; it takes https")
        return cls(https, host, port, (url.path or "/") + (f"?{url.query}" if url.query else ""))

    @property
    def authority(self) -> str:
        """As the Host header has it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.https else 80) else f"{host}:{self.port}"


class Fetcher:
    """``ca``: as ``Terms`` has it; ``loopback``: as ``Place.parse`` has it."""

    def __init__(self, ca: Path | None = None, *, loopback: bool = False) -> None:
        self._ca = ca
        self._loopback = loopback
        self._tls: ssl.SSLContext | None = None

    async def get(self, url: object, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The object there. Raises ``ProviderError``."""
        status, answer = await self._ask("GET", url, headers or {}, b"")
        if status != 200:
            raise ProviderError(f"{clip(str(url), 200)} answers with status {status}")
        return answer

    async def post(self, url: object, body: str, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        """Status and object of the answer to a form. Raises ``ProviderError``."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self._ask("POST", url, {**headers, **form}, body.encode("ascii"))

    async def _ask(
        self, method: str, url: object, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, Any]]:
        place = Place.parse(url, loopback=self._loopback)
        every = {
            "Host": place.authority,
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": f"macrogate/{__version__}",
            "Connection": "close",
            "Content-Length": str(len(body)),
        }
        where = f"{'https' if place.https else 'http'}://{place.authority}"
        try:
            request = h11.Request(method=method, target=place.target, headers=list({**every, **headers}.items()))
            async with asyncio.timeout(PATIENCE):
                status, told = await self._exchange(place, request, body)
        except TimeoutError:
            raise ProviderError(f"{where} has not answered within {PATIENCE:g} s") from None
        except OSError as error:
            raise ProviderError(f"{where} cannot be reached: {_reason(error)}") from error
        except (h11.ProtocolError, UnicodeError) as error:
            raise ProviderError(f"{where} does not speak HTTP as it should: {clip(str(error), 200)}") from error
        return status, _object(told, where, status)

    async def _exchange(self, place: Place, request: h11.Request, body: bytes) -> tuple[int, bytes]:
        reader, writer = await asyncio.open_connection(
            place.host, place.port, ssl=await self._context() if place.https else None
        )
        try:
            connection = h11.Connection(h11.CLIENT)
            for event in (request, h11.Data(data=body), h11.EndOfMessage()):
                writer.write(connection.send(event) or b"")
            await writer.drain()
            return await _answer(connection, reader, place)
        finally:
            writer.transport.abort()  # there is no second question, and nothing to wait for

    async def _context(self) -> ssl.SSLContext:
        """Reads the file of certificates, which takes a moment, and then keeps them."""
        if self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context, cafile=self._ca)
        return self._tls


async def _answer(connection: h11.Connection, reader: asyncio.StreamReader, place: Place) -> tuple[int, bytes]:
    """Status and content. Raises ``ProviderError``, ``OSError`` and ``h11.ProtocolError``."""
    status, content = 0, bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(16 << 10))
        elif isinstance(event, h11.Response):
            status = event.status_code
            if 300 <= status <= 399:
                raise ProviderError(
                    f"{place.authority} sends us elsewhere (status {status}), where we do not go: the address has to "
                    "be written as the provider itself writes it"
                )
        elif isinstance(event, h11.Data):
            content += event.data
            if len(content) > LARGEST:
                raise ProviderError(f"{place.authority} answers with more than {LARGEST >> 10} KB")
        elif isinstance(event, h11.EndOfMessage):
            return status, bytes(content)
        elif not isinstance(event, h11.InformationalResponse):
            raise OSError("the connection was closed before the answer was whole")


def _reason(error: OSError) -> str:
    """In the words of the system or of OpenSSL; those of asyncio only say that it did not work."""
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)
    return clip(error.strerror or str(error), 300)


def _object(told: bytes, where: str, status: int) -> dict[str, Any]:
    try:
        answer = json.loads(told)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise ProviderError(f"{where} answers with status {status} and something that is no JSON object")
    return answer
