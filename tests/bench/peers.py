"""The systems of the comparison, each started on loopback in a folder of its own in front of one ``smtp-sink``.

Every peer is a context manager that gives the port where mail enters. All of them see the same messages, keep nothing
but their usual state, and look mail up in no name server.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.running import Missing, await_path, await_port, folder, program, running
from tests.e2e.postfix import Postfix
from tests.e2e.tools import ROOT, free_port

SIGNATURE = "Macrogate.Bench.Marker:0:*:4e4f5420494e20414e59204d41494c\n"
"""ClamAV wants at least one signature; this one matches a phrase no message of the benchmark has."""


@dataclass(frozen=True)
class Surroundings:
    """What peers share: the port of the sink, and the socket of clamd where it runs."""

    sink: int
    clamd: Path | None


@dataclass(frozen=True)
class Peer:
    """One line of the table. ``start`` gives the port for SMTP or the socket of a milter; ``reuse`` says whether a
    session may carry more than one message."""

    name: str
    start: Callable[[Surroundings], AbstractContextManager[int] | AbstractContextManager[Path]]
    reuse: bool = True


@contextlib.contextmanager
def sink() -> Iterator[int]:
    """``smtp-sink``, the next hop of everybody."""
    port = free_port()
    command = [program("smtp-sink", "postfix"), "-c", f"127.0.0.1:{port}", "2000"]
    if os.geteuid() == 0:
        command[1:1] = ["-u", "postfix"]
    with folder("sink") as home, running(command, home / "log") as process:
        await_port(port, process, home / "log")
        yield port


@contextlib.contextmanager
def clamd() -> Iterator[Path]:
    """ClamAV's daemon with its document checks on and one signature of our own; gives its socket."""
    with folder("clamd") as home:
        (home / "db").mkdir()
        (home / "db" / "own.ndb").write_text(SIGNATURE)
        socket = home / "clamd.sock"
        _write(
            home / "clamd.conf",
            f"LocalSocket {socket}",
            "LocalSocketMode 666",
            f"DatabaseDirectory {home}/db",
            "AlertOLE2Macros yes",
            "AlertEncrypted yes",
            "ScanOLE2 yes",
            "MaxThreads 4",
            "StreamMaxLength 100M",
            "Foreground yes",
            "User root",
        )
        command = [program("clamd", "clamav-daemon"), "-c", str(home / "clamd.conf")]
        with running(command, home / "log") as process:
            await_path(socket, process, home / "log")
            yield socket


@contextlib.contextmanager
def sink_alone(around: Surroundings) -> Iterator[int]:
    """The ceiling: what the load generator and the next hop can do with nobody between them."""
    yield around.sink


@contextlib.contextmanager
def postfix_alone(around: Surroundings) -> Iterator[int]:
    """Postfix with its queue, relaying everything to the sink."""
    with _postfix(around, []) as port:
        yield port


@contextlib.contextmanager
def clamav_milter(around: Surroundings) -> Iterator[Path]:
    """clamav-milter, which asks clamd; gives its socket."""
    clamd = _need_clamd(around)
    with folder("clamav-milter") as home, _door(home) as socket:
        _write(
            home / "milter.conf",
            f"MilterSocket unix:{socket}",
            "MilterSocketMode 666",
            f"ClamdSocket unix:{clamd}",
            "OnInfected Reject",
            "OnClean Accept",
            "OnFail Defer",
            "User root",
            "Foreground yes",
            "MaxFileSize 60M",
        )
        command = [program("clamav-milter", "clamav-milter"), "-c", str(home / "milter.conf")]
        with running(command, home / "log") as process:
            await_path(socket, process, home / "log")
            yield socket


@contextlib.contextmanager
def postfix_clamav_milter(around: Surroundings) -> Iterator[int]:
    """Postfix that asks clamav-milter."""
    with clamav_milter(around) as socket, _postfix(around, [f"smtpd_milters=unix:{socket}"]) as port:
        yield port


@contextlib.contextmanager
def _door(home: Path) -> Iterator[Path]:
    """Where a socket is that Postfix may reach."""
    door = home / "door"
    door.mkdir()
    shutil.chown(door, group="postfix")
    door.chmod(0o2750)
    yield door / "milter.sock"


