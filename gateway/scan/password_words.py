"""Which words of a text may be the password somebody gives in it, the likeliest first.

Contract: pure text work, linear in a text that is cut at ``MAX_TEXT``; never raises, and never more than ``MAX_WORDS``
words. A person reads ``Password: １２３４。`` and types ``1234``; so every word comes as it stands, in the plain form
of full-width characters (NFKC), and with and without the punctuation around it.
"""

from __future__ import annotations

import enum
import html
import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

MAX_TEXT = 1 << 16
"""Characters of one text that are read."""
MAX_WORDS = 2000
"""Of one text."""
MAX_LENGTH = 64
"""Characters of a password behind a word that announces it; ``MAX_TOKEN`` of any other."""
MAX_TOKEN = 32
MAX_ANNOUNCED = 20
"""Announcements of one text that are followed."""


class Rank(enum.IntEnum):
    """How likely a word is a password; the lower the likelier."""

    ANNOUNCED = 0
    """Right behind "password:" or "パスワード:"; in quotes, or with a digit, behind "Kennwort"."""
    NEAR = 1
    """Any other word of such a line."""
    APART = 2
    """In quotes or brackets, or alone in its line."""
    ODD = 3
    """With a digit or a sign in it, as no word of a sentence has."""
    ANY = 4


_LONG = (
    *("pass ?words?", "pass ?phrase", "pass ?code", "passwd", "pa[sß]{1,2}wor[dt]", "kennwort", "losungswort"),
    *("mot de passe", "mots de passe", "contrase[nñ]a", "palavra[- ]passe", "senha", "parola d.ordine", "parola"),
    *("has[lł]o", "wachtwoord", "l[oö]senord", "adgangskode", "kodeord", "passord", "salasana", "jelsz[oó]", "heslo"),
    *("lozinka", "geslo", "[sş]ifre", "parol[ea]?", "пароля?", "паролем", "гасло", "κωδικός", "συνθηματικό"),
    *("パスワード", "パスコード", "ﾊﾟｽﾜｰﾄﾞ", "解凍", "暗証", "合言葉", "複号", "復号"),
    *("密码", "密碼", "口令", "解压", "解壓", "提取码", "비밀 ?번호", "암호", "패스워드"),
    *("รหัสผ่าน", "mật khẩu", "kata sandi", "รหัส", "סיסמ[הא]", "كلمة (?:ال)?(?:مرور|سر)", "رمز عبور", "पासवर्ड"),
)
_SHORT = ("pass", "pwd", "pw", "psw", "psswd", "mdp", "pin", "code", "clave", "key", "codice", "kod", "код", "ключ")
_ANNOUNCEMENT = re.compile(rf"(?:{'|'.join(_LONG)})|(?<![^\W_])(?:{'|'.join(_SHORT)})(?![^\W_])", re.IGNORECASE)
_SAYS = re.compile(r"[:=>→»⇒]")
_QUOTED = re.compile(
    r"[\"'“”„‟‘’‚«»‹›`「『【〈《〔（(\[{<*]\s?([^\s\"'“”„‟‘’‚«»‹›`「」『』【】〈〉《》〔〕（）()\[\]{}<>*]{2,32})"
    r"(?=\s?[\"'“”„‟‘’‚«»‹›`」』】〉》〕）)\]}>*])"
)
_WORD = re.compile(r"\S{1,64}")
_PRINTED = re.compile(r"[!-~]{2,64}")
"""What is typed with a plain keyboard, also where no blank parts it from the characters around it."""
_AROUND = "\"'“”„‟‘’‚«»‹›`「」『』【】〈〉《》〔〕（）()[]{}<>*_.,;:!?。、．，；：！？…・|~-–—"

_HIDDEN = re.compile(r"<!--|<style\b|<script\b", re.IGNORECASE)
_HIDDEN_UNTIL = {"<!--": "-->", "<style": "</style", "<script": "</script"}
_TAG = re.compile(r"</?([a-zA-Z0-9:]{1,40})[^<>]{0,4000}>")
_INLINE_TAGS = frozenset(
    {*("a", "abbr", "b", "big", "code", "em", "font", "i", "s", "small"), *("span", "strong", "u")}
)


