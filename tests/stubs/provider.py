"""A provider of OpenID Connect on loopback that lies as a test wants it to.

It is a real HTTP server; the browser's part, where somebody types a password, is ``agree``. Whatever a test changes
counts for the next request.
"""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlencode, urlsplit

from joserfc import jwk, jws

CLIENT, SECRET = "macrogate", "a/secret+with %signs"
HOME = "https://gate.test"
KEYS = {name: jwk.RSAKey.generate_key(2048, {"kid": name, "use": "sig"}) for name in ("first", "second")}

Raw = tuple[int, bytes, Mapping[str, str]]


@dataclass
class FakeProvider:
    """``claims`` and ``header`` are put over those of the ID token; ``instead`` answers a path in its place."""

    issuer: str = ""
    signs_with: Any = field(default_factory=lambda: KEYS["first"])
    published: list[Any] = field(default_factory=lambda: [KEYS["first"].as_dict(private=False)])
    document: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    header: dict[str, Any] = field(default_factory=dict)
    answer: dict[str, str] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=lambda: {"sub": "s-1"})
    token: Callable[[str], str] = lambda token: token
    instead: dict[str, Raw | Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    """The paths of all requests."""
    question: dict[str, str] = field(default_factory=dict)
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def agree(self, address: str) -> str:
        """Somebody says yes at the address the browser was sent to; the address it is sent back to."""
        assert address.startswith(f"{self.issuer}/authorize?"), address
        self.question = dict(parse_qsl(urlsplit(address).query))
        code = f"code-{len(self._codes)}"
        self._codes[code] = self.question
        words = {"code": code, "state": self.question["state"], "iss": self.issuer} | self.answer
        return f"{self.question['redirect_uri']}?{urlencode({name: word for name, word in words.items() if word})}"

    def about(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "end_session_endpoint": f"{self.issuer}/leave",
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        } | self.document

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "s-1",
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": nonce,
            "preferred_username": "ann",
            "groups": ["desk", "everybody"],
        } | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": self.signs_with.kid} | self.header
        return self.token(signed(header, claims, self.signs_with))

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        name, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        if not authorization:
            name, secret = form.get("client_id", ""), form.get("client_secret", "")
        else:
            name, secret = unquote_plus(name), unquote_plus(secret)
        if (name, secret) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        question = self._codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=")
        if question is None or question["code_challenge"] != challenge.decode():
            return 400, {"error": "invalid_grant"}
        if question["redirect_uri"] != form.get("redirect_uri") or form.get("grant_type") != "authorization_code":
            return 400, {"error": "invalid_request"}
        return 200, {"access_token": "at", "token_type": "Bearer", "id_token": self.id_token(question["nonce"])}


def signed(header: dict[str, Any], claims: dict[str, Any], key: Any) -> str:
    """A token with any header at all."""
    registry = jws.JWSRegistry(algorithms=[header["alg"]], strict_check_header=False)
    return jws.serialize_compact(header, json.dumps(claims), key, registry=registry)


class Handler(BaseHTTPRequestHandler):
    """One request to ``fake``."""

    fake: FakeProvider

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""

    def answer(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def respond(self, tell: Callable[[str], tuple[int, dict[str, Any]]]) -> None:
        path = urlsplit(self.path).path
        self.fake.asked.append(path)
        instead = self.fake.instead.get(path)
        if isinstance(instead, tuple):
            self.answer(*instead)
        elif instead is not None:
            instead(self)
        else:
            status, content = tell(path)
            self.answer(status, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def do_GET(self) -> None:
        def tell(path: str) -> tuple[int, dict[str, Any]]:
            known = self.headers["Authorization"] == "Bearer at"
            return {
                "/.well-known/openid-configuration": (200, self.fake.about()),
                "/keys": (200, {"keys": self.fake.published}),
                "/userinfo": (200 if known else 401, self.fake.userinfo),
            }.get(path, (404, {}))

        self.respond(tell)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = {name: words[0] for name, words in parse_qs(body).items()}
        self.respond(lambda _: self.fake.exchange(form, self.headers.get("Authorization", "")))


@contextmanager
def provider(tls: ssl.SSLContext | None = None) -> Iterator[FakeProvider]:
    """One that runs; with ``tls`` as https."""
    fake = FakeProvider()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"fake": fake}))
    fake.issuer = f"http://127.0.0.1:{server.server_port}"
    if tls is not None:
        fake.issuer = fake.issuer.replace("http:", "https:")
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
