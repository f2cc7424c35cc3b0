from gateway import samples
from tests.makers.onenote import NOTEBOOK, PICTURE, section
from tests.makers.zips import Item, build

WSF = b"<job id='x'><script language='VBScript'>' inert</script></job>"
TEXT = b"' inert\r\n"

FILES = {
    "armed-script.one": lambda: section(PICTURE, WSF),
    "armed-text.one": lambda: section(PICTURE, TEXT),
    "armed-document.one": lambda: section(samples.doc_autoopen()),
    "armed-script.onetoc2": lambda: section(WSF, kind=NOTEBOOK),
    "armed-named.doc": lambda: section(WSF),
    "armed-zipped.zip": lambda: build([Item("notes.one", section(PICTURE, WSF))]),
    "clean-pictures.one": lambda: section(PICTURE, PICTURE),
    "clean-empty.one": section,
    "clean-zipped.zip": lambda: build([Item("notes.one", section(PICTURE))]),
    "held-breaks-off.one": lambda: section(PICTURE)[:-40],
}
