"""A private Postfix: own configuration, queue, data and log in a temporary folder, nothing of the system's touched.

``shipped()`` runs the snippets of ``deploy/postfix/`` with nothing but the port numbers changed, so what is shipped is
what is tested. Mail for the users below is put into a Maildir each. The benchmark starts its instances by this class
too, with services of its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.e2e.tools import DEPLOY, eventually, find, listening

USERS = ("alice", "bob", "carol")
DOMAIN = "example.com"
MAIL_OWNER = 65534
"""``nobody``: Postfix refuses to deliver as root or as itself."""

MAIN = """\
compatibility_level = 3.6
config_directory = {folder}/config
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/log/mail.log
maillog_file_prefixes = {folder}
myhostname = mta.test
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = 127.0.0.1/32
smtp_dns_support_level = disabled
smtpd_peername_lookup = no
smtpd_banner = $myhostname ESMTP
smtpd_client_connection_rate_limit = 0
message_size_limit = 41943040
mailbox_size_limit = 0
virtual_mailbox_limit = 0
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ {users} }}
virtual_uid_maps = static:{owner}
virtual_gid_maps = static:{owner}
"""

MASTER = """\
pickup    unix  n  -  n  60   1  pickup
cleanup   unix  n  -  n  -    0  cleanup
qmgr      unix  n  -  n  300  1  qmgr
tlsmgr    unix  -  -  n  1000? 1 tlsmgr
rewrite   unix  -  -  n  -    -  trivial-rewrite
bounce    unix  -  -  n  -    0  bounce
defer     unix  -  -  n  -    0  bounce
trace     unix  -  -  n  -    0  bounce
verify    unix  -  -  n  -    1  verify
flush     unix  n  -  n  1000? 0 flush
proxymap  unix  -  -  n  -    -  proxymap
proxywrite unix - -  n  -    1  proxymap
smtp      unix  -  -  n  -    -  smtp
relay     unix  -  -  n  -    -  smtp
showq     unix  n  -  n  -    -  showq
error     unix  -  -  n  -    -  error
retry     unix  -  -  n  -    -  error
discard   unix  -  -  n  -    -  discard
virtual   unix  -  n  n  -    -  virtual
anvil     unix  -  -  n  -    1  anvil
scache    unix  -  -  n  -    1  scache
postlog   unix-dgram n - n -  1  postlogd
"""


class Postfix:
    """One instance with ``services`` for master.cf, ``settings`` for main.cf and the ``ports`` it will listen on."""

    def __init__(self, services: str, settings: str, ports: tuple[int, ...]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="macrogate-postfix-"))
        self._services = services
        self._settings = settings
        self._ports = ports

    @classmethod
    def shipped(cls, position: str, ports: dict[str, int], relay_networks: str = "") -> Postfix:
        """The instance of a folder of ``deploy/postfix``; ``ports`` maps each shipped port to the one of this run."""
        folder = DEPLOY / "postfix" / position
        settings = (folder / "main.cf").read_text()
        settings = settings.replace("macrogate_relay_networks =", f"macrogate_relay_networks = {relay_networks}")
        services = (folder / "master.cf").read_text()
        if position == "milter":
            services += "smtp      inet  n       -       y       -       -       smtpd\n"  # as every Postfix has it
        if "25" in ports:
            services = services.replace("smtp      inet", f"127.0.0.1:{ports['25']} inet")
        for port in ("10024", "10025", "10026"):
            if port in ports:
                services = services.replace(f"127.0.0.1:{port}", f"127.0.0.1:{ports[port]}")
        return cls(services, settings, tuple(ours for port, ours in ports.items() if port != "10024"))

    def start(self) -> Postfix:
        """Write the configuration, start, wait until the ports answer."""
        self.folder.chmod(0o755)
        for name in ("config", "queue", "data", "log", "mail"):
            (self.folder / name).mkdir()
        shutil.chown(self.folder / "data", "postfix")
        os.chown(self.folder / "mail", MAIL_OWNER, MAIL_OWNER)
        socket_folder = self.folder / "queue" / "macrogate"
        socket_folder.mkdir()
        shutil.chown(socket_folder, group="postfix")
        socket_folder.chmod(
            0o2750
        )  # what is made in it belongs to the group, as deploy/postfix/milter/README.md has it
        users = " ".join(f"{{ {user}@{DOMAIN} = {user}/ }}" for user in USERS)
        main = MAIN.format(folder=self.folder, domain=DOMAIN, users=users, owner=MAIL_OWNER)
        (self.folder / "config" / "main.cf").write_text(main + self._settings)
        (self.folder / "config" / "master.cf").write_text(MASTER + self._services)
        self._postfix("start")
        for port in self._ports:
            eventually(f"Postfix listens on {port}", lambda port=port: listening(port))  # type: ignore[misc]
        return self

    def _postfix(self, order: str) -> None:
        command = [find("postfix") or "postfix", "-c", str(self.folder / "config"), order]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"postfix {order}: {done.stderr}\n{self.log()}"

    def stop(self) -> None:
        """Stop and remove everything."""
        self._postfix("stop")
        shutil.rmtree(self.folder)

    def log(self) -> str:
        """All Postfix has written so far."""
        path = self.folder / "log" / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def mailbox(self, user: str) -> list[bytes]:
        """The messages delivered to a user, oldest first."""
        new = self.folder / "mail" / user / "new"
        files = sorted(new.iterdir(), key=lambda path: path.stat().st_mtime_ns) if new.is_dir() else []
        return [path.read_bytes() for path in files]

    def delivered(self, user: str, marker: bytes, seconds: float = 20.0) -> bytes:
        """The message of a user that contains ``marker``; waits for it."""

        def look() -> bytes | None:
            return next((message for message in self.mailbox(user) if marker in message), None)

        return eventually(f"{marker!r} reaches {user}", look, seconds)
