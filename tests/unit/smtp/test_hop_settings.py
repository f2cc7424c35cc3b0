"""What TLS believes, by setting."""

import ssl

import pytest

from gateway.endpoint import Endpoint
from gateway.smtp.hop_settings import HopSettings, Timeouts

ADDRESS = Endpoint("mail.example.com", 25)


@pytest.mark.parametrize(("tls", "verify"), [("may", False), ("require", True)])
def test_only_required_tls_verifies(tls: str, verify: bool) -> None:
    context = HopSettings(ADDRESS, "gw.example", tls=tls).context()  # type: ignore[arg-type]
    assert context.check_hostname is verify
    assert (context.verify_mode is ssl.CERT_REQUIRED) is verify


def test_a_context_that_is_given_is_used() -> None:
    given = ssl.create_default_context()
    assert HopSettings(ADDRESS, "gw.example", tls="may", tls_context=given).context() is given


def test_equal_settings_are_equal_so_a_reload_keeps_the_connections() -> None:
    assert HopSettings(ADDRESS, "gw.example") == HopSettings(Endpoint.parse("mail.example.com:25"), "gw.example")
    assert HopSettings(ADDRESS, "gw.example") != HopSettings(ADDRESS, "gw.example", timeouts=Timeouts(dot=1.0))
