// Does one errand with the client @medplum/core: node client.mjs '{"fhir": ..., "token": ..., "search" or "export": ...}'
// Prints the pages of the search, or the lines of each exported file.
import { MedplumClient } from './core.mjs';

const { fhir, token, search, exported } = JSON.parse(process.argv[2]);
const { origin, pathname } = new URL(fhir);
const medplum = new MedplumClient({ baseUrl: `${origin}/`, fhirUrlPath: pathname.slice(1), accessToken: token });

async function pages(kind, query) {
  const found = [];
  for await (const page of medplum.searchResourcePages(kind, query)) found.push([...page]);
  return found;
}

async function files(level) {
  const manifest = await medplum.bulkExport(level, undefined, undefined, {
    pollStatusOnAccepted: true,
    pollStatusPeriod: 100,
  });
  const found = [];
  for (const { type, url } of manifest.output) {
    const text = await (await medplum.download(url)).text();
    found.push({ type, lines: text.trimEnd().split('\n').map(JSON.parse) });
  }
  return found;
}

const done = search ? await pages(search.kind, search.query) : await files(exported);
process.stdout.write(JSON.stringify(done));
