"""What notices say, language by language.

Contract: data, and ``wording``, which puts an admin's own templates in the place of ours. Every language has both
notices and a word for everything a disarmer says it has removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gateway.closed_sets import Action
from gateway.scan.notice import INSIDE, Wording, parse

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
    unnamed_now="a document without a name",
    quotes=('"', '"'),
    anybody="your mail administrator",
    words={},
    inside=INSIDE,
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
    unnamed_now="Dokument ohne Namen",
    quotes=("„", "“"),
    anybody="Ihre Mail-Administration",
    words={
        "its macros": "seine Makros",
        "a link to a template elsewhere": "einen Verweis auf eine fremde Dokumentvorlage",
        "a link to a workbook elsewhere": "einen Verweis auf eine fremde Arbeitsmappe",
        "a link that starts a program": "einen Verweis, der ein Programm startet",
        "a link that starts another program": "einen Verweis, der ein anderes Programm startet",
        "a link to something that is fetched from elsewhere": "einen Verweis auf etwas, das von anderswo geladen wird",
        "a link to an object elsewhere": "einen Verweis auf ein fremdes Objekt",
        "a text fetched from elsewhere": "einen Text, der von anderswo geladen wird",
        "fields that fetch data or start programs": "Felder, die Daten laden oder Programme starten",
        "a field that starts or fetches something": "ein Feld, das etwas startet oder lädt",
        "its digital signature, which the change would break": "seine digitale Signatur, die ungültig würde",
        "its digital signature, which no longer holds": "seine digitale Signatur, die nicht mehr gilt",
        "a file inside it that could not be made safe": "eine Datei darin, die nicht entschärft werden konnte",
        "an embedded object that could act": "ein eingebettetes Objekt, das etwas ausführen könnte",
        "an object that could run something": "ein Objekt, das etwas ausführen könnte",
        "a control that could run something": "ein Steuerelement, das etwas ausführen könnte",
        "a shape that starts a program": "eine Form, die ein Programm startet",
        "a field that could act by itself": "ein Feld, das von selbst etwas ausführen könnte",
        "a part that could act": "einen Teil, der etwas ausführen könnte",
        "its Excel 4.0 macros": "seine Excel-4.0-Makros",
        "links that start other programs (DDE)": "Verweise, die andere Programme starten (DDE)",
        "data asked of another program": "Daten, die von einem anderen Programm geholt werden",
        "what starts a macro or a program": "was ein Makro oder ein Programm startet",
        "formulas that start another program": "Formeln, die ein anderes Programm starten",
        "formulas that start programs or fetch data (their values stay)": (
            "Formeln, die Programme starten oder Daten laden (ihre Werte bleiben)"
        ),
        "that it fetches data as soon as it is opened": "das Laden von Daten beim Öffnen",
        "the order to fetch data from elsewhere when it is opened": (
            "den Auftrag, beim Öffnen Daten von anderswo zu laden"
        ),
        "commands on the ribbon that call macros": "Befehle im Menüband, die Makros aufrufen",
        "its controls (ActiveX)": "seine Steuerelemente (ActiveX)",
        "keyboard shortcuts and toolbars that call macros": "Tastenkürzel und Symbolleisten, die Makros aufrufen",
        "macros and programs behind shapes": "Makros und Programme hinter Formen",
        "macros that form fields call": "Makros, die Formularfelder aufrufen",
        "toolbars that call macros": "Symbolleisten, die Makros aufrufen",
    },
    inside=" (in einem Dokument darin)",
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
    unnamed_now="名前のない文書",
    quotes=("「", "」"),
    anybody="メール管理者",
    words={
        "its macros": "マクロ",
        "a link to a template elsewhere": "外部テンプレートへのリンク",
        "a link to a workbook elsewhere": "外部ブックへのリンク",
        "a link that starts a program": "プログラムを起動するリンク",
        "a link that starts another program": "別のプログラムを起動するリンク",
        "a link to something that is fetched from elsewhere": "外部から取得されるデータへのリンク",
        "a link to an object elsewhere": "外部オブジェクトへのリンク",
        "a text fetched from elsewhere": "外部から取得される文章",
        "fields that fetch data or start programs": "データの取得やプログラムの起動を行うフィールド",
        "a field that starts or fetches something": "起動や取得を行うフィールド",
        "its digital signature, which the change would break": "変更により無効となる電子署名",
        "its digital signature, which no longer holds": "無効となった電子署名",
        "a file inside it that could not be made safe": "安全にできなかった内部のファイル",
        "an embedded object that could act": "動作する可能性のある埋め込みオブジェクト",
        "an object that could run something": "何かを実行する可能性のあるオブジェクト",
        "a control that could run something": "何かを実行する可能性のあるコントロール",
        "a shape that starts a program": "プログラムを起動する図形",
        "a field that could act by itself": "自動的に動作する可能性のあるフィールド",
        "a part that could act": "動作する可能性のある部分",
        "its Excel 4.0 macros": "Excel 4.0 マクロ",
        "links that start other programs (DDE)": "他のプログラムを起動するリンク (DDE)",
        "data asked of another program": "別のプログラムから取得されるデータ",
        "what starts a macro or a program": "マクロやプログラムを起動する設定",
        "formulas that start another program": "別のプログラムを起動する数式",
        "formulas that start programs or fetch data (their values stay)": "起動や取得を行う数式（値は残ります）",
        "that it fetches data as soon as it is opened": "開いたときにデータを取得する設定",
        "the order to fetch data from elsewhere when it is opened": "開いたときに外部からデータを取得する設定",
        "commands on the ribbon that call macros": "マクロを呼び出すリボンのコマンド",
        "its controls (ActiveX)": "コントロール (ActiveX)",
        "keyboard shortcuts and toolbars that call macros": "マクロを呼び出すショートカットキーとツールバー",
        "macros and programs behind shapes": "図形に割り当てられたマクロやプログラム",
        "macros that form fields call": "フォームフィールドが呼び出すマクロ",
        "toolbars that call macros": "マクロを呼び出すツールバー",
    },
    inside="（内部の文書内）",
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
