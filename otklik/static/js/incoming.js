// Calls that ring: shown on every page within a second, said aloud once, and the cursor stays where it is.
const place = document.querySelector("[data-incoming]");
const said = document.querySelector("[data-incoming-said]");
const title = document.title;
const SEEN = 700;     // ms between two looks while the page is looked at
const HIDDEN = 3000;  // while another tab is
const ENDED = 15000;  // while nobody is signed in
let known = "";

function show(html) {
  // Whoever stands on a button of the banner stays on it: another call may come in the same moment.
  const at = place.contains(document.activeElement) ? document.activeElement.closest("[data-call]")?.dataset.call : null;
  htmx.swap(place, html, { swapStyle: "innerHTML" });
  if (at) place.querySelector(`[data-call="${CSS.escape(at)}"] button`)?.focus();
  const words = place.querySelector("[data-say]")?.textContent.replace(/\s+/g, " ").trim() ?? "";
  if (said.textContent !== words) said.textContent = words;
  document.title = words ? `☎ ${title}` : title;
}

async function ask() {
  const answer = await fetch(`${place.dataset.incoming}?known=${encodeURIComponent(known)}`, { headers: { "HX-Request": "true" } });
  if (answer.status === 401) return ENDED;
  if (answer.status === 200) {
    show(await answer.text());
    known = answer.headers.get("X-Known");
  }
  return document.hidden ? HIDDEN : SEEN;
}

let timer = 0;
const again = () => ask().catch(() => HIDDEN).then((wait) => { clearTimeout(timer); timer = setTimeout(again, wait); });

if (place) {
  again();
  // While words are typed the key is the same with Alt.
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || !event.altKey || event.ctrlKey || event.metaKey || event.shiftKey || event.code !== "KeyA") return;
    const button = place.querySelector("[data-key=KeyA]");
    if (button) { event.preventDefault(); button.click(); }
  });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) { clearTimeout(timer); timer = setTimeout(again, 0); } });
}

// A material beside the call: closed by its button, and topics are proposed anew after one was opened.
document.addEventListener("click", (event) => {
  if (!event.target.closest("#call-material [data-close]")) return;
  document.getElementById("call-material").replaceChildren();
  document.getElementById("call-q")?.focus();
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "call-material") document.dispatchEvent(new CustomEvent("otklik:kept"));
});
