"""DNS in every kind of trouble, over real packets: always an answer, always in time."""

import asyncio
from collections.abc import Mapping

import dns.rcode
import pytest

from gateway.authentication.resolver import AT_ONCE, MAX_RECORD, Resolver
from gateway.closed_sets import AuthResult
from gateway.jail.wire import MAX_TEXT, Job, encode_job
from gateway.message import Answer
from tests.stubs.dns_server import Alias, Said, StubDns, silence
from tests.stubs.pool import until


async def asked(zone: Mapping[str, Said], *names: str, seconds: float = 5.0) -> tuple[Answer, ...]:
    async with StubDns(zone) as server:
        return await Resolver([server.address]).look_up(names, seconds)


async def test_answers_come_in_order_whatever_their_size() -> None:
    long = "v=DKIM1; p=" + "A" * (MAX_RECORD - 20)
    zone = {"a.test": "one", "b.test": long, "c.test": ["two", "three"], "alias.test": Alias("a.test"), "e.test": ""}
    found = await asked(zone, "a.test", "b.test", "c.test", "alias.test", "none.test", "e.test")
    assert {answer.result for answer in found} == {AuthResult.PASS}
    texts = [sorted(answer.texts) for answer in found]
    assert texts == [["one"], [long], ["three", "two"], ["one"], [], [""]]


@pytest.mark.parametrize(
    ("said", "result"),
    [
        (dns.rcode.SERVFAIL, AuthResult.TEMPERROR),
        (dns.rcode.REFUSED, AuthResult.TEMPERROR),
        (Alias("x.test"), AuthResult.TEMPERROR),
        ("x" * (MAX_RECORD + 1), AuthResult.PERMERROR),
        ("x" * 60_000, AuthResult.PERMERROR),
        ([str(number) for number in range(11)], AuthResult.PERMERROR),
    ],
)
async def test_trouble_has_its_word(said: Said, result: AuthResult) -> None:
    found = await asked({"x.test": said, "good.test": "here"}, "x.test", "good.test")
    assert [answer.result for answer in found] == [result, AuthResult.PASS]
    assert found[0].reason


async def test_no_message_gets_more_text_than_a_worker_takes() -> None:
    names = [f"{number}.test" for number in range(61)]
    found = await asked({name: [f"{n}" + '"\\\x80\n' * 1500 for n in range(10)] for name in names}, *names)
    assert {answer.result for answer in found} == {AuthResult.PASS, AuthResult.PERMERROR}
    frame = encode_job(Job(1, "authenticate", answers=found))
    assert len(frame) < MAX_TEXT


async def test_silence_ends() -> None:
    names = [f"{number}.silent.test" for number in range(2 * AT_ONCE)]
    found = await asked(dict.fromkeys(names, silence), *names, seconds=0.3)
    assert {answer.result for answer in found} == {AuthResult.TEMPERROR}
    assert {answer.reason for answer in found} == {"DNS did not answer in time"}


@pytest.mark.parametrize("name", ["x" * 64 + ".test", ".".join(["x" * 60] * 5), "a..test", ""])
async def test_names_that_cannot_be_asked(name: str) -> None:
    (answer,) = await asked({}, name)
    assert answer.result in {AuthResult.PERMERROR, AuthResult.PASS}


async def test_nobody_is_there() -> None:
    async with StubDns({}) as server:
        address = server.address
    (answer,) = await Resolver([address]).look_up(["a.test"], 0.3)
    assert answer.result is AuthResult.TEMPERROR


async def test_answers_are_remembered() -> None:
    async with StubDns({"a.test": "one"}) as server:
        resolver = Resolver([server.address])
        for _ in range(3):
            await resolver.look_up(["a.test", "none.test"], 5.0)
        assert server.asked == {"a.test": 1, "none.test": 1}


async def test_giving_up_leaves_nothing_behind() -> None:
    async with StubDns({"a.test": silence}) as server:
        looking = asyncio.create_task(Resolver([server.address]).look_up(["a.test"], 30.0))
        await until(lambda: bool(server.asked))
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
