import base64
import zlib

from gateway import samples
from gateway.samples import vba, word
from tests.makers import museum

W2003 = "http://schemas.microsoft.com/office/word/2003/wordml"


def activemime(project: bytes) -> bytes:
    return b"ActiveMime\0".ljust(0x32, b"\0") + zlib.compress(project)


def word_2003(data: bytes = b"") -> bytes:
    macros = f'<w:binData w:name="editdata.mso">{base64.encodebytes(data).decode()}</w:binData>' if data else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<?mso-application progid="Word.Document"?>\n'
        f'<w:wordDocument xmlns:w="{W2003}" w:macrosPresent="{"yes" if data else "no"}">'
        f"<w:docSuppData>{macros}</w:docSuppData><w:body><w:p><w:r><w:t>Invoice</w:t></w:r></w:p></w:body></w:wordDocument>"
    ).encode()


def project() -> bytes:
    return vba.project(word.docm(museum.code("AutoOpen")))


def sent(document: bytes) -> bytes:
    return museum.letter("Untitled_attachment_9211", "See attached.\n", {"Untitled_attachment_9211.doc": document})


FILES = {
    "armed.eml": lambda: sent(word_2003(activemime(project()))),
    "clean.eml": lambda: sent(word_2003()),
    "clean-doc.eml": lambda: sent(samples.doc()),
}
