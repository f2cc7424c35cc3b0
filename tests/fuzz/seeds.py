"""What fuzzing starts from: the small files of the corpus, and a way to damage them that keeps them recognisable."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st

from tests.corpus.test_corpus import FOLDERS, files_of

LARGEST = 64 << 10
"""Bytes of a seed; what is larger is there for its size."""


@cache
def seeds() -> dict[str, bytes]:
    """By folder and name."""
    return {
        f"{folder.name}/{name}": content
        for folder in FOLDERS
        for name, content in files_of(folder).items()
        if 0 < len(content) <= LARGEST
    }


def _mutated(draw: st.DrawFn, content: bytes) -> bytes:
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(0, len(data) - 1)))
        length = draw(st.sampled_from((1, 2, 4, 8, 64, 512)))
        match draw(st.sampled_from(("bytes", "cut", "delete", "repeat", "number", "insert", "swap"))):
            case "bytes":
                data[at : at + length] = draw(st.binary(min_size=1, max_size=length))
            case "cut":
                del data[at:]
            case "delete":
                del data[at : at + length]
            case "repeat":
                data[at:at] = data[at : at + length] * draw(st.integers(1, 20))
            case "number":
                data[at : at + 4] = draw(st.sampled_from((b"\xff" * 4, bytes(4), b"\x7f\xff\xff\xff", b"\x01\0\0\0")))
            case "insert":
                data[at:at] = draw(st.binary(max_size=length))
            case "swap":
                other = draw(st.integers(0, max(0, len(data) - 1)))
                data[at : at + length], data[other : other + length] = (
                    data[other : other + length],
                    data[at : at + length],
                )
    return bytes(data)


@st.composite
def damaged(draw: st.DrawFn, only: str = "") -> bytes:
    """A file of the corpus, damaged; ``only`` is in the names of those to take."""
    names = sorted(name for name in seeds() if only in name)
    return _mutated(draw, seeds()[draw(st.sampled_from(names))])
