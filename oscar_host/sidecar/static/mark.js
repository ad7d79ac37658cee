// The small mark of a patient who has something to do. On the day sheet it opens a box in which it is done with one key.
const LOOK = "padding: 0 .3em; border: 0; border-radius: .3em; background: #8a4b00; color: #fff; font: bold 10px Verdana, sans-serif";
const BOX = "width: 24rem; max-width: calc(100vw - 4rem); max-height: none; padding: .5rem; border: 1px solid #667; background: #fff; color: #111; font: x-small Verdana, sans-serif; white-space: normal; text-align: left";
const UNREACHABLE = "Nothing was saved. Reload the page, then try again.";
const said = document.createElement("p"); // what has come of a press, read aloud
said.setAttribute("role", "status");
said.style.cssText = "position: absolute; width: 1px; height: 1px; margin: 0; overflow: hidden; clip-path: inset(50%)";

// A letter that says in words what there is to do, when it is pointed at or read aloud.
export function mark(notes) {
  const badge = document.createElement("span");
  const words = wordsOf(notes);
  Object.assign(badge, { textContent: notes[0].title.slice(0, 1), title: words, role: "img", ariaLabel: words });
  badge.className = "plugin-mark";
  badge.style.cssText = `${LOOK}; cursor: help`;
  return badge;
}

// The same as a button, where a plugin has something to work with.
export function workMark(notes) {
  const note = notes.find((one) => one.work_url);
  if (!note) return mark(notes);
  const badge = document.createElement("button");
  const words = wordsOf(notes);
  Object.assign(badge, { type: "button", textContent: notes[0].title.slice(0, 1), title: words, ariaLabel: words, ariaHasPopup: "dialog" });
  badge.className = "plugin-mark";
  badge.dataset.patient = note.patient_id;
  badge.style.cssText = `${LOOK}; cursor: pointer`;
  badge.addEventListener("click", () => open(badge, note, words));
  return badge;
}

function wordsOf(notes) {
  return notes.map((note) => `${note.title}: ${note.to_do.join(" ")}`).join("\n");
}

async function open(badge, note, words) {
  const box = document.createElement("dialog");
  Object.assign(box, { ariaLabel: note.title, textContent: words });
  box.style.cssText = BOX;
  // OSCAR's page has keys and forms of its own, with which it is not to interfere.
  for (const kind of ["keydown", "keypress", "keyup", "submit", "click", "input", "change"]) box.addEventListener(kind, (event) => event.stopPropagation());
  box.addEventListener("close", () => box.parentNode?.removeChild(box)); // prototype.js, which OSCAR loads, has another `remove`
  box.addEventListener("click", (event) => event.target === box && box.close());
  box.addEventListener("keydown", (event) => pressKey(event, box));
  box.addEventListener("submit", (event) => send(event, box, badge));
  document.body.append(box);
  box.showModal();
  place(box, badge);
  const answer = await fetched(note.work_url);
  if (!box.open || answer?.status !== 200) return; // the words remain
  box.innerHTML = await answer.text();
  for (const link of box.querySelectorAll("a")) Object.assign(link, { target: "_blank", rel: "noopener" });
  place(box, badge);
  goOn(box, badge);
}

function place(box, badge) {
  const { left, bottom } = badge.getBoundingClientRect();
  const inside = (at, size, most) => `${Math.max(0, Math.min(at, most - size))}px`;
  const top = inside(bottom + 4, box.offsetHeight, innerHeight);
  Object.assign(box.style, { margin: 0, left: inside(left, box.offsetWidth, innerWidth), top });
}

// One key is one press: what is held down is not repeated.
function pressKey(event, box) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.repeat) return;
  const button = [...box.querySelectorAll("[data-key]")].find((one) => one.dataset.key === event.key);
  if (!button) return;
  event.preventDefault();
  button.click();
}

async function send(event, box, badge) {
  event.preventDefault();
  if (box.ariaBusy === "true") return; // the answer to the press before is not here yet
  box.ariaBusy = "true";
  const form = event.target;
  const body = new URLSearchParams(new FormData(form));
  if (event.submitter) body.append(event.submitter.name, event.submitter.value);
  const answer = await fetched(form.action, { method: "POST", body });
  box.ariaBusy = "false";
  const item = form.closest("li");
  const text = answer ? await answer.text() : "";
  const template = document.createElement("template");
  template.innerHTML = text;
  const next = template.content.querySelector("li");
  if (next) item.replaceWith(next);
  else fail(item, template.content.textContent.trim() || UNREACHABLE);
  goOn(box, badge);
}

function fail(item, words) {
  const alert = document.createElement("p");
  Object.assign(alert, { role: "alert", textContent: words });
  alert.style.color = "#b00020";
  item.prepend(alert);
}

// To the first button; once there is none, all is done: the marks of this patient say so, and the next patient is on.
function goOn(box, badge) {
  const button = box.querySelector("[data-key]");
  if (button) {
    button.focus();
    return;
  }
  const words = box.querySelector("[role=status]")?.textContent.trim();
  if (!words || box.querySelector("[role=alert]")) return;
  const marks = [...document.querySelectorAll("button.plugin-mark")];
  const own = marks.filter((one) => one.dataset.patient === badge.dataset.patient);
  const next = marks.slice(marks.indexOf(badge)).find((one) => !own.includes(one));
  box.close();
  for (const one of own) one.replaceWith(done(words));
  if (!said.isConnected) document.body.append(said);
  said.textContent = words;
  next?.focus();
}

function done(words) {
  const badge = document.createElement("span");
  Object.assign(badge, { textContent: "\u2713", title: words, role: "img", ariaLabel: words });
  badge.className = "plugin-done";
  badge.style.cssText = `${LOOK}; background: #1b6e2d; cursor: help`;
  return badge;
}

// Null where our side cannot be reached, or nobody is signed in any more.
async function fetched(address, options = {}) {
  try {
    return await fetch(address, { headers: { "HX-Request": "true" }, redirect: "error", ...options });
  } catch {
    return null;
  }
}
