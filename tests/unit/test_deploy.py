"""What `deploy/` ships: alerts promtool accepts, a unit as hardened as promised, a Postfix nobody can abuse."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.tools import DEPLOY, find, need

TESTS = ("alerts.test.yml", "days.test.yml")
POSITIONS = ("edge", "before-queue", "milter")


def promtool(*arguments: str) -> None:
    need("promtool")
    command = [find("promtool") or "promtool", *arguments]
    done = subprocess.run(command, cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def services(position: str) -> dict[str, dict[str, str]]:
    """The services of a master.cf snippet: first word → its ``-o`` options."""
    found: dict[str, dict[str, str]] = {}
    for line in (DEPLOY / "postfix" / position / "master.cf").read_text().splitlines():
        if line.startswith("    -o "):
            name, _, value = line.removeprefix("    -o ").partition("=")
            found[list(found)[-1]][name] = value
        elif line and not line.startswith("#"):
            found[line.split()[0]] = {}
    return found


def test_prometheus_accepts_the_scrape_configuration_and_the_rules_it_names() -> None:
    promtool("check", "config", "prometheus.yml")
    assert yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())["rule_files"] == [
        "alerts.yml",
        "recording.yml",
    ]


def test_each_alert_fires_when_it_should_and_is_silent_on_a_good_day() -> None:
    promtool("test", "rules", *TESTS)


def test_each_alert_is_tested() -> None:
    alerts = re.findall(r"- alert: (\w+)", (DEPLOY / "prometheus" / "alerts.yml").read_text())
    tests = "".join((DEPLOY / "prometheus" / name).read_text() for name in TESTS)
    assert alerts
    assert [alert for alert in alerts if f'alertname="{alert}"' not in tests] == []


def test_alerts_speak_of_metrics_that_exist() -> None:
    from gateway.metrics import Metrics

    names = {sample.name for family in Metrics().registry.collect() for sample in family.samples}
    families = {family.name for family in Metrics().registry.collect()}
    spoken = set(re.findall(r"macrogate_\w+", (DEPLOY / "prometheus" / "alerts.yml").read_text()))
    unknown = {
        name
        for name in spoken
        if name not in names
        and name.removesuffix("_total") not in families
        and name.removesuffix("_bucket") not in families
    }
    assert unknown == set()


def test_the_unit_is_as_hardened_as_promised() -> None:
    need("systemd-analyze")
    unit = DEPLOY / "systemd" / "macrogate.service"
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=20", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "Unknown" in done.stderr and "option" in done.stderr:
        pytest.skip("this systemd-analyze cannot look at a unit offline")
    assert done.returncode == 0, done.stdout[-400:] + done.stderr


@pytest.mark.parametrize(
    "line",
    [
        "Type=notify",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "StateDirectory=macrogate",
        "User=macrogate",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "LimitCORE=0",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
    ],
)
def test_the_unit_says(line: str) -> None:
    assert line in (DEPLOY / "systemd" / "macrogate.service").read_text().splitlines()


def test_the_unit_outlives_the_drain() -> None:
    """SIGKILL before messages past their dot are finished would make twins."""
    from gateway.daemon import DRAIN_SECONDS

    match = re.search(r"TimeoutStopSec=(\d+)s", (DEPLOY / "systemd" / "macrogate.service").read_text())
    assert match
    assert int(match[1]) > DRAIN_SECONDS


@pytest.mark.parametrize("position", POSITIONS)
def test_no_port_towards_the_gateway_listens_to_the_world(position: str) -> None:
    for service in services(position):
        assert service == "smtp" or service.startswith("127.0.0.1:")


@pytest.mark.parametrize("position", POSITIONS)
def test_ports_behind_the_gateway_refuse_what_could_be_smuggled(position: str) -> None:
    """Postfix exempts $mynetworks, and to it the gateway is one of them (``smtpd_forbid_bare_newline_exclusions``)."""
    for service, options in services(position).items():
        if service != "smtp":
            assert options["smtpd_forbid_bare_newline"] == "reject"
        assert options["smtpd_forbid_bare_newline_exclusions"] == ""
        assert options["smtpd_discard_ehlo_keywords"] == "chunking,silent-discard"


@pytest.mark.parametrize("position", POSITIONS)
def test_no_milter_may_wave_mail_through(position: str) -> None:
    text = (DEPLOY / "postfix" / position / "main.cf").read_text()
    assert re.findall(r"^milter_default_action = (.*)$", text, re.MULTILINE) == ["tempfail"]


def test_only_the_after_filter_port_believes_xforward() -> None:
    options = services("before-queue")
    assert options["127.0.0.1:10026"]["smtpd_authorized_xforward_hosts"] == "127.0.0.1"
    assert "smtpd_authorized_xforward_hosts" not in options["smtp"]
    assert options["smtp"]["smtpd_proxy_timeout"] == "100s"
    assert options["smtp"]["smtpd_proxy_options"] == ""


def test_the_edge_gives_the_gateway_no_relay_rights() -> None:
    options = services("edge")["127.0.0.1:10025"]
    assert options["mynetworks"] == "$macrogate_relay_networks"
    assert options["smtpd_relay_restrictions"] == "permit_mynetworks,reject_unauth_destination"
    assert options["smtpd_authorized_xclient_hosts"] == "127.0.0.1"
    assert "macrogate_relay_networks =\n" in (DEPLOY / "postfix" / "edge" / "main.cf").read_text()


@pytest.mark.parametrize("position", POSITIONS)
def test_the_shipped_configuration_is_one_the_gateway_takes(position: str, tmp_path: Path) -> None:
    from gateway.config import load

    text = (DEPLOY / "postfix" / position / "macrogate.toml").read_text()
    path = tmp_path / "macrogate.toml"
    path.write_text(
        f'{text}\n[quarantine]\nstore = "sqlite:///{tmp_path}/q.db"\nmessages = "file://{tmp_path}/messages"\n'
    )
    settings = load(path)
    assert settings.smtp.xclient is (position == "edge")
    trusted = tomllib.loads(text)["smtp"].get("trusted_peers", [])
    assert [str(network) for network in settings.smtp.trusted_peers] == trusted
    assert bool(settings.milter.listen) is (position == "milter")


def test_postfix_and_the_gateway_mean_the_same_milter_socket() -> None:
    """Postfix starts at its queue directory, in a chroot or not."""
    folder = DEPLOY / "postfix" / "milter"
    names = re.findall(r"^(?:non_)?smtpd_milters = unix:(.*)$", (folder / "main.cf").read_text(), re.MULTILINE)
    listen = tomllib.loads((folder / "macrogate.toml").read_text())["milter"]["listen"]
    assert [f"unix:/var/spool/postfix/{name}" for name in names] == [listen, listen]


def test_where_postfix_hears_the_internet_itself_nothing_is_smuggled_in() -> None:
    lines = (DEPLOY / "postfix" / "milter" / "main.cf").read_text().splitlines()
    assert "smtpd_forbid_bare_newline = normalize" in lines
    assert "smtpd_forbid_bare_newline_exclusions =" in lines


def test_released_mail_is_asked_about_by_no_milter() -> None:
    options = services("milter")["127.0.0.1:10025"]
    assert options["smtpd_milters"] == ""
    assert "no_milters" in options["receive_override_options"].split(",")
    assert options["smtpd_recipient_restrictions"] == "permit_mynetworks,reject"


COMPOSE = DEPLOY / "compose"


def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load((COMPOSE / "compose.yaml").read_text())
    return read


def test_what_compose_mounts_and_builds_is_there() -> None:
    told = compose()
    for name, service in told["services"].items():
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            assert (COMPOSE / source).exists() if source.startswith(".") else source in told["volumes"], (
                f"{name}: {volume}"
            )
            assert not source.startswith(".") or volume.endswith(":ro"), f"{name}: {volume}"
        if build := service.get("build"):
            context = (COMPOSE / build["context"]).resolve()
            assert context == DEPLOY.parent
            dockerfile = (context / build["dockerfile"]).read_text()
            allowed = (context / f"{build['dockerfile']}.dockerignore").read_text().splitlines()
            for line in re.findall(r"^COPY (?!--)(.*) \S+$", dockerfile, re.MULTILINE):
                for source in line.split():
                    assert (context / source).exists(), source
                    assert f"!{source}" in allowed, source
            arguments = set(re.findall(r"^ARG (\w+)$", dockerfile, re.MULTILINE))
            assert set(build.get("args", {})) == arguments
        assert set(service.get("networks", [])) <= set(told["networks"])
        assert set(service.get("depends_on", {})) <= set(told["services"])


def test_compose_images_are_pinned() -> None:
    texts = [(COMPOSE / name).read_text() for name in ("gateway.Dockerfile", "postfix.Dockerfile")]
    images = [image for text in texts for image in re.findall(r"^FROM (\S+)", text, re.MULTILINE)]
    images += [service["image"] for service in compose()["services"].values() if "image" in service]
    assert len(images) == 5
    for image in images:
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+(\.\d+)?(-[a-z-]+)?", image), image


def test_compose_gives_nothing_it_need_not() -> None:
    services = compose()["services"]
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["cap_drop"] == ["ALL"], name
        assert "healthcheck" in service, name
        assert "privileged" not in service, name
        assert name == "postfix" or not service["user"].startswith("0"), name
    published = {port for service in services.values() for port in service.get("ports", [])}
    assert published == {"25:25", "127.0.0.1:8025:8025", "127.0.0.1:3000:3000"}
    assert services["postfix"]["network_mode"] == "service:gateway"
    assert compose()["networks"]["watch"] == {"internal": True}


def test_compose_asks_for_what_it_needs() -> None:
    text = (COMPOSE / "compose.yaml").read_text()
    asked = set(re.findall(r"\$\{(\w+):\?", text))
    assert asked == set(re.findall(r"^(\w+)=", (COMPOSE / "env.example").read_text(), re.MULTILINE))
    assert re.findall(r"(?<!\$)\$\{\w+\}", text) == []


def test_the_configurations_of_compose_are_the_shipped_ones_with_other_addresses() -> None:
    from gateway.config import load

    ours = load(COMPOSE / "macrogate.toml")
    edge = tomllib.loads((DEPLOY / "postfix" / "edge" / "macrogate.toml").read_text())["smtp"]
    assert tomllib.loads((COMPOSE / "macrogate.toml").read_text())["smtp"] == edge
    assert ours.http.listen == "0.0.0.0:8025"
    for one, other, old, new in (
        ("prometheus.yml", "prometheus/prometheus.yml", "127.0.0.1:8025", "gateway:8025"),
        ("datasource.yml", "grafana/provisioning/datasources/prometheus.yml", "127.0.0.1:9090", "prometheus:9090"),
    ):
        shipped = yaml.safe_load((DEPLOY / other).read_text().replace(old, new))
        assert yaml.safe_load((COMPOSE / one).read_text()) == shipped


def test_postfix_takes_the_configuration_the_image_is_built_with(tmp_path: Path) -> None:
    """The commands of the image's build, on Debian's own files."""
    need("postconf")
    master = Path("/usr/share/postfix/master.cf.dist")
    if not master.is_file():
        pytest.skip("only Debian's Postfix has its first master.cf there")
    text = (COMPOSE / "postfix.Dockerfile").read_text()
    assert all(f"deploy/postfix/edge/{name}" in text for name in ("main.cf", "master.cf"))
    edge = DEPLOY / "postfix" / "edge"
    (tmp_path / "main.cf").write_text("compatibility_level = 3.6\n" + (edge / "main.cf").read_text())
    (tmp_path / "master.cf").write_text(master.read_text())

    def postconf(*arguments: str) -> str:
        done = subprocess.run(
            [find("postconf") or "", "-c", str(tmp_path), *arguments], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    postconf("-M#", "smtp/inet")
    with (tmp_path / "master.cf").open("a") as file:
        file.write((edge / "master.cf").read_text())
    postconf("-F", "*/*/chroot=n")
    pairs = re.findall(r'"(\w+=[^"]*)"', text.partition("postconf -e ")[2])
    assert len(pairs) == 10
    values = {"$HOSTNAME": "mx.example.com", "$DOMAINS": "a.example b.example", "$INSIDE": "[mail.example.com]:25"}
    for name, value in values.items():
        assert name in " ".join(pairs)
        pairs = [pair.replace(name, value) for pair in pairs]
    postconf("-e", *pairs)
    inet = [line.split()[0] for line in postconf("-M").splitlines() if line.split()[1] == "inet"]
    assert inet == ["127.0.0.1:10025"]
