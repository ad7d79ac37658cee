// Adds what the plugins bring to the menu of OSCAR's Administration. It opens in the frame there, as everything does.
const BASE = new URL("../", import.meta.url);
const FRAME = "myFrame";
const PLACE = "dynamic-content"; // where OSCAR puts that frame

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
  menu.append(template.content);
}

function open(event) {
  const link = event.currentTarget;
  const frame = document.getElementById(FRAME) ?? framed(link.textContent);
  if (!frame) return; // an ordinary link then
  event.preventDefault();
  event.stopPropagation(); // OSCAR's own handler, where it listens for all links together
  frame.src = link.href;
  scrollTo(0, 0);
}

function framed(title) {
  const place = document.getElementById(PLACE);
  if (!place) return null;
  const frame = document.createElement("iframe");
  Object.assign(frame, { id: FRAME, name: FRAME, title });
  frame.style.cssText = "width: 100%; min-height: 1000px; border: 0"; // as high as OSCAR's own
  place.classList.add("dynamic-iframe-content"); // gives it its height: OSCAR's own frame has a place outside the flow
  place.replaceChildren(frame);
  return frame;
}
