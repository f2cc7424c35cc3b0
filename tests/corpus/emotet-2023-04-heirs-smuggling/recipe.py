import base64

from gateway import samples
from gateway.samples import mail as sample_mail
from tests.makers import museum

PAGE = """<html><body><p>The file is downloaded automatically. Password: abc555</p><script>
var text = atob("{data}");
var bytes = new Uint8Array(text.length);
for (var i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
var blob = new Blob([bytes], {{type: "application/zip"}});
var link = document.createElement("a");
link.href = window.URL.createObjectURL(blob);
link.download = "REF_0804.zip";
link.click();
</script></body></html>"""
QUIET = "<html><body><p>The report is attached.</p></body></html>"


def page(document: bytes) -> bytes:
    zipped = sample_mail.zipped("REF_0804.doc", document)
    return PAGE.format(data=base64.b64encode(zipped).decode()).encode()


def sent(content: bytes) -> bytes:
    return museum.reply("contract", "Hello,\nsee the attachment.\n", {"REF_0804.html": content})


FILES = {"armed.eml": lambda: sent(page(samples.doc_autoopen())), "clean.eml": lambda: sent(QUIET.encode())}
