"""Stored cross-site scripting: a table of what attackers write, in every place they can write to, on every page.

One gateway holds it all; Chromium looks at each page once. Nothing of it may run, be asked for, or become an element or
an attribute that our templates do not write.
"""

from __future__ import annotations

import asyncio
import base64
import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from gateway.closed_sets import Effect
from gateway.exceptions import ExceptionList
from gateway.policy.entries import Subject
from gateway.samples import mail, vba
from gateway.web.people import Role
from gateway.web.users import Users
from tests.e2e.browser import Watched, chromium
from tests.e2e.conftest import Pair
from tests.e2e.talk import Talk
from tests.e2e.vectors import TABLE, VECTORS

PASSWORD = "correct horse battery"
TO = "alice@example.com"

SHARED = frozenset({"class", "id", "hidden", "title", "role", "aria-label", "aria-keyshortcuts"})
ALLOWED: dict[str, frozenset[str]] = {
    tag: frozenset(words.split())
    for tag, words in {
        "html": "lang", "head": "", "meta": "charset name content", "title": "", "link": "rel href",
        "script": "src defer", "body": "", "header": "", "nav": "", "main": "tabindex", "footer": "", "section": "",
        "article": "", "div": "hx-get hx-trigger hx-swap", "dialog": "", "h1": "", "h2": "", "h3": "", "p": "",
        "span": "", "b": "", "code": "", "pre": "", "br": "", "mark": "", "small": "", "time": "datetime",
        "a": "href rel", "img": "src alt width height", "ul": "", "ol": "", "li": "", "dl": "", "dt": "", "dd": "",
        "table": "", "thead": "", "tbody": "", "tr": "data-id", "th": "", "td": "", "details": "open", "summary": "",
        "figure": "", "figcaption": "", "svg": "viewbox preserveaspectratio", "rect": "x y width height",
        "form": "method action hx-get hx-trigger hx-swap", "fieldset": "", "legend": "", "label": "",
        "input": "type name value maxlength placeholder required autofocus pattern inputmode autocomplete checked "
        "disabled",
        "select": "name", "option": "value selected", "button": "name value autofocus",
    }.items()
}  # fmt: skip
"""Every element our templates write, and its attributes besides those of all."""

LEADING = (*TABLE["formulas"], *(vector for vector in VECTORS if vector not in TABLE["formulas"]))
"""Formulas first, so that they begin subjects: the list is a table for other programs as well."""
THIRD = -(-len(LEADING) // 3)

NAMES = [vector for vector in VECTORS if vector.isascii() and vector.isprintable() and len(vector) <= 31]
"""Those that can be the name of a module itself."""

OURS = ["/static/htmx.min.js", "/static/desk.js"]

LOOK = r"""
([allowed, shared]) => {
  const wrong = [], lead = /^(href|src|action|formaction|srcset|data|poster|xlink:href|hx-get)$/;
  for (const one of document.querySelectorAll("*")) {
    const tag = one.tagName.toLowerCase();
    if (!(tag in allowed)) { wrong.push("<" + tag + ">"); continue; }
    for (const {name, value} of one.attributes) {
      const word = name.toLowerCase();
      if (!allowed[tag].includes(word) && !shared.includes(word)) wrong.push("<" + tag + " " + word + ">");
      if (lead.test(word) && !/^(\/(?![\/\\])|#)/.test(value)) wrong.push(tag + " " + word + "=" + value);
    }
  }
  const ids = [...document.querySelectorAll("[id]")].map((one) => one.id);
  const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
  return {
    wrong: [...new Set([...wrong, ...twice.map((id) => "#" + id + " twice")])],
    scripts: [...document.scripts].map((one) => one.getAttribute("src")),
    ran: "ran" in window, violations: window.violations, base: document.baseURI === location.href,
  };
}
"""

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(event.violatedDirective + " " + event.blockedURI);
});
"""


def raw(vector: str) -> bytes:
    return vector.encode("utf-8", "surrogateescape")


def line(vector: str) -> bytes:
    """As it can stand in one line of a message."""
    return re.sub(rb"[\r\n\0]", b" ", raw(vector))


def encoded(vector: str) -> bytes:
    """As words of RFC 2047, which can hold every byte."""
    octets = raw(vector)
    words = (octets[at : at + 42] for at in range(0, len(octets), 42))
    return b"\r\n ".join(b"=?utf-8?b?" + base64.b64encode(word) + b"?=" for word in words)


def percent(vector: str) -> bytes:
    """As a parameter of RFC 2231."""
    return b"utf-8''" + b"".join(b"%%%02x" % byte for byte in raw(vector))


def text(kind: bytes, content: bytes) -> bytes:
    """A part to read; in base64, so that NUL and bare CR and LF come through."""
    head = b"Content-Type: text/" + kind + b"; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head + base64.encodebytes(content).replace(b"\n", b"\r\n")


def attachment(name: bytes, content: bytes) -> bytes:
    head = b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
    where = b"Content-Disposition: attachment; filename*=" + name + b"\r\n\r\n"
    return head + where + base64.encodebytes(content).replace(b"\n", b"\r\n")


def composed(head: Sequence[bytes], *parts: bytes) -> bytes:
    start = [b"MIME-Version: 1.0", b'Content-Type: multipart/mixed; boundary="=_x"', *head]
    return (
        b"\r\n".join(start) + b"\r\n\r\n" + b"".join(b"--=_x\r\n" + part + b"\r\n" for part in parts) + b"--=_x--\r\n"
    )


def short(at: int) -> bytes:
    """A message as the list shows it, with three words in each place; each word is the first in one of them."""
    words = [LEADING[(at + step) % len(LEADING)] for step in range(0, len(LEADING), THIRD)][:3]
    subject, sender, name = (" ".join(words[turn:] + words[:turn]) for turn in range(3))
    local = re.sub(rb'(["\\])', rb"\\\1", line(sender)[:60])
    head = [
        b"Subject: " + encoded(subject),
        b"From: " + encoded(sender) + b' <"' + local + b'"@outside.test>',
        b"Message-ID: <" + line(name)[:200] + b"@outside.test>",
    ]
    return composed(head, attachment(percent(name + ".docm"), mail.word.docm_autoopen()))


def source(vectors: Sequence[str]) -> str:
    """A macro that does nothing, with the words in comments, in texts, in names of modules and in addresses."""
    told = [" ".join(vector.split()).encode("cp1252", "replace").decode("cp1252") for vector in vectors]
    lines = [f'\' {word}\r\nx = "{word}"\r\nShell "cmd /c start http://outside.test/{word}"' for word in told]
    names = [f'Attribute VB_Name = "{word}"\r\n\' as the editor shows it' for word in told]
    return "Sub AutoOpen()\r\n" + "\r\n".join(lines) + "\r\nEnd Sub\r\n" + "\r\n".join(names) + "\r\n"


def packed(names: Sequence[str], document: bytes) -> bytes:
    """A zip file in which such names are the names of documents."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(f"{line(name).decode('utf-8', 'replace')[:80]}.docm", document)
    return made.getvalue()


