// Does one errand with the client fhir-kit-client: node client.mjs '{"fhir": ..., "token": ..., "search", "vread" or "batch": ...}'
// Prints what it is answered.
import { Client } from 'fhir-kit-client';

const { fhir, token, search, vread, batch } = JSON.parse(process.argv[2]);
const client = new Client({ baseUrl: fhir, bearerToken: token });
const done = search
  ? await client.search({ resourceType: search.kind, searchParams: search.query })
  : vread
    ? await client.vread({ resourceType: vread.kind, id: vread.id, version: vread.version })
    : await client.batch({ body: batch });
process.stdout.write(JSON.stringify(done), () => process.exit(0));
