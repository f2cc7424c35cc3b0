import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.scan.password_words import MAX_LENGTH, MAX_TEXT, MAX_WORDS, Rank, readable, words

ANNOUNCED = {
    "Password: Xy7-b": "Xy7-b",
    "password is Xy7b.": "Xy7b",
    "The pass for the archive: Xy7b": "Xy7b",
    "PW:Xy7b": "Xy7b",
    "Pwd=Xy7b;": "Xy7b",
    "passwd -> Xy7b": "Xy7b",
    'Use the password "open sesame" please': "sesame",
    "Archive pass-phrase: open the sesame\nBye": "open the sesame",
    "Access code: 4711": "4711",
    "PIN 4711": "4711",
    "Password:\r\n\r\n    Xy7b\r\n": "Xy7b",
    "Passwort: Grüße12": "Grüße12",
    "Das Kennwort für die Datei lautet: Xy7b.": "Xy7b",
    "Zip-Passwort „Xy7b“": "Xy7b",
    "Mot de passe : Xy7b": "Xy7b",
    "Le mot de passe est « Xy7b ».": "Xy7b",
    "MDP Xy7b": "Xy7b",
    "Contraseña: Xy7b": "Xy7b",
    "clave de acceso = Xy7b": "Xy7b",
    "Senha: Xy7b": "Xy7b",
    "Hasło: Xy7b": "Xy7b",
    "Parola d'ordine: Xy7b": "Xy7b",
    "Wachtwoord: Xy7b": "Xy7b",
    "Lösenord: Xy7b": "Xy7b",
    "Adgangskode: Xy7b": "Xy7b",
    "Jelszó: Xy7b": "Xy7b",
    "Şifre: Xy7b": "Xy7b",
    "Пароль: Xy7b": "Xy7b",
    "пароль к архиву — Xy7b": "Xy7b",
    "パスワード：Ｘｙ７ｂ": "Xy7b",
    "解凍パスワードは「Xy7b」です。": "Xy7b",
    "パスワードはXy7bです": "Xy7b",
    "【パスワード】Xy7b": "Xy7b",
    "暗証番号： １２３４": "1234",
    "解压密码：Xy7b": "Xy7b",
    "解壓密碼是 Xy7b。": "Xy7b",
    "口令 Xy7b": "Xy7b",
    "비밀번호: Xy7b": "Xy7b",
    "암호는 Xy7b 입니다": "Xy7b",
    "كلمة المرور: Xy7b": "Xy7b",
}


@pytest.mark.parametrize(("line", "password"), ANNOUNCED.items())
def test_what_stands_behind_the_word_comes_among_the_first(line, password):
    text = f"Dear Ada,\n\nplease find the 2 files attached (order 12345).\n\n{line}\n\nBest regards\nBob"
    found = list(dict.fromkeys(word for _, word in words(text)))
    assert password in found[:12]


@pytest.mark.parametrize(
    ("text", "rank", "password"),
    [
        ("Xy7b is the password", Rank.NEAR, "Xy7b"),
        ("「Xy7b」がパスワードです", Rank.APART, "Xy7b"),
        ("open it with\nXy7b\n", Rank.APART, "Xy7b"),
        ("open it with [Xy7b]", Rank.APART, "Xy7b"),
        ("open it with Xy7b!", Rank.ODD, "Xy7b!"),
        ("open it with Xy7b!", Rank.ODD, "Xy7b"),
        ("Xy7bで開いてください", Rank.ODD, "Xy7b"),
        ("open it with sesame", Rank.ANY, "sesame"),
    ],
)
def test_other_words_come_later(text, rank, password):
    assert min(found for found, word in words(text) if word == password) is rank


def test_the_likeliest_come_first():
    ranks = [rank for rank, _ in words("One 2 three\npassword: xy\n(four)")]
    assert ranks.index(Rank.ANNOUNCED) < ranks.index(Rank.APART) < ranks.index(Rank.ODD)


def test_both_readings_of_wide_characters_come():
    found = {word for _, word in words("密码：１２３４")}
    assert found >= {"1234", "１２３４"}


@pytest.mark.parametrize(
    ("markup", "password"),
    [
        ("<p>Password: <b>Xy7b</b></p>", "Xy7b"),
        ("<p>Password: X<span>y7</span>b</p>", "Xy7b"),
        ("<td>Password</td><td>Xy7b</td>", "Xy7b"),
        ("Password: X&#121;7&lt;b", "Xy7<b"),
        ("<style>p { color: red }</style><!-- note --><p>Password:<br>Xy7b", "Xy7b"),
    ],
)
def test_markup_is_read_as_it_is_shown(markup, password):
    assert (Rank.ANNOUNCED, password) in [found for text in readable(markup) for found in words(text)] or password in [
        word for text in readable(markup) for _, word in words(text)
    ]


@pytest.mark.parametrize(
    "piece",
    [
        "password ",
        '"ab',
        "<",
        "<a",
        "<!--",
        "<style ",
        "&",
        "パスワード：１ ",
        "x1 ",
        "\n",
        "pass\n\n\n",
        "a",
        "(",
        "\ufdfa",
    ],
)
def test_a_long_text_takes_no_long_time(piece):
    text = piece * (2 * MAX_TEXT // len(piece))
    began = time.process_time()
    assert sum(1 for _ in words(text)) < 12 * MAX_WORDS
    assert all(list(readable(text)))
    assert time.process_time() - began < 1.5


@given(st.text())
def test_any_text_gives_short_words(text):
    assert all(0 < len(word) <= MAX_LENGTH for _, word in words(text))
    list(readable(text))


@given(st.text(alphabet="abcdefghijkmnXYZ0123456789", min_size=4, max_size=20), st.sampled_from([*ANNOUNCED]))
def test_any_password_is_found_behind_its_word(password, line):
    for old in ("Xy7b", "Xy7-b", "4711", "Ｘｙ７ｂ"):
        line = line.replace(old, password)
    if password in line:
        assert password in {word for _, word in words(f"Hello,\n{line}\nBye")}
