#!/bin/sh
# The programs the tests talk to, from Debian's packages. As root on Debian they are installed; elsewhere the missing
# ones are named, and the tests that need them skip with a sentence (with CI set they fail).
set -u
packages="postfix:postfix swaks:swaks miltertest:miltertest prometheus:prometheus systemd:systemd-analyze
    chromium:chromium rsyslog:rsyslogd logrotate:logrotate bind9-utils:named-checkzone strace:strace groff-base:groff
    nodejs:node npm:npm libarchive13:libarchive.so.13 libseccomp2:libseccomp.so.2
    libreoffice-writer-nogui:soffice libreoffice-calc-nogui:soffice
    libreoffice-impress-nogui:/usr/lib/libreoffice/share/registry/impress.xcd"
[ -n "${MACROGATE_PROOF:-}" ] && packages="$packages lintian:lintian debootstrap:debootstrap systemd-container:systemd-nspawn"
[ -n "${MACROGATE_BENCH:-}" ] && packages="$packages clamav-daemon:clamd clamav-milter:clamav-milter amavisd-new:amavisd"

present() {
    case "$1" in
        /*) [ -e "$1" ] ;;
        *.so*) ldconfig -p | grep -q "$1" ;;
        *) PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1 ;;
    esac
}

missing=""
for entry in $packages; do
    present "${entry#*:}" || missing="$missing ${entry%%:*}"
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing what the tests need:$missing"
    # a service that starts by itself would take ports and spool folders the tests do not need
    gate=/usr/sbin/policy-rc.d
    [ -e "$gate" ] || { printf '#!/bin/sh\nexit 101\n' > "$gate" && chmod 755 "$gate" && ours=1; }
    # unquoted: one word a package
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
    status=$?
    [ -z "${ours:-}" ] || rm -f "$gate"
    [ "$status" = 0 ] && exit 0
fi
echo "Missing on this machine:$missing. The tests that need them will be skipped; on Debian: apt install$missing" >&2
[ -z "${CI:-}" ]
