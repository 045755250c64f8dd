// Keys by physical position (they work in the Russian layout), menus that close, one notice area.
const typing = (element) => element.matches("input, textarea, select, [contenteditable]");

document.addEventListener("keydown", (event) => {
  const search = document.getElementById("search-box");
  const toSearch = (event.code === "KeyK" && (event.ctrlKey || event.metaKey)) ||
    (event.code === "Slash" && !event.ctrlKey && !event.metaKey && !event.altKey && !typing(event.target));
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
  if (event.code === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.target.closest("form")?.requestSubmit();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const pressed = document.querySelector(`[data-key="${event.code}"]`);
  if (pressed) {
    event.preventDefault();
    if (pressed.matches("details")) { pressed.open = true; pressed.querySelector("textarea, input, select")?.focus(); }
    else if (typing(pressed)) pressed.focus();
    else pressed.click();
  }
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
for (const part of document.querySelectorAll("details[data-remember]")) {
  part.addEventListener("toggle", () => {
    document.cookie = `${part.dataset.remember}=${part.open ? "open" : "closed"};path=/desk/;max-age=31536000;samesite=lax`;
  });
}

// The list beside a card begins at the row that is open.
document.addEventListener("htmx:afterSettle", (event) => {
  const rows = event.target;
  const row = rows.matches(".pane-list-rows") && rows.querySelector("[aria-current]");
  if (row) rows.scrollTop += row.getBoundingClientRect().top - rows.getBoundingClientRect().top - rows.clientHeight / 3;
});

// On a narrow screen the menu starts closed.
const side = document.getElementById("side-menu");
if (side && matchMedia("(max-width: 860px)").matches) side.open = false;

// A session that ended is told once and nothing open is touched. Whoever signed in again in another tab goes on here:
// forms get the new session's token. Somebody else's session takes over nothing of what was typed.
const cookieToken = () => /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie)?.[1];
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
  document.dispatchEvent(new Event("otklik:signed-in"));
}

function lookAgain() {
  if (endedBox && document.visibilityState === "visible" && (!endedBox.hidden || cookieToken() !== knownToken)) askSession();
}

document.addEventListener("htmx:responseError", (event) => { if (event.detail.xhr.status === 401) sessionEnded(); });
document.addEventListener("visibilitychange", lookAgain);
addEventListener("focus", lookAgain);
addEventListener("pageshow", lookAgain);
