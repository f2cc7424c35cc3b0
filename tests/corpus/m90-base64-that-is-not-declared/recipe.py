import base64

from tests.makers import hidings, mail

FORMS = {
    "lines": lambda content: mail.encode(content, "base64"),
    "one-line": base64.b64encode,
    "other-alphabet": base64.urlsafe_b64encode,
    "below-a-greeting": lambda content: b"Dear all,\r\n\r\n" + mail.encode(content, "base64") + b"\r\nRegards\r\n",
}
HIDINGS = {
    f"{coding or 'none'}-{form}.eml": (
        lambda content, coding=coding, form=form: mail.message(
            [mail.text(), mail.part(FORMS[form](content), "application/msword", name="a.doc", coding=coding)]
        )
    )
    for coding in ("7bit", "8bit", "binary", "")
    for form in FORMS
}

FILES = hidings.files(HIDINGS, armed=hidings.ARMED, clean=hidings.CLEAN)
