"""The codec: any split of any stream gives the same events, and garbage raises one error only."""

from __future__ import annotations

import contextlib
import itertools
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import Reply
from gateway.milter.packets import (
    AnyEvent,
    Body,
    Connect,
    Event,
    Header,
    Hello,
    Macros,
    Mail,
    MilterError,
    Offer,
    Rcpt,
)
from gateway.milter.protocol import FIELDS, FOLLOWS, MAX_WORDS, Milter, State, refusal, reply
from gateway.milter.words import EDITS, LEGAL, NO_REPLY, Action, Answer, Command, Family, Stage, Step
from tests.stubs import mta

MESSAGE = b"Subject:  two blanks\r\nX-Folded: a\r\n\tb\r\nX-Odd:x\r\n\r\nline\r\n\r\n.dot\r\n\x80\xff"
CONVERSATION = b"".join(
    [
        mta.negotiation(),
        mta.client(),
        mta.packet(b"D", b"H" + mta.texts(b"{tls_version}", b"TLSv1.3")),
        mta.packet(b"H", mta.texts(b"helo.test")),
        mta.envelope(recipients=(b"alice@example.com", b"bob@example.com")),
        mta.content(MESSAGE, piece=5),
        mta.packet(b"A"),
        mta.envelope(),
        mta.packet(b"A"),
        mta.packet(b"K"),
        mta.client(family=b"6", address=b"2001:db8::1"),
        mta.packet(b"Q"),
    ]
)


def everything(stream: bytes) -> list[AnyEvent]:
    return Milter().receive(stream)


def test_a_conversation_is_read_as_it_is_meant() -> None:
    events = everything(CONVERSATION)
    assert events[:7] == [
        Offer(6, Action(0x1FF), Step(0x1FFFFF)),
        Connect("client.test", Family.INET, 4711, "192.0.2.7"),
        Macros(Command.HELO, {"{tls_version}": "TLSv1.3"}),
        Hello("helo.test"),
        Mail("sender@outside.test", "SIZE=100"),
        Rcpt("alice@example.com"),
        Rcpt("bob@example.com"),
    ]
    assert events[7:10] == [
        Header(b"Subject", b"  two blanks"),
        Header(b"X-Folded", b" a\r\n\tb"),
        Header(b"X-Odd", b"x"),
    ]
    lines = b"".join(event.line for event in events if isinstance(event, Header))
    body = b"".join(event.octets for event in events if isinstance(event, Body))
    assert lines + b"\r\n" + body == MESSAGE
    assert events[-4:] == [
        Event.ABORT,
        Event.NEXT_CLIENT,
        Connect("client.test", Family.INET6, 4711, "2001:db8::1"),
        Event.QUIT,
    ]


@given(st.lists(st.integers(0, len(CONVERSATION)), max_size=20))
def test_any_split_gives_the_same_events(cuts: list[int]) -> None:
    milter = Milter()
    events: list[AnyEvent] = []
    bounds = [0, *sorted(cuts), len(CONVERSATION)]
    for start, end in itertools.pairwise(bounds):
        events += milter.receive(CONVERSATION[start:end])
    assert events == everything(CONVERSATION)
    assert milter.idle


def test_octet_by_octet_too() -> None:
    milter = Milter()
    events = [event for octet in CONVERSATION for event in milter.receive(bytes([octet]))]
    assert events == everything(CONVERSATION)


PACKETS = st.builds(
    mta.packet, st.sampled_from([bytes([command]) for command in Command] + [b"\0", b"z"]), st.binary(max_size=60)
)


@given(st.lists(PACKETS | st.binary(max_size=20), max_size=12), st.booleans())
def test_garbage_raises_the_one_error(pieces: list[bytes], begun: bool) -> None:
    milter = Milter()
    stream = (mta.negotiation() + mta.client() if begun else b"") + b"".join(pieces)
    try:
        events = milter.receive(stream)
    except MilterError:
        return
    for event in events:
        assert isinstance(event, AnyEvent)
        if isinstance(event, Header):
            assert b"\n" not in event.value.replace(b"\r\n ", b"").replace(b"\r\n\t", b"")
        if isinstance(event, Mail | Rcpt):
            assert not {"\r", "\n", "\0"} & {*event.address, *event.parameters}


