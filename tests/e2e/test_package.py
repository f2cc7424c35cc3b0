"""The Debian package: built, read, installed, run and purged by dpkg, on a copy of this system that is thrown away.

Takes minutes, so it is part of the proof (``MACROGATE_PROOF=1``) and not of ``make test``. ``test_booted`` installs it
on a Debian of its own, with systemd.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.debian import run
from tests.e2e.tools import need

pytestmark = pytest.mark.skipif(
    not os.environ.get("MACROGATE_PROOF"), reason="part of the proof: set MACROGATE_PROOF=1"
)

ON_A_COPY = """
set -e
mount -t tmpfs none {folder}
mkdir {folder}/upper {folder}/work {folder}/system
mount -t overlay overlay -o lowerdir=/,upperdir={folder}/upper,workdir={folder}/work {folder}/system
mount -t proc proc {folder}/system/proc
mount --bind /dev {folder}/system/dev
cp {package} {folder}/system/macrogate.deb
chroot {folder}/system sh -c '{inside}'
"""

INSIDE = """
cd /
as() {{ runuser -u macrogate -- /usr/bin/macrogate "$@" --config /etc/macrogate/macrogate.toml; }}
dpkg -i /macrogate.deb
stat -c "%n %U %G %a" /var/lib/macrogate /etc/macrogate /etc/macrogate/macrogate.toml
as check-config
setpriv --reuid macrogate --regid macrogate --clear-groups macrogate serve > /said 2>&1 &
for second in $(seq 300); do grep -q event.:.started /said && break; sleep 1; done
kill $!
wait
cat /said
dpkg --remove macrogate
ls /etc/macrogate/macrogate.toml
dpkg --purge macrogate
ls -d /var/lib/macrogate/messages
"""


@pytest.fixture(scope="module")
def unpacked(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its files, in a folder."""
    folder = tmp_path_factory.mktemp("unpacked")
    run("dpkg-deb", "-x", package, folder)
    return folder


def test_a_debian_reviewer_has_nothing_against_it(package: Path) -> None:
    """Errors and warnings; ``deploy/debian/lintian-overrides`` has what is not for us, with the reason."""
    need("lintian")
    said = run("lintian", "--no-cfg", "--allow-root", "--fail-on", "error,warning", "--info", package, seconds=1800)
    assert "unused-override" not in said
    assert not re.search(r"^[EW]:", said, re.MULTILINE), said


def test_it_holds_nothing_under_the_gpl(unpacked: Path) -> None:
    whole = b"GNU GENERAL PUBLIC LICENSE"
    assert [path for path in unpacked.rglob("*") if path.is_file() and whole in path.read_bytes()] == []
    assert not [path for name in ("pcodedmp", "xxxswf", "pyxswf") for path in unpacked.rglob(f"{name}*")]


def test_it_tells_no_path_of_the_machine_that_built_it(unpacked: Path) -> None:
    home = unpacked / "usr/lib/macrogate"
    assert (home / "bin/macrogate").read_text().startswith("#!/usr/lib/macrogate/bin/python\n")
    assert not list(home.rglob("direct_url.json"))
    unit = (unpacked / "lib/systemd/system/macrogate.service").read_text()
    assert "ExecStart=/usr/lib/macrogate/bin/macrogate serve" in unit
    assert "/opt/macrogate/bin" not in unit


def test_each_file_of_a_library_is_the_one_its_publisher_made(unpacked: Path) -> None:
    """By the digests in the RECORD of each wheel; what is missing is documentation, and what somebody may start."""
    differing, missing = [], []
    for record in unpacked.rglob("*.dist-info/RECORD"):
        for name, digest, _ in csv.reader(record.read_text().splitlines()):
            path = record.parents[1] / name
            if not path.exists():
                missing.append(name)
            elif digest and not name.startswith("../"):  # a program of ours: its first line is of the place it is at
                told = base64.urlsafe_b64decode(digest.removeprefix("sha256=") + "==")
                if hashlib.sha256(path.read_bytes()).digest() != told:
                    differing.append(name)
    assert differing == []
    assert [name for name in missing if not re.search(r"/docs?/|^\.\./|README\.html$|\.pyc$", name)] == []


def test_its_copyright_file_has_every_library(unpacked: Path) -> None:
    text = (unpacked / "usr/share/doc/macrogate/copyright").read_text()
    libraries = [path.parent.name for path in unpacked.rglob("*.dist-info/METADATA")]
    assert len(libraries) > 40
    assert [name for name in libraries if f"/{name}/*" not in text and not name.startswith("macrogate-")] == []


def test_it_is_installed_runs_and_keeps_held_mail_when_purged(package: Path, tmp_path: Path) -> None:
    script = ON_A_COPY.format(folder=tmp_path, package=package, inside=INSIDE.format())
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for said in (
        "/var/lib/macrogate macrogate macrogate 700",
        "/etc/macrogate root macrogate 750",
        "/etc/macrogate/macrogate.toml root macrogate 640",
        '"event":"started"',
        '"event":"stopped"',
        "holds mail in quarantine and was kept",
    ):
        assert said in done.stdout + done.stderr
