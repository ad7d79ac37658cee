// A list's bar says how many are selected.
document.addEventListener("change", ({ target }) => {
  if (target.name !== "selected" || !target.form) return;
  const count = document.querySelector(".cpar-bar [data-count]");
  const number = target.form.querySelectorAll("[name=selected]:checked").length;
  if (count) count.textContent = number ? `${number.toLocaleString("en-CA")} selected` : "";
});