def deep(vectors: Sequence[str]) -> bytes:
    """A message whose own page shows much: its header, its texts, its links, its parts, its macros and their names."""
    head = [b"Subject: " + encoded(vectors[0]), b"From: <sender@outside.test>"]
    for vector in vectors:
        word = line(vector)
        head += [
            b"X-Word: " + word,
            word.replace(b":", b"")[:60] + b": x",
            b"DKIM-Signature: v=1; d=" + word + b"; s=x",
        ]
    words = [raw(one) for one in vectors]
    links = b"".join(b"<a href='" + one + b"'>" + one + b'</a><form action="' + one + b'">' for one in words)
    texts = [text(b"html", one) for one in (*words, links)] + [text(b"plain", b"\r\n".join(words))]
    odd = b"Content-Type: text/" + line(vectors[1]) + b"; charset=" + line(vectors[2]) + b"\r\n\r\nx"
    document = vba.document(".docm", source(vectors), NAMES[len(vectors[0]) % len(NAMES)])
    script = b'CreateObject("WScript.Shell").Run "' + b" ".join(map(line, vectors)) + b'"\r\n'
    parts = [
        attachment(percent(vectors[4] + ".docm"), document),
        attachment(percent("x.zip"), packed(vectors[:3], document)),
    ]
    parts += [attachment(percent(vectors[5] + ".vbs"), script)]
    return composed(head, odd, *texts, *parts)


def sent(running: Pair, messages: Sequence[bytes]) -> list[str]:
    """Their numbers in quarantine; sent in one session."""
    ids = []
    with Talk(running.gateway.port) as talk:
        talk.hello()
        for message in messages:
            assert talk.envelope("sender@outside.test", TO) == ["250 2.1.0 Ok", "250 2.1.5 Ok"]
            reply = talk.content(message)
            assert "Held" in reply, (reply, message[:300])
            ids.append(reply.rpartition(" ")[2])
    return ids


def chunks(size: int) -> Iterator[tuple[str, ...]]:
    vectors = iter(VECTORS)
    while chunk := tuple(islice(vectors, size)):
        yield chunk


def reasons() -> list[str]:
    """All words, in as few reasons as they fit into."""
    return [" ".join(re.sub(r"[\ud800-\udfff]", "?", one) for one in chunk)[:500] for chunk in chunks(8)]


async def except_them(path: Path) -> None:
    """The words as reasons, as names of who made them and who ended them."""
    found = ExceptionList(path)
    for at, why in enumerate(reasons()):
        entry = await found.add(Effect.BLOCK, Subject.SENDER, f"a{at}@blocked.test", why=why, who=why[:100])
        if at % 2:
            await found.remove(entry.id, who=why[-100:], why=why)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


