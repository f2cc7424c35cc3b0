"""Configuration files as text, settings or sentences out; the manual and the example agree with the code."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway import config
from gateway.closed_sets import Action
from gateway.config import ConfigError, Settings, load, rules_directory
from gateway.config.oidc import OidcSection

ROOT = Path(__file__).parents[3]


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "macrogate.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def mistakes(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(written(folder, text))
    assert caught.value.mistakes == tuple(str(caught.value).split("\n"))
    return str(caught.value)


def test_defaults_work_and_the_rules_are_there() -> None:
    plain = Settings()
    assert plain.smtp.listen == "127.0.0.1:10024"
    assert plain.policy.file == rules_directory() / "policy.toml"
    assert plain.policy.file.is_file()
    assert (plain.policy.rules / "triggers.toml").is_file()
    assert plain.scan.on_failure is Action.DEFER


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Settings().smtp.listen = "x"  # type: ignore[misc]


def test_everything_is_read(tmp_path: Path) -> None:
    loaded = load(
        written(
            tmp_path,
            """
[smtp]
listen = "[::1]:25"
next_hop = "lmtp:unix:/run/lmtp"
max_message_size = "25M"
trusted_peers = ["192.0.2.1", "2001:db8::/32"]
xclient = true
data_timeout = "90s"
[scan]
on_failure = "quarantine"
[policy]
file = "mine.toml"
[http]
listen = ""
""",
        )
    )
    assert (loaded.smtp.listen, loaded.smtp.next_hop) == ("[::1]:25", "lmtp:unix:/run/lmtp")
    assert (loaded.smtp.max_message_size, loaded.smtp.data_timeout) == (25 << 20, 90.0)
    assert [str(network) for network in loaded.smtp.trusted_peers] == ["192.0.2.1/32", "2001:db8::/32"]
    assert loaded.scan.on_failure is Action.QUARANTINE
    assert loaded.policy.file == tmp_path / "mine.toml"
    assert loaded.http.listen == ""


def test_policy_follows_the_rules_folder(tmp_path: Path) -> None:
    assert load(written(tmp_path, '[policy]\nrules = "other"')).policy.file == tmp_path / "other" / "policy.toml"


def test_without_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(config, "DEFAULT_PATH", tmp_path / "macrogate.toml")
    assert load() == Settings()
    written(tmp_path, '[log]\nlevel = "error"')
    assert load().log.level == "error"


def test_private_key_and_certificate(tmp_path: Path) -> None:
    authority = trustme.CA()
    made = authority.issue_cert("mx.example.com")
    made.private_key_pem.write_to_path(tmp_path / "key.pem")
    made.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    text = '[smtp]\ntls_certificate = "cert.pem"\ntls_key = "key.pem"'
    assert load(written(tmp_path, text)).smtp.tls_key == tmp_path / "key.pem"
    authority.issue_cert("other.example.com").private_key_pem.write_to_path(tmp_path / "key.pem")
    assert "are no certificate and private key that belong together" in mistakes(tmp_path, text)
    (tmp_path / "key.pem").write_text("no key")
    assert "are no certificate and private key that belong together" in mistakes(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[authentication]\nverify = 1", "authentication.verify: must be a valid boolean"),
        ('[authentication]\ndns = ["ns.example.com"]', "'ns.example.com' is no IP address; write 192.0.2.53"),
        ('[authentication]\ndns = ["127.0.0.1:70000"]', "'127.0.0.1:70000': there is no such port"),
        ('[authentication]\ndns = "127.0.0.1"', "must be a list of addresses"),
        ('[authentication]\ntrusted = ["a b"]', "'a b' is no host name"),
        ('[authentication]\ntimeout = "1m"', "authentication.timeout: 60 s: the client waits meanwhile"),
        (
            '[authentication]\nseal = { domain = "a.test", selector = "s" }',
            "authentication.seal.key: this key is missing",
        ),
        (
            '[authentication]\nseal = { domain = "a.test", selector = "s", key = "k.pem" }',
            "authentication.seal: a seal vouches for what was verified; set verify = true",
        ),
        ('[smtp]\nnext_hop = "127.0.0.1:10024"', "smtp.next_hop: 127.0.0.1:10024 is this gateway's own listener"),
        ('[smtp]\nlisten = "0.0.0.0:10025"\nxclient = true', "smtp.next_hop: 127.0.0.1:10025 is this gateway's own"),
        (
            '[smtp]\nrelease_next_hop = "localhost:10024"',
            "smtp.release_next_hop: localhost:10024 is this gateway's own",
        ),
        ('[smtp]\nlisten = "0.0.0.0:25"', "smtp.xclient: smtp.listen = 0.0.0.0:25 is open to others"),
        ('[smtp]\nlisten = "mx.example.com:25"', "open relay"),
        ('[smtp]\nlisten = "lmtp:127.0.0.1:24"', "smtp.listen: 'lmtp:127.0.0.1:24': this is a listener"),
        ('[smtp]\nnext_hop = "127.0.0.1"', "smtp.next_hop: '127.0.0.1' is no place"),
        ('[smtp]\nnext_hop = "127.0.0.1:0"', "smtp.next_hop: '127.0.0.1:0': port 0 is nobody's"),
        ('[smtp]\nhostname = "two words"', "smtp.hostname: 'two words' is no host name"),
        ('[smtp]\nmax_message_size = "10K"', "smtp.max_message_size: 10240 bytes is less than the 64K"),
        ('[smtp]\nmax_message_size = "1G"', "scan.max_unpacked_size: is less than smtp.max_message_size"),
        ("[smtp]\nmax_recipients = 0", "smtp.max_recipients: must be greater than or equal to 1, not 0"),
        ("[smtp]\nmax_sessions = true", "smtp.max_sessions: must be a valid integer, not True"),
        ('[smtp]\nxclient = "yes"', "smtp.xclient: must be a valid boolean, not 'yes'"),
        ('[smtp]\ntrusted_peers = ["0.0.0.0/0"]', "smtp.trusted_peers: names the whole Internet"),
        ('[smtp]\ntrusted_peers = ["::/0"]', "smtp.trusted_peers: names the whole Internet"),
        ('[smtp]\ntrusted_peers = ["10.0.0.1/8", "x"]', "10.0.0.1/8 has host bits set; 'x' does not appear to be"),
        ('[smtp]\ntrusted_peers = "10.0.0.1"', "smtp.trusted_peers: must be a list like"),
        ("[smtp]\nproxy_protocol = true", "smtp.proxy_protocol: nobody is trusted to speak the PROXY protocol"),
        ('[smtp]\ntls_certificate = "c.pem"', "smtp.tls_key: tls_certificate is set"),
        ('[smtp]\ntls_key = "k.pem"', "smtp.tls_certificate: tls_key is set"),
        ('[smtp]\ntls_key = "k.pem"\ntls_certificate = "c.pem"', "c.pem cannot be read: No such file or directory"),
        ('[smtp]\ntls_key = ""', "smtp.tls_key: is empty; leave the key out instead"),
        ('[smtp]\nnext_hop_tls = "yes"', "smtp.next_hop_tls: must be 'off', 'may' or 'require', not 'yes'"),
        ('[smtp]\nnext_hop_timeout = "60s"', "smtp.next_hop_timeout is 110 s"),
        ('[smtp]\ncommand_timeout = "0s"', "smtp.command_timeout: must be greater than 0"),
        (
            '[smtp]\nmax_mesage_size = "1M"',
            "smtp.max_mesage_size: there is no such key (did you mean 'max_message_size'?)",
        ),
        ("[smpt]\nlisten = 'x'", "smpt: there is no such key (did you mean 'smtp'?)"),
        ("smtp = 5", "smtp: must be a table of keys, not 5"),
        ('[scan]\ntimeout = "30 s!"', "scan.timeout: '30 s!' is not a duration"),
        ('[scan]\nmax_memory = "10M"', "scan.max_memory: is too little for a scan process"),
        ("[scan]\nmax_depth = 101", "scan.max_depth: 101 nested archives"),
        ("[scan]\nworkers = 0", "scan.workers: must be greater than or equal to 1, not 0"),
        ('[scan]\non_failure = "reject"', "scan.on_failure: must be defer, quarantine or deliver, not 'reject'"),
        ('[http]\nlisten = "127.0.0.1:10024"', "http.listen: 127.0.0.1:10024 is taken by smtp.listen"),
        (
            '[http]\nuser_header = "X-Remote-User"',
            "http.user_header: nobody is trusted to say in X-Remote-User who asks",
        ),
        ('[http]\nuser_header = "X_User"', "X_User' is no name of a header"),
        ('[http]\nuser_header = "X-User: a"', "is no name of a header"),
        ('[http]\nlisten = "unix:/run/h"', "http.listen: unix:/run/h: HTTP is on a port only"),
        ('[smtp]\nlisten = ""', "smtp.listen: is empty, and so is milter.listen: no mail would come in"),
        ('[milter]\nlisten = "127.0.0.1:10024"', "milter.listen: 127.0.0.1:10024 is taken by smtp.listen"),
        ('[milter]\nlisten = "127.0.0.1:8025"', "milter.listen: 127.0.0.1:8025 is taken by http.listen"),
        ('[milter]\nlisten = "0.0.0.0:10023"', "milter.listen: 0.0.0.0:10023 can be reached by others"),
        ('[quarantine]\nstore = "postgresql://db/x"', "quarantine.store: postgresql: is not available in this version"),
        ('[quarantine]\nmessages = "s3://bucket"', "quarantine.messages: s3: is not available in this version"),
        ('[quarantine]\nmessages = "/var/x"', "quarantine.messages: '/var/x' is no URL"),
        ('[quarantine]\nstore = "sqlite://x.db"', "quarantine.store: 'sqlite://x.db' has to name an absolute path"),
        ('[quarantine]\nretention = "1m"', "quarantine.retention: 60 s: held mail would be gone"),
        ('[quarantine]\ncontact = "a\\nb"', "quarantine.contact: must be text on one line"),
        ("[policy]\nrules = 5", "policy.rules: must be text on one line, not 5"),
        ("x = = 1", "not TOML"),
    ],
)
def test_mistake(tmp_path: Path, text: str, sentence: str) -> None:
    assert sentence in mistakes(tmp_path, text)


def test_all_mistakes_are_told_at_once_and_none_follows_from_another(tmp_path: Path) -> None:
    told = mistakes(
        tmp_path,
        '[smtp]\nlisten = "0.0.0.0:25"\nxclient = 1\nmax_recipients = 0\n[scan]\ntimeout = "1h"\n[log]\nlevel = "loud"',
    )
    assert [line.partition(":")[0] for line in told.splitlines()] == [
        "smtp.max_recipients",
        "smtp.xclient",
        "log.level",
        "scan.timeout",
    ]


def test_unreadable_rules_folder_is_one_mistake(tmp_path: Path) -> None:
    assert len(mistakes(tmp_path, "[policy]\nrules = 5").splitlines()) == 1


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_file_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(ConfigError, match="others than its owner may write it"):
        load(written(tmp_path, "", mode))


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file or directory"):
        load(tmp_path / "gone.toml")


SECTIONS = st.sampled_from([*Settings.model_fields, "other"])
FIELDS = sorted({key for section in Settings.model_fields for key in getattr(Settings(), section).model_dump()})
VALUES = st.one_of(st.text(max_size=10), st.integers(), st.booleans(), st.floats(), st.just([]), st.just({}))


@settings(max_examples=150)
@given(
    st.dictionaries(
        SECTIONS, st.one_of(VALUES, st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4)), max_size=4
    )
)
def test_any_tables_are_settings_or_mistakes(tables: dict[str, Any]) -> None:
    told: tuple[str, ...] = ("none",)
    try:
        config._checked(tables, Path("/"))
    except ConfigError as error:
        told = error.mistakes
    assert told
    assert all(told)


# ---- the manual and the example


def as_written(value: object) -> str:
    """A default as the manual shows it."""
    for unit, bytes_ in (("G", 1 << 30), ("M", 1 << 20)):
        if isinstance(value, int) and not isinstance(value, bool) and value >= bytes_ and value % bytes_ == 0:
            return f'"{value // bytes_}{unit}"'
    if isinstance(value, float):
        days, minutes = value / 86400, value / 60
        return f'"{days:g}d"' if days >= 1 else f'"{minutes:g}m"' if minutes >= 1 else f'"{value:g}s"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[]"
    return f'"{value}"' if isinstance(value, str | Path) else str(value)


NO_FIXED_DEFAULT = {
    "smtp.hostname",
    "smtp.tls_certificate",
    "smtp.tls_key",
    "http.oidc",
    "scan.workers",
    "scan.passwords",
    "authentication.seal",
    "authentication.sign",
    "policy.rules",
    "policy.file",
    "notice.templates",
    "digest.templates",
    "notice.secret",
    "log.file",
    "log.http_authorization",
    "log.tls_ca",
}


def keys_of_the_code() -> dict[str, str]:
    plain = Settings()
    return {
        f"{section}.{key}": as_written(getattr(getattr(plain, section), key))
        for section in Settings.model_fields
        for key in type(getattr(plain, section)).model_fields
    }


def keys_of_the_manual() -> dict[str, str]:
    rows: dict[str, str] = {}
    section = ""
    for line in (ROOT / "docs/configuration.md").read_text().splitlines():
        if heading := re.fullmatch(r"## \[(\w+)\]", line):
            section = heading[1]
        elif row := re.match(r"\| `(\w+)` \| (.*?) \| ", line):
            rows[f"{section}.{row[1]}"] = row[2].strip("`")
    return rows


def test_manual_has_every_key_and_nothing_else() -> None:
    code, manual = keys_of_the_code(), keys_of_the_manual()
    assert list(manual) == list(code)
    assert {key: text for key, text in manual.items() if key not in NO_FIXED_DEFAULT} == {
        key: text for key, text in code.items() if key not in NO_FIXED_DEFAULT
    }


def test_manual_has_every_key_of_the_provider_with_its_default() -> None:
    text = (ROOT / "docs/configuration.md").read_text()
    manual = dict(re.findall(r"^\| `oidc\.(\w+)` \| (.*?) \| ", text, re.MULTILINE))
    shown = {
        name: "needed" if field.is_required() else "none" if field.default is None else f"`{json.dumps(field.default)}`"
        for name, field in OidcSection.model_fields.items()
    }
    assert list(manual.items()) == list(shown.items())


def test_example_file_has_every_key_with_its_default() -> None:
    text = (ROOT / "deploy/macrogate.toml").read_text()
    assert Settings.model_validate(tomllib.loads(text)) == Settings()
    shown = tomllib.loads(re.sub(r"^# (\w+ = )", r"\1", text, flags=re.MULTILINE))
    given_ = {f"{section}.{key}" for section, keys in shown.items() for key in keys}
    assert given_ == set(keys_of_the_code())
    example, plain = Settings.model_validate(shown).model_dump(), Settings().model_dump()
    for section, keys in plain.items():
        for key, value in keys.items():
            assert f"{section}.{key}" in NO_FIXED_DEFAULT or example[section][key] == value
