"""Messages as well-known programs write them, with the habits and the small mistakes each of them has.

``SHAPES`` maps a name to a function of the attachments, which are ready parts; most shapes put them where that program
does. No shape is an attack, and none may be stopped.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

from tests.makers.mail import fields, message, multipart, part, raw, single, text

Parts = list[bytes]
Shape = Callable[[Parts], bytes]

HTML = part(
    b'<html><body><p style="margin:0">Hello =\xc3\xa4</p></body></html>', "text/html", coding="quoted-printable"
)
HTML64 = part(b"<html><body>" + b"<p>Offer of the week</p>\r\n" * 40 + b"</body></html>", "text/html; charset=utf-8")
PICTURE = part(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 3, "image/png", name="logo.png")
NOISE = base64.encodebytes(bytes((n * 7919) % 251 for n in range(1500))).replace(b"\n", b"\r\n")
FOOTER = raw(
    "_______________________________________________\nlist mailing list\nlist@example.com\nhttps://x.example/\n"
)
BEGIN = raw("From: Ada <ada@example.com>\nTo: bob@example.net\nSubject: Report\nMIME-Version: 1.0\n")
ALTERNATIVE = 'multipart/alternative; boundary="{}"'


def nested(kind: str, parts: Parts, boundary: str, more: str = "") -> bytes:
    head = fields({"Content-Type": f'multipart/{kind}; boundary="{boundary}"{more}'})
    return head + b"\r\n" + multipart(parts, boundary=boundary)


def written(content_type: str, body: bytes, more: str = "") -> bytes:
    return BEGIN + raw(more) + b"Content-Type: " + content_type.replace("\n", "\r\n").encode() + b"\r\n\r\n" + body


def outlook(parts: Parts) -> bytes:
    inner = nested("alternative", [text(), HTML], "----=_NextPart_001_0002_01DB0A1C.55E3B1D0")
    related = nested(
        "related", [inner, PICTURE], "----=_NextPart_000_0001_01DB0A1C.55E3B1D0", '; type="multipart/alternative"'
    )
    boundary = "----=_NextPart_000_0000_01DB0A1C.55E3B1D0"
    body = raw("This is a multipart message in MIME format.\n\n") + multipart([related, *parts], boundary=boundary)
    more = "X-Mailer: Microsoft Outlook 16.0\nThread-Index: Adu" + "Ab3d" * 20 + "\nContent-Language: de\n"
    return written(f'multipart/mixed;\n\tboundary="{boundary}"', body, more)


def exchange(parts: Parts) -> bytes:
    inner = nested("alternative", [text(), HTML64], "_000_AM0PR01MB1234ABCDEF_")
    more = "X-MS-Exchange-AntiSpam-MessageData-0:\n" + "".join(f"\t{'Qm9v' * 18}\n" for _ in range(40))
    boundary = "_003_AM0PR01MB1234ABCDEF_"
    return written(f'multipart/mixed;\n\tboundary="{boundary}"', multipart([inner, *parts], boundary=boundary), more)


def gmail(parts: Parts) -> bytes:
    inner = nested("alternative", [text(), HTML], "0000000000001a2b3c0619e0f1a2")
    signature = (
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=x;\n"
        " h=to:subject:message-id:date:from:mime-version:\n content-type:mime-version:content-transfer-encoding:\n"
        "\tcontent-type:reply-to; bh=" + "Qm9v" * 11 + "=;\n b=" + "aGVs" * 60 + "\n"
    )
    boundary = "0000000000001a2b3e0619e0f1a4"
    return raw(signature) + message([inner, *parts], boundary=boundary)


def apple(parts: Parts) -> bytes:
    boundary = "Apple-Mail=_1A2B3C4D-0000-4A5B-8C9D-ABCDEF012345"
    mixed = nested("mixed", [HTML, *parts, HTML], "Apple-Mail=_FFFFFFFF-0000-4A5B-8C9D-ABCDEF012345")
    body = multipart([text(), mixed], boundary=boundary)
    return written(f'multipart/alternative;\n\tboundary="{boundary}"', body, "X-Mailer: Apple Mail (2.3826)\n")


def thunderbird(parts: Parts) -> bytes:
    boundary = "------------0Zq8nVYhVhq0c1d2e3f4g5h6"
    body = raw("This is a multi-part message in MIME format.\n") + multipart([text(), *parts], boundary=boundary)
    return written(
        f'multipart/mixed; boundary="{boundary}"', body, "User-Agent: Mozilla Thunderbird\nContent-Language: en\n"
    )


def notes(parts: Parts) -> bytes:
    inner = nested("alternative", [text(), HTML], "=_alternative 0049A2C1C1258B9E_=")
    return written(
        'multipart/mixed; boundary="=_mixed 0049A2C1C1258B9E_="',
        multipart([inner, *parts], boundary="=_mixed 0049A2C1C1258B9E_="),
    )


def inner_boundary_goes_on(parts: Parts) -> bytes:
    inner = nested("alternative", [text(), HTML], "PHP-123-alt")
    return message([inner, *parts], boundary="PHP-123")


def outer_boundary_goes_on(parts: Parts) -> bytes:
    inner = nested("alternative", [text(), HTML], "b1_abc")
    return message([inner, *parts], boundary="b1_abc_mixed")


def list_footer_behind_the_end(parts: Parts) -> bytes:
    return message([text(), *parts], epilogue=b"\r\n" + FOOTER * 3)


def list_footer_as_part(parts: Parts) -> bytes:
    return message([text(), *parts, part(FOOTER, 'text/plain; charset="us-ascii"', coding="7bit")])


def list_footer_behind_base64(parts: Parts) -> bytes:
    return message([part(b"Hello, this is what I wrote.\r\n" * 30, "text/plain") + FOOTER, *parts])


def scanner_footer_behind_an_attachment(parts: Parts) -> bytes:
    return message([text(), *(one + raw("\n-- \nThis e-mail was checked for viruses.\n") for one in parts)])


def bounce(parts: Parts) -> bytes:
    status = part(
        raw("Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; a@b\nAction: failed\n"),
        "message/delivery-status",
        coding="",
    )
    original = part(message([text(), *parts], boundary="orig"), "message/rfc822", coding="")
    return message([text("It failed.\n"), status, original], subtype="report; report-type=delivery-status")


def bounce_with_headers(parts: Parts) -> bytes:
    original = raw(
        "From: a@b\nSubject: x\nContent-Type: multipart/mixed; boundary=foo\nContent-Transfer-Encoding: 8bit\n"
    )
    return message(
        [text("It failed.\n"), part(original, "text/rfc822-headers", coding="7bit"), *parts], subtype="report"
    )


def bounce_in_text(parts: Parts) -> bytes:
    words = raw("Hi. This is the mail program at example.net. I could not deliver it.\n\n--- Below is a copy.\n\n")
    return single(words + message([text(), *parts], boundary="copied"))


def complaint(parts: Parts) -> bytes:
    report = part(raw("Feedback-Type: abuse\nUser-Agent: x/1\nVersion: 1\n"), "message/feedback-report", coding="")
    original = part(message([text(), *parts], boundary="orig"), "message/rfc822", coding="")
    return message([text(), report, original], subtype="report; report-type=feedback-report")


def receipt(parts: Parts) -> bytes:
    shown = part(
        raw("Reporting-UA: x\nDisposition: manual-action/MDN-sent-manually; displayed\n"),
        "message/disposition-notification",
        coding="",
    )
    return message([text(), shown, *parts], subtype="report; report-type=disposition-notification")


def invitation(parts: Parts) -> bytes:
    event = raw("BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nSUMMARY:Talk\nEND:VEVENT\nEND:VCALENDAR\n")
    calendar = part(event, "text/calendar; charset=utf-8; method=REQUEST")
    inner = nested("alternative", [text(), HTML, calendar], "inv")
    return message([inner, part(event, "application/ics; name=invite.ics", name="invite.ics"), *parts])


def pgp_signed(parts: Parts) -> bytes:
    armour = raw("-----BEGIN PGP SIGNATURE-----\n\n") + NOISE + raw("=aBcD\n-----END PGP SIGNATURE-----\n")
    signed = nested("mixed", [text(), *parts], "sig-in")
    signature = part(armour, "application/pgp-signature", name="signature.asc", coding="")
    return message([signed, signature], subtype='signed; micalg=pgp-sha512; protocol="application/pgp-signature"')


def pgp_inline(parts: Parts) -> bytes:
    words = raw(
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nHello\n- -- \nAda\n-----BEGIN PGP SIGNATURE-----\n\n"
    )
    return message([part(words + NOISE + raw("-----END PGP SIGNATURE-----\n"), "text/plain", coding="7bit"), *parts])


def smime_signed(parts: Parts) -> bytes:
    detached = bytes.fromhex(
        "30820a0006092a864886f70d010702a08209f1308209ed020101310f300d06096086480165030402010500300b06092a864886f70d010701"
    )
    signature = part(detached + bytes(range(256)) * 8, "application/pkcs7-signature; name=smime.p7s", name="smime.p7s")
    signed = nested("mixed", [text(), *parts], "----4A5B6C")
    return message(
        [signed, signature],
        subtype='signed; protocol="application/pkcs7-signature"; micalg="sha-256"',
        boundary="----1A2B3C",
    )


def digest(parts: Parts) -> bytes:
    return message([b"\r\n" + single(b"one"), b"\r\n" + message([text(), *parts], boundary="in")], subtype="digest")


def forwarded(parts: Parts) -> bytes:
    inner = message([text(), *parts], boundary="fw")
    for level in range(3):
        inner = message([text("FYI\n"), part(inner, "message/rfc822", coding="7bit")], boundary=f"fw{level}")
    return inner


def forwarded_encoded(parts: Parts) -> bytes:
    return message([text(), part(message([text(), *parts], boundary="fw"), "message/rfc822", name="mail.eml")])


def coded_multipart(coding: str) -> Shape:
    """A transfer encoding that some mailers put into the header of every message, whatever its type."""
    return lambda parts: message([text(), HTML, *parts], Content_Transfer_Encoding=coding)


def coded_text(coding: str) -> Shape:
    return lambda parts: message(
        [part(raw("Our newsletter\n" * 20), "text/plain; charset=utf-8", coding=coding), HTML, *parts]
    )


def raw_headers(parts: Parts) -> bytes:
    more = (
        "Subject: Gr\udcfc\udcdfe\nX-From: J\u00fcrgen\nX-Very-Long: "
        + "word " * 3000
        + "\nX-Empty:\nX-Folded: a\n \n b\n"
    )
    return more.encode("utf-8", "surrogateescape").replace(b"\n", b"\r\n") + message([text(), *parts])


def quoting(parts: Parts) -> bytes:
    source = "You asked for the source of that mail:\n\n> Content-Type: multipart/mixed; boundary=foo\n>\n> --foo\n"
    source += "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
    source += "--foo\nHello\n--foo--\n"
    return message([part(raw(source), "text/plain", coding="7bit"), *parts])


def patch(parts: Parts) -> bytes:
    words = "---\n a.txt | 2 +-\n\ndiff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n"
    words += "@@ -1 +1 @@\n-old\n+new\n-- \n2.39.5\n"
    return message([part(raw(words), "text/plain", coding=""), *parts])


def keys(parts: Parts) -> bytes:
    words = (
        raw("My certificate:\n-----BEGIN CERTIFICATE-----\n") + NOISE + raw("-----END CERTIFICATE-----\nssh-rsa AAAA")
    )
    return message([part(words + NOISE.replace(b"\r\n", b"") + raw(" ada@host\n"), "text/plain", coding=""), *parts])


def words_in_lines(parts: Parts) -> bytes:
    return message(
        [
            part(
                raw("".join(f"{word}\n" for word in ("apples", "pears", "nuts", "milk") * 20)), "text/plain", coding=""
            ),
            *parts,
        ]
    )


def printer(parts: Parts) -> bytes:
    body = multipart([text("Scan attached\n"), *parts], boundary="----_scan_1")
    return written('multipart/mixed; boundary= "----_scan_1";', body, "X-Mailer: Scanner\n")


def names_in_every_spelling(parts: Parts) -> bytes:
    head = (
        'Content-Type: text/plain;\n name*0="a very long name of a ";\n name*1="report.txt"\n'
        'Content-Disposition: attachment; filename="=?utf-8?Q?B=C3=BCro=2Etxt?=";\n'
        " filename*=utf-8''B%C3%BCro.txt\n\n"
    )
    return message([text(), raw(head) + b"hello", *parts])


def voice(parts: Parts) -> bytes:
    return message(
        [text(), part(b"RIFF" + bytes(2000), "audio/wav", name="voice.wav"), *parts], subtype="voice-message"
    )


def form_data(parts: Parts) -> bytes:
    return message([text(), *parts], subtype="form-data")


SHAPES: dict[str, Shape] = {
    **{shape.__name__: shape for shape in (outlook, exchange, gmail, apple, thunderbird, notes)},
    **{shape.__name__: shape for shape in (inner_boundary_goes_on, outer_boundary_goes_on)},
    **{shape.__name__: shape for shape in (list_footer_behind_the_end, list_footer_as_part, list_footer_behind_base64)},
    **{shape.__name__: shape for shape in (scanner_footer_behind_an_attachment, bounce, bounce_with_headers)},
    **{shape.__name__: shape for shape in (bounce_in_text, complaint, receipt, invitation, pgp_signed, pgp_inline)},
    **{shape.__name__: shape for shape in (smime_signed, digest, forwarded, forwarded_encoded, raw_headers, quoting)},
    **{shape.__name__: shape for shape in (patch, keys, words_in_lines, printer, names_in_every_spelling, voice)},
    "form_data": form_data,
    **{f"multipart in {coding}": coded_multipart(coding) for coding in ("7bit", "8bit", "quoted-printable", "base64")},
    **{
        f"text in {coding}": coded_text(coding)
        for coding in ("8bits", "utf-8", "7-bit", "text/plain", "quoted", "none")
    },
    "no MIME-Version": lambda parts: message([text(), *parts]).replace(b"MIME-Version: 1.0\r\n", b""),
    "MIME-Version twice": lambda parts: b"MIME-Version: 1.0\r\n" + message([text(), *parts]),
    "same type twice": lambda parts: (
        b"Content-Type: multipart/mixed; boundary=b\r\n" + message([text(), *parts], boundary="b").replace(b'"b"', b"b")
    ),
    "bare line feeds": lambda parts: message([text(), HTML, *parts]).replace(b"\r\n", b"\n"),
    "no end": lambda parts: message([text(), HTML, *parts])[: -len("--=_test_boundary--\r\n")],
    "long preamble": lambda parts: message(
        [text(), *parts], preamble=raw("If you can read this your program is old.\n") * 9
    ),
    "a line that is no field": lambda parts: b"X-A: b\r\nsome words of a broken filter\r\n" + message([text(), *parts]),
    "from mbox": lambda parts: b"From ada@example.com Mon Jan  5 10:00:00 2026\r\n" + message([text(), *parts]),
    "no body": lambda _: BEGIN,
    "one word as type": lambda parts: message([part(raw("Hello\n"), "text", coding=""), *parts]),
    "type the wrong way round": lambda parts: message([part(raw("Hello\n"), "plain/text", coding=""), *parts]),
    "only html": lambda _: single(b"<html><body>" + b'<a href="x">y</a>\r\n' * 60, "text/html", coding="8bit"),
    "only the attachment": lambda parts: message(parts or [text()]),
}
