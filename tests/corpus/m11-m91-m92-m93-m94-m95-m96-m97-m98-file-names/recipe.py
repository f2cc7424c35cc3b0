from gateway import samples
from tests.makers.odd_mail import letter

FIELDS = "application/octet-stream; name=a.doc\nContent-Disposition: attachment\n"
BLANKS, LETTERS = " " * 200, "x" * 4000
SCRIPT = b"WScript.Echo(1)\r\n"
NAMES = {
    "type-says-more": "text/plain; name=a.js\nContent-Disposition: attachment; filename=a.txt\n",
    "disposition-says-more": "text/plain; name=a.txt\nContent-Disposition: attachment; filename=a.js\n",
    "two-dispositions": "text/plain\nContent-Disposition: a; filename=a.txt\nContent-Disposition: a; filename=a.js\n",
    "two-names": "text/plain; name=a.txt; name=a.js\n",
    "pieces": "text/plain; name*0=a.; name*1=js\n",
    "pieces-missing": "text/plain; name*1=a.; name*3=js\n",
    "pieces-as-they-stand": "text/plain; name*1=a.; name*0=js\n",
    "extended-and-plain": "text/plain; name=a.txt; name*=utf-8''a%2Ejs\n",
    "pieces-in-two-fields": "text/plain; name*0=a.\nContent-Type: text/plain; name*1=js\n",
    "encoded-word": 'text/plain; name="=?utf-8?Q?a=2Ejs?="\n',
    "encoded-words": 'text/plain; name="=?utf-8?B?YS4=?= =?utf-8?B?anM=?="\n',
    "utf-16": 'text/plain; name="=?utf-16?B?YQAuAGoAcwA=?="\n',
    "utf-16-the-other-way": 'text/plain; name="=?utf-16?B?AGEALgBqAHM=?="\n',
    "quote": 'text/plain; name=a".js\n',
    "semicolon": "text/plain; name=a;.js\n",
    "comment-behind": "text/plain; name=a.js(.gif)\n",
    "comment-inside": "text/plain; name=a.j()s\n",
    "folded": 'text/plain; name="invo\n ice.js"\n',
    "trailing-dot": 'text/plain; name="a.js. ."\n',
    "zero": 'text/plain; name="a.js\0.txt"\n',
    "turned-round": "text/plain; name*=utf-8''a%E2%80%AEtxt.js\n",
    "wide-letters": "text/plain; name*=utf-8''a.%EF%BD%8A%EF%BD%93\n",
    "blanks-before-the-ending": f'text/plain; name="a.txt{BLANKS}.js"\n',
    "path": 'text/plain; name="../../C:\\x/a.js"\n',
    "long": f'text/plain; name="{LETTERS}.js"\n',
    "markup": 'text/plain; name="<script>alert(1)</script>.js"\n',
}


def named(content: bytes, fields: str) -> bytes:
    return letter(content, (FIELDS, fields))


FILES = {f"{name}-armed.eml": lambda fields=fields: named(SCRIPT * 9, fields) for name, fields in NAMES.items()} | {
    "document-called-text-armed.eml": lambda: named(samples.doc_autoopen(), 'text/plain; name="con.txt"\n'),
    "no-name-armed.eml": lambda: named(samples.doc_autoopen(), "image/png\n"),
    "text-clean.eml": lambda: named(
        b"words", "text/plain; name=a.txt\nContent-Disposition: attachment; filename=b.txt\n"
    ),
    "document-clean.eml": lambda: named(samples.doc(), 'text/plain; name="../con.doc"\n'),
    "no-name-clean.eml": lambda: named(samples.doc(), "image/png\n"),
}
