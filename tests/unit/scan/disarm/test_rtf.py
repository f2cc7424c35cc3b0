"""Rich text without the groups that act; what they showed is still there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import samples
from gateway.closed_sets import Verdict
from gateway.scan import Limits, examine
from gateway.scan.disarm import CannotDisarm
from tests.makers.looks import RULES
from tests.makers.rtf import PACKAGE, embedded, ole1, rtf
from tests.unit.scan.disarm.stand_in import run

ACTIVE, QUIET = ole1("Word.Document.8", samples.doc_autoopen()), ole1("Word.Document.8", samples.doc())
PICTURE = b"{\\pict\\wmetafile8 0102}"
DDE = b'{\\field{\\*\\fldinst DDEAUTO cmd "/c inert"}{\\fldrslt {\\b 42}}}'
LINK = b'{\\field{\\*\\fldinst HYPERLINK "http://host.example/"}{\\fldrslt here}}'


def shown(content: bytes, result: bytes = PICTURE) -> bytes:
    return embedded(content, words=b"\\objemb\\objupdate" if content is QUIET else b"\\objemb").replace(
        b"{\\result }", b"{\\result " + result + b"}"
    )


CASES = {
    "an object": (shown(ACTIVE), b"{" + PICTURE + b"}"),
    "an object that shows nothing": (embedded(ACTIVE), b"{}"),
    "a script": (shown(ole1("Package", PACKAGE), b"inert.js"), b"{inert.js}"),
    "an object that updates itself": (shown(QUIET), b"{" + PICTURE + b"}"),
    "a field": (DDE, b"{{\\b 42}}"),
    "a field in the result of another": (LINK.replace(b"here", DDE), LINK.replace(b"here", b"{{\\b 42}}")),
    "a field in the instructions of another": (LINK.replace(b"HYPERLINK", DDE + b" HYPERLINK"), b"{here}"),
    "a template": (b"{\\*\\template http://host.example/t.dotm}", b""),
    "data without an object": (b"{\\*\\objdata " + ACTIVE.hex().encode() + b"}", b""),
    "raw bytes": (b"{\\object{\\*\\objdata \\bin%d " % len(ACTIVE) + ACTIVE + b"}{\\result x}}", b"{x}"),
}


@pytest.mark.parametrize(("active", "left"), CASES.values(), ids=CASES)
def test_what_acts_goes_and_what_it_showed_stays(active: bytes, left: bytes) -> None:
    quiet = embedded(QUIET)
    result = run(rtf(LINK + quiet + active + b"Caf\\'e9\\par " + LINK), "x.rtf")
    assert result.content == rtf(LINK + quiet + left + b"Caf\\'e9\\par " + LINK)
    assert (result.name, result.media_type) == ("x.rtf", "application/rtf")
    assert examine(result.content, rules=RULES, limits=Limits(), mail=False).verdict is Verdict.CLEAN


def test_each_kind_is_told_once() -> None:
    result = run(rtf(DDE + shown(ACTIVE) + DDE), "x.doc")
    assert result.removed == ("a field that could act by itself", "an embedded object that could act")
    assert result.media_type == "application/msword"


def test_many_fields_are_asked_about_together() -> None:
    result = run(rtf(LINK * 3000 + DDE), "x.rtf").content
    assert result == rtf(LINK * 3000 + b"{{\\b 42}}")


REFUSED = {
    "a group that never ends": (rtf(shown(ACTIVE)).removesuffix(b"}"), "not balanced"),
    "a group too many": (rtf(shown(ACTIVE)) + b"}", "not balanced"),
    "something before it": (b"\xef\xbb\xbf" + rtf(shown(ACTIVE)), "stands before"),
    "something behind it": (rtf(shown(ACTIVE)) + b"{}", "not balanced"),
    "an object nobody can read": (rtf(b"{\\*\\x \\objdata " + b"ab" * 60 + b"}"), "nothing that could be taken out"),
    "two results": (rtf(shown(ACTIVE).replace(PICTURE, PICTURE + b"}{\\result ")), "two things"),
}


@pytest.mark.parametrize(("data", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_certain_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(CannotDisarm, match=why):
        run(data, "x.rtf")


PIECES = [
    b"{",
    b"}",
    b"{\\object",
    b"{\\*\\objdata ",
    b"{\\result ",
    DDE,
    b"\\bin3 ",
    b"\\'7b",
    b"\\}",
    b"a",
    b"\\",
    b"{\\*",
]


@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_whatever_the_groups_the_result_is_clean_or_refused(pieces: list[bytes]) -> None:
    try:
        result = run(rtf(DDE + b"".join(pieces)), "x.rtf")
    except CannotDisarm:
        return
    assert examine(result.content, rules=RULES, limits=Limits(), mail=False).verdict is Verdict.CLEAN
