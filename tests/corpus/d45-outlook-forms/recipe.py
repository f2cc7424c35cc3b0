from gateway import samples
from gateway.samples.compound import compound_file, streams_of
from tests.makers.ole import compound

SCRIPT = 'Function Item_Open()\r\n  MsgBox "inert"\r\nEnd Function\r\n'.encode("utf-16-le")
HEAD = {"__properties_version1.0": bytes(32), "__substg1.0_001A001F": "IPM.Note.Form".encode("utf-16-le")}


def attached(content: bytes) -> dict[str, bytes]:
    return {"__attach_version1.0_#00000000/__substg1.0_37010102": content}


FILES = {
    "armed-form.msg": lambda: compound({**HEAD, "__substg1.0_80010102": SCRIPT}),
    "armed-form.oft": lambda: compound({**HEAD, "__substg1.0_800A0102": SCRIPT}),
    "armed-attachment.msg": lambda: compound({**HEAD, **attached(samples.doc_autoopen())}),
    "armed-document-and-message.doc": lambda: compound_file(
        {**streams_of(samples.doc_autoopen()), ("__properties_version1.0",): bytes(32)}
    ),
    "clean.msg": lambda: compound(
        {**HEAD, "__substg1.0_80010102": "the function of a subject\r\n".encode("utf-16-le")}
    ),
}
