"""Compound files behind something else: handed on whole, and only when they are some."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import samples
from gateway.scan import ole_directory
from gateway.scan.containers import appended
from tests.makers.looks import look

GIF = b"GIF89a" + bytes(30) + b";"
PDF = b"%PDF-1.4\n1 0 obj\nnull\nendobj\n"


@pytest.mark.parametrize("front", [GIF, PDF + b"%%EOF\n"])
def test_a_document_behind_the_end(front: bytes) -> None:
    assert look(appended.unpack, front + samples.doc()).handed == [(f"at byte {len(front)}", samples.doc())]


@pytest.mark.parametrize(
    "content", [GIF, GIF + ole_directory.MAGIC * 3, PDF + samples.doc() + b"\nendobj\n%%EOF\n", samples.doc()]
)
def test_what_is_no_second_file(content: bytes) -> None:
    assert look(appended.unpack, content).handed == []


def test_no_more_than_a_few() -> None:
    assert len(look(appended.unpack, GIF + samples.doc() * 9).handed) == appended.MOST


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_whatever_stands_around(front: bytes, behind: bytes) -> None:
    handed = look(appended.unpack, b"GIF89a" + front + samples.doc() + behind).handed
    assert [content for _, content in handed] == [samples.doc() + behind]
