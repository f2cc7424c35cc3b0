"""Web archives without their macro project; the page is as it was but for what led there."""

from __future__ import annotations

import quopri
import random

import pytest

from gateway import samples
from gateway.closed_sets import Verdict
from gateway.samples import vba
from gateway.scan import Limits, examine
from gateway.scan.disarm import CannotDisarm
from tests.makers.looks import RULES, SHORTCUT
from tests.makers.web import HEAD, activemime, archive, lines
from tests.unit.scan.disarm.stand_in import run

PROJECT = activemime(vba.project(samples.docm_autoopen()))
LINK = b'<link rel=Edit-Time-Data href="a_files/editdata.mso">'
PAGE = (
    b"<html xmlns:w=3D><head>%s<title>Gr\xc3\xbc\xc3\x9fe</title></head><body>"
    + b"Some more words. " * 20
    + b"</body></html>"
)
LIST = b'<xml xmlns:o="urn:schemas-microsoft-com:office:office"><o:File HRef="../a.htm"/>%s</xml>'
FILE = b'<o:File HRef="editdata.mso"/>'


def part(content: bytes, location: bytes, kind: bytes, *, coding: bytes = b"quoted-printable") -> bytes:
    fields = b"Content-Location: file:///C:/%s\r\nContent-Transfer-Encoding: %s\r\nContent-Type: %s\r\n\r\n"
    written = {b"base64": lines, b"8bit": bytes}.get(coding, quoted)(content)
    return b"--=_b\r\n" + fields % (location, coding, kind) + written + b"\r\n"


def quoted(content: bytes) -> bytes:
    return quopri.encodestring(content).replace(b"\n", b"\r\n")


def made(link: bytes = LINK, file: bytes = FILE, *more: bytes, coding: bytes = b"quoted-printable") -> bytes:
    page = part(PAGE % link, b"a.htm", b'text/html; charset="utf-8"', coding=coding)
    listed = part(LIST % file, b"a_files/filelist.xml", b"text/xml", coding=coding)
    return HEAD + b"Words before the parts.\r\n\r\n" + page + b"".join(more) + listed + b"--=_b--\r\nand behind.\r\n"


MACROS = part(PROJECT, b"a_files/editdata.mso", b"application/x-mso", coding=b"base64")
PICTURE = part(b"\x89PNG\r\n\x1a\n" + bytes(90), b"a_files/image001.png", b"image/png", coding=b"base64")


@pytest.mark.parametrize("coding", [b"8bit", b"quoted-printable"])
def test_the_macros_go_and_what_led_there(coding: bytes) -> None:
    result = run(made(LINK, FILE, PICTURE, MACROS, coding=coding), "x.mht")
    assert (result.name, result.media_type, result.removed) == ("x.mht", "application/x-mimearchive", ("its macros",))
    assert b"editdata" not in result.content
    assert examine(result.content, rules=RULES, limits=Limits(), mail=False).verdict is Verdict.CLEAN
    if coding == b"8bit":
        assert result.content == made(b"", b"", PICTURE, coding=coding)
    else:
        before, after = (quopri.decodestring(data) for data in (made(b"", b"", PICTURE), result.content))
        assert before == after


def test_links_are_found_wherever_the_lines_are_broken() -> None:
    chance = random.Random(1)
    for _ in range(50):
        page = made(LINK, FILE, MACROS)
        at = page.index(b"<link") + chance.randrange(40)
        while page[at - 2 : at + 1].count(b"="):
            at += 1
        result = run(page[:at] + b"=\r\n" + page[at:], "x.doc")
        assert quopri.decodestring(result.content) == quopri.decodestring(made(b"", b""))
        assert result.media_type == "application/msword"


def test_a_part_that_is_no_project_goes_as_well() -> None:
    shortcut = part(SHORTCUT, b"a_files/oledata.mso", b"application/x-mso", coding=b"base64")
    result = run(made(LINK, FILE, shortcut), "x.mht")
    assert result.removed == ("a part that could act",)
    assert result.content == made(LINK, FILE)


REFUSED = {
    "two boundaries": (archive(PROJECT).replace(b'"=_b"', b'"=_b"; boundary="=_c"', 1) + b"--=_c\r\n\r\nx", "ways"),
    "the page acts": (
        made(
            b"<link rel=Edit-Time-Data href=\"http://host.example/editdata.mso\" x='urn:schemas-microsoft-com:office'>"
        ),
        "acts itself",
    ),
    "no page before it": (HEAD + MACROS + b"--=_b--\r\n", "acts itself"),
    "twice encoded": (
        HEAD + part(b"", b"a.htm", b"text/html") + part(lines(PROJECT), b"e", b"text/plain"),
        "page|ways",
    ),
}


@pytest.mark.parametrize(("data", "why"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_certain_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(CannotDisarm, match=why):
        run(data, "x.mht")
