"""The decoder and emitter against a reference that reads line by line, and everything else a client may write."""

import itertools
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.smtp.protocol import (
    Command,
    CommandError,
    DataDecoder,
    DotStuffer,
    Path,
    parse_attributes,
    parse_hello,
    parse_path,
    received_fields,
    unxtext,
)

ENDS = {  # S01 to S26: what one server or another has taken for the end of a message
    "lf.lf": b"\n.\n",
    "lf.cr": b"\n.\r",
    "cr.lf": b"\r.\n",
    "cr.cr": b"\r.\r",
    "lf.crlf": b"\n.\r\n",
    "cr.crlf": b"\r.\r\n",
    "crlf.lf": b"\r\n.\n",
    "crlf.cr": b"\r\n.\r",
    "crlf.crcrlf": b"\r\n.\r\r\n",
    "crcrlf.crcrlf": b"\r\r\n.\r\r\n",
    "crlf-nul.crlf": b"\r\n\0.\r\n",
    "crlf.nul-crlf": b"\r\n.\0\r\n",
    "crlf.sp-crlf": b"\r\n. \r\n",
}
SMUGGLED = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n"

WORDS = (b"\r", b"\n", b"\r\n", b".", b"..", b"a", b" ", b"\0", b"\xff", b"QUIT", *ENDS.values())
hostile = st.lists(st.sampled_from(WORDS), max_size=30).map(b"".join)
clean_lines = st.lists(st.sampled_from([b"", b".", b"..", b"a", b".a", b"a.", b"\xff"]), max_size=12)
places_to_cut = st.lists(st.integers(0, 200), max_size=8)


def reference(raw: bytes) -> tuple[bytes, bytes] | None:
    """Message and rest, read line by line as RFC 5321 §4.5.2 says; None without an end."""
    lines = raw.split(b"\r\n")
    if b"." not in lines[:-1]:
        return None
    end = lines.index(b".")
    unstuffed = [line[1:] if line.startswith(b".") else line for line in lines[:end]]
    repaired = [line.replace(b"\r", b" ").replace(b"\n", b"\r\n") for line in unstuffed]
    return b"".join(line + b"\r\n" for line in repaired), b"\r\n".join(lines[end + 1 :])


def decode(pieces: list[bytes]) -> tuple[bytes, bytes] | None:
    decoder, message = DataDecoder(), b""
    for index, piece in enumerate(pieces):
        message += decoder.feed(piece)
        if decoder.done:
            return message, decoder.rest + b"".join(pieces[index + 1 :])
    return None


def emit(pieces: list[bytes]) -> bytes:
    stuffer = DotStuffer()
    return b"".join([*map(stuffer.feed, pieces), stuffer.finish()])


def cut(raw: bytes, places: list[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(raw) + 1) for place in places), len(raw)]
    return [raw[start:end] for start, end in itertools.pairwise(marks) if end > start]


@given(hostile, places_to_cut)
@settings(max_examples=400, deadline=None)
@example(b".\r\nQUIT\r\n", [])
@example(b"\n.\n.\r\n", [1])
def test_the_decoder_reads_what_the_reference_reads_however_it_is_cut(raw: bytes, places: list[int]) -> None:
    assert decode(cut(raw, places)) == reference(raw)


@given(hostile)
@settings(max_examples=150, deadline=None)
def test_the_decoder_fed_byte_by_byte_and_with_a_tail(raw: bytes) -> None:
    whole = raw + b"\r\n.\r\nNOOP\r\n"
    expected = reference(whole)
    assert expected is not None
    assert decode([whole[i : i + 1] for i in range(len(whole))]) == expected
    assert decode([whole]) == expected


@pytest.mark.parametrize("cut_at", range(1, 28))
def test_every_single_cut_of_a_message_with_everything_in_it(cut_at: int) -> None:
    raw = b"..a\r\n.b\nc\r\r\n.\nd\r\n.\r\nQUIT\r\n"
    assert decode([raw[:cut_at], raw[cut_at:]]) == reference(raw)


def test_the_decoder_tells_what_there_is_to_object_to() -> None:
    seen = []
    for raw in (b"a\r\n.\r\n", b"a\nb\r\n.\r\n", b"a\rb\r\n.\r\n", b"a\0b\r\n.\r\n"):
        decoder = DataDecoder()
        decoder.feed(raw)
        seen.append((decoder.bare, decoder.nul))
    assert seen == [(False, False), (True, False), (True, False), (False, True)]


