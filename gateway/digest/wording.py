"""What a digest says, language by language, and how an own template is read.

Contract: data, and ``parse``, which raises ``ValueError`` with the sentence that helps. A template is plain text in
paragraphs; ``{messages}`` stands alone in its paragraph and is the list, ``{count}`` how many there are,
``{recipient}`` whose they are, ``{contact}`` whom to ask.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass

PLACES = frozenset({"messages", "count", "recipient", "contact"})
MAX_TEMPLATE = 16 << 10
"""Characters."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One language. ``ask`` is the text of a link, ``more`` follows a list that was cut."""

    subject: str
    body: str
    sender: str
    received: str
    reason: str
    number: str
    ask: str
    unnamed: str
    more: str
    anybody: str


LANGUAGES: Mapping[str, Wording] = {
    "en": Wording(
        subject="{count} messages for you are held by the mail gateway",
        body="""\
The mail gateway has held these messages for {recipient} because of what is in them or who sent them:

{messages}

If you expect one of them and know its sender, ask for it; a person decides. If in doubt, contact {contact} and
name its number. You need not do anything: what nobody asks for is deleted after some time.
""",
        sender="From",
        received="Received",
        reason="Reason",
        number="Number",
        ask="Ask for this message",
        unnamed="(no subject)",
        more="and {rest} more",
        anybody="your mail administrator",
    ),
    "de": Wording(
        subject="{count} Nachrichten an Sie hält das Mail-Gateway zurück",
        body="""\
Das Mail-Gateway hat diese Nachrichten an {recipient} wegen ihres Inhalts oder Absenders zurückgehalten:

{messages}

Wenn Sie eine davon erwarten und den Absender kennen, fordern Sie sie an; ein Mensch entscheidet darüber. Im Zweifel
wenden Sie sich an {contact} und nennen die Nummer. Sie müssen nichts tun: Was niemand anfordert, wird nach einiger
Zeit gelöscht.
""",
        sender="Von",
        received="Eingegangen",
        reason="Grund",
        number="Nummer",
        ask="Diese Nachricht anfordern",
        unnamed="(kein Betreff)",
        more="und {rest} weitere",
        anybody="Ihre Mail-Administration",
    ),
    "ja": Wording(
        subject="メールゲートウェイが保留したメッセージ: {count} 件",
        body="""\
内容または送信者を理由に、{recipient} 宛ての次のメッセージがメールゲートウェイで保留されています。

{messages}

心当たりがあり送信者を知っている場合は、請求してください。担当者が判断します。不明な場合は、番号を添えて
{contact}にご連絡ください。何もしなくてもかまいません。請求されないメッセージは一定期間後に削除されます。
""",
        sender="送信者",
        received="受信日時",
        reason="理由",
        number="番号",
        ask="このメッセージを請求する",
        unnamed="（件名なし）",
        more="ほか {rest} 件",
        anybody="メール管理者",
    ),
}
"""By the word of the configuration."""


def parse(text: str) -> str:
    """An own template, checked. Raises ``ValueError``."""
    if len(text) > MAX_TEMPLATE:
        raise ValueError(f"is longer than {MAX_TEMPLATE} characters, which nobody reads")
    try:
        pieces = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"has a brace without its other half ({error}); write {{{{ and }}}} for braces") from None
    known = ", ".join(f"{{{place}}}" for place in sorted(PLACES))
    used = {place for _, place, _, _ in pieces if place is not None}
    if used - PLACES or any(spec or conversion for _, _, spec, conversion in pieces):
        raise ValueError(f"has a placeholder that is unknown; there are {known}")
    if text.split("\n\n").count("{messages}") != 1:
        raise ValueError("needs one paragraph that is {messages} and nothing else, which is the list")
    return text
