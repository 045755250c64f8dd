// A proposal goes into the first question without one; no page load needed.
const form = document.querySelector("[data-questions]");

form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-take]");
  if (!button) return;
  const fields = [...form.querySelectorAll(`[name$="-${button.dataset.take}"]`)];
  const target = fields.find((field) => !field.value) ?? (fields.length === 1 ? fields[0] : null);
  if (!target) return;
  event.preventDefault();
  target.value = button.value;
  target.focus();
});
