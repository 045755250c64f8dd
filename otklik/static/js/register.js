// Another proposal takes the place of the first: by its button or its digit; the cursor stays where Enter registers.
for (const button of document.querySelectorAll("[data-choose]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const field = button.form.elements[button.dataset.choose];
    field.value = button.value;
    for (const one of document.querySelectorAll(`[data-choose="${button.dataset.choose}"]`)) one.setAttribute("aria-pressed", String(one === button));
    button.form.querySelector("[data-enter]")?.focus({ preventScroll: true });
  });
}
