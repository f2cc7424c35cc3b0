"""Files that Windows runs because of their name: scripts whose source looks like any other text, and packages that
look like any other archive.

Contract: here, and only here, the name decides, because the name is what decides on the reader's machine: a text
called ``x.js`` is a program, the same text in the body of a mail is not. Names are made plain first
(``gateway.scan.names``). What the content tells by itself is ``textual``. Never raises.
"""

from __future__ import annotations

from gateway.closed_sets import FileType, Kind
from gateway.scan import names
from gateway.scan.carriers import textual
from gateway.scan.look import Blob, Look

SCRIPTS: dict[str, str] = {
    "js": "a JScript file, which Windows Script Host runs",
    "jse": "an encoded JScript file, which Windows Script Host runs",
    "vbs": "a VBScript file, which Windows Script Host runs",
    "vbe": "an encoded VBScript file, which Windows Script Host runs",
    "wsf": "a Windows script file, which Windows Script Host runs",
    "wsh": "settings of Windows Script Host, which start a script",
    "wsc": "a Windows script component",
    "sct": "a Windows script component",
    "hta": "an HTML application, which runs with all rights of its reader",
    "ps1": "a PowerShell script",
    "psm1": "a PowerShell module",
    "psd1": "a PowerShell module manifest, which loads modules",
    "ps1xml": "a PowerShell format file, which may hold script blocks",
    "bat": "a batch file, which the command interpreter runs",
    "cmd": "a batch file, which the command interpreter runs",
    "pif": "a program information file, which starts a program",
    "scr": "a screen saver, which is a program like any other",
    "cpl": "a control panel item, which is a program",
    "msc": "a management console file, which may run commands",
    "jnlp": "a Java Web Start file, which fetches and runs a program",
    "vsto": "an Office add-in to be installed from elsewhere (.vsto)",
    "application": "a ClickOnce program to be installed from elsewhere (.application)",
    "appref-ms": "a ClickOnce shortcut, which fetches and runs a program (.appref-ms)",
    "appinstaller": "a Windows app to be installed from elsewhere (.appinstaller)",
    "library-ms": "a Windows library, which shows a folder of somebody else's machine as the reader's own",
    "search-ms": "a saved search, which shows files of somebody else's machine as the reader's own",
    "searchconnector-ms": "a search connector, which shows files of somebody else's machine as the reader's own",
    "settingcontent-ms": "a link to settings, which runs the command in it",
    "scf": "a command file of the Explorer, which fetches its icon from anywhere without a click",
    "website": "a pinned site, which opens what it points to",
    "xbap": "a browser application",
    "gadget": "a desktop gadget, which is a script with all rights of its reader",
}
"""Whatever the content: by these names it is run, or opened by something that runs what it says."""

PACKAGES: dict[str, str] = {
    "jar": "a Java program",
    "msix": "a Windows app package",
    "msixbundle": "a Windows app package",
    "appx": "a Windows app package",
    "appxbundle": "a Windows app package",
    "gadget": "a desktop gadget, which is a script with all rights of its reader",
    "diagcab": "a troubleshooting package, which runs PowerShell scripts",
    "themepack": "a theme package, which sets programs and pictures from elsewhere",
    "deskthemepack": "a theme package, which sets programs and pictures from elsewhere",
}
"""Archives and compound files that are installed or run under these names."""

TEXTS = frozenset(
    {FileType.TEXT, FileType.HTML, FileType.XML, FileType.BINARY, FileType.IMAGE, FileType.EMAIL, FileType.MHT}
)
"""Types a script may be taken for: a comment before it is enough to look like a picture or a mail."""
ARCHIVES = frozenset({FileType.ZIP, FileType.CAB, FileType.OOXML, FileType.OLE})


def inspect_text(blob: Blob, look: Look) -> None:
    """Report a text that Windows obeys for what it says, or runs under its name."""
    if not textual.told_by_content(blob, look):
        _inspect(blob, look, SCRIPTS)


def inspect_archive(blob: Blob, look: Look) -> None:
    """Report an archive that is installed or run under its name."""
    _inspect(blob, look, PACKAGES)


def _inspect(blob: Blob, look: Look, table: dict[str, str]) -> None:
    for ending in names.endings(blob.name):
        if ending.startswith("{"):
            sentence = "is named by a class identifier, which Windows hides and opens as the program behind it"
            look.find(Kind.SCRIPT_CARRIER, blob.where, sentence, reference="MITRE ATT&CK T1036")
        elif ending in table:
            sentence = f"is named as {table[ending]}"
            pretended = names.pretends(blob.name)
            if pretended:
                sentence += f"; its name pretends to be a {pretended}"
            look.find(Kind.SCRIPT_CARRIER, blob.where, sentence, reference="MITRE ATT&CK T1204.002")
