#!/bin/sh
# In @atomic-ehr/fhirpath a Patient's birth date is a text, so that comparing it with a day says nothing.
#
# `birthDate < today()` is true for everybody who is born. @atomic-ehr/fhirpath 0.1.4 answers the empty collection for
# every value that stands in a resource, since it takes it for a String; between two literals the same comparison works.
# An empty answer is neither true nor an error: a filter with it selects nobody, and an invariant with it never fails.
# A zoned time is compared with a day although the day has no zone (FHIRPath: empty), and 0.1 + 0.2 is not 0.3, because
# decimals are floating point. fhirpath 5.2.2 of npm answers true, empty and true.
#
# Seen on 28 November 2026 with Node.js 20 on Debian 12. Fails when the answers change.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" @atomic-ehr/fhirpath@0.1.4 fhirpath@5.2.2

cat >"$folder/program.mjs" <<'PROGRAM'
import { evaluate } from '@atomic-ehr/fhirpath';
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4/index.js';

const patient = { resourceType: 'Patient', birthDate: '1956-03-01' };
for (const expression of [
  'birthDate < today()',
  '@1956-03-01 < today()',
  '@2026-11-30T23:00:00-06:00 < @2026-12-01',
  '0.1 + 0.2 = 0.3',
]) {
  const atomic = await evaluate(expression, { input: patient });
  const reference = fhirpath.evaluate(patient, expression, null, r4);
  console.log(expression, '| atomic', JSON.stringify(atomic), '| fhirpath', JSON.stringify(reference));
}
PROGRAM
node "$folder/program.mjs" >"$folder/seen"

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
birthDate < today() | atomic [] | fhirpath [true]
@1956-03-01 < today() | atomic [true] | fhirpath [true]
@2026-11-30T23:00:00-06:00 < @2026-12-01 | atomic [true] | fhirpath []
0.1 + 0.2 = 0.3 | atomic [false] | fhirpath [true]
EXPECTED
