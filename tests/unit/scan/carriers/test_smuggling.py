"""Files built in the reader's browser. The corpus has one page of each kind; here are the borders and the bounds."""

import base64
import hashlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.closed_sets import Kind
from gateway.scan import Limits
from gateway.scan.budget import Budget, OverLimit
from gateway.scan.carriers.literals import MAX_LITERALS, joined, literals, unescaped
from gateway.scan.carriers.smuggling import LIBRARY, inspect_smuggling
from tests.makers.looks import SHORTCUT, look

NOISE = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(64))
TEXT = base64.b64encode(NOISE)
FILE = SHORTCUT + NOISE
SAVE = b"u = URL.createObjectURL(new Blob([b])); a.download = 'x'; a.click();"


def page(*scripts: bytes) -> bytes:
    return b"<html>" + b"".join(b"<script>" + script + b"</script>" for script in scripts) + b"</html>"


def decoded(code: bytes) -> list[bytes]:
    return [literal.readings[0] for literal in literals(joined(code), Budget(Limits()))]


@pytest.mark.parametrize(
    "code",
    [
        b'x = "' + TEXT + b'"',
        b"x = '" + TEXT[:1000] + b"' +\n    '" + TEXT[1000:] + b"'",
        b'x = ["' + TEXT[:1000] + b'","' + TEXT[1000:] + b'"].join("")',
        b'x = "' + TEXT[:1000] + b'"; x += "' + TEXT[1000:] + b'"',
        b"x = `" + b"\n".join(TEXT[at : at + 256] for at in range(0, len(TEXT), 256)) + b"`",
        b'x = "' + NOISE.hex().encode() + b'"',
        b"x = [" + b",".join(b"%d" % byte for byte in NOISE) + b"]",
        b"x = [" + b", ".join(b"%d" % (byte - 256 if byte > 127 else byte) for byte in NOISE) + b"]",
        b"x = [" + b", ".join(b"0x%x" % byte for byte in NOISE) + b"]",
        b"x = '" + b"".join(b"\\x%02x" % byte for byte in NOISE) + b"'",
        b"x = '" + b"".join(b"\\u00%02X" % byte for byte in NOISE) + b"'",
        b"x = '" + b"".join(b"%%%02x" % byte for byte in NOISE) + b"'",
    ],
)
def test_every_spelling(code: bytes) -> None:
    assert decoded(code) == [NOISE]
    assert decoded(b"var a = 'b' + c;\n" + code + b"; f(x, 1, 2);") == [NOISE]


@pytest.mark.parametrize(
    "code", [b"var words = 'many plain words and no literal ' * 100", b"[1, 2, 3]", b"[1000," * 600 + b"]", b"%41" * 20]
)
def test_what_is_no_literal(code: bytes) -> None:
    assert decoded(code) == []


def test_escapes() -> None:
    assert unescaped(rb"\x61\u0062\u{63}\x6") == rb"abc\x6"


def test_what_is_written_out_is_handed_on() -> None:
    notes = look(inspect_smuggling, page(b"b = new Uint8Array([" + b",".join(b"%d" % byte for byte in FILE) + b"])"))
    assert notes.handed == [("script literal", FILE)]
    twice = base64.b64encode(b"b = atob('" + FILE.hex().encode() + b"')" + b" " * 600)
    assert look(inspect_smuggling, page(b"eval(atob('" + twice + b"'))")).handed == [("script literal", FILE)]


@pytest.mark.parametrize(
    ("scripts", "told"),
    [
        ((b"b = atob('" + TEXT + b"');" + SAVE,), True),
        ((b"p = '" + TEXT + b"'", b"b = atob(p);" + SAVE), True),
        ((b"p = '" + TEXT + b"'", b"b = atob(p);" + SAVE + b"f();" * LIBRARY), False),  # a library and a token
        ((b"b = atob('" + TEXT + b"');" + SAVE + b"f();" * LIBRARY,), True),  # the same, padded
        ((b"b = atob('" + TEXT + b"');",), False),
        ((b"b = '" + TEXT + b"';" + SAVE,), False),
        ((b"b = atob(p);" + SAVE,), False),
    ],
)
def test_only_what_does_all_of_it(scripts: tuple[bytes, ...], told: bool) -> None:
    assert look(inspect_smuggling, page(*scripts)).kinds == ({Kind.HTML_SMUGGLING} if told else set())


def test_an_unclosed_script() -> None:
    open_page = b"<html><SCRIPT>b = atob('" + TEXT + b"');" + SAVE
    assert look(inspect_smuggling, open_page).kinds == {Kind.HTML_SMUGGLING}


def test_too_large_a_page_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.scan.carriers.smuggling.MAX_TEXT", 1000)
    assert look(inspect_smuggling, page(b"atob" + b" " * 1000)).kinds == {Kind.LIMIT}
    assert look(inspect_smuggling, b"<p>" * 1000).kinds == set()


def test_it_pays_for_what_it_makes() -> None:
    with pytest.raises(OverLimit):
        look(inspect_smuggling, page(b"b = atob('" + TEXT + b"');"), limits=Limits(max_unpacked_size=3000))


@pytest.mark.parametrize(
    "piece",
    [
        b'"a"+',
        b"1,",
        b"0x1 , ",
        b"%4",
        b"\\x4",
        b"A" * 127 + b" ",
        b"A" * 600 + b"!",
        b"<script",
        b"'+'",
        b"1" * 50,
        b"\\",
    ],
)
def test_no_text_makes_it_slow(piece: bytes) -> None:
    data = page(b"atob(" + piece * ((1 << 20) // len(piece)))
    began = time.process_time()
    look(inspect_smuggling, data)
    assert time.process_time() - began < 3.0
    assert len(list(literals(data, Budget(Limits())))) <= MAX_LITERALS


@settings(deadline=None)
@given(st.binary(max_size=2000), st.integers(0, 3000))
def test_any_bytes_around_and_any_cut(data: bytes, cut: int) -> None:
    whole = page(data, b"b = atob('" + TEXT + b"');" + SAVE)
    look(inspect_smuggling, whole[:cut])
    look(inspect_smuggling, whole)


@settings(deadline=None)
@given(st.binary(max_size=3000))
def test_any_code(code: bytes) -> None:
    decoded(code)
