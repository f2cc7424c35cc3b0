from gateway.samples.package import package
from tests.makers import mail
from tests.makers.carriers import library

MANIFEST = (
    b'<?xml version="1.0" encoding="utf-8"?>\n<asmv1:assembly xmlns:asmv1="urn:schemas-microsoft-com:asm.v1">'
    b'<assemblyIdentity name="Inert.vsto" version="1.0.0.0"/><deployment install="false"/></asmv1:assembly>'
)
LINK = "http://update.example/Inert.application#Inert.application, Culture=neutral\r\n".encode("utf-16")

FILES = {
    "armed.xll": lambda: library("xlAutoOpen", "xlAutoClose"),
    "armed-64-bit.xls": lambda: library("xlAddInManagerInfo12", "xlAutoOpen", wide=True),
    "armed.wll": lambda: library("wdInitialize"),
    "armed-xll.eml": lambda: mail.message([mail.text(), mail.part(library("xlAutoOpen"), name="prices.xll")]),
    "armed-xll.zip": lambda: package({"prices.xll": library("xlAutoOpen")}),
    "armed-manifest.vsto": lambda: MANIFEST,
    "armed-manifest.xml": lambda: MANIFEST,
    "armed.appref-ms": lambda: LINK,
    "clean-manifest.xml": lambda: MANIFEST.replace(b'<deployment install="false"/>', b"<file/>"),
    "clean-text.txt": lambda: b"The add-in prices.xll exports xlAutoOpen; MZ and PE are the letters it begins with.\n",
}