@given(st.binary(max_size=len(CONVERSATION)), st.integers(0, len(CONVERSATION)))
def test_a_conversation_with_something_in_it_raises_nothing_else(noise: bytes, at: int) -> None:
    stream = CONVERSATION[:at] + noise + CONVERSATION[at + len(noise) :]
    with contextlib.suppress(MilterError):
        everything(stream)


AGREED = mta.negotiation()
CONNECTED = AGREED + mta.client()
IN_MAIL = CONNECTED + mta.envelope()


@pytest.mark.parametrize(
    ("stream", "sentence"),
    [
        (mta.client(), "CONNECT cannot follow here"),
        (AGREED + mta.negotiation(), "OPTNEG cannot follow here"),
        (mta.packet(b"D", b"C"), "MACRO cannot follow here"),
        (CONNECTED + mta.packet(b"R", mta.texts(b"<a>")), "RCPT cannot follow here"),
        (CONNECTED + mta.packet(b"L", mta.texts(b"A", b"b")), "HEADER cannot follow here"),
        (IN_MAIL + mta.packet(b"B", b"x"), "BODY cannot follow here"),
        (IN_MAIL + mta.packet(b"E"), "BODYEOB cannot follow here"),
        (IN_MAIL + mta.envelope(), "MAIL cannot follow here"),
        (IN_MAIL + mta.packet(b"N") + mta.packet(b"L", mta.texts(b"A", b"b")), "HEADER cannot follow here"),
        (IN_MAIL + mta.packet(b"Q") + mta.packet(b"A"), "ABORT cannot follow here"),
        (AGREED + mta.packet(b"z"), "no command"),
        (AGREED + struct.pack("!I", 0) + b"C", "empty or longer"),
        (AGREED + struct.pack("!I", 0xFFFFFFFF) + b"C", "empty or longer"),
        (AGREED + struct.pack("!I", MAX_WORDS + 1) + b"C", "empty or longer"),
        (mta.packet(b"O", b"1234"), "negotiation is too short"),
        (AGREED + mta.packet(b"D"), "macro has no value"),
        (AGREED + mta.packet(b"D", b"C" + mta.texts(b"i")), "macro has no value"),
        (AGREED + mta.packet(b"D", b"C" + b"i"), "has no end"),
        (AGREED + mta.packet(b"C", b"name"), "client of a connection"),
        (AGREED + mta.packet(b"C", b"name\0x"), "unknown kind"),
        (AGREED + mta.packet(b"C", b"name\0004\0"), "address of a client"),
        (AGREED + mta.packet(b"C", b"name\0004\0\0a\0b\0"), "holds NUL"),
        (CONNECTED + mta.packet(b"H", mta.texts(b"a", b"b")), "HELO holds NUL"),
        (CONNECTED + mta.packet(b"M", mta.texts(b"<a\r\nRCPT>")), "control characters"),
        (CONNECTED + mta.packet(b"M", mta.texts(b"<a>", b"SIZE=1\n")), "control characters"),
        (CONNECTED + mta.packet(b"M", mta.texts(b"<" + b"a" * 2000 + b">")), "too long"),
        (IN_MAIL + mta.packet(b"L", mta.texts(b"A")), "one name and one value"),
        (IN_MAIL + mta.packet(b"L", mta.texts(b"A b", b"c")), "no proper name"),
        (IN_MAIL + mta.packet(b"L", mta.texts(b"A:", b"c")), "no proper name"),
        (IN_MAIL + mta.packet(b"L", mta.texts(b"A", b"b\nX-Other: c")), "another one"),
        (IN_MAIL + mta.packet(b"L", mta.texts(b"A", b"b\n\r\nbody")), "another one"),
        (IN_MAIL + mta.packet(b"L", mta.texts(b"A", b"b\n")), "another one"),
    ],
)
def test_what_is_no_milter_protocol_is_told(stream: bytes, sentence: str) -> None:
    with pytest.raises(MilterError, match=sentence):
        everything(stream)


def test_every_command_has_its_place() -> None:
    anywhere = {Command.MACRO, Command.QUIT, Command.QUIT_NC}
    assert {command for state in FOLLOWS.values() for command in state} | anywhere == set(Command)
    assert set(FOLLOWS) == set(State)
    assert set(LEGAL) == set(Command)


def test_an_mta_may_take_its_time_except_in_the_midst_of_telling_something() -> None:
    """Between envelope and header its own client sends the message, however slow its line is."""
    milter = Milter()
    for octets, idle in [
        (IN_MAIL, True),
        (mta.packet(b"L", mta.texts(b"A", b"b"))[:3], False),
        (mta.packet(b"L", mta.texts(b"A", b"b"))[3:], False),
        (mta.packet(b"N"), False),
        (mta.packet(b"E"), True),
    ]:
        milter.receive(octets)
        assert milter.idle is idle


