"""``macrogate selftest --relay`` and ``--smuggling`` against servers that are careful, careless, and not there."""

from __future__ import annotations

import asyncio
import ssl

import pytest
import trustme
from click.testing import CliRunner, Result

from gateway.cli import main, selftest_relay, selftest_smuggling
from gateway.cli.selftest_result import Pace
from tests.stubs.next_hop import EXTENSIONS, StubHop, drop

REFUSED = "554 5.7.1 Relay access denied"
CAREFUL = {"RCPT": REFUSED, "RCPT TO:<you@example.org>": "250 2.1.5 Ok"}


async def run(hop: StubHop, *arguments: str) -> Result:
    words = ["selftest", "--server", hop.address, "--to", "you@example.org", "--timeout", "10", *arguments]
    return await asyncio.to_thread(CliRunner().invoke, main, words)


def lines(result: Result, word: str) -> list[str]:
    return [line for line in result.output.splitlines() if line.startswith(word)]


async def test_a_server_that_relays_for_nobody_is_fine() -> None:
    async with StubHop(CAREFUL) as hop:
        result = await run(hop, "--relay")
    assert result.exit_code == 0, result.output
    assert "All is as it should be." in result.output
    assert len(lines(result, "safe ")) == len(selftest_relay.forms("a@b", "c@d", "127.0.0.1")) > 25
    assert hop.messages == []


async def test_a_server_that_relays_for_everybody_is_found() -> None:
    """It takes every name in its domain too, which is no hole by itself."""
    async with StubHop() as hop:
        result = await run(hop, "--relay")
    assert result.exit_code == 1
    assert any("a stranger as sender" in line for line in lines(result, "HOLE"))
    assert any("percent: " in line for line in lines(result, "safe"))
    assert "If this machine is one the server relays for" in result.output
    assert hop.messages == []


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("<relay-test%example.com@example.org>", "percent"),
        ("<@example.org:relay-test@example.com>", "source route"),
        ("<example.com!relay-test@example.org>", "bang path"),
        ('<"relay-test@example.com"@example.org>', "quoted address"),
    ],
)
async def test_one_form_that_opens_it_is_found(path: str, title: str) -> None:
    async with StubHop({**CAREFUL, f"RCPT TO:{path}": "250 2.1.5 Ok"}) as hop:
        result = await run(hop, "--relay")
    assert result.exit_code == 1
    (hole,) = lines(result, "HOLE")
    assert title in hole


async def test_an_own_address_as_sender_that_opens_it_is_found() -> None:
    script = {**CAREFUL, "RCPT TO:<relay-test@": [REFUSED, REFUSED, "250 2.1.5 Ok", *[REFUSED] * 40]}
    async with StubHop(script) as hop:
        result = await run(hop, "--relay")
    assert result.exit_code == 1
    (hole,) = lines(result, "HOLE")
    assert "your own address" in hole


async def test_a_server_that_believes_xclient_is_found() -> None:
    script = {
        **CAREFUL,
        "XCLIENT": "250 Ok",
        "RCPT TO:<relay-test@example.com>": [*[REFUSED] * 8, "250 2.1.5 Ok", REFUSED],
    }
    async with StubHop(script) as hop:
        result = await run(hop, "--relay")
    assert result.exit_code == 1, result.output
    (hole,) = lines(result, "HOLE")
    assert "XCLIENT" in hole


async def test_later_is_no_answer() -> None:
    async with StubHop({**CAREFUL, "RCPT TO:<relay-test@": "451 4.7.1 Greylisted"}) as hop:
        result = await run(hop, "--relay")
    assert result.exit_code == 3
    assert lines(result, "?")


async def test_later_is_an_answer_where_it_means_never() -> None:
    async with StubHop({**CAREFUL, "RCPT TO:<relay-test@": "454 4.7.1 Relay access denied"}) as hop:
        result = await run(hop, "--relay")
    assert result.exit_code == 0


async def test_hanging_up_is_no_answer() -> None:
    async with StubHop({**CAREFUL, "RCPT TO:<relay-test@": drop}) as hop:
        result = await run(hop, "--relay")
    assert result.exit_code == 3
    assert "hung up" in result.output


