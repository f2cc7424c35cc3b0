"""``macrogate selftest`` against chains that stop, refuse, pass, and are not there."""

import asyncio
import socket

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from tests.stubs.next_hop import StubHop


async def run(hop: StubHop) -> Result:
    arguments = ["selftest", "--server", hop.address, "--to", "you@example.org"]
    return await asyncio.to_thread(CliRunner().invoke, main, arguments)


@pytest.mark.parametrize(
    ("event", "reply", "code", "words"),
    [
        (".", "250 2.0.0 Held by Macrogate as 0123456789abcdef", 0, "in quarantine"),
        (".", "550 5.7.1 Message refused", 0, "refused"),
        (".", "250 2.0.0 Ok: queued", 1, "NOT STOPPED"),
        (".", "451 4.3.0 later", 3, "Not decided"),
        ("RCPT", "550 5.1.1 no such user", 3, "Not decided"),
    ],
)
async def test_what_the_chain_says_is_what_we_say(event: str, reply: str, code: int, words: str) -> None:
    async with StubHop({event: [reply]}) as hop:
        result = await run(hop)

    assert result.exit_code == code, result.output
    assert words in result.output
    assert reply[:3] in result.output


async def test_the_document_that_is_sent_is_the_inert_one() -> None:
    async with StubHop() as hop:
        await run(hop)

    (message,) = hop.messages
    assert message.recipients == ["you@example.org"]
    assert b"selftest" in message.data.lower()


def test_nobody_there() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        result = CliRunner().invoke(main, ["selftest", "--server", address, "--to", "you@example.org"])

    assert result.exit_code == 3


def test_a_server_without_a_port_is_a_usage_error() -> None:
    result = CliRunner().invoke(main, ["selftest", "--server", "mx.example.org", "--to", "you@example.org"])

    assert result.exit_code == 2
    assert "HOST:PORT" in result.output
