from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import clip
from gateway.readable import Link
from gateway.scan.budget import Budget, Limits, OverLimit
from gateway.scan.markup import LONGEST_TARGET, read


def page(markup: str, most: int = 60) -> tuple[str, tuple[Link, ...]]:
    return read(markup, Budget(Limits()), most)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>Hello&amp;<b>World</b></p><p>again</p>", "Hello&World\n\nagain"),
        ("a<br>b<BR/>c", "a\nb\nc"),
        ("<title>x</title><style>p{}</style><script>alert(1)</script>seen", "seen"),
        ("<!-- hidden -->seen<!-- never ends", "seen"),
        ("<script>never ends", ""),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("<ul><li>one<li>two</ul>", "- one\n- two"),
        ("<table><tr><td>a<td>b</tr></table>", "a b"),
        ('<p title=">">quoted</p>', "quoted"),
        ("&lt;script&gt;alert(1)&lt;/script&gt;", "<script>alert(1)</script>"),
        ("\u202egnp.exe", "<U+202E>gnp.exe"),
        ("", ""),
    ],
)
def test_what_a_reader_sees(markup: str, text: str) -> None:
    assert page(markup)[0] == text


def test_links_are_numbered_and_lead_where_they_lead() -> None:
    text, links = page('Go to <a href="http://evil.example/&amp;x">https://<b>bank</b>.example</a> <a href=#top>up</a>')
    assert text == "Go to https://bank.example[1] up"
    assert links == (Link("https://bank.example", "http://evil.example/&x"),)


@pytest.mark.parametrize(
    ("markup", "link"),
    [
        ("<img src=http://t.example/p.gif alt=logo>", Link("logo", "http://t.example/p.gif", "picture")),
        ("<FORM ACTION='http://f.example'>", Link("", "http://f.example", "form")),
        ("<iframe src='http://i.example'>", Link("", "http://i.example", "frame")),
        ('<meta http-equiv=Refresh content="0;url=http://r.example">', Link("", "http://r.example", "refresh")),
        ("<base href=//b.example/>", Link("", "//b.example/", "base")),
        ("<a href='java\nscript:alert(1)'>x</a>", Link("x", "javascript:alert(1)")),
        ("<a href=one href=two>x</a>", Link("x", "one")),
        ("<a href=one>never ends", Link("never ends", "one")),
    ],
)
def test_everything_that_leads_out_is_told(markup: str, link: Link) -> None:
    assert page(markup)[1] == (link,)


def test_no_more_links_than_asked_for() -> None:
    markup = "".join(f"<a href=http://{n}.example>x</a>" for n in range(9))
    text, links = page(markup, 3)
    assert len(links) == 3
    assert text == "x[1]x[2]x[3]xxxxxx"


@pytest.mark.parametrize(
    "piece", ["<", "<a ", "<a '", "<a \"'", "<!--", "<script>", "<a href=x>", "</a>", "&", "<img alt="]
)
def test_the_time_is_linear(piece: str) -> None:
    page(piece * (65536 // len(piece)))  # each takes well below the four seconds of the budget, or this raises
    with pytest.raises(OverLimit):
        read("<p>" * 10, Budget(Limits(seconds=-1.0)))


@given(st.text(st.sampled_from("<>/!-ahref imgscpt='\"&;#\u202e\0\n") | st.characters(codec=None), max_size=300))
def test_whatever_the_markup_the_front_takes_it(markup: str) -> None:
    text, links = page(markup)
    assert clip(text, len(text) + 1, "\n\t") == text
    for link in links:
        assert clip(link.target, LONGEST_TARGET) == link.target
        assert clip(link.text, 200) == link.text
