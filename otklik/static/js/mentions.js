// «@» and letters in a note offer colleagues who see the appeal: arrows choose, Enter or Tab inserts, Esc closes.
const field = document.querySelector("[data-colleagues]");
const TYPED = /(^|[^\p{L}\p{N}_.@])@([\p{L}\p{N}_.+@-]*)$/u;
const SHOWN = 6;
let everyone = null;
let offered = [];
let chosen = 0;

const list = document.createElement("div");
list.className = "mention-list";
list.id = "mention-list";
list.hidden = true;
list.setAttribute("role", "listbox");
list.setAttribute("aria-label", "Коллеги");

const plain = (text) => text.toLowerCase().replaceAll("ё", "е");
const typed = () => TYPED.exec(field.value.slice(0, field.selectionStart));

async function known() {
  if (!everyone) {
    const answer = await fetch(field.dataset.colleagues, { headers: { Accept: "application/json" } });
    if (!answer.ok) return [];
    everyone = (await answer.json()).colleagues;
  }
  return everyone;
}

function close() {
  list.hidden = true;
  list.replaceChildren();
  field.removeAttribute("aria-activedescendant");
}

function choose(number) {
  const all = [...list.children];
  chosen = (number + all.length) % all.length;
  all.forEach((one, at) => one.setAttribute("aria-selected", String(at === chosen)));
  field.setAttribute("aria-activedescendant", all[chosen].id);
  all[chosen].scrollIntoView({ block: "nearest" });
}

function insert(colleague) {
  const found = typed();
  if (!found) return;
  const from = field.selectionStart - found[2].length - 1;
  field.setRangeText(`${colleague.insert} `, from, field.selectionStart, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
  close();
  field.focus();
}

function draw(found) {
  offered = found;
  list.replaceChildren(...found.map((one, number) => {
    const option = document.createElement("div");
    option.className = "palette-option";
    option.id = `mention-${number}`;
    option.setAttribute("role", "option");
    const name = document.createElement("span");
    name.textContent = one.name;
    const note = document.createElement("span");
    note.className = "clip muted";
    note.textContent = [one.note, `@${one.login}`].filter(Boolean).join(" · ");
    option.append(name, note);
    option.addEventListener("pointerdown", (event) => { event.preventDefault(); insert(one); });
    return option;
  }));
  list.hidden = !found.length;
  if (found.length) choose(0);
  else field.removeAttribute("aria-activedescendant");
}

async function offer() {
  if (!typed()) { close(); return; }
  const colleagues = await known();
  const now = typed();
  if (!now) { close(); return; }
  const words = plain(now[2]);
  draw(colleagues.filter((one) => plain(one.name).startsWith(words) || plain(one.login).startsWith(words)).slice(0, SHOWN));
}

if (field) {
  field.after(list);
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);
  field.addEventListener("input", () => { offer().catch(close); });
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    if (list.hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowDown") choose(chosen + 1);
    else if (event.key === "ArrowUp") choose(chosen - 1);
    else if (event.key === "Enter" || event.key === "Tab") insert(offered[chosen]);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
