"""The Debian package: built, installed, run and purged by dpkg, on a copy of this system that is thrown away.

Takes minutes, so it is part of the proof (``MACROGATE_PROOF=1``) and not of ``make test``.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.tools import ROOT, need, need_root

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
timeout 20 runuser -u macrogate -- /usr/bin/macrogate serve --config /etc/macrogate/macrogate.toml || true
dpkg --remove macrogate
ls /etc/macrogate/macrogate.toml
dpkg --purge macrogate
ls -d /var/lib/macrogate/messages
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("dpkg-deb", "unshare", "runuser")
    need_root("install a package")
    folder = tmp_path_factory.mktemp("package")
    environment = {**os.environ, "PIP": f"{sys.executable} -m pip"}
    done = subprocess.run(
        ["sh", str(ROOT / "deploy/debian/build.sh"), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=1200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = folder.glob("macrogate_*.deb")
    return made


def test_it_holds_nothing_under_the_gpl_and_no_path_of_the_machine_that_built_it(package: Path, tmp_path: Path) -> None:
    subprocess.run(["dpkg-deb", "-x", str(package), str(tmp_path)], check=True, timeout=300)
    home = tmp_path / "usr/lib/macrogate"
    assert not list(home.rglob("pcodedmp*"))
    assert (home / "bin/macrogate").read_text().startswith("#!/usr/lib/macrogate/bin/python\n")
    unit = (tmp_path / "lib/systemd/system/macrogate.service").read_text()
    assert "ExecStart=/usr/lib/macrogate/bin/macrogate serve" in unit
    assert "/opt/macrogate/bin" not in unit


def test_it_is_installed_runs_and_keeps_held_mail_when_purged(package: Path, tmp_path: Path) -> None:
    script = ON_A_COPY.format(folder=tmp_path, package=package, inside=INSIDE.format())
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, timeout=300, check=False
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
