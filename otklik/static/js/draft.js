// The answer's editor: saves by itself, shows the letter, puts materials where the cursor stands.
const form = document.querySelector("[data-draft]");
const text = form.elements.text;
const version = form.elements.base_version;
const saved = document.getElementById("saved");
const open = !("closed" in form.dataset);
const PAUSE = 700;     // ms after the last key
const AT_MOST = 1700;  // ms after the first key nobody has saved

let since = 0;         // when the oldest unsaved change was made; 0: everything is saved
let timer = 0;
let busy = false;
let conflict = false;
let pressed = null;    // a button pressed while the text was being saved: it waits for that, or would meet its own save

const dirty = () => since !== 0;

function changed() {
  if (!open || conflict) return;
  const now = Date.now();
  since ||= now;
  saved.textContent = "сохраняется…";
  clearTimeout(timer);
  timer = setTimeout(save, Math.max(0, Math.min(PAUSE, since + AT_MOST - now)));
}

function body() {
  const data = new FormData();
  for (const name of ["csrfmiddlewaretoken", "base_version", "text"]) data.set(name, form.elements[name].value);
  return data;
}

async function save() {
  if (busy || conflict || !dirty()) return;
  busy = true;
  const from = since;
  since = 0;
  try {
    const answer = await fetch(form.dataset.autosave, { method: "POST", body: body(), headers: { Accept: "application/json" } });
    if (answer.status === 401) {
      since = from;
      sessionEnded();
      saved.textContent = "не сохранено: сеанс закончился. Войдите в соседней вкладке, и мы сохраним сами";
      return;
    }
    const said = await answer.json();
    if (answer.ok) {
      version.value = said.version;
      saved.textContent = dirty() ? "сохраняется…" : `сохранено в ${said.saved}`;
      document.getElementById("checks-box").innerHTML = said.checks;
    } else {
      since = from;
      refused(answer.status, said.text);
    }
  } catch {
    since = from;
    saved.textContent = "не сохранено: нет связи. Повторим сами, не закрывайте страницу";
    timer = setTimeout(save, 5000);
  } finally {
    busy = false;
  }
  if (pressed) {
    const button = pressed;
    pressed = null;
    form.requestSubmit(button);
    return;
  }
  if (dirty() && !conflict) timer = setTimeout(save, PAUSE);
}

document.addEventListener("otklik:signed-in", save);

function refused(status, words) {
  conflict = true;
  saved.textContent = "не сохранено";
  const box = document.getElementById("conflict");
  box.hidden = false;
  box.querySelector("[data-words]").textContent = words;
  box.querySelector("button").hidden = status !== 409;
}

// The letter beside the text; places nobody has filled in are marked.
const preview = document.querySelector("[data-preview]");
const greeting = document.querySelector("[data-greeting]");
const PLACEHOLDER = /(\{[^{}\n]{1,60}\}|\[\s*(?:…|\.{3})[^\]\n]*\])/;

function draw() {
  const paragraphs = text.value.split(/\n\s*\n/).filter((part) => part.trim());
  preview.replaceChildren(...paragraphs.map((part) => {
    const shown = document.createElement("p");
    part.trim().split("\n").forEach((line, number) => {
      if (number) shown.append(document.createElement("br"));
      line.split(PLACEHOLDER).forEach((piece, index) => {
        if (index % 2 === 0) { shown.append(piece); return; }
        const mark = document.createElement("mark");
        mark.className = "unfilled";
        mark.textContent = piece;
        shown.append(mark);
      });
    });
    return shown;
  }));
  const typed = greeting.textContent.trim();
  greeting.hidden = !typed || text.value.trimStart().startsWith(typed);
}

text.addEventListener("input", () => { changed(); draw(); });

const told = document.getElementById("inserted");

// A material goes where the cursor stands, apart from its neighbours; the first empty place is chosen at once.
async function insert(button) {
  const item = button.closest("li");
  const refusal = item.querySelector("[data-refusal]");
  const reason = item.querySelector("[name^=reason]");
  const data = new FormData();
  data.set("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  data.set("how", button.name);
  data.set("reason", reason?.value ?? "");
  refusal.hidden = true;
  button.disabled = true;
  try {
    const answer = await fetch(button.dataset.insert, { method: "POST", body: data, headers: { Accept: "application/json" } });
    if (answer.status === 401) { sessionEnded(); return; }
    const said = await answer.json();
    if (!answer.ok) {
      refusal.textContent = said.text;
      refusal.hidden = false;
      reason?.focus();
      return;
    }
    put(said.insert);
    document.getElementById("used").innerHTML = said.used;
    told.textContent = said.told;
    told.hidden = false;
  } finally {
    button.disabled = false;
  }
}

function put(piece) {
  const before = text.value.slice(0, text.selectionStart);
  const after = text.value.slice(text.selectionEnd);
  const head = before && !before.endsWith("\n\n") ? (before.endsWith("\n") ? "\n" : "\n\n") : "";
  const tail = after && !after.startsWith("\n") ? "\n\n" : "";
  text.focus();
  // Keeps the browser's own undo, which assigning the value would forget.
  if (!document.execCommand("insertText", false, head + piece + tail)) {
    text.setRangeText(head + piece + tail, text.selectionStart, text.selectionEnd, "end");
  }
  const empty = PLACEHOLDER.exec(piece);
  if (empty) {
    const at = before.length + head.length + empty.index;
    text.setSelectionRange(at, at + empty[0].length);
  }
  changed();
  draw();
}

form.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]")) {
    event.target.closest("[data-aside]").remove();
    form.elements.q.focus();
    return;
  }
  const button = event.target.closest("[data-insert]");
  if (!button || !open) return;
  event.preventDefault();
  insert(button);
});

document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.ctrlKey || event.metaKey || !/^Digit[1-9]$/.test(event.code)) return;
  const button = form.querySelectorAll("[data-insert][name=insert]")[Number(event.code.slice(5)) - 1];
  if (button && open) { event.preventDefault(); insert(button); }
});

// Enter in the search box searches, after a reason it inserts; it does not save the letter.
form.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("[name=q], [name^=reason]")) return;
  event.preventDefault();
  const button = event.target.closest("li")?.querySelector("[data-insert]");
  if (button && open) insert(button);
});

// Files: dropped ones are attached at once; the text goes along and is saved first.
const drop = document.querySelector("[data-drop]");
drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("is-over"); });
drop.addEventListener("dragleave", () => drop.classList.remove("is-over"));
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("is-over");
  if (!open || !event.dataTransfer.files.length) return;
  form.elements.files.files = event.dataTransfer.files;
  form.requestSubmit(form.elements.attach);
});

// Nothing typed is lost by a closed tab: the last words are sent on the way out.
let leaving = false;
form.addEventListener("submit", (event) => {
  if (busy) {
    event.preventDefault();
    event.stopImmediatePropagation();
    pressed = event.submitter ?? form.querySelector("[data-enter]");
    return;
  }
  leaving = true;
  clearTimeout(timer);
});
addEventListener("pageshow", () => { leaving = false; });
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden" && dirty() && !busy && !leaving && !conflict) save();
});
addEventListener("pagehide", () => {
  if (dirty() && !leaving && !conflict) navigator.sendBeacon(form.dataset.autosave, body());
});
addEventListener("beforeunload", (event) => { if (dirty() && !leaving) event.preventDefault(); });

draw();