class Eyes:
    """One page that is led to every place, and what was wrong there."""

    def __init__(self, context: BrowserContext, home: str) -> None:
        context.add_init_script(WATCH)
        self.watched = Watched(context.new_page(), home)
        self.page: Page = self.watched.page
        self.wrong: list[tuple[str, object]] = []
        self.visited = 0

    def visit(self, path: str, status: int = 200) -> str:
        answer = self.page.goto(path, wait_until="load")
        assert answer is not None
        assert answer.status == status, (path, answer.status)
        return self.look(path)

    def look(self, path: str) -> str:
        """What is there now is ours, and nothing has happened; returns the text."""
        self.visited += 1
        allowed = {tag: sorted(words) for tag, words in ALLOWED.items()}
        found = self.page.evaluate(LOOK, [allowed, sorted(SHARED)])
        scripts = found.pop("scripts")
        if found != {"wrong": [], "ran": False, "violations": [], "base": True} or scripts != OURS:
            self.wrong.append((path, found | {"scripts": scripts}))
        return self.page.locator("body").inner_text()

    def again(self, path: str) -> None:
        """Have htmx put a fresh part in, as it does by itself every five seconds."""
        with self.page.expect_response(lambda answer: answer.request.headers.get("hx-request") == "true"):
            self.page.evaluate("(path) => htmx.ajax('GET', path, {target: '#live', swap: 'outerHTML'})", path)
        self.page.wait_for_function("!document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')")
        self.look(f"{path} by htmx")


def signed_in(eyes: Eyes, running: Pair) -> None:
    Users(running.gateway.folder / "users.json").put("ann", Role.ADMIN, PASSWORD)
    page = eyes.page
    page.goto("/sign-in")
    page.get_by_label("User name").fill("ann")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator("#live").wait_for()


def ask_for(page: Page, ids: Sequence[str]) -> None:
    """Requests with the words as their reasons, and one that was turned down with them."""
    token = page.locator("form.who input[name=form]").get_attribute("value") or ""
    for held_id, why in zip(ids, reasons(), strict=False):
        fields = {"form": token, "why": why, "recipient": TO, "what": "original"}
        assert page.request.post(f"/quarantine/{held_id}/ask", form=fields).ok
    refusal = {"form": token, "number": "1", "why": reasons()[0], "answer": "refuse"}
    assert page.request.post(f"/quarantine/{ids[0]}/request", form=refusal).ok


def test_nothing_that_attackers_write_runs_anywhere(browser: Browser, pair: Callable[..., Pair]) -> None:
    running = pair()
    home = f"http://127.0.0.1:{running.gateway.http}"
    with ThreadPoolExecutor(1) as aside:  # this thread has the event loop of Playwright
        aside.submit(asyncio.run, except_them(running.gateway.folder / "exceptions.json")).result()
    shallow = sent(running, [short(at) for at in range(THIRD)])
    full = sent(running, [deep(chunk + VECTORS[:6]) for chunk in chunks(30)])
    context = browser.new_context(base_url=home)
    eyes = Eyes(context, home)
    signed_in(eyes, running)
    ask_for(eyes.page, shallow)

    eyes.visit("/")
    eyes.again("/")
    path = "/quarantine"
    while path:
        eyes.visit(path)
        eyes.again(path)
        older = eyes.page.locator("a[rel=next]")
        path = (older.get_attribute("href") or "") if older.count() else ""
    for held_id in full:
        for place in ("", "/source"):
            eyes.visit(f"/quarantine/{held_id}{place}")
    for held_id in full[::5]:
        for place in ("/release", "/delete", "/ask"):
            eyes.visit(f"/quarantine/{held_id}{place}")
    for held_id in shallow[::24]:
        eyes.visit(f"/quarantine/{held_id}")
    for act, some in (("release", shallow[:50]), ("delete", shallow[50:100])):
        eyes.visit(f"/quarantine/several?act={act}&{urlencode([('id', one) for one in some])}")
    eyes.visit("/requests")
    eyes.visit(f"/quarantine/{shallow[1]}/request")
    eyes.visit("/exceptions?all=1")
    for why in reasons()[::8]:
        search = dict.fromkeys(("text", "subject", "sender", "recipient", "campaign", "since", "state"), why)
        eyes.visit(f"/quarantine?{urlencode(search)}")
        eyes.visit(f"/exceptions/new?{urlencode({'effect': 'allow', 'subject': 'sender', 'what': why})}")
        eyes.visit(f"/quarantine/{full[0]}/download?{urlencode({'part': why})}")
        for place in ("quarantine", "runbooks"):
            path = f"/{place}/{quote(why, safe='')[:300]}"
            answer = eyes.page.request.get(path)
            assert answer.status == 404
            if "html" in answer.headers["content-type"]:  # where no address fits it is plain text
                eyes.visit(path, status=404)

    assert eyes.wrong == []
    assert [one for one in eyes.watched.wrong if "status of 404" not in one] == []
    assert running.hop.messages == []
    rows = list(csv.reader(io.StringIO(eyes.page.request.get("/quarantine.csv?state=all").text())))
    assert len(rows) == 1 + len(shallow) + len(full)
    assert [cell for row in rows for cell in row if cell.lstrip()[:1] in set("=+-@|%")] == []
    context.close()
