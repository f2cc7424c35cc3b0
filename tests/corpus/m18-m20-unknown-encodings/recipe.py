from gateway import samples
from tests.makers.odd_mail import CODING, letter

WORDS = {
    **{word.replace('"', "quoted-").replace("\\", "-escaped-"): word for word in ("x-base64", "bas64", "xxbase64")},
    "behind": "base64xx",
    "number": "base645",
    "dash": "base64-",
    "quoted": '"base64"',
    "escaped": "base\\64",
    "encoded": "=?UTF-8?B?YmFzZTY0?=",
    "partly-encoded": "ba=?us-ascii?Q?se6=34?=",
    "cut-off": "=?UTF-8?Q?base64",
}


def named(word: str) -> tuple[str, ...]:
    return CODING, f"Content-Transfer-Encoding: {word}\n"


FILES = {
    f"{name}-armed.eml": lambda word=word: letter(samples.doc_autoopen(), named(word)) for name, word in WORDS.items()
} | {
    "x-base64-held.eml": lambda: letter(samples.doc(), named("x-base64")),
    "no-word-of-ours-held.eml": lambda: letter(b"words", named("x-odd")),
    "text-clean.eml": lambda: letter(
        b"words\r\n" * 99, (*named("x-base64"), "application/octet-stream; name=a.doc", "text/plain")
    ),
    "quoted-clean.eml": lambda: letter(b"words\r\n" * 99, named('"base64"')),
}
