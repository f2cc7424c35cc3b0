import base64
import hashlib

from gateway.samples import docm_autoopen, docx
from gateway.samples.package import package
from tests.makers import mail

ARMED = docm_autoopen()
SECRET = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(64))
PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n" + SECRET).decode()

SAVE = """
var bytes = new Uint8Array(text.length);
for (var i = 0; i < text.length; i++) { bytes[i] = text.charCodeAt(i); }
var link = document.createElement("a");
link.href = window.URL.createObjectURL(new Blob([bytes], {type: "octet/stream"}));
link.download = "Invoice.docm";
link.click();
"""


def page(script: str, body: str = "") -> bytes:
    return f"<!DOCTYPE html><html><title>x</title><body>{body}<script>{script}</script></body></html>".encode()


def utf_7(text: bytes) -> bytes:
    return text.replace(b"+", b"+-").replace(b"<", b"+ADw-").replace(b">", b"+AD4-").replace(b'"', b"+ACI-")


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def in_pieces(content: bytes) -> str:
    text = base64_of(content)
    pieces = [text[at : at + 100] for at in range(0, len(text), 100)]
    return 'var text = "' + '";\ntext += "'.join(pieces) + '";\n text = atob(text);' + SAVE


def xor(content: bytes, key: int = 7) -> bytes:
    return bytes(byte ^ key for byte in content)


OPAQUE = page(f'var text = atob("{base64_of(SECRET)}");{SAVE}')
PICTURES = f'<img src="data:image/png;base64,{PICTURE}">'
CSV = """function save() {
    var a = document.createElement("a");
    a.href = URL.createObjectURL(new Blob([new Uint8Array([0xEF, 0xBB, 0xBF]), table()]));
    a.download = "t.csv";
    a.click();
}
"""
CHART = f"var points = [{', '.join(str(number % 90) for number in range(2000))}];"
DROPS = b'<html><body onload="go()"><script>function go() { location.href = "data:application/zip;base64,'

FILES = {
    "armed-base64.html": lambda: page(f'var text = atob("{base64_of(ARMED)}");{SAVE}'),
    "armed-in-pieces.html": lambda: page(in_pieces(ARMED)),
    "armed-array-of-pieces.html": lambda: page(
        "var text = atob(["
        + ", ".join(f"'{base64_of(ARMED)[at : at + 60]}'" for at in range(0, 40000, 60))
        + "].join(''));"
    ),
    "armed-backwards.html": lambda: page(
        f'var text = atob("{base64_of(ARMED).rstrip("=")[::-1]}".split("").reverse().join(""));{SAVE}'
    ),
    "armed-numbers.html": lambda: page(f"var bytes = new Uint8Array([{','.join(map(str, ARMED))}]);{SAVE}"),
    "armed-hexadecimal-numbers.html": lambda: page(f"var b = new Int8Array([{', '.join(map(hex, ARMED))}]);{SAVE}"),
    "armed-hexadecimal.html": lambda: page(f'var text = unhex("{ARMED.hex()}");{SAVE}'),
    "armed-escapes.html": lambda: page("var text = '" + "".join(f"\\x{byte:02x}" for byte in ARMED) + f"';{SAVE}"),
    "armed-percent.html": lambda: page(f'var text = unescape("{"".join(f"%{byte:02X}" for byte in ARMED)}");{SAVE}'),
    "armed-in-a-hidden-element.html": lambda: page(
        f"var text = atob(document.getElementById('d').innerText);{SAVE}",
        f"<div hidden id='d'>{base64_of(ARMED)}</div>",
    ),
    "armed-data-address.html": lambda: b"".join(
        (DROPS, base64.b64encode(package({"a.docm": ARMED})), b'" }</script></body></html>')
    ),
    "armed-utf-16.html": lambda: page(in_pieces(ARMED)).decode().encode("utf-16"),
    "armed-utf-7.html": lambda: b"<meta charset=utf-7>" + utf_7(page(in_pieces(ARMED))),
    "armed.svg": lambda: (
        b'<svg xmlns="http://www.w3.org/2000/svg"><script><![CDATA[' + in_pieces(ARMED).encode() + b"]]></script></svg>"
    ),
    "armed-declared.svg": lambda: (
        b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="go()"><script>'
        + OPAQUE
        + b"</script></svg>"
    ),
    "armed.xhtml": lambda: b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">' + OPAQUE + b"</html>",
    "armed-body.eml": lambda: mail.single(page(in_pieces(ARMED)), "text/html", coding="quoted-printable"),
    "armed-enciphered.html": lambda: OPAQUE,
    "armed-enciphered-by-a-library.html": lambda: page(
        f'var text = CryptoJS.AES.decrypt("{base64_of(SECRET)}", "key");{SAVE}'
    ),
    "armed-masked-numbers.html": lambda: page(
        f"var text = String.fromCharCode.apply(null, [{','.join(map(str, xor(ARMED)))}].map(x => x ^ 7));{SAVE}"
    ),
    "armed-old-browser.html": lambda: page(
        f'var text = atob("{base64_of(SECRET)}"); window.navigator.msSaveOrOpenBlob(new Blob([text]), "a.zip");'
    ),
    "armed-hidden-words.html": lambda: page(
        f'var t = window["at" + "ob"]("{base64_of(SECRET)}"); var u = URL["\\x63reateObject" + "URL"](new Blob([t]));'
        'a.href = u; a["down" + "load"] = "a.zip"; a["cli" + "ck"]();'
    ),
    "armed-search-address.html": lambda: b"<html><a href='search-ms:query=x&crumb=location:%5C%5Cfiles.example'>x</a>",
    "armed-diagnostic-address.html": lambda: page('location.href = "ms-msdt:/id PCWDiagnostic /skip force";'),
    "armed-handler.html": lambda: (
        b"<html><body onload=\"text = atob('"
        + base64.b64encode(SECRET)
        + b"');"
        + SAVE.replace('"', "'").encode()
        + b'">'
    ),
    "clean-document.html": lambda: page(f'var text = "{base64_of(docx())}";', PICTURES),
    "clean-picture.html": lambda: page(f'var text = atob("{PICTURE}");{SAVE}', PICTURES),
    "clean-export.html": lambda: page(CSV + CHART, PICTURES + "<button onclick='save()'>CSV</button>"),
    "clean-font.html": lambda: page(
        CSV, f"<style>@font-face {{ src: url(data:font/woff2;base64,{base64_of(b'wOF2' + SECRET)}) }}</style>"
    ),
    "clean-numbers.html": lambda: page(CHART + "print();"),
    "clean-secret.html": lambda: page(f'var token = "{base64_of(SECRET)}"; window.print();'),
    "clean.svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><style>a { b: c }</style><path d="M0 0h1"/></svg>',
    "clean-newsletter.eml": lambda: mail.single(
        page("var _gaq = []; (function() { var s = 1; })();", PICTURES * 3), "text/html", coding="base64"
    ),
}
