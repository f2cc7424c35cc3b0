import itertools
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.closed_sets import Verdict
from gateway.samples.compound import compound_file, streams_of
from gateway.samples.word import doc as doc_of
from gateway.scan.disarm import CannotDisarm
from tests.makers.links import doc_with_template
from tests.makers.vba import doc, project_streams
from tests.unit.scan.disarm.armed import check, examined, run

PAIRS, LENGTHS = 0x9A, 0x4C
FIELD = "a field that starts or fetches something"
DDE = '\x13DDEAUTO c:\\\\inert "x"\x14result\x15'


def main(content: bytes) -> bytes:
    return streams_of(content)[("WordDocument",)]


def table(content: bytes) -> bytes:
    return streams_of(content)[("1Table",)]


def pair(content: bytes, number: int) -> bytes:
    start, size = struct.unpack_from("<II", main(content), PAIRS + 8 * number)
    return table(content)[start : start + size]


def with_table(content: bytes, **pairs: bytes) -> bytes:
    """With further structures in the table stream, ``p24`` for that of pair 24."""
    streams = streams_of(content)
    stream, tables = bytearray(streams["WordDocument",]), streams["1Table",]
    for name, structure in pairs.items():
        struct.pack_into("<II", stream, PAIRS + 8 * int(name[1:]), len(tables), len(structure))
        tables += structure
    return compound_file({**streams, ("WordDocument",): bytes(stream), ("1Table",): tables})


def in_pieces(*pieces: tuple[str, bool]) -> bytes:
    """A document whose text is stored in these pieces, each wide or not, in another order than they are read."""
    streams = streams_of(samples.doc())
    stream = bytearray(streams["WordDocument",])
    bounds, places, first = [0], [], 0
    stored = {}
    for number, (text, wide) in reversed(list(enumerate(pieces))):
        stored[number] = len(stream) if wide else len(stream) * 2 | 1 << 30
        stream += text.encode("utf-16-le" if wide else "cp1252")
    for number, (text, _) in enumerate(pieces):
        first += len(text)
        bounds.append(first)
        places.append(struct.pack("<HIH", 0, stored[number], 0))
    content = struct.pack(f"<{len(bounds)}I", *bounds) + b"".join(places)
    struct.pack_into("<I", stream, LENGTHS, first)
    clx = b"\x02" + struct.pack("<I", len(content)) + content
    return with_table(compound_file({**streams, ("WordDocument",): bytes(stream)}), p33=clx)


def fields_table(text: str) -> bytes:
    """PlcFld (MS-DOC 2.8.25) of a text: DDEAUTO, and nothing said of the end."""
    marks = [(at, ord(letter)) for at, letter in enumerate(text) if letter in "\x13\x14\x15"]
    places = struct.pack(f"<{len(marks) + 1}I", *(at for at, _ in marks), len(text) + 1)
    return places + b"".join(bytes([kind, 0x2E if kind == 0x13 else 0x80]) for _, kind in marks)


def test_a_field_loses_its_instruction_and_keeps_its_result():
    text = f"before {DDE} after"
    before = with_table(doc_of(text), p16=fields_table(text))
    result = run(before)
    assert result.removed == (FIELD,)
    check(before, result.content, "WordDocument", "1Table")
    blank = "before \x13" + " " * (len(DDE) - len("\x13\x14result\x15")) + "\x14result\x15 after"
    assert blank.encode() in main(result.content)
    kinds = pair(result.content, 16)[16:]
    assert kinds == b"\x13\x23\x14\x80\x15\x90"  # QUOTE, and locked


