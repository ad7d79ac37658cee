// A form with data-busy="what to say" is sent once however often its button is pressed, and says that work is going on.
const PATIENCE = 1000; // ms: what is done sooner needs no words

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.dataset.busy) return;
  if (form.ariaBusy === "true") {
    event.preventDefault();
    return;
  }
  const status = document.createElement("p");
  status.className = "cpar-busy";
  status.role = "status";
  form.append(status);
  setTimeout(() => (status.textContent = form.dataset.busy), PATIENCE);
  mark(form, "true");
});

addEventListener("pageshow", (event) => {
  if (!event.persisted) return; // only a page that comes back from the browser's memory is still marked
  for (const form of document.querySelectorAll("form[aria-busy]")) {
    mark(form, null);
    form.querySelector(".cpar-busy").remove();
  }
});

function mark(form, busy) {
  form.ariaBusy = busy;
  // Not `disabled`: the button keeps the focus, and its value is sent.
  for (const control of form.elements) if (control.type === "submit") control.ariaDisabled = busy;
}
