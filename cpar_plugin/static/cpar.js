// What the pages can do in place. Without it every form works as a plain form.
import { begin, end } from "./busy.js";
import htmx from "./htmx.esm.js";
import "./in-place.js";
import "./selection.js";

Object.assign(htmx.config, {
  allowEval: false,
  allowScriptTags: false,
  attributesToSettle: [], // styles that in-place.js has set are none of the answer's, and no attribute may hold any
  defaultSettleDelay: 0, // the message gets the focus at once, not after the next key
  includeIndicatorStyles: false, // the security policy allows no inline style
  historyEnabled: false,
  historyCacheSize: 0, // what pages hold of patients is kept nowhere in the browser
  selfRequestsOnly: true,
  timeout: 120_000, // ms
  responseHandling: [
    { code: "204", swap: false },
    { code: "[234]..", swap: true }, // a refusal says what to do: people have to see it
    { code: "5..", swap: false, error: true },
  ],
});

const FAILED = "The response could not be understood. Reload the page to see the current state.";
const OFFLINE =
  "No connection to the server, so it is not known whether this was saved. When the connection is back, reload the page.";
const OUTDATED = "No connection to the server. When it is back, reload the page to see the current state.";

// A server that has words for a failure says where to put them; what a proxy answers in its place is no part of a page.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const token = detail.xhr.getResponseHeader("CPAR-Form-Token"); // of a session that has begun since
  if (token) for (const field of document.querySelectorAll(".cpar [name=csrf_token]")) field.value = token;
  if (!detail.xhr.getResponseHeader("HX-Reswap")) return;
  for (const earlier of detail.target.querySelectorAll(":scope > .cpar-errors")) earlier.remove();
  detail.shouldSwap = true;
  detail.isError = false;
});

for (const failure of ["responseError", "sendError", "timeout"]) {
  document.addEventListener(`htmx:${failure}`, ({ target }) => {
    const page = target.closest(".cpar");
    page?.querySelector(":scope > .cpar-failed")?.remove();
    const offline = target.matches("form") ? OFFLINE : OUTDATED;
    const note = document.createElement("p");
    note.className = "cpar-errors cpar-failed";
    note.setAttribute("role", "alert");
    note.textContent = failure === "responseError" ? FAILED : offline;
    page?.prepend(note);
  });
}

// htmx knows a pressed button only where it stands inside of its form.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  const button = detail.triggeringEvent?.submitter;
  if (button?.name && !detail.formData.has(button.name)) detail.formData.append(button.name, button.value);
});

// What an earlier press has done is no answer to this one: "Confirmed today" must not stand beside a failure.
document.addEventListener("htmx:beforeRequest", ({ target, detail }) => {
  if (!target.matches("form")) return;
  for (const note of target.closest(".cpar").querySelectorAll(":scope > :is(.cpar-success, .cpar-errors)")) note.remove();
  begin(target, detail.requestConfig.triggeringEvent?.submitter);
});
document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.elt.matches("form")) end(detail.elt);
});

document.addEventListener("click", ({ target }) => {
  for (const menu of document.querySelectorAll(".cpar-menu[open]")) {
    if (!menu.contains(target)) menu.open = false;
  }
});

document.addEventListener("keydown", ({ key, target }) => {
  const menu = key === "Escape" && target.closest?.(".cpar-menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

if (document.querySelector("[data-print]")) addEventListener("load", () => print(), { once: true });

sessionStorage.removeItem("htmx-current-path-for-history"); // htmx notes the page's address when it is loaded