@pytest.mark.parametrize("cuts", [(), (9,), (3, 8, 12), (1, 2, 3, 4, 5, 6, 7, 8, 9, 10)])
@pytest.mark.parametrize("wide", [0, 1, 2])
def test_a_field_in_pieces(cuts, wide):
    text = "one " + DDE + " two " + "\x13PAGE\x141\x15"
    bounds = [0, *cuts, len(text)]
    before = in_pieces(
        *(
            (text[a:b], (number + wide) % 2 == 1 if wide < 2 else True)
            for number, (a, b) in enumerate(itertools.pairwise(bounds))
        )
    )
    assert examined(before).verdict is Verdict.SUSPICIOUS
    result = run(before)
    check(before, result.content, "WordDocument")
    squeezed = main(result.content).replace(b"\0", b"")
    assert b"inert" not in squeezed
    assert table(result.content) == table(before)


def test_only_the_field_that_acts_is_changed():
    contents = "\x13TOC \\o\x14chapter \x13PAGEREF x\x141\x15 and " + DDE + "\x15\x13 \x13QUOTE 65\x14A\x15 b\x14c\x15"
    before = doc_of(contents)
    after = run(before).content
    check(before, after, "WordDocument")
    assert main(after).count(b"TOC \\o") == 1
    assert main(after).count(b"PAGEREF x") == 1
    assert main(after).count(b"QUOTE 65") == 1
    assert main(after).count(b"result") == 1


def test_a_field_inside_an_instruction_goes_with_it():
    before = doc_of("\x13\x13QUOTE 68 68 69\x14DDE\x15 c:\\\\inert x\x14shown\x15")
    assert examined(before).verdict is Verdict.SUSPICIOUS
    after = run(before).content
    check(before, after, "WordDocument")
    assert b"QUOTE" not in main(after)
    assert b"shown" in main(after)


def test_what_another_field_keeps():
    before = doc_of('\x13SET a "DDEAUTO"\x15 text \x13\x13REF a\x15 c:\\\\inert x\x14shown\x15')
    assert examined(before).verdict is Verdict.SUSPICIOUS
    after = run(before).content
    check(before, after, "WordDocument")
    assert b"shown" in main(after)


def test_a_field_that_does_not_end_is_refused():
    with pytest.raises(CannotDisarm, match="still shows"):
        run(doc_of("text \x13DDEAUTO c:\\\\inert x"))


def test_word_95():
    stream = bytearray(main(doc_of(f"before {DDE} after")))
    struct.pack_into("<H", stream, 2, 0x68)
    before = compound_file({("WordDocument",): bytes(stream)})
    assert examined(before).verdict is Verdict.SUSPICIOUS
    after = run(before).content
    check(before, after, "WordDocument")
    assert b"result" in main(after)
    assert b"inert" not in main(after)


def test_a_template_elsewhere_leaves_the_other_strings():
    before = doc_with_template("http://example.com/t.dotm")
    result = run(before)
    assert result.removed == ("a link to a template elsewhere",)
    check(before, result.content, "WordDocument", "1Table")
    assert pair(result.content, 32) == struct.pack("<HHH", 0xFFFF, 18, 0) + bytes(36)
    assert "example".encode("utf-16-le") not in result.content


def test_commands_bound_to_macros_go_with_the_macros():
    commands = (
        b"\xff\x01\x01\x00" + bytes(24) + b"\x11\x01\x00\x00\x00\x08\x00" + "AutoOpen".encode("utf-16-le") + b"\0\0\x40"
    )
    before = with_table(doc(project_streams()), p24=commands)
    result = run(before)
    check(before, result.content, "WordDocument", "1Table")
    assert pair(result.content, 24) == b"\xff\x40"
    assert "AutoOpen".encode("utf-16-le") not in result.content


@settings(max_examples=150)
@given(st.text(st.sampled_from('\x13\x14\x15 aDET\r\x07"\\'), max_size=60), st.integers(0, 60), st.booleans())
def test_any_fields_are_disarmed_or_refused(text, at, wide):
    before = in_pieces((text[:at] + DDE, wide), (text[at:] + "end", not wide))
    try:
        result = run(before)
    except CannotDisarm:
        return
    assert examined(result.content).verdict is Verdict.CLEAN
    assert len(main(result.content)) == len(main(before))
