#!/bin/sh
# FHIRPath of @medplum/core adds a duration to a date by writing its number behind the date.
#
# `@2026-11-30 + 1 month` is 2026-12-30 in FHIRPath. `evalFhirPath` of @medplum/core 5.2.13 answers the text
# 2026-11-301; a birth date in 1956 `+ 18 years` becomes 1956-03-0118; a subtraction becomes null (NaN). There is no
# error, and texts can be compared: that somebody born in 1956 turns 80 after 2026 is answered with false. fhirpath 5.2.2 and
# @atomic-ehr/fhirpath 0.1.4 answer 2026-12-30. Calculate days outside of the expression.
#
# Seen on 28 November 2026 with Node.js 20 (for which the package wants a global `WebSocket`, not used here) on
# Debian 12. Fails when the answers change.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" @medplum/core@5.2.13

cat >"$folder/program.mjs" <<'PROGRAM'
globalThis.WebSocket ??= class {};
const { evalFhirPath } = await import('@medplum/core');

const patient = { resourceType: 'Patient', birthDate: '1956-03-01' };
for (const expression of [
  '@2026-11-30 + 1 month',
  '@2026-12-01 - 1 month',
  'birthDate + 18 years',
  'birthDate + 80 years > @2026-12-01',
]) {
  console.log(expression, JSON.stringify(evalFhirPath(expression, patient)));
}
PROGRAM
node "$folder/program.mjs" >"$folder/seen"

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
@2026-11-30 + 1 month ["2026-11-301"]
@2026-12-01 - 1 month [null]
birthDate + 18 years ["1956-03-0118"]
birthDate + 80 years > @2026-12-01 [false]
EXPECTED
