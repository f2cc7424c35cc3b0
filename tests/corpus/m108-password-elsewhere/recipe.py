from gateway import samples
from tests.makers import mail
from tests.makers.locks import office, zip_aes, zip_crypto
from tests.makers.zips import build

FIRST = "添付ファイルをお送りします。パスワードは別途メールにてお知らせいたします。\n"
SECOND = "先ほどお送りした添付ファイルの解凍パスワードをお知らせします。\n\nパスワード：f3Kz9\n"


def text(content: str) -> bytes:
    return mail.part(content.encode("iso-2022-jp"), "text/plain; charset=iso-2022-jp")


def sent(body: str, content: bytes, name: str) -> bytes:
    return mail.message([text(body), mail.part(content, name=name)])


FILES = {
    "armed-archive.eml": lambda: sent(
        FIRST, build([zip_crypto("report.docm", samples.docm_autoopen(), b"f3Kz9")]), "report.zip"
    ),
    "armed-archive-aes.eml": lambda: sent(
        FIRST, build([zip_aes("report.docm", samples.docm_autoopen(), b"f3Kz9")]), "report.zip"
    ),
    "armed-document.eml": lambda: sent(FIRST, office(samples.docm_autoopen(), "f3Kz9"), "report.docm"),
    "clean-password.eml": lambda: mail.message([text(SECOND)]),
    "clean-both-in-one.eml": lambda: sent(
        SECOND, build([zip_crypto("report.docx", samples.docx(), b"f3Kz9")]), "report.zip"
    ),
}
