"""What a reader of HTML sees, and where it would lead: the text of a page and its links, never the page.

Contract: takes any text, gives text and links, and raises ``OverLimit`` only. One pass: a tag is looked at in a window
of ``LONGEST_TAG`` characters, so the time is linear in the text. As tolerant as browsers are: what begins like a tag
and is none is text, what is hidden until an end that never comes is hidden to the end.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Final

from gateway.message import clip
from gateway.readable import Link
from gateway.scan.budget import Budget
from gateway.scan.visible import readably

LONGEST_TAG: Final = 4096
LONGEST_TARGET: Final = 500
MAX_LINKS: Final = 60

_TAG = re.compile(r"""<(/?)([a-zA-Z][^\s/>]{0,40}+)((?:[^<>"']++|"[^"]*+"|'[^']*+')*+)>""")
_ATTRIBUTE = re.compile(r"""([^\s"'>/=]++)\s*+(?:=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++)))?""")
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_REFRESH = re.compile(r"url\s*=\s*['\"]?([^'\"]+)", re.IGNORECASE)
_IN_ADDRESS = re.compile(r"[\t\r\n]+")

_HIDDEN = frozenset({"script", "style", "title", "noframes", "template", "xmp", "noembed"})
_LINE = frozenset(
    {
        *("address", "article", "blockquote", "br", "center", "dd", "div", "dl", "dt", "fieldset", "form", "h1", "h2"),
        *("h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "section", "table", "tr", "ul"),
    }
)
_CELL = frozenset({"td", "th"})
_LEADS = {
    "area": ("href", "link"),
    "base": ("href", "base"),
    "button": ("formaction", "form"),
    "embed": ("src", "frame"),
    "form": ("action", "form"),
    "frame": ("src", "frame"),
    "iframe": ("src", "frame"),
    "img": ("src", "picture"),
    "input": ("formaction", "form"),
    "object": ("data", "frame"),
}
"""By tag: the attribute that leads somewhere, and what that is."""


@dataclass(slots=True)
class Page:
    """What was read of a page."""

    most: int
    """Links that are told."""
    pieces: list[str] = field(default_factory=list)
    links: dict[Link, int] = field(default_factory=dict)
    _open: tuple[str, int] | None = None
    """The link whose text is being read: its target, and where in ``pieces`` it began."""

    @property
    def text(self) -> str:
        """As it would be copied from the screen."""
        lines = [_BLANKS.sub(" ", line).strip() for line in "".join(self.pieces).split("\n")]
        kept = (line for at, line in enumerate(lines) if line or (at and lines[at - 1]))
        return "\n".join(kept).strip()

    def add(self, text: str) -> None:
        """Text between tags: entities undone, blanks as a browser sees them."""
        if text:
            self.pieces.append(_BLANKS.sub(" ", readably(html.unescape(text))))

    def begin(self, target: str) -> None:
        """A link begins, which ends another one."""
        self.end()
        self._open = (target, len(self.pieces))

    def end(self) -> None:
        """The link ends; what stands in it is its text."""
        if self._open is None:
            return
        target, at = self._open
        self._open = None
        text = _BLANKS.sub(" ", "".join(self.pieces[at:])).strip()
        if number := self.lead(text, target, "link"):
            self.pieces.append(f"[{number}]")

    def lead(self, text: str, target: str, kind: str) -> int:
        """Note where something leads; its number, or 0 where it leads nowhere or there are too many."""
        shown = clip(readably(_IN_ADDRESS.sub("", html.unescape(target))).strip(), LONGEST_TARGET)
        link = Link(clip(text, 200), shown, kind)
        if not shown or shown.startswith("#") or (len(self.links) >= self.most and link not in self.links):
            return 0
        return self.links.setdefault(link, len(self.links) + 1)


def read(markup: str, budget: Budget, most: int = MAX_LINKS) -> tuple[str, tuple[Link, ...]]:
    """The text of a page and what leads out of it, ``most`` links at the most. Raises ``OverLimit``."""
    page, lower, position = Page(most), markup.lower(), 0
    while (begins := markup.find("<", position)) >= 0:
        budget.check_time()
        page.add(markup[position:begins])
        position = _behind(markup, lower, begins, page)
    page.add(markup[position:])
    page.end()
    return page.text, tuple(page.links)


def _behind(markup: str, lower: str, begins: int, page: Page) -> int:
    """Where to go on behind what begins with the bracket at ``begins``."""
    if markup.startswith("<!--", begins):
        return _end(lower, "-->", begins)
    if markup[begins + 1 : begins + 2] in ("!", "?"):
        return _end(lower, ">", begins)
    tag = _TAG.match(markup, begins, begins + LONGEST_TAG)
    if tag is None:
        page.add("<")
        return begins + 1
    name = tag[2].lower()
    if tag[1]:
        _closes(name, page)
    elif name in _HIDDEN:
        hidden = lower.find(f"</{name}", tag.end())
        return hidden if hidden >= 0 else len(markup)
    else:
        _opens(name, tag[3], page)
    return tag.end()


def _end(lower: str, mark: str, start: int) -> int:
    found = lower.find(mark, start)
    return found + len(mark) if found >= 0 else len(lower)


def _closes(name: str, page: Page) -> None:
    if name == "a":
        page.end()
    elif name in _LINE:
        page.pieces.append("\n")


def _opens(name: str, text: str, page: Page) -> None:
    if name in _LINE:
        page.pieces.append("\n- " if name == "li" else "\n")
    elif name in _CELL:
        page.pieces.append(" ")
    if name not in {"a", "meta"} and name not in _LEADS:
        return
    attributes: dict[str, str] = {}
    for match in _ATTRIBUTE.finditer(text):
        attributes.setdefault(match[1].lower(), match[2] or match[3] or match[4] or "")  # the first one counts
    if name == "a" and (target := attributes.get("href")):
        page.begin(target)
    elif name == "meta" and attributes.get("http-equiv", "").lower() == "refresh":
        if refresh := _REFRESH.search(attributes.get("content", "")):
            page.lead("", refresh[1], "refresh")
    elif name in _LEADS:
        attribute, kind = _LEADS[name]
        page.lead(readably(attributes.get("alt", "")), attributes.get(attribute, ""), kind)