@contextlib.contextmanager
def amavisd(around: Surroundings) -> Iterator[int]:
    """amavisd with clamd and its zip and MIME decoders, spam checks off."""
    socket = _need_clamd(around)
    command = program("amavisd", "amavisd-new")
    port = free_port()
    with folder("amavisd") as home:
        (home / "amavis").mkdir()
        for name in ("tmp", "quarantine"):
            (home / "amavis" / name).mkdir()
        for path in (home / "amavis", *(home / "amavis").iterdir()):
            shutil.chown(path, "amavis", "amavis")
        configuration = home / "amavisd.conf"
        configuration.write_text(AMAVISD.format(home=home / "amavis", port=port, sink=around.sink, clamd=socket))
        with running([command, "-c", str(configuration), "foreground"], home / "log") as process:
            await_port(port, process, home / "log")
            yield port


AMAVISD = r"""use strict;
$max_servers = 8;  # one for each session of the load generator, which keeps its connections
$daemon_user = 'amavis'; $daemon_group = 'amavis';
$MYHOME = '{home}'; $TEMPBASE = "$MYHOME/tmp"; $QUARANTINEDIR = "$MYHOME/quarantine";
$db_home = $MYHOME; $lock_file = "$MYHOME/lock"; $pid_file = "$MYHOME/pid";
$enable_db = 0; $enable_zmq = 0; $log_level = 0; $do_syslog = 0; $LOGFILE = "$MYHOME/log";
$mydomain = 'mta.test'; $myhostname = 'mta.test'; @local_domains_maps = (['.example.com']);
$inet_socket_port = {port}; $inet_socket_bind = '127.0.0.1'; @inet_acl = qw(127.0.0.1);
$forward_method = 'smtp:[127.0.0.1]:{sink}'; $notify_method = $forward_method;
@bypass_spam_checks_maps = (1);
$final_virus_destiny = D_DISCARD; $final_banned_destiny = D_DISCARD;
$virus_quarantine_method = 'local:virus-%m';
@av_scanners = (['clamd', \&ask_daemon, ["CONTSCAN {{}}\n", "{clamd}"], qr/\bOK$/m, qr/\bFOUND$/m,
                qr/^.*?: (?!Infected Archive)(.*) FOUND$/m]);
@decoders = (['mail', \&do_mime_decode], ['zip', \&do_unzip]);
1;
"""


@contextlib.contextmanager
def fuglu(around: Surroundings) -> Iterator[int]:
    """FuGlu with its attachment and ClamAV plugins, from the Python package index in an environment of its own."""
    socket = _need_clamd(around)
    python = _fuglu_python()
    port = free_port()
    with folder("fuglu") as home:
        site = next((python.parent.parent / "lib").glob("python*/site-packages"))
        shutil.copytree(site / "etc" / "fuglu", home / "etc")
        settings = (home / "etc" / "fuglu.conf.dist").read_text()
        for old, new in (
            ("daemonize=1", "daemonize=0"),
            ("user=nobody", "user=root"),
            ("group=nobody, nogroup", "group=root"),
            ("plugins=archive,attachment,clamav,spamassassin", "plugins=attachment,clamav"),
            ("prependers=debug,skip", "prependers="),
            ("incomingport=10025,10099,10888", f"incomingport={port}"),
            ("outgoingport=10026", f"outgoingport={around.sink}"),
            ("tempdir=/tmp", f"tempdir={home}"),
            ("controlport=/tmp/fuglu_control.sock", f"controlport={home}/control.sock"),
            ("versioncheck=1", "versioncheck=0"),
            ("\nport=3310\n", f"\nport={socket}\n"),
            ("outgoinghelo=\n", "outgoinghelo=mta.test\n"),
        ):
            settings = settings.replace(old, new, 1)
        (home / "etc" / "fuglu.conf").write_text(settings)
        command = [str(python), "-m", "fuglu", "-f", "--baseloglevel", "ERROR", "-c", str(home / "etc" / "fuglu.conf")]
        with running(command, home / "log") as process:
            await_port(port, process, home / "log")
            yield port