@pytest.mark.parametrize("test", ["--relay", "--smuggling"])
async def test_a_server_that_takes_no_honest_mail_shows_nothing_by_refusing(test: str) -> None:
    async with StubHop({"RCPT": REFUSED}) as hop:
        result = await run(hop, test)
    assert result.exit_code == 3
    assert "Not decided" in result.output


@pytest.mark.parametrize("test", ["--relay", "--smuggling"])
async def test_a_server_that_does_not_greet(test: str) -> None:
    async with StubHop({"CONNECT": "554 5.7.1 Go away"}) as hop:
        result = await run(hop, test)
    assert result.exit_code == 3
    assert "the server greeted with 554" in result.output


async def test_a_careful_server_takes_one_message_for_one() -> None:
    async with StubHop() as hop:
        result = await run(hop, "--smuggling")
    assert result.exit_code == 0, result.output
    assert len(lines(result, "safe ")) == len(selftest_smuggling.FALSE_ENDS) + 1
    assert len(lines(result, "-")) == 2
    assert {tuple(message.recipients) for message in hop.messages} == {("you@example.org",)}
    assert all(b"Subject: Macrogate self-test" in message.data for message in hop.messages)


async def test_a_server_that_refuses_bare_line_ends_is_fine() -> None:
    async with StubHop({".": ["250 2.0.0 Ok", *["521 5.5.2 Bare line feed"] * 20]}) as hop:
        result = await run(hop, "--smuggling")
    assert result.exit_code == 0, result.output


async def test_a_server_that_can_be_fooled_is_found() -> None:
    async with StubHop(lenient=True) as hop:
        result = await run(hop, "--smuggling")
    assert result.exit_code == 1
    assert len(lines(result, "HOLE")) >= 10
    assert "Look into the mailbox" in result.output
    smuggled = [message for message in hop.messages if b"Subject: SMUGGLED" in message.data.partition(b"\r\n\r\n")[0]]
    assert smuggled
    assert {tuple(message.recipients) for message in hop.messages} == {("you@example.org",)}


async def test_starttls_as_it_should_be() -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    async with StubHop(extensions=[*EXTENSIONS, "STARTTLS"], tls=context) as hop:
        result = await run(hop, "--smuggling")
    assert result.exit_code == 0, result.output
    (line,) = (line for line in lines(result, "") if "STARTTLS" in line)
    assert line.startswith("safe")


@pytest.mark.parametrize("host", ["mx.example.org", "192.0.2.1", "[2001:db8::1]"])
@pytest.mark.parametrize("confirmed", [[], ["--confirm-host", "example.org"]])
def test_a_server_of_somebody_else_is_left_alone(
    host: str, confirmed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.create_connection", lambda *_, **__: pytest.fail("it was connected to"))
    for test in ("--relay", "--smuggling"):
        words = ["selftest", "--server", f"{host}:25", "--to", "you@example.org", test, *confirmed]
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 2
        assert f"--confirm-host {host.strip('[]')}" in result.output


def test_a_server_that_was_confirmed_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], *_: object, **__: object) -> None:
        asked.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("socket.create_connection", connect)
    words = ["selftest", "--server", "mx.example.org:25", "--to", "you@example.org", "--relay"]
    result = CliRunner().invoke(main, [*words, "--confirm-host", "MX.example.org"])
    assert result.exit_code == 3
    assert asked == [("mx.example.org", 25)]


@pytest.mark.parametrize(
    "address", ["you", "you@", "<you@example.org>", "you@example.org\r\nRSET", '"a b"@example.org']
)
def test_addresses_go_into_commands_and_must_be_plain(address: str) -> None:
    words = ["selftest", "--server", "127.0.0.1:25", "--relay", "--to"]
    result = CliRunner().invoke(main, [*words, address])
    assert result.exit_code == 2
    assert "is not an address" in result.output


def test_sessions_are_paced(monkeypatch: pytest.MonkeyPatch) -> None:
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr("gateway.cli.selftest_result.time.monotonic", lambda: now[0])
    monkeypatch.setattr("gateway.cli.selftest_result.time.sleep", sleep)
    pace = Pace(0.5)
    for _ in range(3):
        pace.wait()
    assert slept == [0.0, 0.5, 0.5]
