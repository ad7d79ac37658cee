// A receiver of notifications in JavaScript, with nothing but what Node has. Every third notification fails: half of these
// before it is stored, half after, as when the answer is lost. GET gives the numbers and changes that were stored, in order.
import { createServer } from "node:http";

const stored = [];
let received = 0;

function event(parameter) {
  const parts = new Map();
  for (const part of parameter.part) {
    const [value] = Object.entries(part).filter(([name]) => name.startsWith("value"));
    if (!parts.has(part.name)) parts.set(part.name, value[1].reference ?? value[1]);
  }
  return { number: Number(parts.get("event-number")), change: parts.get("change"), patient: parts.get("focus") };
}

function take(bundle) {
  if (bundle.resourceType !== "Bundle" || bundle.type !== "history") throw new Error("not a notification");
  const status = bundle.entry[0].resource;
  const type = status.parameter.find((one) => one.name === "type").valueCode;
  const events = status.parameter.filter((one) => one.name === "notification-event").map(event);
  if (type === "event-notification") stored.push(events);
}

createServer((request, response) => {
  if (request.method === "GET") {
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify(stored));
    return;
  }
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    received += 1;
    const fails = received > 1 && received % 3 === 0;
    if (!fails || received % 2 === 0) take(JSON.parse(Buffer.concat(chunks)));
    response.statusCode = fails ? 503 : 200;
    response.end();
  });
}).listen(0, "127.0.0.1", function () {
  console.log(this.address().port);
});
