"use strict";
// Filters the rows of all tables by words, each of which must appear in the row.
const form = document.querySelector("form");
const filter = document.getElementById("filter");
const matches = document.getElementById("matches");
const rows = Array.from(document.querySelectorAll("tbody tr"), (row) => [row, row.textContent.toLowerCase()]);
function apply() {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const [row, text] of rows) {
    row.hidden = !words.every((word) => text.includes(word));
    shown += row.hidden ? 0 : 1;
  }
  matches.textContent = words.length ? `${shown} of ${rows.length} rows` : "";
}
form.addEventListener("submit", (event) => event.preventDefault());
for (const type of ["input", "change"]) filter.addEventListener(type, apply);
window.addEventListener("beforeprint", () => { filter.value = ""; apply(); });
form.hidden = false;
