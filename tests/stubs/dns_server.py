"""A DNS server that says what a test tells it to, over UDP and TCP on one free loopback port.

    async with StubDns({"s1._domainkey.outside.test": "v=DKIM1; p=..."}) as server:
        Resolver([server.address])

A name maps to the text of its one TXT record (cut into strings of 255 bytes), to a list of such texts, to an ``Alias``,
or to a response code; ``silence`` never answers. A name that is not there is NXDOMAIN.
"""

from __future__ import annotations

import asyncio
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TXT
import dns.rrset


@dataclass(frozen=True)
class Alias:
    """A CNAME record."""

    target: str


silence = object()

Said = str | Sequence[str] | Alias | dns.rcode.Rcode | object


class StubDns(asyncio.DatagramProtocol):
    def __init__(self, zone: Mapping[str, Said], *, ttl: int = 300) -> None:
        self.zone = zone
        self.ttl = ttl
        self.asked: Counter[str] = Counter()
        self.address = ""

    async def __aenter__(self) -> StubDns:
        loop = asyncio.get_running_loop()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self._datagrams, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=("127.0.0.1", port))
        self.address = f"127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._datagrams.close()
        self._server.close()
        await self._server.wait_closed()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._sending = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        response = self._respond(data)
        if response is None:
            return
        wire = response.to_wire(max_size=65535)
        if len(wire) > 1200:
            response.answer.clear()
            response.flags |= dns.flags.TC
            wire = response.to_wire()
        self._datagrams.sendto(wire, addr)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            (size,) = struct.unpack("!H", await reader.readexactly(2))
            response = self._respond(await reader.readexactly(size))
            if response is not None:
                wire = response.to_wire(max_size=65535)
                writer.write(struct.pack("!H", len(wire)) + wire)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _respond(self, data: bytes) -> dns.message.Message | None:
        query = dns.message.from_wire(data)
        name = query.question[0].name
        said = self.zone.get(name.to_text(omit_final_dot=True).lower())
        self.asked[name.to_text(omit_final_dot=True)] += 1
        if said is silence:
            return None
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if said is None or isinstance(said, dns.rcode.Rcode):
            response.set_rcode(dns.rcode.NXDOMAIN if said is None else said)
        elif isinstance(said, Alias):
            response.answer.append(dns.rrset.from_text(name, self.ttl, "IN", "CNAME", f"{said.target}."))
            self._follow(response, said.target)
        else:
            assert isinstance(said, str | Sequence)
            self._add(response, name.to_text(), [said] if isinstance(said, str) else said)
        return response

    def _follow(self, response: dns.message.Message, target: str) -> None:
        """As a resolver does that follows aliases, and does not notice when they go round."""
        for _ in range(20):
            said = self.zone.get(target)
            if isinstance(said, str):
                self._add(response, f"{target}.", [said])
            if not isinstance(said, Alias):
                return
            response.answer.append(dns.rrset.from_text(f"{target}.", self.ttl, "IN", "CNAME", f"{said.target}."))
            target = said.target

    def _add(self, response: dns.message.Message, name: str, texts: Sequence[str]) -> None:
        records = []
        for text in texts:
            raw = text.encode("latin-1")
            strings = [raw[start : start + 255] for start in range(0, len(raw), 255)]
            records.append(dns.rdtypes.ANY.TXT.TXT(dns.rdataclass.IN, dns.rdatatype.TXT, strings or [b""]))
        response.answer.append(dns.rrset.from_rdata(name, self.ttl, *records))
