"""The chains the end-to-end tests send mail through, one of each kind for the whole run."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from gateway.config import rules_directory
from tests.e2e.debian import build
from tests.e2e.gateway import COMMAND, GatewayProcess
from tests.e2e.hop import hop_thread
from tests.e2e.postfix import Postfix
from tests.e2e.tools import DEPLOY, free_port, need, need_root, unavailable
from tests.proof.zygote import WarmGateway
from tests.stubs.next_hop import StubHop

OWN_HOST = "127.77.0.1"
"""A host of ours that may send mail to anywhere through the edge position."""

STRANGER = "127.66.0.1"


@dataclass(frozen=True)
class Chain:
    """Gateway and Postfix, and the port where the Internet gets in."""

    position: str
    port: int
    gateway: GatewayProcess
    postfix: Postfix

    def held_id(self, reply: str) -> str:
        """The number in quarantine of the message that was answered with ``reply``. By milter the client hears
        Postfix's own words; the event has both."""
        if self.position != "milter":
            assert reply.startswith("250 2.0.0 Held by Macrogate as "), reply
            return reply.rpartition(" ")[2]
        assert reply.startswith("250 2.0.0 Ok: queued as "), reply
        event = self.gateway.event("message", queue_id=reply.rpartition(" ")[2])
        assert event["action"] == "quarantine"
        return str(event["held"])


def _shipped_gateway(position: str, ports: dict[str, int], more: str) -> GatewayProcess:
    """The gateway of a folder of ``deploy/postfix`` with the ports of this run and ``more`` sections."""
    text = (DEPLOY / "postfix" / position / "macrogate.toml").read_text()
    for shipped, ours in ports.items():
        text = re.sub(rf"127\.0\.0\.1:{shipped}\b", f"127.0.0.1:{ours}", text)
    smtp = text.partition("[smtp]")[2]
    return WarmGateway("\n".join(line for line in smtp.splitlines() if not line.startswith("listen")), more)


def edge_chain(more: str = "") -> Chain:
    behind = free_port()
    gateway = _shipped_gateway("edge", {"10025": behind}, more)
    return Chain("edge", gateway.port, gateway, Postfix.shipped("edge", {"10025": behind}, f"{OWN_HOST}/32"))


def _before_queue(more: str = "") -> Chain:
    public, after = free_port(), free_port()
    gateway = _shipped_gateway("before-queue", {"10026": after}, more)
    postfix = Postfix.shipped("before-queue", {"25": public, "10024": gateway.port, "10026": after})
    return Chain("before-queue", public, gateway, postfix)


def milter_chain(more: str = "") -> Chain:
    """Postfix with its milter; the gateway's own port is a proxy before the same Postfix."""
    public, released = free_port(), free_port()
    postfix = Postfix.shipped("milter", {"25": public, "10025": released})
    gateway = WarmGateway(
        f'next_hop = "127.0.0.1:{released}"',
        f'[milter]\nlisten = "unix:{postfix.folder}/queue/macrogate/milter.sock"\n{more}',
    )
    return Chain("milter", public, gateway, postfix)


def running(make: Callable[[], Chain]) -> Iterator[Chain]:
    """A chain, started, until the fixture that yields from here is done with it."""
    need("postfix")
    need_root("start a Postfix, private as it is")
    need_gateway()
    chain = make()
    with ExitStack() as stack:
        stack.callback(chain.gateway.remove)
        stack.callback(chain.postfix.stop)
        chain.postfix.start()
        chain.gateway.start()
        yield chain


def need_gateway() -> None:
    if not COMMAND.exists():
        unavailable(f"the macrogate command is not installed beside {COMMAND.parent}/python")


@pytest.fixture(scope="session")
def edge() -> Iterator[Chain]:
    """Internet → gateway → Postfix, the client made known by XCLIENT."""
    yield from running(edge_chain)


@pytest.fixture(scope="session")
def before_queue() -> Iterator[Chain]:
    """Internet → Postfix → gateway → Postfix, the client made known by XFORWARD."""
    yield from running(_before_queue)


@pytest.fixture(scope="session")
def milter() -> Iterator[Chain]:
    """Internet → Postfix, which asks the gateway by milter."""
    yield from running(milter_chain)


@pytest.fixture(params=["edge", "before_queue", "milter"])
def chain(request: pytest.FixtureRequest) -> Chain:
    """Each position in turn."""
    found: Chain = request.getfixturevalue(request.param)
    return found


STRICT = f'[policy]\nfile = "{rules_directory()}/policy-strict.toml"\n'


@pytest.fixture(
    scope="session", params=[edge_chain, _before_queue, milter_chain], ids=["edge", "before_queue", "milter"]
)
def disarming(request: pytest.FixtureRequest) -> Iterator[Chain]:
    """Each position in turn, with the policy that disarms."""
    yield from running(lambda: request.param(STRICT))


@dataclass(frozen=True)
class Pair:
    """A gateway of the test's own before a scripted next hop."""

    gateway: GatewayProcess
    hop: StubHop


@contextmanager
def pairs() -> Iterator[Callable[..., Pair]]:
    """``pair``, and ``shared``, until the block ends."""
    need_gateway()
    with ExitStack() as stack:

        def run(
            script: object = None,
            *,
            smtp: str = "",
            more: str = "",
            lenient: bool = False,
            start: Mapping[str, str] | None = None,
        ) -> Pair:
            hop = stack.enter_context(hop_thread(script, lenient=lenient))
            gateway = WarmGateway(f'next_hop = "{hop.address}"\n{smtp}', more)
            stack.callback(gateway.remove)
            return Pair(gateway.start(**(start or {})), hop)

        yield run


@pytest.fixture
def pair() -> Iterator[Callable[..., Pair]]:
    """``pair(script, smtp="...", more="...", lenient=True)``: start both; the end of the test stops them. ``start`` is
    more for the environment of the first start."""
    with pairs() as run:
        yield run


@pytest.fixture(scope="module")
def shared() -> Iterator[Pair]:
    """One pair for those tests of a module that do not mind what others have sent."""
    with pairs() as run:
        yield run()


@pytest.fixture(scope="session")
def dkim_key() -> tuple[bytes, bytes]:
    """A private key, and the DNS record that goes with it."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Debian package of this checkout, built once for all that look at it."""
    need("dpkg-deb", "unshare", "runuser")
    need_root("install a package")
    return build(tmp_path_factory.mktemp("package"))
