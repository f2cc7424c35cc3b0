"""What a person reads of a message they must not open."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.jail.wire import MAX_TEXT as FRAME
from gateway.jail.wire import Frame, Read, Sources, decode_answer, encode_answer
from gateway.readable import Link, Reading, Source
from gateway.samples import mail
from gateway.scan.budget import Limits
from gateway.scan.reading import MAX_HEADER, MAX_SOURCE, MAX_TEXT, NoSuchPart, extract, read, sources
from gateway.scan.rewrite import Setting
from gateway.scan.triggers import ScanRules
from gateway.scan.wording import wording

TRIGGERS = (Path(__file__).parents[3] / "rules" / "triggers.toml").read_text(encoding="utf-8")
SETTING = Setting(ScanRules.parse(TRIGGERS), Limits(), wording("en"))


def through(answer: Read | Sources) -> None:
    """The front takes it."""
    raw = encode_answer(answer)
    assert len(raw) <= FRAME
    decode_answer(Frame(raw[8:]), 1, 1 << 30)


def reading(data: bytes) -> Reading:
    found = read(data, SETTING.limits)
    through(Read(1, found))
    return found


def code(data: bytes) -> tuple[Source, ...]:
    found = sources(data, SETTING)
    through(Sources(1, found))
    return found


def multipart(*parts: bytes) -> bytes:
    body = b"".join(b"--x\r\n" + part + b"\r\n" for part in parts)
    return b"Subject: s\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" + body + b"--x--\r\n"


def test_header_and_text_of_a_message() -> None:
    found = reading(mail.docm_autoopen_message("a@b.test", "c@d.test"))
    assert found.header.startswith("From: a@b.test\nTo: c@d.test\n")
    assert [passage.where for passage in found.passages] == ["1"]
    assert "please find what you asked for" in found.passages[0].text
    assert not found.trouble


def test_a_header_is_shown_as_it_came() -> None:
    found = reading(b"X-Odd : a\x00b\x1b\r\n\tfolded\r\nno field\r\nSubject: \xff\xe2\x80\xae\r\n\r\nbody")
    assert found.header == "X-Odd : a\u2400b\u241b\n\tfolded\nno field\nSubject: \\xff<U+202E>"
    assert not found.header_cut


def test_a_page_is_text_and_links() -> None:
    html = b'Content-Type: text/html\r\n\r\n<p>Click <a href="http://evil.example">here</a><script>x</script></p>'
    found = reading(multipart(b"Content-Type: text/plain\r\n\r\nplain", html))
    assert [(passage.where, passage.text) for passage in found.passages] == [("1", "plain"), ("2", "Click here[1]")]
    assert found.passages[1].links == (Link("here", "http://evil.example"),)


@pytest.mark.parametrize(
    ("fields", "body", "text"),
    [
        (b"Content-Type: text/plain; charset=iso-2022-jp", "日本".encode("iso-2022-jp"), "日本"),
        (b"Content-Type: text/plain; charset=nonsense", "é".encode(), "é"),
        (b"Content-Transfer-Encoding: base64", base64.b64encode(b"coded"), "coded"),
        (b"Content-Transfer-Encoding: quoted-printable", b"a=3Db", "a=b"),
    ],
)
def test_texts_are_decoded(fields: bytes, body: bytes, text: str) -> None:
    (passage,) = reading(b"MIME-Version: 1.0\r\n" + fields + b"\r\n\r\n" + body).passages
    assert passage.text == text


def test_what_is_too_long_is_cut_and_told() -> None:
    found = reading(b"Subject: " + b"x" * 2 * MAX_HEADER + b"\r\n\r\nbody")
    assert found.header_cut
    found = reading(b"Subject: " + b"x" * (300 << 10) + b"\r\n\r\nbody")
    assert "header longer than" in found.trouble
    (passage,) = reading(b"Subject: s\r\n\r\n" + b"line\r\n" * 50_000).passages
    assert passage.cut
    found = reading(multipart(*[b"\r\n" + b"x" * 30_000] * 9))
    assert sum(len(passage.text) for passage in found.passages) <= MAX_TEXT
    assert found.passages[-1].cut
    assert "more text than" in found.trouble


def test_the_longest_answers_fit_into_a_frame() -> None:
    wide = "\U0001f4a9".encode()
    links = b"".join(b"<a href='http://%d%s'>%s</a>" % (number, wide * 500, wide * 200) for number in range(60))
    page = b"Content-Type: text/html; charset=utf-8\r\n\r\n"
    reading(b"Subject: " + wide * MAX_HEADER + b"\r\n" + page + links)
    reading(multipart(*[page + links[:60_000]] * 5, *[b"\r\n" + wide * 16_000] * 9))
    script = b'Content-Disposition: attachment; filename="x.vbs"\r\n\r\n' + b'CreateObject("WScript.Shell").Run "x"\r\n'
    found = code(multipart(*[script + b"'" + wide * MAX_SOURCE] * 3))
    assert sum(len(source.text) for source in found) <= MAX_SOURCE


def test_the_whole_code_of_a_macro() -> None:
    (source,) = code(mail.docm_autoopen_message("a@b.test", "c@d.test"))
    assert (source.where, source.language, source.cut) == ("2/Invoice.docm", "vba", False)
    assert "Sub AutoOpen()\nEnd Sub" in source.text
    assert code(mail.xlsm_xlm_message("a@b.test", "c@d.test"))[0].language == "xlm"
    assert code(mail.forwarded_zip_message("a@b.test", "c@d.test"))
    assert code(mail.plain_message()) == ()


def test_the_code_of_a_script() -> None:
    script = b'Content-Disposition: attachment; filename="x.vbs"\r\n\r\n' + b'CreateObject("WScript.Shell").Run "x"\r\n'
    (source,) = code(multipart(script))
    assert (source.where, source.language) == ("1/x.vbs", "script")


def test_every_part_can_be_taken_out() -> None:
    from gateway.scan import examine

    data = mail.forwarded_zip_message("a@b.test", "c@d.test")
    report = examine(data, rules=SETTING.rules, limits=SETTING.limits)
    for part in report.parts:
        assert len(extract(data, part.where, SETTING)) == part.size
    inside = next(part.where for part in report.parts if ".zip/" in part.where)
    assert extract(data, inside.partition(".zip/")[0] + ".zip", SETTING).startswith(b"PK")


@pytest.mark.parametrize("where", ["", "message", "../../etc/passwd", "2/other.docm", "\0", "2/Invoice.docm/"])
def test_a_part_that_is_not_there(where: str) -> None:
    with pytest.raises(NoSuchPart):
        extract(mail.docm_autoopen_message("a@b.test", "c@d.test"), where, SETTING)


PIECES = st.sampled_from(
    [
        *(
            b"\r\n",
            b"\n\n",
            b"--x",
            b"Content-Type: text/html\r\n",
            b"<a href=",
            b">",
            b"\xff\x00",
            b"\x1b$B",
            b"utf-7",
        ),
        *(
            b"Content-Type: multipart/mixed; boundary=x\r\n",
            b"Content-Transfer-Encoding: base64\r\n",
            b"Subject: =?x?b?",
        ),
    ]
)


@given(st.lists(PIECES | st.binary(max_size=30), max_size=40).map(b"".join))
@settings(max_examples=100, deadline=None)
def test_whatever_the_bytes_there_is_something_to_show(data: bytes) -> None:
    reading(data)
    code(data)
