// Paper questionnaires without a mouse: a digit is the answer and goes on to the next question, Enter is the next form.
// Where several boxes may be marked, or words are asked for, Enter goes on to the next question.
// Keys are taken by their place, so the layout does not matter; what is pressed while a form is on its way waits for the next.
const entry = () => document.querySelector("[data-paper]");
const questions = () => [...entry().querySelectorAll("[data-question]")];
const key = (code) => code.match(/^(?:Digit|Numpad)(\d)$/)?.[1] ?? ({ Minus: "-", NumpadSubtract: "-" })[code];
const KEEP = 400; // ms after the last key
const AGAIN = 2000; // ms until a form that has not arrived is sent again; the same form twice is one
const UNDO = "undo";
let away = false; // a form is on its way
let waiting = []; // what was pressed meanwhile
let timer = 0;

const isText = (element) => element?.matches?.("textarea, [data-many]");
const typedOf = (question) => question.querySelector("textarea, [data-many]");
const placeOf = (question) => typedOf(question) ?? question.querySelector("input:checked") ?? question.querySelector("input");
const answered = (question) => Boolean(typedOf(question)?.value || question.querySelector("input:checked"));

function say(words) {
  const place = entry()?.querySelector("[data-said]");
  if (place) place.textContent = words;
}

// The hand is quicker than a page that glides: what is to be answered is in sight at once, its words with it.
function put(place) {
  place.focus({ preventScroll: true });
  (place.closest("[data-question]") ?? place).scrollIntoView({ block: "nearest", behavior: "instant" });
}

// The first question without an answer; where all have one, the words; in a check the button.
function goOn(from) {
  const next = questions().slice(from).find((one) => !answered(one));
  if (next) put(placeOf(next));
  else put(entry().querySelector("#comment") ?? entry().querySelector("[data-enter]"));
}

function leave(question) {
  const next = questions()[questions().indexOf(question) + 1];
  if (next) put(placeOf(next));
  else goOn(questions().length);
}

function choose(question, pressed) {
  const radio = question.querySelector(`[data-press="${pressed}"]`);
  if (!radio) { say(`Ответа ${pressed} у этого вопроса нет`); return; }
  radio.checked = true;
  radio.dispatchEvent(new Event("change", { bubbles: true }));
  leave(question);
}

function send() {
  const open = questions().find((one) => !answered(one) && !typedOf(one));
  if (open) {
    put(placeOf(open));
    say("Сначала ответ на этот вопрос: цифра, 0 или минус");
    return;
  }
  clearTimeout(timer);
  away = true;
  entry().requestSubmit();
}

function undo() {
  const last = entry().querySelector("[data-undo]");
  if (!last) return;
  away = true;
  last.click();
}

// Return whether the key was ours.
function act(code, text, shift) {
  const here = document.activeElement;
  if (code === UNDO) {
    undo();
    return true;
  }
  if (code === "Enter" || code === "NumpadEnter") {
    if (isText(here) && shift) return false;
    const words = isText(here) && here.closest("[data-question]");
    if (words) leave(words); else send();
    return true;
  }
  const question = here?.closest?.("[data-question]") ?? (here === document.body ? questions().find((one) => !answered(one)) : null);
  const pressed = key(code);
  if (isText(here)) {
    if (here.value) return false;
    if (here.matches("[data-many]") && ["0", "-"].includes(pressed)) {
      here.value = pressed;
      here.dispatchEvent(new Event("input", { bubbles: true }));
      leave(question);
      return true;
    }
    if (code !== "Backspace") return false;
    put(placeOf(questions().at(question ? Math.max(questions().indexOf(question) - 1, 0) : -1)));
    return true;
  }
  if (!question) return false;
  if (code === "Backspace") {
    put(placeOf(questions()[Math.max(questions().indexOf(question) - 1, 0)]));
    return true;
  }
  if (pressed === undefined) return false;
  if (typedOf(question)) {
    put(typedOf(question)); // the key is typed there
    return false;
  }
  choose(question, pressed);
  return true;
}

document.addEventListener("keydown", (event) => {
  if (!entry() || document.querySelector("dialog[open]")) return;
  if (event.code === "KeyZ" && (event.ctrlKey || event.metaKey) && (away || !isText(document.activeElement))) {
    event.preventDefault();
    if (away) waiting.push([UNDO]); else undo();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const ours = entry().contains(event.target) || event.target === document.body;
  if (!ours || event.target.matches("#number, button, a") && event.code !== "Enter" && event.code !== "NumpadEnter") return;
  if (event.target.matches("button, a")) return; // a button is pressed by Enter as everywhere
  if (away) {
    event.preventDefault();
    waiting.push([event.code, event.key, event.shiftKey]);
  } else if (act(event.code, event.key, event.shiftKey)) event.preventDefault();
}, true);

function replay() {
  while (waiting.length && !away) {
    const [code, text, shift] = waiting.shift();
    if (act(code, text, shift) || text.length !== 1 || !isText(document.activeElement)) continue;
    document.activeElement.setRangeText(text, document.activeElement.selectionStart, document.activeElement.selectionEnd, "end");
  }
}

document.addEventListener("htmx:afterSettle", (event) => {
  if (!entry() || event.detail.target?.id !== "entry" && event.detail.elt?.id !== "entry") return;
  away = false;
  goOn(0);
  replay();
});

// No connection: the form is sent again by itself, and what is pressed meanwhile waits. A refusal that has no page of its own
// (signed out) is the person's to mend, and so is a form not given back: asked twice, two would be.
for (const failure of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
  document.addEventListener(failure, ({ detail }) => {
    const form = detail.elt;
    if (!form.matches("[data-paper], #paper-undo")) return;
    const lost = form.matches("[data-paper]") && (!detail.xhr.status || detail.xhr.status >= 500);
    if (!lost) {
      away = false;
      waiting = [];
      say("Не принято. Введённое осталось: откройте страницу в новой вкладке, затем повторите");
      return;
    }
    away = true; // also where the button was pressed by the mouse
    say("Не дошло до сервера. Введённое осталось, отправляю ещё раз…");
    setTimeout(() => { if (form.isConnected) form.requestSubmit(); }, AGAIN);
  });
}

// What is being typed is kept at once: a closed window loses nothing.
function keep() {
  clearTimeout(timer);
  const form = entry();
  if (!form?.dataset.keep) return;
  timer = setTimeout(async () => {
    if (away || !form.isConnected) return;
    const kept = await fetch(form.dataset.keep, { method: "POST", body: new FormData(form) }).catch(() => null);
    if (form.isConnected && !away) say(kept?.ok ? "Сохранено" : "Не сохранено: нет связи");
  }, KEEP);
}

document.addEventListener("change", keep);
document.addEventListener("input", (event) => { if (isText(event.target)) keep(); });

if (entry()) goOn(0);
