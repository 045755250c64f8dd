// Keys by physical position (they work in the Russian layout), menus that close, one notice area.
const typing = (element) => element.matches("input, textarea, select, [contenteditable]");
const sheet = document.getElementById("keys");
const single = () => localStorage.getItem("keys") !== "off";
const AWAIT = 1500; // ms between «П» (G) and the key that says where to
let going = 0;

document.addEventListener("keydown", (event) => {
  const search = document.getElementById("search-box");
  const held = event.ctrlKey || event.metaKey;
  const alone = single() && !held && !event.altKey && !typing(event.target) && !sheet.open;
  if (event.code === "Slash" && (held || (alone && event.shiftKey))) {
    event.preventDefault();
    showKeys();
    return;
  }
  const toSearch = (event.code === "KeyK" && held) || (event.code === "Slash" && alone && !document.querySelector("[data-key=Slash]"));
  if (toSearch && search) {
    event.preventDefault();
    search.focus();
    search.select();
    return;
  }
  if (event.key === "Escape") {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    return;
  }
  if (event.code === "Enter" && held) {
    if (event.target.matches("[data-results]")) return; // a search whose answers stand below it sends nothing
    send(event.target.closest("form") ?? document.querySelector("form[data-begin]"), event.shiftKey);
    return;
  }
  if ((event.code === "ArrowDown" || event.code === "ArrowUp") && alone && walk(event.code === "ArrowDown" ? 1 : -1)) {
    event.preventDefault();
    return;
  }
  if (!alone || event.shiftKey) return;
  const place = Date.now() - going < AWAIT && document.querySelector(`[data-go="${event.code}"]`);
  going = event.code === "KeyG" ? Date.now() : 0;
  if (place) { event.preventDefault(); place.click(); return; }
  const pressed = document.querySelector(`[data-key="${event.code}"]`);
  if (pressed) {
    event.preventDefault();
    if (pressed.matches("details")) { pressed.open = true; pressed.querySelector("textarea, input:not([type=hidden]), select")?.focus(); }
    else if (typing(pressed)) pressed.focus();
    else pressed.click();
  }
});

// A long menu shows where one is: once, so that it does not move under the hand.
function showPlace() {
  const menu = document.querySelector(".side > nav"), here = menu?.querySelector("[aria-current]");
  if (here && here.offsetTop + here.offsetHeight > menu.clientHeight) menu.scrollTop = here.offsetTop - menu.clientHeight / 2;
  return Boolean(menu?.querySelector("a"));
}
if (!showPlace()) document.getElementById("menu")?.addEventListener("htmx:afterSettle", showPlace, { once: true });

// Ctrl+Enter presses the form's own button, with Shift the one that hands the work on.
function send(form, further) {
  const button = form?.querySelector(further ? "[data-further]" : "[data-enter]");
  if (button && !button.disabled) form.requestSubmit(button);
  else if (!further) form?.requestSubmit();
}

// Up and down a list of work.
function walk(step) {
  const rows = [...document.querySelectorAll("#rows .row-link")];
  const at = rows.indexOf(document.activeElement);
  const row = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step];
  row?.focus();
  return Boolean(row);
}

// A form that is the page's work takes the cursor where a decision is missing; where none is, on its button: Enter goes on.
// Not on narrow screens, where the form stands below what has to be read first.
const begin = document.querySelector("form[data-begin]");
if (begin && document.activeElement === document.body && matchMedia("(min-width: 1101px)").matches) {
  const empty = (field) => field.type === "radio" ? !begin.elements[field.name].value : !field.value;
  const wanted = [...begin.elements].find((field) => (field.required || "wanted" in field.dataset) && (field.dataset.wanted === "always" || empty(field)) && field.offsetParent);
  (wanted ?? begin.querySelector("[data-enter]"))?.focus({ preventScroll: true });
}

// The sheet of keys: what this page has is read from the page, named as on a Russian keyboard.
const LATIN = "QWERTYUIOPASDFGHJKLZXCVBNM";
const RUSSIAN = "ЙЦУКЕНГШЩЗФЫВАПРОЛДЯЧСМИТЬ";
const SIGNS = { Comma: "Б", Period: "Ю", Semicolon: "Ж", Quote: "Э" };
const letter = (code) => /^Digit(\d)$/.exec(code)?.[1] ?? SIGNS[code] ?? RUSSIAN[LATIN.indexOf(code.slice(3))] ?? code;

function line(keys, words) {
  const row = document.createElement("div");
  row.dataset.ofPage = "";
  const term = document.createElement("dt");
  term.append(...keys.flatMap((key) => { const cap = document.createElement("kbd"); cap.textContent = key; return [cap, " "]; }));
  const said = document.createElement("dd");
  said.textContent = words;
  row.append(term, said);
  return row;
}

function showKeys() {
  const list = sheet.querySelector("[data-keys]");
  for (const old of list.querySelectorAll("[data-of-page]")) old.remove();
  for (const one of document.querySelectorAll("[data-key]")) {
    list.append(line([letter(one.dataset.key)], one.dataset.keyName ?? one.textContent.trim().toLowerCase()));
  }
  for (const one of document.querySelectorAll("[data-go]")) {
    list.append(line(["П", letter(one.dataset.go)], `перейти: ${one.querySelector("[data-label]").textContent}`));
  }
  sheet.querySelector("[data-single-keys]").checked = single();
  if (!sheet.open) sheet.showModal();
}

