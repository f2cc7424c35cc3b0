from gateway import samples
from gateway.samples import mail

FILES = {
    "plain.eml": mail.plain_message,
    "html.eml": mail.html_message,
    "japanese.eml": mail.japanese_message,
    "forwarded-zip.eml": mail.forwarded_zip_message,
    "selftest.eml": lambda: samples.selftest_message(mail.SENDER, mail.RECIPIENT),
}
