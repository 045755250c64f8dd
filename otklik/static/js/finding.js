// How long finding takes: a search begins with its first letter, and only the browser knows when that was typed.
// With each request goes a random key of the search and the milliseconds since; nothing else is told.
const SILENCE = 30 * 60 * 1000; // ms without a letter after which another search begins
const ENDS = "[data-insert], #kb-results a, #materials a, .portal-answers a, #call-found a, [data-used]"; // what is pressed when something is found

function measure(box) {
  let key = box.dataset.search; // one that goes on from the page before
  let began = 0;
  let last = performance.now();
  const told = () => `${key}.${Math.round(performance.now() - began)}`;

  box.addEventListener("input", () => {
    const now = performance.now();
    if (!key || now - last > SILENCE) {
      key = [...crypto.getRandomValues(new Uint8Array(16))].map((one) => one.toString(16).padStart(2, "0")).join("");
      began = now;
    }
    last = now;
  });
  box.addEventListener("htmx:configRequest", (event) => { if (key) event.detail.headers["X-Search"] = told(); });
  // A form sent as forms are bears no headers.
  box.form.addEventListener("submit", () => {
    if (key && box.value) document.cookie = `search=${told()};path=/;max-age=60;samesite=lax${location.protocol === "https:" ? ";secure" : ""}`;
  });
  // Whoever found something and types on looks for something else.
  const end = (event) => { if (event.target.closest?.(ENDS)) key = ""; };
  document.addEventListener("click", end);
  document.addEventListener("auxclick", end);
  addEventListener("pageshow", (event) => { if (event.persisted) key = ""; });
}

// A box that comes with a part of the page is measured as one that stood there from the beginning.
const measured = new WeakSet();
function begin(part) {
  for (const box of part.querySelectorAll("input[data-search]")) {
    if (measured.has(box)) continue;
    measured.add(box);
    measure(box);
  }
}
begin(document);
document.addEventListener("htmx:load", (event) => begin(event.detail.elt));