@given(hostile, places_to_cut)
@settings(max_examples=400, deadline=None)
def test_what_is_emitted_is_strict_however_it_is_cut(content: bytes, places: list[int]) -> None:
    wire = emit(cut(content, places))
    assert wire == emit([content])
    assert wire.endswith(b".\r\n")
    assert re.search(rb"\r(?!\n)|(?<!\r)\n", wire) is None
    assert [line for line in wire.split(b"\r\n")[:-2] if line == b"." or re.match(rb"\.[^.]", line)] == []


@given(clean_lines, places_to_cut)
@settings(max_examples=300, deadline=None)
def test_a_clean_message_survives_the_journey(lines: list[bytes], places: list[int]) -> None:
    message = b"".join(line + b"\r\n" for line in lines)
    assert decode(cut(emit(cut(message, places)), places)) == (message, b"")


def test_a_last_line_without_end_gets_one() -> None:
    assert emit([b"a"]) == b"a\r\n.\r\n"
    assert emit([b"a\r"]) == b"a \r\n.\r\n"
    assert emit([]) == b".\r\n"
    assert emit([b"."]) == b"..\r\n.\r\n"


def lenient_count(wire: bytes) -> int:
    """Messages a next hop sees that ends DATA at any dot alone on what it may take for a line, blanks and NUL
    notwithstanding."""
    return len(re.findall(rb"(?:^|[\r\n])\0?\.[\0 ]*(?=[\r\n])", wire))


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("chunk", [1, 3, 10_000])
def test_nothing_is_smuggled_through_us(name: str, chunk: int) -> None:
    sent = b"Subject: x\r\n\r\nbody" + ENDS[name] + SMUGGLED + b".\r\n"
    decoder, stored = DataDecoder(), b""
    for start in range(0, len(sent), chunk):
        assert not decoder.done, "ended before the real dot"
        stored += decoder.feed(sent[start : start + chunk])
    assert decoder.done
    assert decoder.rest == b""
    if not decoder.nul:  # a message with NUL is refused and never emitted
        assert lenient_count(emit([stored])) == 1
        assert decode([emit([stored])]) == (stored, b"")


def test_an_overlong_or_fullwidth_dot_is_no_dot() -> None:
    raw = b"a\r\n\xc0\xae\r\n" + "．".encode() + b"\r\n.\r\n"
    assert decode([raw]) == (raw[:-3], b"")


def test_received_fields_are_counted_in_the_header_section_only() -> None:
    head = b"Received: a\r\n b: Received: c\r\nRECEIVED : d\r\nX-Macrogate: e\r\nReceived-SPF: f\r\n\r\nReceived: g\r\n"
    assert received_fields(head) == 2
    assert received_fields(b"") == 0


# ---------------------------------------------------------------------------------------------------------- commands


def test_a_command_is_a_verb_and_the_rest_verbatim() -> None:
    assert Command.parse(b"mail FROM:<\xc3\xa4@x>  \r\n") == Command("MAIL", "FROM:<ä@x>")
    assert Command.parse(b"QUIT\r\n") == Command("QUIT")
    assert Command.parse(b"NOOP \xff\r\n").argument.encode("utf-8", "surrogateescape") == b"\xff"


@pytest.mark.parametrize(
    ("line", "code", "fatal"),
    [
        (b"NOOP\n", 500, True),
        (b"MAIL FROM:<a\r@x>\r\n", 501, True),
        (b"NOOP\r\r\n", 501, True),
        (b"NO\0OP\r\n", 501, True),
        (b"\r\n", 500, False),
        (b" NOOP\r\n", 500, False),
        (b"\xc3\xa4 x\r\n", 500, False),
    ],
)
def test_what_is_no_command(line: bytes, code: int, fatal: bool) -> None:
    with pytest.raises(CommandError) as caught:
        Command.parse(line)
    assert (caught.value.reply.code, caught.value.fatal) == (code, fatal)


@given(st.binary(max_size=80))
def test_any_line_is_a_command_or_refused(line: bytes) -> None:
    try:
        command = Command.parse(line + b"\n")
    except CommandError:
        return
    assert not set("\r\n\0") & set(command.argument)


