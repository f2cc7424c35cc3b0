"""Files are found by what they are encoded as, wherever they stand; text that only looks like it gives nothing."""

import base64
import quopri
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import samples
from gateway.scan import loose
from gateway.scan.budget import Budget, Limits, OverLimit
from tests.makers.mail import encode, raw

DOC = samples.doc()
BASE64 = base64.encodebytes(DOC)


def found(region: bytes) -> list[bytes]:
    return [content for _, content in loose.files(region, Budget(Limits()))]


@pytest.mark.parametrize(
    "region",
    [
        BASE64,
        BASE64.replace(b"\n", b"\r\n"),
        BASE64.replace(b"\n", b"\r"),
        BASE64.replace(b"\n", b"\n\n \t\v\n"),
        b"X: y\rContent-Transfer-Encoding: base64\r" + BASE64.replace(b"\n", b"\r"),
        b"words of a letter\n\n--b\nContent-Type: x\n\n" + BASE64 + b"--b--\nmore words\n",
        b"\n".join(base64.b64encode(DOC)[at : at + 5] for at in range(0, len(BASE64), 5)),
    ],
)
def test_base64_is_decoded_whatever_ends_its_lines(region: bytes) -> None:
    assert found(region) == [DOC]


@pytest.mark.parametrize("junk", [b"A\n", b"ABC=\n", b"ABCD\n"])
def test_letters_before_it_do_not_matter(junk: bytes) -> None:
    assert DOC in found(junk + BASE64)


@pytest.mark.parametrize("junk", [b"AB\n", b"ABC\n", b"word\nwords\n"])
def test_letters_that_shift_it_do_not_matter(junk: bytes) -> None:
    assert found(junk + BASE64)[0].endswith(DOC)


def test_quoted_printable_and_plain_documents_are_found_between_dashes() -> None:
    coded = b"--b\nsome: header\n\n" + quopri.encodestring(DOC) + b"\n--b--\n"
    assert found(coded)[0].startswith(DOC)
    assert found(b"--b\nsome: header\n\n" + DOC + b"\n--b--\n")[0].startswith(DOC)


def test_the_name_before_it_is_told() -> None:
    region = b'Content-Type: x; name="other"\nContent-Disposition: x; filename="a b.doc"\n\n' + BASE64
    assert [name for name, _ in loose.files(region, Budget(Limits()))] == ["a b.doc"]


def test_two_runs_are_two_files() -> None:
    assert found(BASE64 + b"--\n" + BASE64) == [DOC, DOC]


@pytest.mark.parametrize(
    "text",
    [
        raw("Dear all,\nhere are the minutes.\n-- \nAda\n") * 50,
        base64.encodebytes(b"only words, but many of them. " * 100),
        base64.encodebytes(bytes(n * 7919 % 251 for n in range(3000))),
        b"apples\npears\n" * 100,
    ],
)
def test_text_and_noise_give_nothing(text: bytes) -> None:
    assert found(text) == []


def test_what_is_worth_a_look() -> None:
    assert loose.is_worth_it(b"hello\r\nCONTENT-Type: x\r\n")
    assert loose.is_worth_it(b"x\r\n" + b"AAAA\r\n" * 9)
    assert not loose.is_worth_it(b"x\r\n" + b"AAAA\r\n" * 5)
    assert not loose.is_worth_it(raw("Dear all,\nhere are the minutes of the meeting on Monday.\n") * 100)


def test_the_region_and_the_files_are_paid_for() -> None:
    budget = Budget(Limits(max_unpacked_size=len(BASE64) + len(DOC)))
    assert [content for _, content in loose.files(BASE64, budget)] == [DOC]
    with pytest.raises(OverLimit):
        list(loose.files(BASE64, budget))


@settings(max_examples=50)
@given(st.integers(0, 80), st.sampled_from(["base64", "quoted-printable"]), st.binary(max_size=40))
def test_whatever_stands_around_it_it_is_found(cut: int, coding: str, before: bytes) -> None:
    region = before + b"\n--x\n" + b"A" * cut + b"\n--x\n\n" + encode(DOC, coding) + b"--x--\n"
    assert any(content.startswith(DOC) for content in found(region))


@settings(max_examples=200)
@given(
    st.lists(st.one_of(st.sampled_from([b"QUJD", b"=", b"\n", b"--", b"name=", BASE64[:200]]), st.binary(max_size=9)))
)
def test_any_bytes_end_soon(pieces: list[bytes]) -> None:
    found(b"".join(pieces))


@pytest.mark.parametrize(
    "piece", [b"A\n", b"A A\n", b"--\n", b"\n   ", b"=41", b"QUI=" * 18 + b"\n", b"name=", b"\n--x\t"]
)
def test_a_megabyte_of_anything_takes_no_time_worth_naming(piece: bytes) -> None:
    began = time.process_time()
    found(piece * ((1 << 20) // len(piece)))
    assert time.process_time() - began < 5
