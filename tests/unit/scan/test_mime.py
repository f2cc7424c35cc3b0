"""The MIME tree: numbers, spans, and every cheap reading of what programs disagree about."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import Verdict
from gateway.message import Span
from gateway.scan import mime
from gateway.scan.budget import Budget, Limits, OverLimit
from gateway.scan.mime import Entity
from tests.makers.mail import BOUNDARY, fields, message, multipart, part, raw, single, text


def tree(data: bytes, **limits: int) -> Entity:
    return mime.parse(data, Budget(Limits(**limits)))


def bodies(data: bytes) -> dict[str, bytes]:
    """The raw body of every leaf by its number."""
    return {e.number: data[e.body.start : e.body.end] for e in tree(data).walk() if not e.children}


def sentences(data: bytes) -> list[str]:
    return [doubt.sentence for entity in tree(data).walk() for doubt in entity.doubts]


def test_a_message_without_parts_is_part_one() -> None:
    assert bodies(single(b"hello\r\n")) == {"1": b"hello\r\n"}


def test_parts_are_numbered_and_do_not_own_the_line_end_before_a_delimiter() -> None:
    data = message([part(b"one", coding=""), part(b"two\r\n", coding="")])
    assert bodies(data) == {"1": b"one", "2": b"two\r\n"}
    assert sentences(data) == []


def test_multiparts_in_multiparts() -> None:
    inner = fields({"Content-Type": "multipart/alternative; boundary=in"}) + b"\r\n"
    inner += multipart([part(b"a", coding=""), part(b"b", coding="")], boundary="in")
    data = message([inner, part(b"c", coding="")])
    assert bodies(data) == {"1.1": b"a", "1.2": b"b", "2": b"c"}


def test_a_forwarded_message_has_its_own_numbers() -> None:
    forwarded = message([text("x\n"), part(b"y", coding="")], boundary="fw")
    only = single(b"z")
    data = message([part(forwarded, "message/rfc822", coding=""), part(only, "message/rfc822", coding="7bit")])
    assert list(bodies(data)) == ["1.1", "1.2", "2.1"]
    assert sentences(data) == []


def test_a_digest_holds_messages_by_default() -> None:
    data = message([b"\r\n" + single(b"x")], subtype="digest")
    assert list(bodies(data)) == ["1.1"]


def test_an_encoded_message_is_one_leaf() -> None:
    data = message([part(single(b"x"), "message/rfc822")])
    assert list(bodies(data)) == ["1"]


@pytest.mark.parametrize(
    ("value", "codings"),
    [
        ("base64", ("base64",)),
        ("BASE64", ("base64",)),
        ("\r\n base64", ("base64",)),
        ("(x) base64", ("base64",)),
        ("base64\r\nContent-Transfer-Encoding: 7bit", ("base64", "7bit")),
        ("7bit\r\nContent-Transfer-Encoding: base64", ("7bit", "base64")),
        ("base64, quoted-printable", ("base64", "quoted-printable")),
        ("x-uue", ("uuencode",)),
        ("utf-8", ("",)),
        ("x-base64", ("base64", "")),
        ("quotedprint", ("quoted-printable", "")),
        ("=?utf-8?B?YmFzZTY0?=", ("base64",)),
    ],
)
def test_transfer_encodings(value: str, codings: tuple[str, ...]) -> None:
    data = raw(f"Content-Transfer-Encoding: {value}\n\nx")
    assert tree(data).codings == codings


def test_an_unknown_encoding_is_unscannable_but_of_text_and_a_double_one_depends() -> None:
    odd = "Content-Transfer-Encoding: x-odd\n\n"
    assert [d.verdict for d in tree(raw("Content-Type: application/pdf\n" + odd)).doubts] == [Verdict.UNSCANNABLE]
    assert [d.verdict for d in tree(raw("Content-Disposition: inline; filename=a\n" + odd)).doubts] == [
        Verdict.UNSCANNABLE
    ]
    assert [d.verdict for d in tree(raw("Content-Type: text/html\n" + odd)).doubts] == [None]
    twice = raw("Content-Transfer-Encoding: base64\nContent-Transfer-Encoding: 7bit\n\n")
    assert [d.verdict for d in tree(twice).doubts] == [None]


def test_two_content_types_give_both_trees() -> None:
    body = b"--a\r\n\r\nin a\r\n--b\r\n\r\nin b\r\n--b--\r\n--a--\r\n"
    data = raw("Content-Type: multipart/mixed; boundary=a\nContent-Type: multipart/mixed; boundary=b\n\n") + body
    found = {data[e.body.start : e.body.end] for e in tree(data).walk() if not e.children}
    assert b"in b" in found
    assert any(leaf.startswith(b"in a") for leaf in found)
    assert "two Content-Type fields" in sentences(data)


def test_text_and_multipart_together_are_a_multipart_in_doubt() -> None:
    for types in (("text/plain", "multipart/mixed; boundary=a"), ("multipart/mixed; boundary=a", "text/plain")):
        data = raw("".join(f"Content-Type: {one}\n" for one in types) + "\n--a\n\nx\n--a--\n")
        assert b"x" in bodies(data).values()
        assert "two Content-Type fields" in sentences(data)


@pytest.mark.parametrize(
    ("head", "word"),
    [
        ("multipart/mixed", "does not name its boundary"),
        ("multipart/mixed boundary=b", None),
        ("application/octet-stream; boundary=b", "does not call itself"),
        ("multipart/mixed; boundary=other; boundary=b", None),
        ("multipart/mixed; boundary=b junk", None),
        ("=?us-ascii?q?multipart/mixed=3B?= boundary=b", None),
    ],
)
def test_a_boundary_is_found_where_it_is_not_said_well(head: str, word: str | None) -> None:
    data = raw(f"Content-Type: {head}\n\n--b\n\nx\n--b--\n")
    assert b"x" in bodies(data).values()
    assert word is None or any(word in sentence for sentence in sentences(data))


@pytest.mark.parametrize("boundary", ["bb", r"b\b"])
def test_a_boundary_with_an_escape_is_read_with_and_without_it(boundary: str) -> None:
    data = raw('Content-Type: multipart/mixed; boundary="b\\b"\n\n--' + boundary + "\n\nx\n--" + boundary + "--\n")
    assert b"x" in bodies(data).values()
    assert {d.verdict for d in tree(data).doubts} <= {Verdict.CLEAN}


def test_two_boundaries_that_both_divide_are_a_doubt() -> None:
    data = raw("Content-Type: multipart/mixed; boundary=a; boundary=b\n\n--a\n\nx\n--b\n\ny\n--b--\n--a--\n")
    assert "two different boundaries for one multipart" in sentences(data)


def test_more_boundaries_or_codings_than_are_followed_cannot_be_scanned() -> None:
    fields = "".join(f"Content-Type: multipart/mixed; boundary=x{number}\n" for number in range(5))
    body = "".join(f"--x{number}\n\nx\n" for number in range(5))
    assert Verdict.UNSCANNABLE in {d.verdict for d in tree(raw(fields + "\n" + body)).doubts}
    words = ("7bit", "8bit", "base64", "x-uuencode", "quoted-printable")
    fields = "".join(f"Content-Transfer-Encoding: {word}\n" for word in words)
    assert Verdict.UNSCANNABLE in {d.verdict for d in tree(raw(fields + "\nx\n")).doubts}


@pytest.mark.parametrize("line", [" --b", "--bc", "--b c", "--b\v", "\t--b\r"])
def test_delimiters_of_another_form_divide_when_there_are_none_of_the_usual(line: str) -> None:
    data = raw("Content-Type: multipart/mixed; boundary=b\n\n") + f"{line}\n\nx\n{line}--\n".encode()
    assert "x" in {body.decode().strip() for body in bodies(data).values()}
    assert None in {d.verdict for d in tree(data).doubts}


def test_a_delimiter_behind_a_bare_carriage_return_is_told() -> None:
    data = raw("Content-Type: multipart/mixed; boundary=b\n\n") + b"\r--b\r\n\r\nx\r--b--\r\n"
    assert list(bodies(data).values()) == [b"x"]
    assert sentences(data) == ["lines that only some programs take for boundaries"]


def test_a_boundary_within_a_line_is_a_doubt() -> None:
    assert sentences(raw("Content-Type: multipart/mixed; boundary=b\n\nx--b\n\nx\n")) == [
        "a multipart without any part"
    ]


@pytest.mark.parametrize(
    ("head", "early"),
    [
        ("Content-Transfer-Encoding: base64\nTVqQ\n", b"TVqQ\r\n"),
        ("Content-Transfer-Encoding: base64\n \t\nTVqQ\n", b"TVqQ\r\n"),
        ("Content-Transfer-Encoding: base64\nno field\nX: y\n\nbody\n", b"no field\r\nX: y\r\n\r\nbody\r\n"),
    ],
)
def test_a_header_is_also_read_as_ending_where_a_line_is_no_field(head: str, early: bytes) -> None:
    data = raw(head)
    other = tree(data).other
    assert other is not None
    assert data[other.body.start : other.body.end] == early
    assert other.codings == ("base64",)
    assert other.other is None


def test_a_header_without_a_field_in_front_of_such_a_line_is_read_once() -> None:
    assert tree(raw("no field\nX: y\n\nbody\n")).other is None


def test_a_missing_end_is_told_and_harmless() -> None:
    data = raw("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n")
    assert bodies(data) == {"1": b"x\r\n"}
    assert [(d.sentence, d.verdict) for d in tree(data).doubts] == [("a multipart without its end", Verdict.CLEAN)]


def test_parts_behind_the_end_are_parts_in_doubt() -> None:
    data = raw("Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\nlate\n--b\n\ny\n--b--\n")
    assert list(bodies(data).values()) == [b"x", b"y"]
    assert "parts behind the end of a multipart" in sentences(data)


def test_preamble_and_epilogue_are_loose() -> None:
    data = message([text()], preamble=b"before\r\n", epilogue=b"after\r\n")
    assert [data[span.start : span.end] for span in tree(data).loose] == [b"before", b"after\r\n"]


def test_a_boundary_that_begins_another_does_not_divide_it() -> None:
    inner = fields({"Content-Type": "multipart/mixed; boundary=ab"}) + b"\r\n" + multipart([text()], boundary="ab")
    data = message([inner, text()], boundary="a")
    assert list(bodies(data)) == ["1.1", "2"]


def test_a_multipart_without_parts_is_told() -> None:
    assert "a multipart without any part" in sentences(raw("Content-Type: multipart/mixed; boundary=b\n\nnothing\n"))


@pytest.mark.parametrize("kind", ["message/partial; id=x; number=1", "message/external-body; access-type=URL"])
def test_what_is_not_all_here_is_unscannable(kind: str) -> None:
    assert [d.verdict for d in tree(raw(f"Content-Type: {kind}\n\nx")).doubts] == [Verdict.UNSCANNABLE]


def nested(levels: int) -> bytes:
    data = text()
    for level in range(levels):
        head = fields({"Content-Type": f"multipart/mixed; boundary=b{level}"})
        data = head + b"\r\n" + multipart([data], boundary=f"b{level}")
    return data


def test_limits_are_over_not_under() -> None:
    assert tree(nested(20), max_mime_depth=20)
    with pytest.raises(OverLimit, match="deeper"):
        tree(nested(21), max_mime_depth=20)
    assert tree(message([text()] * 50), max_files=51)
    with pytest.raises(OverLimit, match="parts"):
        tree(message([text()] * 51), max_files=51)
    with pytest.raises(OverLimit, match="header"):
        tree(single(b"", X="y" * 5000), max_header_size=4096)


def test_the_default_depth_is_reached_without_trouble() -> None:
    assert tree(nested(100))


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ('Content-Disposition: attachment; filename="a b.doc"', "a b.doc"),
        ("Content-Type: text/plain; name=x.doc", "x.doc"),
        ("Content-Disposition: attachment; filename*=utf-8''%E6%97%A5.doc; filename=x.doc", "日.doc"),
        ('Content-Disposition: attachment; filename="=?utf-8?B?5pel?=.doc"', "日.doc"),
        ("Content-Disposition: inline", ""),
        ("Content-Type: text/plain; name=a.js\nContent-Disposition: attachment; filename=a.txt", "a.js"),
        ("Content-Type: text/plain; name=a.txt\nContent-Disposition: attachment; filename=a.js", "a.js"),
        ("Content-Disposition: attachment; filename=a.txt\nContent-Disposition: attachment; filename=a.js", "a.js"),
        ("Content-Disposition: attachment; filename=a.txt; filename=a.js", "a.js"),
        ("Content-Disposition: attachment; filename*0=a.; filename*2=js", "a.js"),
        ("Content-Disposition: attachment; filename*1=a.; filename*0=js", "a.js"),
        ("Content-Type: text/plain; name*0=a.\nContent-Type: text/plain; name*1=js", "a.js"),
        ('Content-Disposition: attachment; filename="=?utf-16?B?AGEALgBqAHM=?="', "a.js"),
        ('Content-Disposition: attachment; filename="=?utf-16?B?YQAuAGoAcwA=?="', "a.js"),
        ("Content-Disposition: attachment; filename=a.js(.gif)", "a.js"),
        ("Content-Disposition: attachment; filename=a.j()s", "a.js"),
        ('Content-Disposition: attachment; filename="pay\n load.js"', "pay load.js"),
        ('Content-Disposition: attachment; filename=a".js', 'a".js'),
        ("Content-Disposition: attachment; filename='a.js'", "'a.js'"),
        ("Content-Type: text/plain; name()=a.js", "a.js"),
        ("Content-Disposition: attachment; filename=a;.js", "a;.js"),
        ("Content-Disposition: attachment; filename=notes(1).pdf; size=12", "notes.pdf"),
    ],
)
def test_names(headers: str, name: str) -> None:
    assert tree(raw(headers + "\n\n")).name == name


def inside(child: Span, parent: Span) -> bool:
    return parent.start <= child.start <= child.end <= parent.end


def check_spans(entity: Entity, within: Span) -> None:
    assert inside(entity.header, within)
    assert inside(entity.body, within)
    assert entity.header.end <= entity.body.start
    for child in entity.children:
        check_spans(child, entity.body)
    for loose in entity.loose:
        assert inside(loose, entity.body)


PIECES = [
    b"Content-Type: multipart/mixed; boundary=b\r\n",
    b"Content-Type: message/rfc822\r\n",
    b"Content-Type: multipart/digest; boundary=b; boundary=c\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"\r\n",
    b"--b\r\n",
    b"--c\r\n",
    b"--b--\r\n",
    b"text\r\n",
    b" folded",
    b"\n",
    b"\r",
]


@settings(max_examples=200)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=5)), max_size=30))
def test_spans_are_inside_the_message_and_nest(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    try:
        check_spans(tree(data, max_files=200), Span(0, len(data)))
    except OverLimit:
        assert len(data) > 20  # only a message that really branches reaches the limit


def test_cut_anywhere_every_span_still_nests() -> None:
    data = message([text(), part(message([text()], boundary="in"), "message/rfc822", coding="")])
    for end in range(len(data)):
        check_spans(tree(data[:end]), Span(0, end))
    assert BOUNDARY.encode() in data