def words(text: str) -> Iterator[tuple[Rank, str]]:
    """Every word of ``text`` that may be a password, with its rank; the same word may come more than once."""
    text = text[:MAX_TEXT]
    readings = dict.fromkeys((unicodedata.normalize("NFKC", text)[:MAX_TEXT], text))
    for find in (_announced, _apart, _others):
        for reading in readings:
            yield from islice(find(reading), MAX_WORDS)


def readable(markup: str) -> Iterator[str]:
    """The text a reader of HTML sees, in two readings: tags inside a line parted or not."""
    markup = _shown(markup[: 4 * MAX_TEXT])
    yield html.unescape(_TAG.sub(lambda tag: "" if tag[1].lower() in _INLINE_TAGS else "\n", markup))
    yield html.unescape(_TAG.sub("\n", markup))


def _shown(markup: str) -> str:
    """Without comments, styles and scripts; one that does not end is taken for text."""
    pieces, position, lower = [], 0, markup.lower()
    while begins := _HIDDEN.search(markup, position):
        end = lower.find(_HIDDEN_UNTIL[begins[0].lower()], begins.end())
        if end < 0:
            break
        pieces.append(markup[position : begins.start()])
        position = end
    return "".join((*pieces, markup[position:]))


def _announced(text: str) -> Iterator[tuple[Rank, str]]:
    for announcement in islice(_ANNOUNCEMENT.finditer(text), MAX_ANNOUNCED):
        yield from _behind(_rest(text, announcement.end()))
        line = text.rfind("\n", 0, announcement.start()) + 1
        before = text[max(line, announcement.start() - MAX_LENGTH) : announcement.start()]
        for word in reversed(_WORD.findall(before)[-4:]):
            yield from ((Rank.NEAR, form) for form in _forms(word, MAX_TOKEN))


def _rest(text: str, start: int) -> str:
    """The rest of the line from ``start`` or, where nothing is in it, the next line with something."""
    for line in islice(text[start : start + 400].splitlines(), 6):
        if any(character.isalnum() for character in line):
            return line[:200]
    return ""


def _behind(rest: str) -> Iterator[tuple[Rank, str]]:
    """The candidates in what follows an announcement: what is behind its colon, whole and word by word."""
    says = _SAYS.search(rest[:60])
    value = rest[says.end() :] if says else rest
    following = value.split(None, 8)[:8]
    likely = [quoted[1] for quoted in islice(_QUOTED.finditer(value), 4)]
    likely += [*following[:1], value] if says else []
    likely += [word for word in _PRINTED.findall(value)[:8] if _is_odd(word)]
    for rank, found in ((Rank.ANNOUNCED, likely), (Rank.NEAR, [*following, value])):
        for word in found:
            yield from ((rank, form) for form in _forms(word, MAX_LENGTH))


def _apart(text: str) -> Iterator[tuple[Rank, str]]:
    for line in text.splitlines():
        found = line.split(None, 1)
        if len(found) == 1 and len(found[0]) <= MAX_TOKEN:
            yield from ((Rank.APART, form) for form in _forms(found[0], MAX_TOKEN))
    for quoted in _QUOTED.finditer(text):
        yield from ((Rank.APART, form) for form in _forms(quoted[1], MAX_TOKEN))


def _others(text: str) -> Iterator[tuple[Rank, str]]:
    for pattern in (_WORD, _PRINTED):
        for match in pattern.finditer(text):
            for form in _forms(match[0], MAX_TOKEN):
                yield (Rank.ODD if _is_odd(form) else Rank.ANY), form


def _is_odd(word: str) -> bool:
    return not word.isalpha() and any(character.isalnum() for character in word)


def _forms(word: str, longest: int) -> Iterator[str]:
    """``word`` without the punctuation around it, without what follows it, as it stands, and without its last sign: a
    password that ends in one may stand in brackets."""
    word = word.strip()
    last = word[:-1] if word[-1:] in _AROUND else word
    for form in dict.fromkeys((word.strip(_AROUND), word.rstrip(_AROUND), word, last)):
        if len(form) <= longest and any(map(str.isalnum, form)):
            yield form
