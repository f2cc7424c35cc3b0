#!/bin/sh
# Builds macrogate_VERSION_ARCH.deb into the folder that is named (default: dist), with dpkg-deb and nothing else of Debian's
# tools. The package has a Python environment of its own in /usr/lib/macrogate, made of the versions of constraints.txt, for
# the Python of the system this runs on: build on the release you install on. Needs the network for pip.
set -eu
cd "$(dirname "$0")/../.."
out=${1:-dist}
python=${PYTHON:-/usr/bin/python3}
pip=${PIP:-.venv/bin/python -m pip}
home=/usr/lib/macrogate

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
root=$stage/root
umask 022

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' gateway/__init__.py)
minor=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
next=$("$python" -c 'import sys; print("%d.%d" % (sys.version_info[0], sys.version_info[1] + 1))')
arch=$(dpkg --print-architecture)

mkdir -p "$root$home" "$root/usr/bin" "$root/usr/share/doc/macrogate" "$root/etc/macrogate" \
    "$root/lib/systemd/system" "$root/DEBIAN" "$out"
"$python" -m venv --without-pip "$root$home"
# pip's words, one a line: PIP may be more than one
# shellcheck disable=SC2086
PIP_CONSTRAINT=constraints.txt $pip --python "$root$home/bin/python" install --quiet --no-compile \
    --disable-pip-version-check '.[jail,fast]'
# oletools wants it and Macrogate never loads it: without it nothing in the package is under the GPL
# shellcheck disable=SC2086
$pip --python "$root$home/bin/python" uninstall --quiet --yes --disable-pip-version-check pcodedmp

# an environment knows the path it was made at
sed -i "1s|^#!$root$home|#!$home|" "$root$home/bin/macrogate"
sed -i "s|$root$home|$home|" "$root$home/pyvenv.cfg"
rm -f "$root$home"/bin/activate* "$root$home"/bin/Activate*
find "$root$home" -name __pycache__ -prune -exec rm -rf {} +
for file in "$root$home"/bin/*; do
    case "${file##*/}" in macrogate | python*) ;; *) rm -f "$file" ;; esac
done
if grep -rqI "$stage" "$root$home/bin"; then
    echo "a program still names the folder it was built in" >&2
    exit 1
fi

ln -s "$home/bin/macrogate" "$root/usr/bin/macrogate"
sed "s|/opt/macrogate/bin|$home/bin|" deploy/systemd/macrogate.service > "$root/lib/systemd/system/macrogate.service"
for extra in deploy/systemd/*.socket; do
    [ ! -e "$extra" ] || cp "$extra" "$root/lib/systemd/system/"
done
install -m 0640 deploy/macrogate.toml "$root/etc/macrogate/macrogate.toml"
cp deploy/debian/copyright "$root/usr/share/doc/macrogate/"
cp -r deploy/postfix "$root/usr/share/doc/macrogate/postfix"
cp -r docs "$root/usr/share/doc/macrogate/docs"
rm -rf "$root/usr/share/doc/macrogate/docs/images"
gzip -9n < CHANGELOG.md > "$root/usr/share/doc/macrogate/changelog.gz"

for script in postinst prerm postrm; do
    install -m 0755 "deploy/debian/$script" "$root/DEBIAN/$script"
done
echo /etc/macrogate/macrogate.toml > "$root/DEBIAN/conffiles"
cat > "$root/DEBIAN/control" <<CONTROL
Package: macrogate
Version: $version
Architecture: $arch
Maintainer: Macrogate <postmaster@localhost>
Installed-Size: $(du -sk "$root" | cut -f1)
Depends: python3 (>= $minor), python3 (<< $next), adduser, libarchive13 | libarchive13t64, libseccomp2
Suggests: postfix
Section: mail
Priority: optional
Description: mail gateway filter for documents that run macros by themselves
 Macrogate stands in front of Postfix, looks into every attachment, and passes,
 tags, disarms, strips, quarantines or refuses the message. It keeps what it
 stopped until somebody releases it, and counts everything for Prometheus.
CONTROL

dpkg-deb --root-owner-group -Zgzip -z6 --build "$root" "$out/macrogate_${version}_$arch.deb"
