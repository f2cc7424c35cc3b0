from gateway.samples.compound import compound_file
from gateway.samples.package import package
from tests.makers import mail
from tests.makers.carriers import EICAR, library

SCRIPT = b'// INERT\r\nvar shell = "WScript.Shell";\r\nfunction f(a) { return a; }\r\n'
INSTALLER = bytes.fromhex("84100C0000000000C000000000000046")


def named(name: str) -> bytes:
    part = mail.part(SCRIPT, "text/plain", coding="")
    return mail.message([mail.text(), part.replace(b"\r\n\r\n", b"\r\n" + name.encode() + b"\r\n\r\n", 1)])


FILES = {
    **{f"armed.{ending}": lambda: SCRIPT for ending in ("js", "vbs", "wsf", "hta", "ps1", "bat", "cmd", "sct")},
    "armed.vbe": lambda: b"#@~^AAAAAA==" + bytes(12) + b"^#~@",
    "armed-picture.js": lambda: b"GIF89a=1;" + SCRIPT,
    "armed-script.zip": lambda: package({"letter/Invoice.pdf .js": SCRIPT}),
    "armed-trailing-dot.eml": lambda: named('Content-Disposition: attachment; filename="a.js. . "'),
    "armed-turned-round.eml": lambda: named("Content-Disposition: attachment; filename*=utf-8''invoice%E2%80%AEfdp.js"),
    "armed-wide-letters.eml": lambda: named("Content-Disposition: attachment; filename*=utf-8''a.%EF%BD%8A%EF%BD%93"),
    "armed-class.eml": lambda: named(
        'Content-Disposition: attachment; filename="a.txt.{3050f4d8-98b5-11cf-bb82-00aa00bdce0b}"'
    ),
    "armed-stream.eml": lambda: named('Content-Disposition: attachment; filename="a.js::$DATA"'),
    "armed.chm": lambda: b"ITSF\x03\x00\x00\x00" + bytes(80),
    "armed.scr": library,
    "armed.cpl": lambda: library("CPlApplet"),
    "armed-eicar.zip": lambda: package({"eicar.com": EICAR + b"\r\n"}),
    "armed.msi": lambda: compound_file({("data",): bytes(5000)}, INSTALLER),
    "armed.jar": lambda: package({"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\r\n"}),
    "armed-class.zip": lambda: package({"Inert.class": bytes.fromhex("CAFEBABE00000034") + bytes(30)}),
    "armed.msix": lambda: package({"[Content_Types].xml": b"<Types/>", "AppxManifest.xml": b"<Package/>"}),
    "clean-script-in-body.eml": lambda: mail.single(SCRIPT),
    "clean-source.py": lambda: b"import os\n\nprint(os.getcwd())\n",
    "clean-source.c": lambda: b"#include <stdio.h>\nint main(void) { return 0; }\n",
    "clean-source.java": lambda: b"class A { }\n",
    "clean-change.diff": lambda: b"--- a/x.js\n+++ b/x.js\n@@ -1 +1 @@\n-var a\n+var b\n",
    "clean-figures.csv": lambda: b"a;b\r\n1;2\r\n",
    "clean-server.log": lambda: b"2026-01-01 10:00:00 cmd.exe /c started by powershell.ps1\n",
    "clean-data.json": lambda: b'{"file": "x.js", "run": "[shell]"}\n',
    "clean-www.example.com": lambda: b"The page was printed.\n",
}
