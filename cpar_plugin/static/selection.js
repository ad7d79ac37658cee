// A list's bar says how many are selected, and what was done last. An answer that is put in place of the list does not
// move the rows in view, unless it says no: that is above the list, and has to be seen.
let places = [];

document.addEventListener("change", ({ target }) => {
  if (target.name === "selected" && target.form) showCount(target.form);
});

document.addEventListener("htmx:beforeSwap", () => {
  const pressed = document.activeElement.getBoundingClientRect().top;
  places = [...document.querySelectorAll("[name=selected]")].map((box) => [box.value, box.getBoundingClientRect().top]);
  places.sort(([, one], [, other]) => Math.abs(one - pressed) - Math.abs(other - pressed));
});

document.addEventListener("htmx:afterSettle", () => {
  const refusal = document.querySelector("#cpar-panel [role=alert]");
  if (refusal) {
    places = [];
    refusal.scrollIntoView({ block: "center" });
    refusal.focus();
    return;
  }
  for (const [value, top] of places) {
    const box = document.querySelector(`[name=selected][value="${value}"]`);
    if (!box) continue; // no longer on the list
    scrollBy(0, box.getBoundingClientRect().top - top);
    break;
  }
  places = [];
  document.querySelector(".cpar-bar [role=status]")?.focus({ preventScroll: true });
});

function showCount(form) {
  const count = document.querySelector(".cpar-bar [data-count]");
  const number = form.querySelectorAll("[name=selected]:checked").length;
  if (count) count.textContent = number ? `${number.toLocaleString("en-CA")} selected` : "";
}
