// The pane beside the conversation is as wide as its reader likes: by mouse, or by arrows on the line between them.
// Remembered in this browser for each employee.
const line = document.querySelector("[data-resize]");
const pane = line.parentElement;
const panes = pane.parentElement;
const USUAL = Number(line.getAttribute("aria-valuenow"));
const LEAST = Number(line.getAttribute("aria-valuemin"));
const MOST = Number(line.getAttribute("aria-valuemax"));
const STEP = 20;
const key = `context-width-${line.dataset.resize}`;

const width = () => Number(line.getAttribute("aria-valuenow"));

function set(wanted) {
  const now = Math.round(Math.min(MOST, Math.max(LEAST, wanted)));
  panes.style.setProperty("--context-width", `${now}px`);
  line.setAttribute("aria-valuenow", now);
  line.setAttribute("aria-valuetext", `${now} пикселей`);
}

function keep() {
  if (width() === USUAL) localStorage.removeItem(key);
  else localStorage.setItem(key, width());
}

const KEYS = {
  ArrowLeft: () => width() + STEP,
  ArrowRight: () => width() - STEP,
  Home: () => LEAST,
  End: () => MOST,
  Enter: () => USUAL,
};

line.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !KEYS[event.key]) return;
  event.preventDefault();
  set(KEYS[event.key]());
  keep();
});
line.addEventListener("dblclick", () => { set(USUAL); keep(); });
line.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  event.preventDefault();
  line.focus();
  line.setPointerCapture(event.pointerId);
});
line.addEventListener("pointermove", (event) => {
  if (line.hasPointerCapture(event.pointerId)) set(pane.getBoundingClientRect().right - event.clientX);
});
line.addEventListener("pointerup", keep);

line.hidden = false;
set(Number(localStorage.getItem(key)) || USUAL);
