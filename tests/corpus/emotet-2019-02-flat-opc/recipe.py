import base64

from gateway.samples import word
from gateway.samples.package import parts_of
from tests.makers import museum

PACKAGE = "http://schemas.microsoft.com/office/2006/xmlPackage"


def flat(document: bytes) -> bytes:
    parts = ""
    for name, content in parts_of(document).items():
        if name == "[Content_Types].xml":
            continue
        if content.startswith(b"<?xml"):
            inner = f"<pkg:xmlData>{content.decode().partition('?>')[2]}</pkg:xmlData>"
        else:
            inner = f"<pkg:binaryData>{base64.encodebytes(content).decode()}</pkg:binaryData>"
        parts += f'<pkg:part pkg:name="/{name}">{inner}</pkg:part>'
    return f'<?xml version="1.0" standalone="yes"?><pkg:package xmlns:pkg="{PACKAGE}">{parts}</pkg:package>'.encode()


def sent(document: bytes) -> bytes:
    return museum.letter("Payment details", "Payment details are attached.\n", {"Payment_0219.doc": document})


FILES = {
    "armed.eml": lambda: sent(flat(word.docm(museum.code("AutoOpen")))),
    "clean.eml": lambda: sent(flat(word.docx())),
}
