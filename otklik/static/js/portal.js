// Comforts of the public pages. Everything works without this file.

/** Whether an answer offered to whoever writes was opened is counted, nothing else is told. */
const answers = document.getElementById("answers");
const noteOpened = (event) => {
  if (!event.target.closest?.("[data-prompted]")) return;
  const told = new FormData();
  for (const name of ["form", "csrfmiddlewaretoken"]) told.set(name, document.querySelector(`.portal-form [name=${name}]`).value);
  navigator.sendBeacon(answers.dataset.opened, told);
};
answers?.addEventListener("click", noteOpened);
answers?.addEventListener("auxclick", noteOpened);

/** Print buttons mean something only where scripts run. */
for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

/** A second press of «Отправить» is not needed; the server takes only one anyway. */
for (const button of document.querySelectorAll("button[data-once]")) {
  button.form.addEventListener("submit", (event) => {
    if (event.submitter !== button) return;
    if (button.getAttribute("aria-disabled") === "true") event.preventDefault();
    button.setAttribute("aria-disabled", "true");
  });
  window.addEventListener("pageshow", () => button.removeAttribute("aria-disabled"));
}

/** Files may be dropped on the field. */
const zone = document.getElementById("files-zone");
const field = document.getElementById("files");
if (zone && field) {
  zone.classList.add("takes-drops");
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("is-over");
    });
  }
  for (const name of ["dragleave", "drop"]) zone.addEventListener(name, () => zone.classList.remove("is-over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    const both = new DataTransfer();
    for (const file of [...field.files, ...event.dataTransfer.files]) both.items.add(file);
    field.files = both.files;
    field.focus();
  });
}

/** One question a screen: the same fields, shown one after another. */
const form = document.querySelector("form[data-one-by-one]");
if (form) oneByOne(form, [...form.querySelectorAll("[data-screen]")]);

function oneByOne(form, screens) {
  const buttons = form.querySelector(".portal-buttons");
  const send = buttons.querySelector("button");
  const next = makeButton("Дальше", "portal-button is-main");
  const back = makeButton("Назад", "portal-button");
  const progress = document.createElement("p");
  progress.className = "portal-step";
  progress.setAttribute("aria-live", "polite");
  form.prepend(progress);
  buttons.prepend(next);
  buttons.append(back);
  let at = 0;

  function show(index, focus) {
    at = Math.max(0, Math.min(index, screens.length - 1));
    screens.forEach((screen, number) => { screen.hidden = number !== at; });
    const last = at === screens.length - 1;
    send.hidden = !last;
    next.hidden = last;
    back.hidden = at === 0;
    progress.textContent = `Вопрос ${at + 1} из ${screens.length}`;
    if (focus) screens[at].querySelector("input:checked, input, textarea")?.focus();
  }
  function answered() {
    const required = screens[at].querySelector("input[required]");
    return !required || required.reportValidity();
  }

  next.addEventListener("click", () => { if (answered()) show(at + 1, true); });
  back.addEventListener("click", () => show(at - 1, true));
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.target.tagName !== "INPUT" || at === screens.length - 1) return;
    event.preventDefault();
    if (answered()) show(at + 1, true);
  });
  show(0, false);
}

function makeButton(text, css) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = css;
  button.textContent = text;
  return button;
}

/** The version for the visually impaired changes in place: nothing typed on the page is lost. */
const sight = document.querySelector("form[data-low-vision]");
sight?.addEventListener("submit", async (event) => {
  const button = event.submitter;
  if (!button || button.name === "off") return;
  event.preventDefault();
  const data = new FormData(sight);
  data.set(button.name, button.value);
  const answer = await fetch(sight.action, { method: "POST", body: data, redirect: "manual" });
  if (answer.type !== "opaqueredirect") { location.reload(); return; }
  const root = document.documentElement;
  for (const other of sight.querySelectorAll(`[name="${button.name}"]`)) {
    other.setAttribute("aria-pressed", String(other === button));
    root.classList.toggle(`lv-${other.name}-${other.value}`, other === button);
  }
});
