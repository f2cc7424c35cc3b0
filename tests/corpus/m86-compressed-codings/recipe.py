import base64
import gzip
import zlib

from gateway import samples
from tests.makers import mail

CONTENTS = {"armed": samples.doc_autoopen(), "clean": samples.doc()}
PACK = {
    "gzip64": lambda content: gzip.compress(content, mtime=0),
    "x-gzip64": lambda content: gzip.compress(content, mtime=0),
    "deflate": zlib.compress,
}


def letter(content: bytes, word: str) -> bytes:
    fields = mail.fields({"Content-Type": "application/msword; name=a.doc", "Content-Transfer-Encoding": word})
    return mail.message([mail.text(), fields + b"\r\n" + base64.encodebytes(PACK[word](content))])


FILES = {
    f"{word}-{kind}.eml": (lambda content=content, word=word: letter(content, word))
    for word in PACK
    for kind, content in CONTENTS.items()
}
