#!/bin/sh
# Builds macrogate_VERSION_ARCH.deb into the folder that is named (default: dist), with dpkg-deb and nothing else of Debian's
# tools. The package has a Python environment of its own in /usr/lib/macrogate, made of the versions of constraints.txt, for
# the Python of the system this runs on: build on the release you install on. Needs the network for pip. Who builds it for
# others says who he is in DEBFULLNAME and DEBEMAIL; REVISION counts packages of the same version.
set -eu
cd "$(dirname "$0")/../.."
out=${1:-dist}
python=${PYTHON:-/usr/bin/python3}
pip=${PIP:-.venv/bin/python -m pip}
home=/usr/lib/macrogate
maintainer="${DEBFULLNAME:-Macrogate} <${DEBEMAIL:-postmaster@localhost}>"

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
root=$stage/root
share=$root/usr/share
umask 022

version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' gateway/__init__.py)-${REVISION:-1}
minor=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
next=$("$python" -c 'import sys; print("%d.%d" % (sys.version_info[0], sys.version_info[1] + 1))')
arch=$(dpkg --print-architecture)
libc=$(dpkg-query -W -f '${Version}' libc6)
needs="python3 (>= $minor), python3 (<< $next), adduser, init-system-helpers (>= 1.60), libarchive13 | libarchive13t64"
needs="$needs, libc6 (>= ${libc%%-*}), libgcc-s1, libseccomp2, libstdc++6, procps"
changed=$(date -u -R -d "@${SOURCE_DATE_EPOCH:-$(stat -c %Y CHANGELOG.md)}")

mkdir -p "$root$home" "$root/usr/bin" "$share/doc/macrogate" "$share/man/man1" "$share/lintian/overrides" \
    "$root/etc/macrogate" "$root/lib/systemd/system" "$root/DEBIAN" "$out"
"$python" -m venv --without-pip "$root$home"
# pip's words, one a line: PIP may be more than one
# shellcheck disable=SC2086
PIP_CONSTRAINT=constraints.txt $pip --python "$root$home/bin/python" install --quiet --no-compile \
    --disable-pip-version-check '.[jail,fast]'
# oletools brings both and Macrogate never loads them: without them nothing in the package is under the GPL
# shellcheck disable=SC2086
$pip --python "$root$home/bin/python" uninstall --quiet --yes --disable-pip-version-check pcodedmp
site=$root$home/lib/python$minor/site-packages
rm -r "$site/oletools/thirdparty/xxxswf" "$site/oletools/pyxswf.py"
sed -i -e '/^oletools\/thirdparty\/xxxswf\//d' -e '/^oletools\/pyxswf.py/d' "$site"/oletools-*.dist-info/RECORD

"$root$home/bin/python" -B deploy/debian/manual.py | gzip -9n > "$share/man/man1/macrogate.1.gz"
"$root$home/bin/python" -B deploy/debian/copyright.py "$site" > "$share/doc/macrogate/copyright"

# an environment knows the path it was made at, and pip notes where it took us from
sed -i "1s|^#!$root$home|#!$home|" "$root$home/bin/macrogate"
sed -i "s|$root$home|$home|" "$root$home/pyvenv.cfg"
rm "$site"/macrogate-*.dist-info/direct_url.json
sed -i '/direct_url.json/d' "$site"/macrogate-*.dist-info/RECORD
rm -f "$root$home"/bin/activate* "$root$home"/bin/Activate*
find "$root$home" -name __pycache__ -prune -exec rm -rf {} +
for file in "$root$home"/bin/*; do
    case "${file##*/}" in macrogate | python*) ;; *) rm -f "$file" ;; esac
done
# documentation of libraries; some of it would fetch pictures from strangers
rm -rf "$root$home/include" "$root$home/share" "$site"/*/doc "$site"/*/docs "$site"/*/README.html
if grep -rqIF -e "$stage" -e "$PWD" "$root"; then
    echo "something in the package still names the folder it was built in:" >&2
    grep -rlIF -e "$stage" -e "$PWD" "$root" >&2
    exit 1
fi
for link in "$root$home"/bin/python*; do
    case "$(readlink "$link")" in /usr/bin/*) ln -sfn "../../../bin/$(basename "$(readlink "$link")")" "$link" ;; esac
done

ln -s ../lib/macrogate/bin/macrogate "$root/usr/bin/macrogate"
sed -e "s|/opt/macrogate/bin|$home/bin|" -e '/^Description=/a Documentation=man:macrogate(1)' \
    deploy/systemd/macrogate.service > "$root/lib/systemd/system/macrogate.service"
sed '/^Description=/a Documentation=man:macrogate(1)' deploy/systemd/macrogate.socket \
    > "$root/lib/systemd/system/macrogate.socket"
install -m 0640 deploy/macrogate.toml "$root/etc/macrogate/macrogate.toml"
cp -r deploy/postfix deploy/sbom/macrogate.cdx.json "$share/doc/macrogate/"
cp -r docs "$share/doc/macrogate/docs"
rm -rf "$share/doc/macrogate/docs/images"
gzip -9n < CHANGELOG.md > "$share/doc/macrogate/changelog.gz"
gzip -9n > "$share/doc/macrogate/changelog.Debian.gz" <<CHANGELOG
macrogate ($version) unstable; urgency=medium

  * Built for Python $minor; changelog.gz says what is new.

 -- $maintainer  $changed
CHANGELOG
cp deploy/debian/lintian-overrides "$share/lintian/overrides/macrogate"

for script in postinst prerm postrm; do
    install -m 0755 "deploy/debian/$script" "$root/DEBIAN/$script"
done
echo /etc/macrogate/macrogate.toml > "$root/DEBIAN/conffiles"
(cd "$root" && find usr lib -type f -print0 | sort -z | xargs -0 md5sum) > "$root/DEBIAN/md5sums"
cat > "$root/DEBIAN/control" <<CONTROL
Package: macrogate
Version: $version
Architecture: $arch
Maintainer: $maintainer
Installed-Size: $(du -sk "$root" | cut -f1)
Depends: $needs
Suggests: postfix
Section: mail
Priority: optional
Description: mail gateway filter for documents that run macros by themselves
 Macrogate stands in front of Postfix, looks into every attachment, and passes,
 tags, disarms, strips, quarantines or refuses the message. It keeps what it
 stopped until somebody releases it, and counts everything for Prometheus.
CONTROL

dpkg-deb --root-owner-group -Zgzip -z6 --build "$root" "$out/macrogate_${version}_$arch.deb"
