// One key for each patient of the check-in list. Without it the buttons and the Tab key do the same.
const rows = () => [...document.querySelectorAll("[data-check-in]")];
const isOpen = (row) => row.querySelector("[data-key]") && !row.ariaBusy;
let place = 0; // of the row that has the focus, or had it

function go(to) {
  const all = rows();
  place = Math.max(0, Math.min(to, all.length - 1));
  const row = all[place];
  (row?.querySelector("[data-key]") ?? row)?.focus();
}

function goOn() {
  const next = rows().findIndex((row, at) => at > place && isOpen(row));
  if (next >= 0) go(next);
}

document.addEventListener("focusin", ({ target }) => {
  const row = target.closest("[data-check-in]");
  if (row) place = rows().indexOf(row);
});

// Whoever types ahead is not held up: the next patient has the focus before this one's answer is there.
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
  if (event.target.closest("input, select, textarea")) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const row = rows()[place];
  const button = row && isOpen(row) && row.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!step && !button) return;
  event.preventDefault();
  if (step) {
    go(place + step);
    return;
  }
  button.click();
  row.ariaBusy = "true";
  goOn();
});

// What could not be saved is gone back to.
document.addEventListener("htmx:afterSwap", () => {
  const refused = rows().findIndex((row) => row.querySelector("[role=alert]") && isOpen(row));
  if (refused >= 0) go(refused);
});

for (const failure of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(failure, ({ target }) => {
    const row = target.closest("[data-check-in]");
    if (!row) return;
    row.ariaBusy = null;
    go(rows().indexOf(row));
  });
}

go(0);
