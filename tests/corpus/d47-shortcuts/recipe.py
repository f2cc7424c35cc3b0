from gateway.samples.package import package
from tests.makers import mail
from tests.makers.carriers import shortcut

LNK = shortcut("C:\\Windows\\System32\\cmd.exe", " " * 300 + "/c rem INERT")


def url(address: str, more: str = "") -> bytes:
    return f"[InternetShortcut]\r\nURL={address}\r\n{more}".encode()


FILES = {
    "armed.lnk": lambda: LNK,
    "armed-lnk.zip": lambda: package({"Invoice.pdf.lnk": LNK}),
    "armed-relative.lnk": lambda: shortcut(relative="..\\..\\Windows\\System32\\mshta.exe"),
    "armed-share.url": lambda: url("file://files.example/share/run.exe"),
    "armed-script.url": lambda: url("https://www.example.com/a/invoice.vbs?x=1"),
    "armed-icon.url": lambda: url("https://www.example.com/", "IconFile=\\\\files.example\\a.ico\r\n"),
    "armed-search.url": lambda: url("search-ms:query=a&crumb=location:\\\\files.example\\share"),
    "armed-second-section.url": lambda: b"[Other]\r\na=b\r\n" + url("file://files.example/a.exe"),
    "armed.reg": lambda: "Windows Registry Editor Version 5.00\r\n\r\n[HKEY_CURRENT_USER\\Inert]\r\n".encode("utf-16"),
    "armed.rdp": lambda: "screen mode id:i:2\r\nfull address:s:desk.example\r\n".encode("utf-16"),
    "armed.scf": lambda: b"[Shell]\r\nCommand=2\r\nIconFile=\\\\files.example\\a.ico\r\n",
    "armed.theme": lambda: (
        b"; a theme\r\n[Theme]\r\n[Control Panel\\Desktop]\r\nWallpaper=\\\\files.example\\a.jpg\r\n"
    ),
    "armed.inf": lambda: b"[version]\r\nsignature=$chicago$\r\n[DefaultInstall]\r\n",
    "armed.library-ms": lambda: (
        b'<?xml version="1.0"?><libraryDescription xmlns="http://schemas.microsoft.com/windows/2009/library"/>'
    ),
    "armed.searchConnector-ms": lambda: (
        b"<searchConnectorDescription><description>x</description></searchConnectorDescription>"
    ),
    "armed.search-ms": lambda: b'<?xml version="1.0"?><persistedQuery version="1.0"/>',
    "armed.settingcontent-ms": lambda: (
        b"<PCSettings><SearchableContent><DeepLink>INERT</DeepLink></SearchableContent></PCSettings>"
    ),
    "armed.msc": lambda: b'<?xml version="1.0"?>\n<MMC_ConsoleFile ConsoleVersion="3.0"/>',
    "armed.jnlp": lambda: b'<jnlp spec="1.0+"><application-desc main-class="Inert"/></jnlp>',
    "armed.appinstaller": lambda: (
        b'<?xml version="1.0"?><AppInstaller xmlns="http://schemas.microsoft.com/appx/appinstaller/2017"/>'
    ),
    "armed-attached.eml": lambda: mail.message([mail.text(), mail.part(LNK, name="Scan.jpg")]),
    "clean-page.url": lambda: url("https://www.example.com/news.html"),
    "clean-about.txt": lambda: b"A file with [InternetShortcut] and URL=file://x in it is a shortcut.\r\n",
    "clean-notes.ini": lambda: b"[version]\r\nsignature=mine\r\n[shell]\r\nprompt=$\r\n",
    "clean-data.xml": lambda: b'<?xml version="1.0"?><component name="pump"><part/></component>',
}
