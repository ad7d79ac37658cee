#!/bin/sh
# See to what the tests need beyond Python, before anything else takes time: `sh scripts/needs.sh mariadb driver browser
# nginx tomcat commands systemd java rabbitmq`. Installed where we are root on a machine with apt (announced first), otherwise named, and
# the run fails: no test is skipped for want of it.
set -eu
cd "$(dirname "$0")/.."
PATH=$PATH:/usr/sbin:/sbin

# Debian 14 has Tomcat 11 alone.
tomcat=tomcat10-common
if grep -qE '^(forky|14)' /etc/debian_version 2>/dev/null; then
    tomcat=tomcat11-common
fi

packages=
for need in "$@"; do
    case $need in
    mariadb)
        # A running server may be named instead of starting a private one.
        if [ -z "${CPAR_TEST_MARIADB_URL:-}" ] && ! command -v mariadbd >/dev/null; then
            packages="$packages mariadb-server-core"
        fi
        command -v mariadb-dump >/dev/null || packages="$packages mariadb-client"
        ;;
    driver)
        # What compiles mysqlclient. A Python that is not Debian's brings its own headers.
        command -v mariadb_config >/dev/null || packages="$packages libmariadb-dev"
        for program in gcc pkg-config; do
            command -v "$program" >/dev/null || packages="$packages $program"
        done
        headers='import os, sysconfig; print(os.path.join(sysconfig.get_path("include"), "Python.h"))'
        for python in ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3}; do
            if header=$("$python" -c "$headers" 2>/dev/null); then
                [ -e "$header" ] || packages="$packages python3-dev"
                break
            fi
        done
        ;;
    browser)
        # Without windows it takes half of the time; one that is there already will do.
        command -v chromium-headless-shell >/dev/null || command -v chromium >/dev/null ||
            packages="$packages chromium-headless-shell fonts-dejavu-core"
        # The program through which the tests drive it brings all it needs but this.
        if command -v ldconfig >/dev/null; then
            case "$(ldconfig -p)" in *libatomic.so.1*) ;; *) packages="$packages libatomic1" ;; esac
        fi
        ;;
    tomcat)
        # Without the package that starts a service.
        if ! ls /usr/share/tomcat1[01]/bin/bootstrap.jar >/dev/null 2>&1 || ! command -v java >/dev/null; then
            packages="$packages $tomcat default-jre-headless"
        fi
        ;;
    commands)
        # Those of the pages in docs/.
        for program in curl openssl; do
            command -v "$program" >/dev/null || packages="$packages $program"
        done
        ;;
    systemd)
        # What judges units, and tells what they let a service do: none of them is started.
        command -v systemd-analyze >/dev/null || packages="$packages systemd"
        ;;
    java)
        # What gets libraries, and runs a program from its source.
        command -v mvn >/dev/null || packages="$packages maven"
        command -v javac >/dev/null || packages="$packages default-jdk-headless"
        ;;
    rabbitmq)
        # A running broker is not used: the tests start their own, and stop it.
        command -v rabbitmq-server >/dev/null || packages="$packages rabbitmq-server"
        ;;
    nginx)
        command -v nginx >/dev/null || packages="$packages nginx"
        ;;
    *)
        echo "Not known what $need is." >&2
        exit 2
        ;;
    esac
done
[ -n "$packages" ] || exit 0

if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "More than Python is needed. Installing from Debian, because you are root:$packages"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q </dev/null
    # shellcheck disable=SC2086
    apt-get install -q -y --no-install-recommends $packages </dev/null
else
    echo "More than Python is needed. Run this as root, then start again:" >&2
    echo "    apt-get update && apt-get install --no-install-recommends$packages" >&2
    exit 1
fi
