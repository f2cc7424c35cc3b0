"""What notices say, language by language.

Contract: data, and ``wording``, which puts an admin's own templates in the place of ours. Every language has both
notices and a word for everything a disarmer says it has removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gateway.message import Action
from gateway.scan.notice import Wording, parse

_ENGLISH = Wording(
    disarmed="""\
The mail gateway has changed the attachment {name} before it reached you. You have it here as {new_name},
without {removed}. Everything else in it is as it was sent.

The original message is kept as {held_id}. If you need it and trust its sender, please contact
{contact} and name that number.

You can also ask for the original here: {link}
""",
    stripped="""\
The attachment {name} was removed from this message by the mail gateway.

Reason: {why}

The original message is kept as {held_id}. If you need it and trust its sender, please contact
{contact} and name that number.

You can also ask for the original here: {link}
""",
    unnamed="without a name",
    quotes=('"', '"'),
    anybody="your mail administrator",
    words={},
)

_GERMAN = Wording(
    disarmed="""\
Das Mail-Gateway hat den Anhang {name} verändert, bevor er bei Ihnen ankam. Hier ist er als {new_name},
ohne {removed}. Alles andere darin ist so, wie es gesendet wurde.

Die ursprüngliche Nachricht ist unter {held_id} aufbewahrt. Wenn Sie sie brauchen und dem Absender vertrauen,
wenden Sie sich bitte an {contact} und nennen diese Nummer.

Sie können das Original auch hier anfordern: {link}
""",
    stripped="""\
Der Anhang {name} wurde vom Mail-Gateway aus dieser Nachricht entfernt.

Grund: {why}

Die ursprüngliche Nachricht ist unter {held_id} aufbewahrt. Wenn Sie sie brauchen und dem Absender vertrauen,
wenden Sie sich bitte an {contact} und nennen diese Nummer.

Sie können das Original auch hier anfordern: {link}
""",
    unnamed="ohne Namen",
    quotes=("„", "“"),
    anybody="Ihre Mail-Administration",
    words={},
)

_JAPANESE = Wording(
    disarmed="""\
添付ファイル{name}は、お手元に届く前にメールゲートウェイによって変更されました。{removed}を取り除き、
{new_name}としてお届けしています。それ以外の内容は送信されたときのままです。

元のメッセージは番号 {held_id} で保管されています。送信者を信頼でき、元のファイルが必要な場合は、
この番号を添えて{contact}にご連絡ください。

元のファイルはこちらからも請求できます: {link}
""",
    stripped="""\
添付ファイル{name}は、メールゲートウェイによってこのメッセージから取り除かれました。

理由: {why}

元のメッセージは番号 {held_id} で保管されています。送信者を信頼でき、元のファイルが必要な場合は、
この番号を添えて{contact}にご連絡ください。

元のファイルはこちらからも請求できます: {link}
""",
    unnamed="（名前なし）",
    quotes=("「", "」"),
    anybody="メール管理者",
    words={},
    joint="、",
)

LANGUAGES: Mapping[str, Wording] = {"en": _ENGLISH, "de": _GERMAN, "ja": _JAPANESE}
"""By the word of the configuration."""


def wording(language: str, templates: Iterable[tuple[str, str]] = ()) -> Wording:
    """The wording of a language with own ``templates`` (action, text). Raises ``KeyError`` for a language that is not
    known and ``ValueError`` for a template that cannot be used."""
    found = LANGUAGES[language]
    for kind, text in templates:
        if (action := Action(kind)) is Action.DISARM:
            found = replace(found, disarmed=parse(action, text))
        else:
            found = replace(found, stripped=parse(action, text))
    return found
