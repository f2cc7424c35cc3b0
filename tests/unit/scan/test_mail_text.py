import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scan import mail_text, mime
from gateway.scan.budget import Budget, Limits
from tests.makers import mail

JAPANESE = "添付ファイルのパスワードは「ａｂｃ」です。"


def texts(data: bytes) -> list[tuple[str, str]]:
    return list(mail_text.texts(data, mime.parse(data, Budget(Limits()))))


@pytest.mark.parametrize("charset", ["iso-2022-jp", "shift_jis", "euc-jp", "utf-8", "utf-16", "utf-7"])
@pytest.mark.parametrize("coding", ["8bit", "base64", "quoted-printable"])
def test_a_body_is_read_in_its_character_set(charset, coding):
    body = mail.part(JAPANESE.encode(charset), f'text/plain; charset="{charset}"', coding=coding)
    assert (JAPANESE, mail_text.BODY) in [
        (text.strip(), source) for text, source in texts(mail.message([body, mail.text()]))
    ]


@pytest.mark.parametrize("charset", ["iso-2022-jp", "shift_jis", "utf-8", "utf-16", "gb18030"])
def test_without_a_character_set_it_is_guessed(charset):
    text = JAPANESE if charset != "gb18030" else "解压密码：一二三"
    assert text in list(mail_text.decode(text.encode(charset)))


def test_every_text_of_every_message_inside_is_read():
    inner = mail.message([mail.text("inner\n")], Subject="=?utf-8?q?P=C3=A4ss?=")
    outer = mail.message(
        [mail.part(b"x", name="a b.zip"), mail.part(inner, "message/rfc822", coding=""), mail.text("outer\n")]
    )
    assert [(text.strip(), source) for text, source in texts(outer)] == [
        ("Report", mail_text.SUBJECT),
        ("Päss", mail_text.SUBJECT),
        ("inner", mail_text.BODY),
        ("outer", mail_text.BODY),
    ]
    tree = mime.parse(outer, Budget(Limits()))
    assert list(mail_text.names(tree)) == ["a b.zip"]
    assert {"ada@example.com", "Bob"} <= set(mail_text.addresses(tree))


def test_markup_is_read_as_it_is_shown():
    data = mail.single(b"<p>Pass<b>word</b>: x&amp;y</p>", "text/html")
    assert "Password: x&y" in [text.strip() for text, _ in texts(data)]


@pytest.mark.parametrize("charset", ["zlib", "hex", "idna", "punycode", "unicode_escape", "no-such", "utf-8-sig", ""])
def test_a_name_that_is_no_character_set_does_no_harm(charset):
    data = mail.single(b"password: x", f"text/plain; charset={charset}")
    assert "password: x" in [text.strip() for text, _ in texts(data)]


def test_a_long_body_is_cut():
    data = mail.single("ä".encode() * mail_text.MAX_BODY, "text/plain; charset=utf-8")
    assert all(len(text) <= mail_text.MAX_BODY for text, _ in texts(data))
    assert "ä" in texts(data)[1][0]


@given(st.binary(max_size=300), st.sampled_from(["", "utf-8", "iso-2022-jp", "utf-7", "utf-16", "cp932", "hz"]))
def test_any_bytes_are_read(content, charset):
    assert list(mail_text.decode(content, (charset,) if charset else ()))
