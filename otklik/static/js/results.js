// Keys in what a search has found: the cursor stays in the box, the arrows choose, Enter opens, Esc goes back to the words.
// `data-results` of a box names where its answers are shown; each of them is a `[data-hit]` with a link.
function walk(box) {
  const place = document.querySelector(box.dataset.results);
  const told = document.querySelector(`[data-chosen-of="${box.dataset.results}"]`);
  let chosen = null;

  const hits = () => [...place.querySelectorAll("[data-hit]")].filter((one) => one.checkVisibility()); // what is folded away has boxes, too

  function choose(hit) {
    chosen?.removeAttribute("data-chosen");
    chosen = hit ?? null;
    const all = hits();
    if (chosen) {
      chosen.setAttribute("data-chosen", "");
      chosen.scrollIntoView({ block: "nearest" });
    }
    if (told) told.textContent = chosen ? `${all.indexOf(chosen) + 1} из ${all.length}: ${chosen.querySelector("a").textContent}` : "";
  }

  box.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || event.ctrlKey || event.metaKey) return;
    const all = hits();
    const at = all.indexOf(chosen);
    if (event.key === "ArrowDown" && all.length) choose(all[Math.min(at + 1, all.length - 1)]);
    else if (event.key === "ArrowUp" && chosen) choose(all[at - 1]);
    else if (event.key === "Enter" && chosen) chosen.querySelector("a").click();
    else if (event.key === "Enter" && box.hasAttribute("hx-post")) { // while one talks the page is not left
      if (all.length) choose(all[0]);
      else box.dispatchEvent(new Event("search"));
    }
    else if (event.key === "Escape" && chosen) choose(null);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  // Another word makes the old choice wrong at once, another answer has no choice yet.
  box.addEventListener("input", () => choose(null));
  box.addEventListener("blur", () => choose(null));
  place.addEventListener("htmx:afterSwap", () => choose(null));
  // What narrows nothing has no place in the address.
  box.form.addEventListener("htmx:configRequest", (event) => {
    for (const [name, value] of [...event.detail.formData]) if (value === "") event.detail.formData.delete(name);
  });
}

// A box that comes with a part of the page has its keys as one that stood there from the beginning.
const walked = new WeakSet();
function begin(part) {
  for (const box of part.querySelectorAll("input[data-results]")) {
    if (walked.has(box)) continue;
    walked.add(box);
    walk(box);
  }
}
begin(document);
document.addEventListener("htmx:load", (event) => begin(event.detail.elt));

// Beside a call or a reception a material opens above the list it was chosen from: what was opened is brought into sight.
document.addEventListener("htmx:afterSettle", (event) => {
  const opened = event.target;
  if (opened.id !== "call-material" || !opened.children.length) return;
  const search = opened.closest("#call-search");
  const column = search.closest(".call-aside");
  if (column && column.scrollHeight > column.clientHeight) column.scrollTop += search.getBoundingClientRect().top - column.getBoundingClientRect().top;
  const { top, bottom } = opened.getBoundingClientRect();
  if (top > innerHeight - 120 || bottom < 120) opened.scrollIntoView({ block: "center" });
});
