#!/bin/sh
# The sign-in of @medplum/core for backend services asks for a token without a scope, and cannot be told one.
#
# SMART Backend Services (HL7 SMART App Launch 2.2.0, "Obtain access token") makes `scope` a required parameter of the
# request. `startJwtAssertionLogin` of @medplum/core 5.2.13, the method for `private_key_jwt`, takes the signed assertion
# alone and sends no `scope`; a server that keeps to the text answers 400 `invalid_scope` or `invalid_request`. The method
# for the older JWT bearer grant of RFC 7523 does send one. Get the token yourself and hand it over as `accessToken`.
#
# Seen on 28 November 2026 with Node.js 20 on Debian 12; no request leaves this machine. Fails when a scope is sent.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
npm install --silent --no-audit --no-fund --prefix "$folder" @medplum/core@5.2.13

cat >"$folder/program.mjs" <<'PROGRAM'
globalThis.WebSocket ??= class {};
const { MedplumClient } = await import('@medplum/core');

const asked = [];
const refuse = async (_, { body }) => {
  asked.push(new URLSearchParams(String(body)));
  return new Response('{"error": "invalid_request"}', { status: 400, headers: { 'content-type': 'application/json' } });
};
const client = new MedplumClient({ baseUrl: 'https://fhir.example/', fetch: refuse });
await client.startJwtAssertionLogin('header.claims.signature', 'system/*.rs').catch(() => {});
await client.startJwtBearerLogin('client-1', 'header.claims.signature', 'system/*.rs').catch(() => {});
for (const body of asked) {
  console.log(body.get('grant_type'), 'scope:', body.get('scope'));
}
PROGRAM
node "$folder/program.mjs" >"$folder/seen"

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
client_credentials scope: null
urn:ietf:params:oauth:grant-type:jwt-bearer scope: system/*.rs
EXPECTED