def _fuglu_python() -> Path:
    """The interpreter of ``.venv-bench``, which is made here the first time. Raises ``Missing``."""
    python = ROOT / ".venv-bench" / "bin" / "python"
    if not python.exists():
        made = subprocess.run(
            [sys.executable, "-m", "venv", str(ROOT / ".venv-bench")], capture_output=True, check=False
        )
        if made.returncode:
            raise Missing(f"no environment for FuGlu: {made.stderr.decode(errors='replace')[-200:]}")
    if subprocess.run([str(python), "-c", "import fuglu"], capture_output=True, check=False).returncode:
        command = [str(python), "-m", "pip", "install", "--quiet", "fuglu==1.7.0"]
        done = subprocess.run(command, capture_output=True, check=False)
        if done.returncode:
            raise Missing(f"FuGlu could not be installed: {done.stderr.decode(errors='replace')[-200:]}")
    return python


@contextlib.contextmanager
def macrogate(around: Surroundings, http: int | None = None, more: str = "") -> Iterator[int]:
    """The gateway as it is shipped, nothing changed but ports and paths. ``http`` is the port of its metrics, ``more``
    further sections of its configuration."""
    command = Path(sys.executable).with_name("macrogate")
    if not command.exists():
        raise Missing("the macrogate command is not installed in this environment")
    port = free_port()
    with folder("macrogate") as home:
        configuration = home / "macrogate.toml"
        configuration.write_text(
            MACROGATE.format(port=port, sink=around.sink, http=http or free_port(), home=home) + more
        )
        with running([str(command), "serve", "--config", str(configuration)], home / "log") as process:
            await_port(port, process, home / "log")
            yield port


MACROGATE = """[smtp]
listen = "127.0.0.1:{port}"
next_hop = "127.0.0.1:{sink}"
[http]
listen = "127.0.0.1:{http}"
[quarantine]
store = "sqlite:///{home}/quarantine.db"
messages = "file://{home}/messages"
"""


@contextlib.contextmanager
def _postfix(around: Surroundings, options: list[str]) -> Iterator[int]:
    if os.geteuid() != 0:
        raise Missing("only root may start a Postfix")
    program("postfix", "postfix")
    port = free_port()
    service = f"127.0.0.1:{port} inet n - n - - smtpd\n" + "".join(f"    -o {option}\n" for option in options)
    settings = (
        f"relay_transport = smtp:[127.0.0.1]:{around.sink}\nrelay_domains = bench.test\nrelay_recipient_maps =\n"
        "smtpd_client_connection_count_limit = 0\nmilter_default_action = tempfail\n"
    )
    instance = Postfix(service, settings, (port,))
    try:
        instance.start()
        yield port
    finally:
        instance.stop()


def _need_clamd(around: Surroundings) -> Path:
    if around.clamd is None:
        raise Missing("clamd does not run here (Debian package clamav-daemon)")
    return around.clamd


def _write(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n")


@contextlib.contextmanager
def macrogate_milter(around: Surroundings) -> Iterator[Path]:
    """The gateway as a milter; gives its socket."""
    with (
        folder("macrogate-milter") as home,
        _door(home) as socket,
        macrogate(around, more=f'[milter]\nlisten = "unix:{socket}"\n'),
    ):
        yield socket


@contextlib.contextmanager
def postfix_macrogate_milter(around: Surroundings) -> Iterator[int]:
    """Postfix that asks the gateway by milter, and relays to the sink."""
    with macrogate_milter(around) as socket, _postfix(around, [f"smtpd_milters=unix:{socket}"]) as port:
        yield port


PEERS = (
    Peer("smtp-sink alone", sink_alone),
    Peer("Postfix alone", postfix_alone),
    Peer("Macrogate", macrogate),
    Peer("Postfix + Macrogate as milter", postfix_macrogate_milter),
    Peer("amavisd + clamd", amavisd),
    Peer("Postfix + clamav-milter + clamd", postfix_clamav_milter),
    Peer("FuGlu + clamd", fuglu, reuse=False),
    Peer("Macrogate, asked as a milter", macrogate_milter),
    Peer("clamav-milter + clamd, asked", clamav_milter),
)
