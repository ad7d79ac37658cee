// A pressed button shows at once that its form is under way. A form with data-busy="what to say" is also sent only once
// however often its button is pressed, and says after a moment what is going on.
const PATIENCE = 1000; // ms: what is done sooner needs no words
const statuses = new WeakMap();
const SAVING = "Working ... Please wait.";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.closest(".cpar") || remains(form, event.submitter)) return;
  if (form.dataset.busy && form.ariaBusy === "true") event.preventDefault();
  else begin(form, event.submitter);
});

addEventListener("pageshow", (event) => {
  if (!event.persisted) return; // only a page that comes back from the browser's memory is still marked
  for (const form of document.querySelectorAll("form[aria-busy]")) end(form);
});

// The answer is a file or opens in a tab of its own, so that this page remains.
function remains(form, button) {
  return "file" in (button?.dataset ?? {}) || (button?.formTarget || form.target) === "_blank";
}

export function begin(form, button) {
  if (form.ariaBusy === "true") return;
  const status = document.createElement("p");
  status.className = "cpar-busy";
  status.role = "status";
  const bar = form.hasAttribute("hx-post") && form.closest(".cpar").querySelector(":scope > .cpar-bar");
  (bar || form).append(status); // in the bar it moves no row
  statuses.set(form, status);
  setTimeout(() => (status.textContent = form.dataset.busy ?? SAVING), PATIENCE);
  if (button) button.ariaBusy = "true";
  mark(form, "true");
}

export function end(form) {
  mark(form, null);
  for (const button of form.elements) button.ariaBusy = null;
  statuses.get(form)?.remove();
}

function mark(form, busy) {
  form.ariaBusy = busy;
  // Not `disabled`: the button keeps the focus, and its value is sent.
  for (const control of form.elements) if (control.type === "submit") control.ariaDisabled = busy;
}
