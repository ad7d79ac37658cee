// Our pages in a frame of OSCAR's: the answer is scrolled into view, and records open in separate windows.
const BASE = new URL("../", import.meta.url);
const ANSWERS = ["[autofocus]", "[role=alert]", "[role=status]", "h1"]; // the first one present is the answer
const WINDOW = "width=1027,height=700,scrollbars=yes,resizable=yes"; // as OSCAR opens records

if (parent !== window) {
  document.documentElement.classList.add("framed");
  showAnswer();
  document.addEventListener("htmx:afterSettle", () => {
    showFrame();
    // After everyone else who puts the focus somewhere: a bar that the frame keeps in view may lie below the window.
    requestAnimationFrame(() => document.activeElement?.scrollIntoView({ block: "nearest" }));
  });
}
document.addEventListener("click", openRecord);

// The page around the frame keeps its scroll position of the last click.
function showFrame() {
  for (let outer = window; outer !== top; ) {
    outer = outer.parent;
    outer.scrollTo(0, 0);
  }
}

function showAnswer() {
  showFrame();
  const page = document.querySelector("main");
  const answers = ANSWERS.map((kind) => [...page.querySelectorAll(kind)].find((one) => one.matches("input") || one.textContent.trim()));
  const answer = answers.find(Boolean);
  if (!answer) return;
  if (answer.tabIndex < 0) answer.tabIndex = -1;
  answer.focus();
}

// A link from our pages to OSCAR's leads to a record. The list keeps its filter.
function openRecord(event) {
  const link = event.target.closest?.("main a[href]");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  if (link.target || link.href.startsWith(BASE.href) || !link.protocol.startsWith("http")) return;
  const record = open(link.href, link.href, WINDOW);
  if (!record) return; // blocked: an ordinary link then
  event.preventDefault();
  record.focus();
}
