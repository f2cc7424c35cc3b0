import base64
from collections.abc import Callable

from gateway import samples
from gateway.samples import vba
from tests.makers.web import activemime

PACKAGE = "http://schemas.microsoft.com/office/2006/xmlPackage"
W2003 = "http://schemas.microsoft.com/office/word/2003/wordml"
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(60)
LINK = '<Relationship Id="r1" Type="http://x/{}" Target="{}" TargetMode="External"/>'


TEMPLATE = LINK.format("attachedTemplate", "http://host.example/t.dotm")


def encoded(content: bytes) -> str:
    return base64.encodebytes(content).decode()


def flat(content: bytes, *, head: str = '<?xml version="1.0"?>', more: str = "", data: str = "") -> str:
    part = f'<pkg:part pkg:name="/word/a.bin"><pkg:binaryData>{data or encoded(content)}</pkg:binaryData></pkg:part>'
    return f'{head}<pkg:package xmlns:pkg="{PACKAGE}">{more}{part}</pkg:package>'


def word_2003(content: bytes, p: str = "w", name: str = "editdata.mso") -> bytes:
    data = f'<{p}:docSuppData><{p}:binData {p}:name="{name}">{encoded(content)}</{p}:binData></{p}:docSuppData>'
    return f'<?xml version="1.0"?><{p}:wordDocument xmlns:{p}="{W2003}">{data}</{p}:wordDocument>'.encode()


WAYS: dict[str, Callable[[bytes], bytes]] = {
    "flat.xml": lambda content: flat(content).encode(),
    "flat-named.doc": lambda content: flat(content).encode(),
    "flat-mark.xml": lambda content: flat(content).encode("utf-8-sig"),
    "flat-utf-16.xml": lambda content: flat(content, head="<?xml version='1.0' encoding='UTF-16'?>").encode("utf-16"),
    "flat-no-declaration.xml": lambda content: flat(content, head="").encode(),
    "flat-escaped-namespace.xml": lambda content: flat(content).replace("xmlPackage", "xml&#80;ackage").encode(),
    "flat-escaped-letters.xml": lambda content: flat(
        content, data="".join(f"&#{ord(letter)};" for letter in encoded(content)[:40]) + encoded(content)[40:]
    ).encode(),
    "flat-junk-in-base64.xml": lambda content: flat(content, data=encoded(content).replace("\n", " *\n")).encode(),
}

FILES = (
    {
        f"{kind}-{name}": (lambda way=way, content=content: way(content))
        for name, way in WAYS.items()
        for kind, content in (("armed", vba.project(samples.docm_autoopen())), ("clean", PICTURE))
    }
    | {
        f"{kind}-2003-{name}": (lambda content=content, more=more: word_2003(activemime(content), **more))
        for name, more in {
            "editdata.doc": {},
            "renamed.xml": {"name": "picture.png"},
            "prefix.xml": {"p": "z"},
        }.items()
        for kind, content in (("armed", vba.project(samples.docm_autoopen())),)
    }
    | {
        "armed-2003-offset.doc": lambda: word_2003(activemime(vba.project(samples.docm_autoopen()), offset=0x597)),
        "clean-2003.doc": lambda: word_2003(PICTURE),
        "armed-flat-template.xml": lambda: flat(PICTURE, more=TEMPLATE).encode(),
        "armed-flat-chunk.xml": lambda: flat(b"MIME-Version: 1.0\r\n\r\n" + samples.docm_autoopen()).encode(),
        "clean-flat-link.xml": lambda: flat(PICTURE, more=LINK.format("hyperlink", "http://host.example/")).encode(),
    }
)
