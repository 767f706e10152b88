
"use strict";
// Tables sort by the heading that is clicked: first the highest number or the first word, then the other way round.
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  if (body.rows.length < 2) continue;
  headings.forEach((heading, place) => {
    if (heading.classList.contains("drawn")) return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => {
      const numbers = heading.classList.contains("number");
      const before = heading.getAttribute("aria-sort");
      const falling = before ? before === "ascending" : numbers;
      for (const each of headings) each.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", falling ? "descending" : "ascending");
      const key = (row) => {
        const cell = row.cells[place];
        if (!numbers) return cell.textContent;
        return cell.dataset.value ? Number(cell.dataset.value) : NaN;
      };
      const order = (a, b) => {
        const [x, y] = [key(a), key(b)];
        if (!numbers) return falling ? y.localeCompare(x) : x.localeCompare(y);
        if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
        return falling ? y - x : x - y;
      };
      body.append(...[...body.rows].sort(order));
    });
  });
}
addEventListener("beforeprint", () => {
  for (const each of document.querySelectorAll("details")) each.open = true;
});
