"""A part under its new name: programs read that name and no other, and what else the fields say is as it was."""

from __future__ import annotations

import base64
import email
import email.policy
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scan import Limits, mime
from gateway.scan.budget import Budget
from gateway.scan.header_edit import LONGEST_NAME, Description, edited
from tests.makers.mail import raw

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
DOCM = "application/vnd.ms-word.document.macroEnabled.12"
NAMES = st.text(min_size=1, max_size=300).map(lambda text: f"{text}.docx")


def header(data: bytes, new: str, *, coded: bool = False, old: str | None = None) -> bytes:
    """The header of the part ``data`` under another name."""
    entity = mime.parse(data, Budget(Limits()))
    described = Description(entity.name if old is None else old, new, DOCX, coded)
    return b"".join(field for _, field in edited(data, entity.block, described, b"\r\n"))


def name_of(fields: bytes) -> tuple[str, str | None]:
    """The name we read, and the name the standard library reads."""
    ours = mime.parse(fields + b"\r\nx", Budget(Limits())).name
    return ours, email.message_from_bytes(fields + b"\r\nx", policy=email.policy.default).get_filename()


def encoded(text: str) -> str:
    return f"=?utf-8?B?{base64.b64encode(text.encode()).decode()}?="


FORMS = {
    "quoted": 'Content-Type: {kind}; name="a.docm"\nContent-Disposition: attachment; filename="a.docm"\n\nx',
    "token": "Content-Type: {kind}; name=a.docm\nContent-Disposition: attachment; filename=a.docm\n\nx",
    "folded": 'Content-Type: {kind};\n\tname="a.docm"\nContent-Disposition: attachment;\n filename="a.docm"\n\nx',
    "2231": "Content-Type: {kind}\nContent-Disposition: attachment; filename*=UTF-8''a%2Edocm\n\nx",
    "both": "Content-Type: {kind}\nContent-Disposition: attachment; filename=\"b\"; filename*=UTF-8''a.docm\n\nx",
    "pieces": 'Content-Type: {kind}; name*0="a."; name*1="docm"\n\nx',
    "2047": f'Content-Type: {{kind}}; name="{encoded("a.docm")}"\n\nx',
    "comment": 'Content-Type: {kind} (a; comment); name="a.docm"\n\nx',
    "broken": 'Content-Type: {kind}; name="a.docm\nContent-Disposition: attachment; filename="a.docm\n\nx',
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "new", ["a.docx", 'a "b" \\c.docx', "Bericht für März.docx", "議事録.docx", "é" * 200 + ".docx"]
)
def test_every_program_reads_the_new_name(form: str, new: str) -> None:
    fields = header(raw(FORMS[form].format(kind=DOCM)), new)
    assert name_of(fields) == (new, new)
    assert b".docm" not in fields
    assert mime.parse(fields + b"\r\nx", Budget(Limits())).type == DOCX
    assert max(map(len, fields.split(b"\r\n"))) <= 130


def test_other_parameters_and_fields_stay() -> None:
    data = raw(
        f'X-Before: 1\nContent-Type: {DOCM}; charset=x;  name="a.docm"; x-mac-type="5"\nContent-ID: <1@x>\n'
        'Content-Disposition: attachment; creation-date="Mon, 1 Jan 2026";\n filename="a.docm"; size=99\n'
        "Content-Transfer-Encoding: base64\n\nx"
    )
    assert header(data, "a.docx") == raw(
        f'X-Before: 1\nContent-Type: {DOCX}; charset=x; x-mac-type="5";\n name="a.docx"\nContent-ID: <1@x>\n'
        'Content-Disposition: attachment; creation-date="Mon, 1 Jan 2026";\n filename="a.docx"\n'
        "Content-Transfer-Encoding: base64\n"
    )


def test_what_is_right_already_stays_as_it_was_written() -> None:
    data = raw(
        'Content-Type: application/octet-stream;name="a.docx"\nContent-Disposition:attachment;filename=a.docx\n\nx'
    )
    assert header(data, "a.docx") == data.removesuffix(b"\r\nx")


def test_the_description_follows_the_name_only_where_it_is_the_name() -> None:
    said = raw(f'Content-Type: {DOCM}; name="a.docm"\nContent-Description: {{}}\n\nx').decode()
    assert b"Content-Description: a.docx\r\n" in header(said.format("a.docm").encode(), "a.docx")
    assert b"Content-Description: my file\r\n" in header(said.format("my file").encode(), "a.docx")


def test_a_coding_is_named_or_changed() -> None:
    assert header(raw("Content-Type: x/y\n\nx"), "", coded=True).endswith(b"Content-Transfer-Encoding: base64\r\n")
    coded = header(raw("Content-Type: x/y\nContent-Transfer-Encoding: 8bit\n\nx"), "", coded=True)
    assert coded.count(b"Content-Transfer-Encoding: base64") == 1
    assert b"8bit" not in coded


def test_a_part_without_any_field_says_what_it_is() -> None:
    assert header(raw("X: 1\n\nx"), "a.docx", old="") == b"X: 1\r\nContent-Type: " + DOCX.encode() + b"\r\n"


@given(NAMES, st.sampled_from(sorted(FORMS)))
def test_no_name_breaks_out_of_its_field(name: str, form: str) -> None:
    data = raw(FORMS[form].format(kind=DOCM))
    before = mime.parse(data, Budget(Limits()))
    fields = header(data, name)
    after = mime.parse(fields + b"\r\nx", Budget(Limits()))
    assert [field.name for field in after.block.fields] == [field.name for field in before.block.fields]
    assert not after.doubts
    assert fields.isascii()
    assert len(after.name) <= LONGEST_NAME


@given(st.binary(max_size=200))
def test_any_field_can_be_edited(value: bytes) -> None:
    data = b"Content-Type:" + value.replace(b"\n", b"") + b"\r\nContent-Disposition:" + value + b"\r\n\r\nx"
    assert b"Content-Type:" in header(data, quote("a.docx"), coded=True)
