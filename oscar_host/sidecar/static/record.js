// Puts the boxes of the plugins on top of the right column of OSCAR's Master Record. As a module it makes no global name
// and runs once, however often a page names it. Whatever goes wrong, the patient's page does not change.
const BASE = new URL("../", import.meta.url); // not from the page's address: it may have a <base href>
const COLUMN = ".rightSection";
const BAR = ".TopStatusBar"; // where there is no such column
const PATIENCE = 3000; // ms after the page is complete

const patient = new URLSearchParams(location.search).get("demographic_no") ?? "";
if (/^\d{1,10}$/.test(patient)) show().catch(() => {});

async function show() {
  const [boxes] = await Promise.all([fetched(), complete()]);
  if (!boxes) return;
  const column = await whenPresent(COLUMN);
  if (column) column.prepend(boxes);
  else document.querySelector(BAR)?.after(boxes);
  start(boxes);
  showLinesWhileHidden(boxes);
}

// While OSCAR hides the column, for its form to edit the record is in sight, a line for each box is shown below the bar.
function showLinesWhileHidden(boxes) {
  const line = document.createElement("p");
  line.id = "plugin-lines";
  line.style.cssText = "margin: 0; padding: 1px 4px; background: #fff; color: #111; font: x-small Verdana, sans-serif";
  new ResizeObserver(() => {
    if (line.isConnected) line.remove(); // prototype.js, which OSCAR loads, has a `remove` that fails elsewhere
    if (boxes.getClientRects().length) return;
    const lines = [...boxes.children].map((box) => (box.querySelector("[data-summary]") ?? box).dataset.summary);
    line.textContent = lines.filter(Boolean).join(" \u00b7 ");
    document.querySelector(BAR)?.after(line);
  }).observe(boxes);
}

// An element with the boxes; null when there is nothing that this person may see.
async function fetched() {
  const answer = await fetch(new URL(`page/patients/${patient}`, BASE), {
    headers: { "HX-Request": "true" },
    redirect: "error",
  });
  if (answer.status !== 200) return null;
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  const boxes = template.content.firstElementChild;
  // OSCAR's own form lies around its columns, with checks of its own that are no business of ours.
  for (const kind of ["submit", "reset", "change", "input"]) {
    boxes.addEventListener(kind, (event) => event.stopPropagation());
  }
  return boxes;
}

function complete() {
  return new Promise((done) => {
    if (document.readyState === "complete") done();
    else addEventListener("load", done, { once: true });
  });
}

function whenPresent(selector) {
  return new Promise((done) => {
    const look = () => {
      const element = document.querySelector(selector);
      if (element) end(element);
    };
    const end = (element) => {
      clearTimeout(timer);
      observer.disconnect();
      done(element);
    };
    const observer = new MutationObserver(look);
    const timer = setTimeout(() => end(null), PATIENCE);
    observer.observe(document.documentElement, { childList: true, subtree: true });
    look();
  });
}

// A script that comes as text does not run: it needs a new element.
function start(boxes) {
  for (const script of boxes.querySelectorAll("script[src]")) {
    const again = document.createElement("script");
    again.type = script.type;
    again.src = script.src;
    script.replaceWith(again);
  }
}
