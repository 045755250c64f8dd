// The call screen: notes that save themselves, clocks, digits that answer, keys that work while one types.
const typingIn = (one) => one.matches("textarea, select, [contenteditable], input:not([type=radio], [type=checkbox])");
const shown = (one) => one.offsetParent !== null && !one.disabled;

// ---------- Clocks: of the call, of a hold counted down to what was announced ----------
const clock = (seconds) => `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
let over = null;

function tick() {
  for (const one of document.querySelectorAll("[data-since]")) {
    const passed = Math.max(0, Math.floor((Date.now() - Date.parse(one.dataset.since)) / 1000));
    const wait = Number(one.dataset.wait ?? 0);
    if (!wait) { one.textContent = clock(passed); continue; }
    const left = wait - passed;
    one.textContent = left >= 0 ? `на удержании, осталось ${clock(left)}` : `на удержании дольше обещанного на ${clock(-left)}`;
    one.classList.toggle("chip-late", left < 0);
    if (left < 0 && over !== one.dataset.since) {
      over = one.dataset.since;
      document.querySelector("[data-wait-over]").textContent = "Обещанное время вышло. Вернитесь к звонящему.";
    }
  }
}
setInterval(tick, 1000);
document.addEventListener("htmx:afterSettle", tick);
tick();

// ---------- Notes ----------
const notes = document.querySelector("[data-notes]");
const PAUSE = 700;     // ms after the last key
const AT_MOST = 1700;  // ms after the first key nobody has saved
let since = 0;         // when the oldest unsaved change was made; 0: everything is saved
let timer = 0;
let going = null;      // the save that is under way
let conflict = false;
let leaving = false;

const saved = document.getElementById("saved");
const body = () => new FormData(notes);

function changed() {
  if (conflict) return;
  const now = Date.now();
  since ||= now;
  saved.textContent = "сохраняется…";
  clearTimeout(timer);
  timer = setTimeout(save, Math.max(0, Math.min(PAUSE, since + AT_MOST - now)));
}

async function put() {
  const from = since;
  since = 0;
  try {
    const answer = await fetch(notes.dataset.notes, { method: "POST", body: body(), headers: { Accept: "application/json" } });
    if (answer.status === 401) {
      since = from;
      document.getElementById("session-ended").hidden = false;
      saved.textContent = "не сохранено: сеанс закончился. Войдите в соседней вкладке, и мы сохраним сами";
      return;
    }
    const said = await answer.json();
    if (answer.ok) {
      notes.elements.version.value = said.version;
      saved.textContent = since ? "сохраняется…" : `сохранено в ${said.saved}`;
      document.dispatchEvent(new CustomEvent("otklik:kept"));
    } else {
      since = from;
      saved.textContent = `не сохранено: ${said.text}`;
      conflict = true;
      if (said.compared) document.getElementById("conflict").innerHTML = said.compared;
    }
  } catch {
    since = from;
    saved.textContent = "не сохранено: нет связи. Повторим сами, не закрывайте страницу";
    timer = setTimeout(save, 5000);
  }
}

async function save() {
  if (going || conflict || !since) return going;
  going = put();
  await going;
  going = null;
  if (since && !conflict) timer = setTimeout(save, PAUSE);
}

if (notes) {
  notes.addEventListener("input", changed);
  notes.addEventListener("submit", (event) => event.preventDefault());
  notes.addEventListener("click", (event) => {
    const mine = event.target.closest("[data-mine]");
    if (mine) {
      event.preventDefault();
      notes.elements.version.value = mine.dataset.mine;
      conflict = false;
      since ||= Date.now();
      document.getElementById("conflict").replaceChildren();
      notes.elements.question.focus();
      save();
    }
    if (event.target.closest("[data-theirs]")) leaving = true;
  });
  document.addEventListener("otklik:signed-in", save);
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") save(); });
  addEventListener("pagehide", () => { if (since && !leaving && !conflict) navigator.sendBeacon(notes.dataset.notes, body()); });
  addEventListener("beforeunload", (event) => { if (conflict && !leaving) event.preventDefault(); });
  // What closes the call or writes a message from the notes waits until they are kept.
  document.addEventListener("htmx:confirm", (event) => {
    if (!(since || going) || conflict || !event.target.closest("#held, #script, #steps, #closing")) return;
    event.preventDefault();
    clearTimeout(timer);
    Promise.resolve(going).then(save).then(() => { if (!conflict) event.detail.issueRequest(true); });  // a conflict is looked at first
  });
}

// ---------- Digits answer where the cursor stands; the questions follow each other ----------
const groups = () => [...document.querySelectorAll("[data-closing] [data-group]")];
const answered = (group) => Boolean(group.querySelector("input:checked"));

function goOn() {
  const instead = document.querySelector("[data-closing] [name=instead]:checked")?.value;
  const next = groups().find((group) => group.matches("[data-outcomes]") || (!instead && !answered(group)));
  next?.querySelector("input, button")?.focus();
}

function choose(one) {
  if (one.matches("input")) {
    one.checked = true;
    one.dispatchEvent(new Event("change", { bubbles: true }));
    goOn();
  } else one.click();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || typingIn(event.target)) return;
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1];
  const box = event.target.closest("[data-digits]");
  if (digit && box) {
    const one = [...box.querySelectorAll(`[data-digit="${digit}"]`)].find(shown);
    if (one) { event.preventDefault(); event.stopImmediatePropagation(); choose(one); }
    return;
  }
  const closing = event.target.closest("[data-closing]");
  if (!closing) return;
  const special = { KeyJ: "[data-refused]", KeyY: "[data-not-offered]", KeyQ: "[data-qr]", KeyC: "[data-code]" }[event.code];
  const one = special && closing.querySelector(special);
  if (!one) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (one.matches("[data-qr]")) { one.checked = !one.checked; one.dispatchEvent(new Event("change", { bubbles: true })); return; }
  if (one.matches("[data-code]")) { one.click(); return; }
  one.checked = true;
  one.dispatchEvent(new Event("change", { bubbles: true }));
  if (one.matches("[data-not-offered]")) closing.querySelector("#not-offered").focus();
  else goOn();
}, true);

// Who refuses after the first answer keeps it; questions that were not asked have none. A page loaded again loses nothing.
const kept = (form) => `closing-${form.dataset.closing}`;

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-closing]");
  if (!form) return;
  if (event.target.name === "instead" && event.target.value === "not_offered") for (const one of form.querySelectorAll("[name^=q-]")) one.checked = false;
  if (event.target.name?.startsWith("q-")) form.querySelector("[name=instead][value='']").checked = true;
  if (event.target.name === "not_offered") {
    form.querySelector("[data-not-offered]").checked = true;
    for (const one of form.querySelectorAll("[name^=q-]")) one.checked = false;
    if (event.target.value === "other") form.querySelector("#not-offered-words").focus();
  }
  const said = [...new FormData(form)].filter(([name]) => /^(q-|instead|told_of_qr|not_offered$)/.test(name));
  sessionStorage.setItem(kept(form), JSON.stringify(said));
});

function restore() {
  const form = document.querySelector("[data-closing]");
  for (const [name, value] of form ? JSON.parse(sessionStorage.getItem(kept(form)) ?? "[]") : []) {
    for (const one of form.querySelectorAll(`[name="${CSS.escape(name)}"]`)) {
      if (one.matches("select")) one.value = value;
      else if (one.value === value) one.checked = true;
    }
  }
}
restore();

function take(proposed) {
  const field = proposed && document.querySelector(`[data-closing] [name=${CSS.escape(proposed.dataset.take)}]`);
  if (field) field.value = proposed.value;
  return field;
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-to-script]")) {
    event.preventDefault();
    document.querySelector("#script [data-digit]")?.focus();
  }
  if (event.target.closest("[data-to-closing]")) {
    event.preventDefault();
    document.getElementById("closing").scrollIntoView({ block: "nearest" });
    goOn();
  }
  // A proposal of topic or need goes into its field; the first of each by one key.
  const taken = event.target.closest("[data-closing] [data-take]");
  if (taken) { event.preventDefault(); take(taken)?.focus(); }
  if (event.target.closest("[data-take-all]")) {
    for (const name of ["topic", "need"]) take(document.querySelector(`[data-closing] [data-take=${name}]`));
  }
});

// While words are typed a letter is a letter: with Alt it is the key of the same place.
document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || document.querySelector("dialog[open]")) return;
  const one = [...document.querySelectorAll(`[data-key="${CSS.escape(event.code)}"]`)].find(shown);
  if (!one) return;
  event.preventDefault();
  if (one.matches("details")) { one.open = true; one.querySelector("textarea, input:not([type=hidden]), select, button")?.focus(); }
  else if (typingIn(one)) one.focus();
  else one.click();
});

// A folded step opened by its key takes the cursor, also where there is only a button in it.
document.addEventListener("toggle", (event) => {
  const part = event.target;
  if (part.matches?.("details[data-key]") && part.open && !part.contains(document.activeElement?.closest("form"))) {
    part.querySelector("form :is(textarea, input:not([type=hidden]), select, button)")?.focus();
  }
}, true);

// A step of the script chosen by itself («К» where somebody shouts): the next digit is what was heard.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.requestConfig?.elt.closest(".call-steps")) document.querySelector("#script [data-digit]")?.focus();
});

// Back from a hold, or with the result of a transfer, the hands are where they wrote last; a part that was drawn anew held them.
let wrote = document.getElementById("call-q");
document.addEventListener("focusin", (event) => { if (event.target.matches("[data-notes] :is(textarea, input), #call-q")) wrote = event.target; });
document.addEventListener("htmx:afterSettle", (event) => {
  if (!event.target.matches("#held, #steps") || document.activeElement !== document.body) return;
  const amiss = event.target.querySelector("[aria-invalid=true]");
  if (amiss) amiss.focus();
  else wrote?.focus({ preventScroll: event.target.id === "held" });
});