for (const opener of document.querySelectorAll("[data-open=keys]")) {
  opener.hidden = false;
  opener.addEventListener("click", showKeys);
}
sheet.querySelector("[data-single-keys]").addEventListener("change", (event) => {
  localStorage.setItem("keys", event.target.checked ? "on" : "off");
});

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// A form sent twice by an impatient double click is sent once.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  else event.target.dataset.sent = "yes";
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
document.addEventListener("htmx:afterRequest", (event) => {
  delete event.target.closest?.("form")?.dataset.sent;
});

// What was typed is not lost by a closed tab.
let changed = false;
document.addEventListener("input", (event) => { if (event.target.closest("form[data-guard]")) changed = true; });
document.addEventListener("submit", () => { changed = false; });
addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });

// What is folded away stays so on the next page: the server draws it from the cookie.
document.addEventListener("click", (event) => {
  const part = event.target.closest("summary")?.parentElement;
  if (!part?.dataset.remember) return;
  // The press folds it only after this.
  document.cookie = `${part.dataset.remember}=${part.open ? "closed" : "open"};path=/desk/;max-age=31536000;samesite=lax${location.protocol === "https:" ? ";secure" : ""}`;
});

// The menu drawn anew is folded as it was on this page and keeps the cursor.
const placeInMenu = (one) => one.closest("summary") ? `[data-remember="${one.parentElement.dataset.remember}"] > summary` : `a[href="${CSS.escape(one.getAttribute("href") ?? "")}"]`;
document.addEventListener("htmx:beforeSwap", (event) => {
  const menu = event.target, one = document.activeElement;
  if (menu.id !== "menu") return;
  const open = new Map([...menu.querySelectorAll("[data-remember]")].map((part) => [part.dataset.remember, part.open]));
  const held = menu.contains(one) && placeInMenu(one);
  menu.addEventListener("htmx:afterSwap", () => {
    for (const part of menu.querySelectorAll("[data-remember]")) part.open = open.get(part.dataset.remember) ?? part.open;
    if (held) menu.querySelector(held)?.focus({ preventScroll: true });
  }, { once: true });
});

// The list beside a card begins at the row that is open.
document.addEventListener("htmx:afterSettle", (event) => {
  const rows = event.target;
  const row = rows.matches(".pane-list-rows") && rows.querySelector("[aria-current]");
  if (row) rows.scrollTop += row.getBoundingClientRect().top - rows.getBoundingClientRect().top - rows.clientHeight / 3;
});

// A link to a folded part opens it.
function unfold() {
  const part = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (part && part.matches("details")) part.open = true;
}
addEventListener("hashchange", unfold);
unfold();

// On a narrow screen the menu starts closed.
const side = document.getElementById("side-menu");
if (side && matchMedia("(max-width: 860px)").matches) side.open = false;

// On paper nothing is folded away; afterwards all is as it was.
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}
addEventListener("beforeprint", () => {
  for (const part of document.querySelectorAll("main details:not([open], [data-remember], .styled)")) {
    part.dataset.printed = "";
    part.open = true;
  }
});
addEventListener("afterprint", () => {
  for (const part of document.querySelectorAll("details[data-printed]")) {
    delete part.dataset.printed;
    part.open = false;
  }
});

// A ticked row opens what can be done with several.
document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-many]");
  if (!form || event.target.name !== "appeal") return;
  const number = form.querySelectorAll("[name=appeal]:checked").length;
  form.querySelector("[data-ticked]").textContent = number ? `: ${number}` : "";
  if (number) form.querySelector("details").open = true;
});
// A session that ended is told once and nothing open is touched. Whoever signed in again in another tab goes on here:
// forms get the new session's token. Somebody else's session takes over nothing of what was typed.
const cookieToken = () => /(?:^|; )(?:__Host-)?csrftoken=([^;]+)/.exec(document.cookie)?.[1];
let knownToken = cookieToken();
const endedBox = document.getElementById("session-ended");

function sessionEnded() {
  if (endedBox) endedBox.hidden = false;
}

async function askSession() {
  const answer = await fetch(endedBox.dataset.session, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const now = await answer.json();
  knownToken = cookieToken();
  if (now.employee === null) { sessionEnded(); return; }
  const same = String(now.employee) === endedBox.dataset.employee;
  endedBox.hidden = same;
  endedBox.querySelector("[data-nobody]").hidden = true;
  endedBox.querySelector("[data-somebody]").hidden = same;
  if (!same) return;
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = now.token;
  for (const part of document.querySelectorAll("[data-token]")) part.dataset.token = now.token;
  document.dispatchEvent(new Event("otklik:signed-in"));
}

function lookAgain() {
  if (endedBox && document.visibilityState === "visible" && (!endedBox.hidden || cookieToken() !== knownToken)) askSession();
}

document.addEventListener("htmx:responseError", (event) => { if (event.detail.xhr.status === 401) sessionEnded(); });
document.addEventListener("otklik:signed-out", sessionEnded);
document.addEventListener("visibilitychange", lookAgain);
addEventListener("focus", lookAgain);
addEventListener("pageshow", lookAgain);
