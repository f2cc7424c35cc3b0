from gateway import samples
from tests.makers import mail
from tests.makers.locks import zip_aes, zip_crypto
from tests.makers.zips import Item, build

DOCUMENT, QUIET = samples.doc_autoopen(), samples.docx()
JAPANESE = """お世話になっております。

請求書を添付ファイルにてお送りいたします。

添付ファイル名：請求書.zip
解凍パスワード：ＲＤ０４２３ｘ

よろしくお願いいたします。
"""
CHINESE = "您好，\n附件请查收，解压密码：发票2026。\n"
RUSSIAN = "Добрый день!\nАрхив во вложении, пароль к архиву - счёт77.\n"
MARKUP = b"<style>p {color: red}</style><p>Ihr Archiv-<b>Passwort</b> lautet:</p><p><span>k9</span><span>Pq</span></p>"


def archive(password: str, *, lock=zip_crypto, spelling: str = "utf-8", document: bytes = DOCUMENT, **more) -> bytes:
    return build([lock("invoice.doc", document, password.encode(spelling), **more)])


def sent(content: bytes, body: bytes, name: str = "invoice.zip", **headers: str) -> bytes:
    return mail.message([body, mail.part(content, "application/zip", name=name)], **headers)


def text(content: str, charset: str = "utf-8") -> bytes:
    return mail.part(content.encode(charset), f"text/plain; charset={charset}")


def noted(document: bytes) -> bytes:
    """An archive in an archive, with the password in a note behind it."""
    return build(
        [Item("files.zip", archive("tulip-77", document=document)), Item("readme.txt", b"Password: tulip-77\r\n")]
    )


FILES = {
    "armed-japanese.eml": lambda: sent(archive("RD0423x"), text(JAPANESE, "iso-2022-jp")),
    "armed-chinese-aes.eml": lambda: sent(archive("发票2026", lock=zip_aes), text(CHINESE, "gb18030")),
    "armed-russian.eml": lambda: sent(archive("счёт77", spelling="cp866"), text(RUSSIAN, "koi8-r")),
    "armed-german-markup.eml": lambda: sent(archive("k9Pq", lock=zip_aes), mail.part(MARKUP, "text/html")),
    "armed-subject.eml": lambda: sent(archive("4711"), mail.text(), Subject="Your order (password 4711)"),
    "armed-reply.eml": lambda: sent(archive("U9-tz"), text("FYI - U9-tz\n\n> Can you send it again?\n")),
    "armed-everybodys-password.eml": lambda: sent(archive("1234", lock=zip_aes), mail.text()),
    "armed-aes-128.eml": lambda: sent(archive("U9tz", lock=zip_aes, strength=1, version=1), text("pass: U9tz\n")),
    "armed-aes-192.eml": lambda: sent(archive("U9tz", lock=zip_aes, strength=2, method=0), text("pass: U9tz\n")),
    "armed-note-beside.zip": lambda: noted(DOCUMENT),
    "armed-unknown-password.eml": lambda: sent(archive("nobody knows"), mail.text()),
    "clean-japanese.eml": lambda: sent(archive("RD0423x", document=QUIET), text(JAPANESE, "iso-2022-jp")),
    "clean-note-beside.zip": lambda: noted(QUIET),
}
