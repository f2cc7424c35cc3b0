from gateway import samples
from tests.makers import mail
from tests.makers.locks import office

DOCUMENT, QUIET = samples.docm_autoopen(), samples.docx()
MARKUP = b"<p>Bonjour,</p><table><tr><td>Mot de passe&nbsp;:</td><td><b>Fac</b>ture42</td></tr></table>"


def sent(password: str, body: bytes, *, document: bytes = DOCUMENT, name: str = "a.docm", **headers: str) -> bytes:
    return mail.message([body, mail.part(office(document, password), name=name)], **headers)


def in_attached_message() -> bytes:
    inner = mail.message(
        [mail.part(office(DOCUMENT, "orchid 9"), name="a.docm"), mail.text("The password is: orchid 9\n")],
        boundary="inner",
    )
    return mail.message([mail.text(), mail.part(inner, "message/rfc822", coding="")])


FILES = {
    "armed-english.eml": lambda: sent("tulip-77", mail.text("Please see the attachment. Password is tulip-77.\n")),
    "armed-german.eml": lambda: sent("Grüße 2026!", mail.text("Das Kennwort lautet: Grüße 2026!\n")),
    "armed-french-markup.eml": lambda: sent("Facture42", mail.part(MARKUP, "text/html; charset=utf-8")),
    "armed-polish.eml": lambda: sent(
        "kwiat5", mail.part("Hasło: kwiat5\n".encode("iso-8859-2"), "text/plain; charset=iso-8859-2")
    ),
    "armed-subject.eml": lambda: sent("8842", mail.text(), Subject="Invoice, PIN 8842"),
    "armed-file-name.eml": lambda: sent("orders-may", mail.text(), name="orders-may.docm"),
    "armed-attached-message.eml": in_attached_message,
    "armed-body-behind-it.eml": lambda: mail.message(
        [mail.part(office(DOCUMENT, "tulip-77"), name="a.docm"), mail.text("pw: tulip-77\n")]
    ),
    "armed-password-not-in-the-mail.eml": lambda: sent("nobody knows", mail.text()),
    "clean-english.eml": lambda: sent(
        "tulip-77", mail.text("The password is tulip-77.\n"), document=QUIET, name="a.docx"
    ),
}
