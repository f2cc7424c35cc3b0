import base64

from tests.makers import hidings, mail

FIRST = {
    "base64": lambda content: mail.encode(content, "base64"),
    "base64-in-one-line": base64.b64encode,
    "quoted-printable": lambda content: mail.encode(content, "quoted-printable"),
    "uuencode": mail.uuencode,
}
HIDINGS = {
    f"{first}-in-{second}.eml": (
        lambda content, first=first, second=second: mail.message(
            [mail.text(), mail.part(FIRST[first](content), name="a.txt", coding=second)]
        )
    )
    for first in FIRST
    for second in ("base64", "quoted-printable")
}

# soft line breaks look like padding to the reading that trusts nothing
BENT = {"base64-in-one-line-in-quoted-printable.eml": HIDINGS.pop("base64-in-one-line-in-quoted-printable.eml")}

FILES = hidings.files(HIDINGS, armed=hidings.ARMED, clean=hidings.CLEAN) | hidings.files(
    BENT, armed=hidings.ARMED, held=hidings.CLEAN
)
