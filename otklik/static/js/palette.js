// The box at the top: what fits is shown while one types, the arrows choose, Enter opens. Without scripts it just searches.
const box = document.getElementById("search-box");
const list = document.getElementById("palette");
const options = () => [...list.querySelectorAll("[role=option]")];
let chosen = null;

function choose(option) {
  chosen?.setAttribute("aria-selected", "false");
  chosen = option ?? null;
  if (chosen) {
    chosen.setAttribute("aria-selected", "true");
    chosen.scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", chosen.id);
  } else box.removeAttribute("aria-activedescendant");
}

function show(open) {
  list.hidden = !open || !list.childElementCount;
  box.setAttribute("aria-expanded", String(!list.hidden));
  if (list.hidden) choose(null);
}

// What can be done on this page stands first: its buttons are already here.
function addSteps() {
  const words = box.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const steps = [...document.querySelectorAll(".actions a.btn, .actions button.btn")]
    .filter((step) => words.every((word) => step.textContent.toLowerCase().includes(word)));
  if (!steps.length) return;
  const group = document.createElement("div");
  group.className = "palette-group";
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", "На этой странице");
  const name = document.createElement("div");
  name.className = "palette-name";
  name.setAttribute("role", "presentation");
  name.textContent = "На этой странице";
  group.append(name, ...steps.map((step, number) => {
    const option = document.createElement("a");
    option.className = "palette-option";
    option.id = `palette-step-${number}`;
    option.href = step.href ?? "#";
    option.tabIndex = -1;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    if (words.length && step.textContent.trim().toLowerCase().startsWith(words.join(" "))) option.dataset.sure = "";
    option.append(...step.cloneNode(true).childNodes);
    option.addEventListener("click", (event) => { event.preventDefault(); show(false); step.click(); });
    return option;
  }));
  list.prepend(group);
}

list.addEventListener("htmx:afterSwap", () => {
  addSteps();
  show(document.activeElement === box);
  choose(list.querySelector("[data-sure]"));
});

box.addEventListener("focus", () => show(true));
box.addEventListener("keydown", (event) => {
  const all = options();
  const at = all.indexOf(chosen);
  if (event.key === "ArrowDown" && all.length) { show(true); choose(all[(at + 1) % all.length]); }
  else if (event.key === "ArrowUp" && all.length) choose(all[at <= 0 ? all.length - 1 : at - 1]);
  else if (event.key === "Enter" && chosen && !list.hidden) chosen.click();
  else if (event.key === "Escape" && !list.hidden) show(false);
  else return;
  event.preventDefault();
  event.stopPropagation();
});
// Another word makes the old choice wrong until the answer comes.
box.addEventListener("input", () => choose(null));
document.addEventListener("pointerdown", (event) => { if (!event.target.closest(".topbar-search")) show(false); });
box.addEventListener("blur", () => setTimeout(() => { if (document.activeElement !== box) show(false); }, 150));

// An operator of the box is written by pressing its chip.
document.addEventListener("click", (event) => {
  const chip = event.target.closest("[data-operator]");
  if (!chip) return;
  box.value = `${box.value.trimEnd()} ${chip.dataset.operator}`.trimStart();
  box.focus();
});
