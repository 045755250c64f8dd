// Proposals for the dictionary, one key each: О (J) next, Л (K) previous, Enter accepts, Delete declines the one that has
// the cursor. What is decided stays where it was, with what it changed; the cursor goes on.
const list = document.querySelector("[data-wording]");
const typing = (element) => element.matches("input, textarea, select, [contenteditable]");
const single = () => localStorage.getItem("keys") !== "off";
const waiting = () => [...list.querySelectorAll('[data-proposal="new"]')];
const here = () => document.activeElement?.closest?.("[data-proposal]");

function step(by) {
  const rows = waiting();
  if (!rows.length) return;
  const at = rows.indexOf(here());
  const row = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1)];
  row.focus();
  row.scrollIntoView({ block: "nearest" });
}

if (list) {
  document.addEventListener("keydown", (event) => {
    const alone = single() && !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    if (!alone || typing(event.target) || document.querySelector("dialog[open]")) return;
    if (event.code === "KeyJ" || event.code === "KeyK") {
      event.preventDefault();
      step(event.code === "KeyJ" ? 1 : -1);
      return;
    }
    const row = document.activeElement;
    if (!row?.matches?.('[data-proposal="new"]')) return;
    const button = { Enter: "[data-accept]", NumpadEnter: "[data-accept]", Delete: "[data-decline]" }[event.code];
    const pressed = button && row.querySelector(button);
    if (!pressed) return;
    event.preventDefault();
    pressed.click();
  });

  // A swap takes the cursor away with the row it stood in: to the next that waits, or to the refused one's field.
  document.addEventListener("htmx:afterSwap", (event) => {
    const row = document.getElementById(event.detail.target.id);
    if (!row || !list.contains(row)) return;
    const wrong = row.querySelector("[aria-invalid]");
    if (wrong) {
      wrong.focus();
      return;
    }
    const next = waiting().find((one) => row.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING);
    (next ?? waiting()[0] ?? row).focus();
  });
}