@pytest.mark.parametrize(
    ("argument", "path"),
    [
        ("FROM:<>", Path("")),
        ("FROM:<a@example.com>", Path("a@example.com")),
        ("from: <a@example.com> SIZE=1 BODY=8BITMIME", Path("a@example.com", "SIZE=1 BODY=8BITMIME")),
        ('FROM:<"a b>c"@example.com>', Path('"a b>c"@example.com')),
        ('FROM:<"a\\"b"@example.com>', Path('"a\\"b"@example.com')),
        ("FROM:<@a.example,@b.example:u@c.example>", Path("@a.example,@b.example:u@c.example")),
        ("FROM:<u%x@example.com>", Path("u%x@example.com")),
        ("FROM:<;id;@example.com>", Path(";id;@example.com")),
        ("FROM:<a@[IPv6:::1]>", Path("a@[IPv6:::1]")),
        ("FROM:<ä@example.com>", Path("ä@example.com")),
    ],
)
def test_a_path_is_kept_byte_for_byte(argument: str, path: Path) -> None:
    assert parse_path(argument, "FROM") == path


@pytest.mark.parametrize(
    "argument",
    [
        "",
        "<a@example.com>",
        "TO:<a@example.com>",
        "FROM",
        "FROM:a@example.com",
        "FROM:<a@example.com",
        "FROM:<a b@example.com>",
        "FROM:<a@example.com>SIZE=1",
        "FROM:<<a@example.com>>",
        "FROM:<a\x1b@example.com>",
        'FROM:<"a@example.com>',
        "FROM:<" + "a" * 1100 + "@example.com>",
    ],
)
def test_what_is_no_path(argument: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse_path(argument, "FROM")
    assert caught.value.reply.code == 501


@given(st.text(max_size=60))
def test_any_text_is_a_path_or_refused_and_the_path_stays_one_line(text: str) -> None:
    try:
        path = parse_path(f"TO:{text}", "TO")
    except CommandError:
        return
    assert f"<{path.address}>" in text
    assert not re.search(r"[\x00-\x1f\x7f]", path.address)


def test_a_path_of_brackets_and_quotes_takes_no_time() -> None:
    for text in ('"' * 4000, '"\\' * 2000, "\\" * 4000, '<"' * 2000, "<" + "a" * 4000):
        with pytest.raises(CommandError):
            parse_path(f"FROM:<{text}", "FROM")


def test_parameters_by_keyword() -> None:
    path = Path("a@x", "SIZE=10  ret=FULL SMTPUTF8")
    assert path.keywords() == {"SIZE": "10", "RET": "FULL", "SMTPUTF8": ""}
    assert path.with_parameter("RET", "").parameters == "SIZE=10 SMTPUTF8"
    assert path.with_parameter("SIZE", "SIZE=9").parameters == "SIZE=9 ret=FULL SMTPUTF8"


@pytest.mark.parametrize("parameters", ["SIZE=1 size=2", "=1", "A==b", "A=b=c", "A=\x1f", "-A", "A=\x85\x00", "A="])
def test_what_is_no_parameter(parameters: str) -> None:
    with pytest.raises(CommandError):
        Path("a@x", parameters).keywords()


def test_hello() -> None:
    assert parse_hello("[192.0.2.1]") == "[192.0.2.1]"
    for bad in ("", "ä.example", "a\x1bb", "a" * 256):
        with pytest.raises(CommandError):
            parse_hello(bad)


# --------------------------------------------------------------------------------------------- XFORWARD and XCLIENT

NAMES = frozenset({"NAME", "ADDR", "HELO"})


def test_attributes() -> None:
    told = parse_attributes("name=a.example ADDR=[UNAVAILABLE] HELO=a+2Bb", NAMES)
    assert told == {"NAME": "a.example", "ADDR": "", "HELO": "a+b"}


@pytest.mark.parametrize(
    "argument",
    ["", "NAME", "LOGIN=admin", "NAME=a NAME=b", "NAME=a=b", "NAME=+0D+0A", "NAME=+", "NAME=+2", "NAME=+20", "NAME=ä",
     "NAME=" + "a" * 256, "NAME=+00", "NAME=+FF"],
)  # fmt: skip
def test_what_is_no_attribute(argument: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse_attributes(argument, NAMES)
    assert caught.value.reply.code == 501


@given(st.text(max_size=40))
def test_what_xtext_decodes_to_can_stand_in_a_header(text: str) -> None:
    try:
        value = unxtext(text)
    except CommandError:
        return
    assert re.fullmatch(r"[\x21-\x7e]*", value)
