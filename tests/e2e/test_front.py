"""People whom a web server in front has signed in, over real connections from its address and from others."""

from __future__ import annotations

import http.client
from collections.abc import Sequence

from gateway.web.people import Role
from gateway.web.users import Users
from tests.e2e.gateway import GatewayProcess
from tests.proof.zygote import WarmGateway

HEADER = "X-Remote-User"
PROXY, STRANGER = "127.0.0.2", "127.0.0.3"


def asked(gateway: GatewayProcess, source: str, names: Sequence[str]) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.http, timeout=30, source_address=(source, 0))
    try:
        connection.putrequest("GET", "/quarantine")
        for name in names:
            connection.putheader(HEADER, name)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_only_the_web_server_in_front_says_who_asks() -> None:
    gateway = WarmGateway('next_hop = "127.0.0.1:9"')
    try:
        text = gateway.configuration.read_text()
        front = f'[http]\ntrusted_proxies = ["{PROXY}"]\nuser_header = "{HEADER}"\n'
        gateway.configuration.write_text(text.replace("[http]\n", front))
        Users(gateway.folder / "users.json").put("ann", Role.RELEASER, "correct horse battery")
        gateway.start()
        status, page = asked(gateway, PROXY, ["ann"])
        assert (status, '<span title="releaser">ann</span>' in page) == (200, True)
        for names in (["ann", "ann"], ["eve"], [""], []):
            assert asked(gateway, PROXY, names)[0] == 403, names
        for _ in range(2):
            assert asked(gateway, STRANGER, ["ann"])[0] == 303
        gateway.event("user-header-ignored", client=STRANGER, header=HEADER)
        assert len(gateway.events("user-header-ignored")) == 1
    finally:
        gateway.remove()
