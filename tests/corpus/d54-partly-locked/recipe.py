from gateway import samples
from tests.makers import mail
from tests.makers.locks import zip_aes, zip_crypto
from tests.makers.zips import Item, build

DOCUMENT, QUIET = samples.doc_autoopen(), samples.docx()
README = Item("readme.txt", b"See the invoice.\r\n")


def sent(items: list[Item]) -> bytes:
    body = mail.text("The first password is tulip-77, the second password is rose-12.\n")
    return mail.message([body, mail.part(build(items), name="files.zip")])


def one_sided(central: int, document: bytes = DOCUMENT) -> Item:
    item = zip_crypto("invoice.doc", document, b"tulip-77")
    item.flags, item.local = central, {"flags": 1 - central}
    return item


def lie() -> Item:
    return Item("invoice.doc", DOCUMENT, flags=1)


FILES = {
    "armed-one-of-two.eml": lambda: sent([Item("a.docx", QUIET), zip_crypto("b.doc", DOCUMENT, b"tulip-77"), README]),
    "armed-two-passwords.eml": lambda: sent(
        [zip_aes("a.docx", QUIET, b"tulip-77"), zip_crypto("b.doc", DOCUMENT, b"rose-12"), README]
    ),
    "armed-one-unknown.eml": lambda: sent([Item("a.docx", QUIET), zip_crypto("b.doc", DOCUMENT, b"nobody knows")]),
    "armed-marked-in-the-directory.eml": lambda: sent([one_sided(1)]),
    "armed-marked-in-the-local-header.eml": lambda: sent([one_sided(0)]),
    "armed-marked-and-not-encrypted.eml": lambda: sent([lie()]),
    "held-marked-on-one-side.eml": lambda: sent([one_sided(1, QUIET)]),
    "clean-one-of-two.eml": lambda: sent([Item("a.docx", QUIET), zip_crypto("b.docx", QUIET, b"tulip-77"), README]),
}
