// Adds what the plugins bring to the menu of OSCAR's Administration. It opens in the frame there, as everything does.
const BASE = new URL("../", import.meta.url);
const FRAME = "myFrame";
const PLACE = "dynamic-content"; // where OSCAR puts that frame
const WITH_FRAME = "dynamic-iframe-content"; // OSCAR's class that gives the place its height: what is beyond is cut off
const OPEN = ["in", "show"]; // as different Bootstraps call it

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => add().catch(() => {}));
else add().catch(() => {});

async function add() {
  const menu = document.getElementById("adminNav");
  if (!menu) return; // this script is on other pages of OSCAR, too
  const answer = await fetch(new URL("page/menu", BASE), { headers: { "HX-Request": "true" }, redirect: "error" });
  if (answer.status !== 200) return;
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  for (const link of template.content.querySelectorAll("a[rel]")) link.addEventListener("click", open);
  likeTheOthers(menu, template.content);
  (menu.querySelector(":scope > .accordion-group:last-of-type") ?? menu).append(template.content);
}

// With the chevron of OSCAR's own groups, and with what makes them open and close, which differs by its version.
function likeTheOthers(menu, ours) {
  const toggle = menu.querySelector(".accordion-toggle");
  const body = menu.querySelector(".accordion-body");
  if (!toggle || !body) return; // nothing opens groups here: ours stay open
  for (const own of ours.querySelectorAll(".accordion-toggle")) {
    const target = own.getAttribute("href");
    for (const { name, value } of toggle.attributes) own.setAttribute(name, value.startsWith("#") && !name.endsWith("parent") ? target : value);
    own.removeAttribute("id");
    const chevron = toggle.querySelector("i, svg");
    if (chevron) own.append(" ", chevron.cloneNode(true));
  }
  for (const own of ours.querySelectorAll(".accordion-body")) {
    own.className = body.className;
    own.classList.remove(...OPEN);
  }
  for (const own of ours.querySelectorAll(".accordion-heading")) own.addEventListener("click", () => select(menu, own));
}

// OSCAR's page listens for clicks on the headings that it has from the start.
function select(menu, heading) {
  const selected = heading.classList.contains("selected-heading");
  for (const other of menu.querySelectorAll(".selected-heading")) other.classList.remove("selected-heading");
  heading.classList.toggle("selected-heading", !selected);
}

function open(event) {
  const link = event.currentTarget;
  const frame = document.getElementById(FRAME) ?? framed(link.textContent);
  if (!frame) return; // an ordinary link then
  event.preventDefault();
  event.stopPropagation(); // OSCAR's own handler, where it listens for all links together
  frame.src = link.href;
}

function framed(title) {
  const place = document.getElementById(PLACE);
  if (!place) return null;
  const frame = document.createElement("iframe");
  Object.assign(frame, { id: FRAME, name: FRAME, title });
  frame.style.border = "0";
  place.classList.add(WITH_FRAME);
  place.replaceChildren(frame);
  // Where that class has no meaning, the frame has to bring its own height.
  if (getComputedStyle(frame).position !== "absolute") frame.style.cssText += "width: 100%; height: 1000px";
  return frame;
}
