"use strict";
const other = { ascending: "descending", descending: "ascending" };

function compare(a, b) {
  const [x, y] = [Number(a), Number(b)];
  return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en") : x - y;
}

// Rows without a value come last in either order.
function sort(header) {
  const button = header.querySelector("button");
  const order = other[header.getAttribute("aria-sort")] || button.dataset.first;
  for (const each of header.parentElement.querySelectorAll("[aria-sort]")) each.setAttribute("aria-sort", "none");
  header.setAttribute("aria-sort", order);
  const body = header.closest("table").tBodies[0];
  const value = (row) => row.cells[header.cellIndex].dataset.value;
  const rows = [...body.rows];
  const known = rows.filter((row) => value(row) !== undefined);
  const sign = order === "ascending" ? 1 : -1;
  known.sort((a, b) => sign * compare(value(a), value(b)));
  body.append(...known, ...rows.filter((row) => value(row) === undefined));
}

for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => sort(button.closest("th")));
}

async function unpacked(id) {
  const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), (sign) => sign.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
}

document.getElementById("download")?.addEventListener("click", async () => {
  const numbers = await unpacked("numbers");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([numbers], { type: "application/json" }));
  link.download = "uqs-numbers.json";
  link.click();
  URL.revokeObjectURL(link.href);
});

addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details")) each.open = true;
});
