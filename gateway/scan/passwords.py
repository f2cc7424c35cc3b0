"""The passwords worth trying on what is locked: the mail's own words, names, those the admin lists, the usual ones.

Contract: costs nothing until something encrypted is met; then words are collected once, likeliest first, from every
mail and text seen so far. All tries on one message together take no more than ``SHARE`` of its seconds, and the tries
on one locked thing half of what is left, so that a decoy cannot use up all. A password never becomes part of a finding:
what is told is its source.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import PurePosixPath
from typing import TypeVar

from gateway.scan import mail_text
from gateway.scan.budget import Budget
from gateway.scan.headers import Bytes
from gateway.scan.mime import Entity
from gateway.scan.password_words import MAX_TEXT, Rank, words

SHARE = 0.4
"""Of the seconds of a message. Tries end by their number before, unless the machine is very busy."""
MAX_CANDIDATES = 600
MAX_TRIES = 10_000
"""Of one message, so that very many locked members cost no more than some; what stays locked is told."""
MAX_READ = 1 << 19
"""Characters of all texts together."""
MAX_OPENED = 8
"""Passwords that opened something and are tried on everything else; the last ones."""
MAX_HEARD = 32
"""Texts outside of mail bodies that are remembered, the last ones seen."""

NAME = "the name of a file"
LISTED = "a password of the configured list"
COMMON = "a password everybody uses"
ADDRESS = "a word of an address"
BESIDE = "a word of a text beside it"

EVERYBODYS = (
    *("infected", "1234", "123456", "12345", "123", "password", "12345678", "0000", "1111", "123456789", "4321"),
    *("Password", "pass", "abc123", "secret", "test", "zip", "qwerty", "admin", "111111", "000000", "Password1"),
    *("malware", "virus", "infected666", "password1", "invoice", "document", "321", "777", "999", "12345678910"),
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Candidate:
    """One password and, in words for people, where it comes from."""

    text: str
    source: str


class Passwords:
    """What may open the locked parts of one message. ``listed`` are those of the configuration."""

    def __init__(self, seconds: float, listed: tuple[str, ...] = ()) -> None:
        self._left = seconds * SHARE
        self._tries = MAX_TRIES
        self._listed = listed
        self._mails: list[tuple[Bytes, Entity]] = []
        self._read = 0  # of these mails
        self._room = MAX_READ
        self._heard: deque[bytes | memoryview] = deque(maxlen=MAX_HEARD)
        self._found: defaultdict[Rank, list[Candidate]] = defaultdict(list)
        self._opened: deque[Candidate] = deque(maxlen=MAX_OPENED)

    @property
    def opened(self) -> tuple[Candidate, ...]:
        """The passwords that have opened something, the last one last."""
        return tuple(self._opened)

    def hear_mail(self, data: Bytes, tree: Entity) -> None:
        """A mail whose words may be passwords of what is in it. Nothing is read yet."""
        self._mails.append((data, tree))

    def hear(self, text: bytes | memoryview) -> None:
        """Another text that may hold a password. Nothing is read yet; what is longer than a note is no note."""
        if len(text) <= MAX_TEXT:
            self._heard.append(text)

    def try_on(
        self,
        where: str,
        budget: Budget,
        attempt: Callable[[str], T | None],
        *,
        first: Iterable[Candidate] = (),
        most: int = MAX_CANDIDATES,
    ) -> tuple[T, str] | None:
        """What ``attempt`` makes of the first password that fits, and the source of that; None when none does.

        ``where`` is the path of the locked thing; ``first`` are tried in any case, as are those that opened something
        else before, and ``most`` others, fewer when the message has had ``MAX_TRIES``. Raises ``OverLimit`` and what
        ``attempt`` raises.
        """
        began = time.monotonic()
        until = began + self._left / 2
        try:
            certain = {candidate.text: candidate for candidate in chain(first, self._opened)}
            for candidate in chain(certain.values(), islice(self._others(where, certain, until), most)):
                budget.check_time()
                result = attempt(candidate.text)
                if result is not None:
                    if candidate not in self._opened:
                        self._opened.append(candidate)
                    return result, candidate.source
            return None
        finally:
            self._left = max(0.0, self._left - (time.monotonic() - began))

    def _others(self, where: str, tried: dict[str, Candidate], until: float) -> Iterator[Candidate]:
        for candidate in self.candidates(where):
            if self._tries <= 0 or time.monotonic() > until:
                return
            if candidate.text not in tried:
                self._tries -= 1
                yield candidate

    def candidates(self, where: str) -> Iterator[Candidate]:
        """Passwords for the locked thing at ``where``, the likeliest first, each once."""
        self._collect()
        own = (form for name in reversed(where.split("/")) for form in _name_forms(name))
        order = chain(
            self._found[Rank.ANNOUNCED],
            (Candidate(text, LISTED) for text in self._listed),
            (Candidate(text, NAME) for text in own),
            self._found[Rank.NEAR],
            self._found[Rank.APART],
            (Candidate(text, COMMON) for text in EVERYBODYS),
            (Candidate(text, NAME) for text in self._names()),
            (Candidate(text, ADDRESS) for text in self._addresses()),
            self._found[Rank.ODD],
            self._found[Rank.ANY],
        )
        seen: set[str] = set()
        each = (one for one in order if one.text not in seen and not seen.add(one.text))  # type: ignore[func-returns-value]
        return islice(each, MAX_CANDIDATES)

    def _collect(self) -> None:
        """Read what was heard since the last time."""
        for text, source in self._unread():
            if self._room <= 0:
                return
            self._room -= min(len(text), MAX_TEXT)
            for rank, word in words(text):
                self._found[rank].append(Candidate(word, source))

    def _unread(self) -> Iterator[tuple[str, str]]:
        while self._read < len(self._mails):
            self._read += 1
            yield from mail_text.texts(*self._mails[self._read - 1])
        while self._heard:
            for text in mail_text.decode(bytes(self._heard.pop())):
                yield from ((reading, BESIDE) for reading in mail_text.plain(text))

    def _names(self) -> Iterator[str]:
        return (form for _, tree in self._mails for name in mail_text.names(tree) for form in _name_forms(name))

    def _addresses(self) -> Iterator[str]:
        for _, tree in self._mails:
            for word in mail_text.addresses(tree):
                local, _, domain = word.partition("@")
                yield from (form for form in (local, domain, domain.partition(".")[0]) if form)


def _name_forms(name: str) -> Iterator[str]:
    """A file name without its ending, and with it."""
    stem = PurePosixPath(name.strip()).stem
    return (form for form in dict.fromkeys((stem, name.strip())) if form)
