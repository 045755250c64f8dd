// The bell: how many appeals have something unread. What was known last is drawn at once, then the server is asked.
const bell = document.querySelector("[data-bell]");
const EVERY = 15000;
// Of this person: on a shared computer the next one has a bell of his own.
const key = (name) => `notices-${document.getElementById("session-ended").dataset.employee}-${name}`;

function draw(number) {
  const count = bell.querySelector("[data-bell-count]");
  count.hidden = !number;
  count.textContent = number > 99 ? "99+" : number;
  bell.querySelector("[data-bell-words]").textContent = number ? `, непрочитанного: ${number}` : "";
}

async function ask() {
  if (document.hidden) return;
  const answer = await fetch(bell.dataset.bell, { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { unread, last, said } = await answer.json();
  draw(unread);
  // Only what came since the last look is said; the first page of a sitting says nothing.
  const known = sessionStorage.getItem(key("last"));
  if (known !== null && last > Number(known)) {
    document.querySelector("[data-bell-said]").textContent = `Новое уведомление: ${said}`;
  }
  sessionStorage.setItem(key("last"), Math.max(last, Number(known)));
  sessionStorage.setItem(key("unread"), unread);
}

if (bell) {
  draw(Number(sessionStorage.getItem(key("unread"))));
  const again = () => ask().catch(() => {}).finally(() => setTimeout(again, EVERY));
  again();
  document.addEventListener("visibilitychange", () => { ask().catch(() => {}); });
}
