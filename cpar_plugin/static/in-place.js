// An answer that is put in place of a list moves nothing on it: rows keep their place and their height, columns their
// width, and a row that its own button has removed leaves a gap. An answer that says no is above the list, and is shown.
const ROWS = ".cpar-table tbody tr[id]";
let before = null; // the list as it was when the answer came

const top = (row) => row.getBoundingClientRect().top;
const inView = ({ top, height }) => top + height > 0 && top < innerHeight;

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (!detail.target.matches("[data-in-place]")) return;
  const button = detail.requestConfig.triggeringEvent?.submitter;
  before = {
    pressed: button?.closest(ROWS)?.id,
    rows: [...document.querySelectorAll(ROWS)].map((row) => ({ id: row.id, top: top(row), height: row.getBoundingClientRect().height })),
    widths: [...document.querySelectorAll(".cpar-table thead tr > *")].map((heading) => heading.getBoundingClientRect().width),
  };
});

document.addEventListener("htmx:afterSettle", () => {
  const list = before && document.querySelector("[data-in-place]");
  if (!list) return;
  const refusal = list.querySelector("[role=alert]");
  if (refusal) {
    refusal.scrollIntoView({ block: "center" });
    refusal.focus();
  } else {
    keepSizes(list);
    const pressed = before.rows.find(({ id }) => id === before.pressed);
    const anchor = [pressed, ...before.rows.filter(inView)].find((row) => row && document.getElementById(row.id));
    if (anchor) keepPlace(list, document.getElementById(anchor.id), anchor.top);
    list.querySelector(".cpar-bar [role=status]")?.focus({ preventScroll: true });
  }
  before = null;
});

function keepSizes(list) {
  const headings = list.querySelectorAll(".cpar-table thead tr > *");
  const table = headings[0]?.closest("table");
  if (headings.length !== before.widths.length || !table) return;
  if (getComputedStyle(table).display === "table") headings.forEach((heading, at) => (heading.style.width = `${before.widths[at]}px`));
  let previous = null;
  for (const { id, height } of before.rows) {
    const row = document.getElementById(id) ?? (before.pressed && gap(id, table, previous));
    if (!row) continue;
    const isRow = getComputedStyle(row).display === "table-row"; // on a phone it is a card
    row.style[isRow ? "height" : "minHeight"] = `${height}px`;
    previous = row;
  }
}

addEventListener("resize", () => {
  for (const one of document.querySelectorAll("[data-in-place], [data-in-place] [style]")) one.removeAttribute("style");
});

// It stays until the page is loaded again.
function gap(id, table, previous) {
  const row = document.createElement("tr");
  row.id = id;
  const cell = row.insertCell();
  cell.colSpan = table.tHead.rows[0].cells.length;
  cell.className = "cpar-quiet";
  cell.textContent = "No longer on this list";
  if (previous) previous.after(row);
  else table.tBodies[0].prepend(row);
  return row;
}

function keepPlace(list, row, place) {
  scrollBy(0, Math.ceil(top(row) - place));
  const above = place - top(row); // where the page can scroll no further up, and a part of a pixel
  if (above > 0) row.closest(".cpar-scroll").style.paddingTop = `${above}px`;
  const below = top(row) - place; // where it can scroll no further down
  if (below >= 1) {
    list.style.paddingBottom = `${below}px`;
    scrollBy(0, below);
  }
}
