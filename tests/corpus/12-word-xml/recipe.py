import base64
import zlib

from gateway import samples
from gateway.samples import vba

W2003 = "http://schemas.microsoft.com/office/word/2003/wordml"
PACKAGE = "http://schemas.microsoft.com/office/2006/xmlPackage"


def project() -> bytes:
    return vba.project(samples.docm_autoopen())


def activemime(offset: int = 0x32) -> bytes:
    return b"ActiveMime\0".ljust(offset, b"\0") + zlib.compress(project())


def flat_opc(content: bytes) -> bytes:
    encoded = base64.encodebytes(content).decode()
    part = f'<pkg:part pkg:name="/word/vbaProject.bin"><pkg:binaryData>{encoded}</pkg:binaryData></pkg:part>'
    return f'<?xml version="1.0"?><pkg:package xmlns:pkg="{PACKAGE}">{part}</pkg:package>'.encode()


def word_2003(content: bytes) -> bytes:
    encoded = base64.encodebytes(content).decode()
    data = f'<w:docSuppData><w:binData w:name="editdata.mso">{encoded}</w:binData></w:docSuppData>'
    return f'<?xml version="1.0"?><w:wordDocument xmlns:w="{W2003}">{data}</w:wordDocument>'.encode()


FILES = {
    "flat-clean.xml": lambda: flat_opc(b"a picture"),
    "flat-autoopen.doc": lambda: flat_opc(project()),
    "word2003-autoopen.doc": lambda: word_2003(activemime()),
    "offset-moved.mso": lambda: activemime(0x97),
}
