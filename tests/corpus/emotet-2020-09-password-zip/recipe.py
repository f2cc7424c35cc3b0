from gateway import samples
from gateway.samples import word
from tests.makers import locks, museum, zips

TEXT = "いつもお世話になっております。\n添付ファイルをご確認ください。\n\nパスワード： 5ag3Kw9\n"
FRENCH = "Bonjour,\nveuillez trouver le document ci-joint.\nMot de passe: 847193\n"


def locked(document: bytes, password: str) -> bytes:
    return zips.build([locks.zip_crypto("Inv_0409.doc", document, password.encode())])


def japanese(document: bytes) -> bytes:
    return museum.reply("請求書の件です。", TEXT, {"0409.zip": locked(document, "5ag3Kw9")}, charset="iso-2022-jp")


def french(document: bytes) -> bytes:
    return museum.reply("facture", FRENCH, {"facture.zip": locked(document, "847193")}, charset="iso-8859-1")


def secret(document: bytes) -> bytes:
    return museum.reply("document", "The password comes by phone.\n", {"doc.zip": locked(document, "kT8!vX2#q")})


FILES = {
    "armed-japanese.eml": lambda: japanese(word.doc_with(museum.code("AutoOpen"))),
    "armed-french.eml": lambda: french(word.doc_with(museum.code("Document_Open"))),
    "armed-secret.eml": lambda: secret(word.doc_with(museum.code("AutoOpen"))),
    "clean-japanese.eml": lambda: japanese(samples.doc()),
    "clean-french.eml": lambda: french(samples.doc()),
}
