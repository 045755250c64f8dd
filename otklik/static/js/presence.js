// Who else has this open: asked every two seconds while the page is looked at, told when it is closed.
const shown = document.querySelector("[data-here]");
const list = document.querySelector("[data-around]");
const EVERY = 2000;
const STILL_TYPING = 4000;
let typedAt = 0;

document.addEventListener("input", (event) => { if (!event.target.closest(".topbar")) typedAt = Date.now(); });

function body(extra) {
  const data = new FormData();
  data.set("csrfmiddlewaretoken", shown.dataset.token);
  if (extra) data.set(extra, "1");
  return data;
}

function words(others) {
  const typing = others.filter((one) => one.typing).map((one) => one.name);
  const reading = others.filter((one) => !one.typing).map((one) => one.name);
  return [typing.length && `Сейчас печатает: ${typing.join(", ")}`, reading.length && `Сейчас читает: ${reading.join(", ")}`]
    .filter(Boolean).join(". ");
}

function known(answer) {
  if (answer.status === 401) document.dispatchEvent(new Event("otklik:signed-out"));
  return answer.ok;
}

async function here() {
  if (document.hidden) return;
  const typing = Date.now() - typedAt < STILL_TYPING;
  const answer = await fetch(shown.dataset.here, { method: "POST", body: body(typing && "typing") });
  if (!known(answer)) return;
  const said = words((await answer.json()).others);
  const place = shown.querySelector("[data-words]");
  if (place.textContent !== said) place.textContent = said;
  shown.hidden = !said;
}

async function around() {
  const marks = [...list.querySelectorAll("[data-appeal]")];
  if (document.hidden || !marks.length) return;
  const answer = await fetch(list.dataset.around);
  if (!known(answer)) return;
  const { appeals } = await answer.json();
  for (const mark of marks) {
    const said = (appeals[mark.dataset.appeal] ?? []).map((one) => one.typing ? `${one.name} печатает` : one.name).join(", ");
    const place = mark.querySelector("[data-words]");
    if (place.textContent !== said) place.textContent = said;
    mark.hidden = !said;
  }
}

function every(ask) {
  const again = () => ask().catch(() => {}).finally(() => setTimeout(again, EVERY));
  again();
  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask().catch(() => {}); });
}

if (shown) {
  every(here);
  addEventListener("pagehide", () => navigator.sendBeacon(shown.dataset.here, body("gone")));
}
if (list) every(around);
