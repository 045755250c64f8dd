// The screen of a reception: digits choose an answer, and the field it asks for comes next.
const typingIn = (one) => one.matches("textarea, select, [contenteditable], input:not([type=radio], [type=checkbox])");
const asks = (form) => !form.querySelector("[data-digits] :checked");
const shown = (one) => one.offsetParent !== null;

function asking() {
  const forms = [...document.querySelectorAll("#now form")].filter((form) => form.querySelector("[data-digits]"));
  return forms.find(asks) ?? forms[0];
}

function goOn(form, chosen) {
  const fields = chosen.value === "no" ? [] : form.querySelectorAll("textarea, select, input:not([type=hidden], [type=radio])");
  ([...fields].find(shown) ?? form.querySelector("[data-enter]"))?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || typingIn(event.target)) return;
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code)?.[1];
  const own = event.target.closest("form");
  const form = own?.querySelector("[data-digits]") ? own : asking();
  const one = digit && form?.querySelector(`[data-digit="${digit}"]`);
  if (!one) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  one.checked = true;
  one.dispatchEvent(new Event("change", { bubbles: true }));
  goOn(form, one);
}, true);

// What comes next has the keyboard at once, unless a refusal is to be read first. After the load: going to the address's
// own place on the page takes the focus away.
function begin() {
  if (document.activeElement !== document.body || document.querySelector("main [role=alert], main [autofocus]")) return;
  asking()?.querySelector("[data-digit]")?.focus({ preventScroll: true });
}
const soon = () => setTimeout(begin, 50);
if (document.readyState === "complete") soon();
else addEventListener("load", soon);
