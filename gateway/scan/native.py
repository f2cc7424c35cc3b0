"""The word that is said before hostile bytes meet a large decoder written in C.

Contract: ``announce`` is called before every call into such a decoder, and does nothing unless somebody listens.
Whoever runs the scan gives a process up after the message it was said about: what is taken over by a broken decoder
can lie about that message and about no other, for the word has left the process before the decoder sees a byte.

Meant are decoders outside the interpreter with formats of their own to walk, of which libarchive is the only one.
The interpreter and its zlib, bz2, lzma and expat are used for every other document and are not announced.
"""

from __future__ import annotations

from collections.abc import Callable

_listeners: list[Callable[[], None]] = []


def listen(listener: Callable[[], None]) -> None:
    """Have ``listener`` called from now on, instead of whoever listened before."""
    _listeners[:] = [listener]


def announce() -> None:
    """A decoder written in C comes next."""
    for listener in _listeners:
        listener()
