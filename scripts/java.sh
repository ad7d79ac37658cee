#!/bin/sh
# Get the Java libraries that tests/java/pom.xml names, and write where they are to .venv/java-classpath.
# Does nothing when that is done already and neither the pom nor the libraries have changed since.
set -eu
cd "$(dirname "$0")/.."
written=.venv/java-classpath

if [ "$written" -nt tests/java/pom.xml ]; then
    missing=$(tr ':' '\n' <"$written" | while read -r jar; do [ -f "$jar" ] || echo "$jar"; done)
    [ -n "$missing" ] || exit 0
fi
echo "Getting the Java libraries of tests/java/pom.xml ..."
mvn --quiet --batch-mode --file tests/java/pom.xml dependency:build-classpath \
    -Dmdep.outputFile="$PWD/$written" -Dmdep.includeScope=runtime || {
    echo "The libraries could not be had: see the lines above. Is Maven Central reachable from here?" >&2
    exit 1
}
touch "$written"
