// On a phone each row of a table is a card (cpar.css): its cells need the headings of their columns. Without script the
// table scrolls sideways in its region.
for (const table of document.querySelectorAll(".cpar-scroll > .cpar-table:has(> thead)")) {
  const labels = [...table.tHead.rows[0].cells].map(label);
  for (const cell of table.querySelectorAll("tbody td")) if (labels[cell.cellIndex]) cell.dataset.label = labels[cell.cellIndex];
  table.classList.add("cpar-stacked");
}

// Without the arrow of the column that is sorted by; "" for a heading that only screen readers are given.
function label(heading) {
  const text = (heading.querySelector("button") ?? heading).firstChild;
  return text?.nodeType === Node.TEXT_NODE ? text.textContent.trim() : "";
}
