from tests.makers.odd_mail import files

KINDS = ("related", "alternative", "digest", "signed", "report", "x-unknown", "parallel", "form-data")
TYPES = ("text/plain", "text/html", "image/png", "application/pdf", "message/delivery-status", "nonsense")

FILES = files(
    {kind: ("multipart/mixed", f'multipart/{kind}; type=text/plain; start="<nobody>"') for kind in KINDS}
    | {kind.replace("/", "-"): ("application/octet-stream; name=a.doc", kind) for kind in TYPES}
    | {
        "inline": ("Disposition: attachment", "Disposition: inline"),
        "no-disposition": ("Content-Disposition: attachment\n", ""),
    }
)
