from gateway import samples
from gateway.samples import vba
from tests.makers.vba import docm_changed

RIBBON = b'<customUI xmlns="http://schemas.microsoft.com/office/2009/07/customui" onLoad="Start"/>'
NOTED = (
    b'<wne:vbaSuppData xmlns:wne="http://schemas.microsoft.com/office/word/2006/wordml">'
    b"<wne:docEvents><wne:eventDocOpen/></wne:docEvents></wne:vbaSuppData>"
)
VARIABLE = b'<Properties><property name="c"><lpwstr>inert words a macro would read</lpwstr></property></Properties>'
QUIET = vba.inert("FormatTable")


def with_part(name: str, content: bytes, source: str = QUIET) -> bytes:
    return docm_changed(lambda parts: parts.update({name: content}), source)


FILES = {
    "armed-words-in-a-property.docm": lambda: with_part("docProps/custom.xml", VARIABLE, vba.inert("AutoOpen")),
    "armed-ribbon.docm": lambda: with_part("customUI/customUI14.xml", RIBBON),
    "armed-noted-event.docm": lambda: with_part("word/vbaData.xml", NOTED),
    "armed-signed.docm": lambda: with_part("word/vbaProjectSignature.bin", b"a signature", vba.inert("AutoOpen")),
    "clean-words-in-a-property.docx": samples.docx,
}