def test_what_is_agreed_on() -> None:
    milter = Milter()
    (offer,) = milter.receive(mta.negotiation())
    assert isinstance(offer, Offer)
    answer = milter.agree(offer, Action.CHGBODY, Step.NR_HDR | Step.HDR_LEADSPC, {Stage.EOM: "i"})
    assert answer == mta.packet(b"O", struct.pack("!IIII", 6, 0x102, 0x100080, 5) + b"i\0")
    assert not milter.awaits(Command.HEADER)
    assert milter.awaits(Command.RCPT)
    assert milter.awaits(Command.BODYEOB)
    assert not milter.awaits(Command.ABORT)


def test_only_offered_steps_are_taken_and_no_macros_are_asked_for_where_one_may_not() -> None:
    milter = Milter()
    offer = Offer(6, Action(0x3F), Step.HDR_LEADSPC)
    answer = milter.agree(offer, Action.CHGBODY, Step.NR_HDR | Step.HDR_LEADSPC, {Stage.EOM: "i"})
    assert answer == mta.packet(b"O", struct.pack("!III", 6, 0x2, 0x100000))
    assert milter.awaits(Command.HEADER)


@pytest.mark.parametrize(
    ("offer", "sentence"),
    [
        (Offer(2, Action(0x3F), Step(0x7F)), "version 2"),
        (Offer(6, Action.ADDHDRS, Step(0x1FFFFF)), "does not offer CHGBODY, CHGHDRS"),
        (Offer(6, Action(0x1FF), Step(0x7F)), "HDR_LEADSPC"),
    ],
)
def test_what_cannot_be_agreed_on(offer: Offer, sentence: str) -> None:
    with pytest.raises(MilterError, match=sentence):
        Milter().agree(offer, Action.CHGBODY | Action.CHGHDRS, Step.HDR_LEADSPC, {})


SAMPLES: dict[str, int | bytes] = {"n": 7, "t": b"text", "v": b" a\r\n\tb", "b": b"\x00body"}


@pytest.mark.parametrize("answer", Answer)
def test_each_answer_is_made_where_it_is_legal_and_nowhere_else(answer: Answer) -> None:
    fields = [SAMPLES[shape] for shape in FIELDS.get(answer, "")]
    places = [command for command in Command if answer in LEGAL[command]]
    assert places
    for command in Command:
        if command in places:
            made = reply(command, answer, *fields)
            assert made[4] == answer
            assert int.from_bytes(made[:4], "big") == len(made) - 4
        else:
            with pytest.raises(ValueError, match="is no answer to"):
                reply(command, answer, *fields)
    assert (answer in EDITS) <= (places == [Command.BODYEOB])


def test_fields_of_answers() -> None:
    made = reply(Command.BODYEOB, Answer.CHGHEADER, 2, b"Subject", b" a\r\n b")
    assert made == mta.packet(b"m", struct.pack("!I", 2) + mta.texts(b"Subject", b" a\n b"))
    for bad in ((b"1", b"a", b"b"), (1, b"a\0", b"b"), (1, 2, b"b"), (1, b"a")):
        with pytest.raises(ValueError, match=r"text|number|fields"):
            reply(Command.BODYEOB, Answer.CHGHEADER, *bad)
    for piece in (b"", b"x" * 65536):
        with pytest.raises(ValueError, match="piece"):
            reply(Command.BODYEOB, Answer.REPLBODY, piece)


def test_only_what_has_no_reply_can_do_without() -> None:
    assert {command for command in Command if LEGAL[command]} == {*NO_REPLY, Command.BODYEOB}


def test_refusals_keep_their_words() -> None:
    one = refusal(Command.BODYEOB, Reply.of("550 5.7.1 100 % refused"))
    assert one == mta.packet(b"y", b"550 5.7.1 100 %% refused\0")
    two = refusal(Command.RCPT, Reply(451, (b"4.7.1 a", b"4.7.1 b\r\n")))
    assert two == mta.packet(b"y", b"451-4.7.1 a\r\n451 4.7.1 b\0")
    assert refusal(Command.RCPT, Reply.of("450 busy")) == mta.packet(b"y", b"450 4.0.0 busy\0")
