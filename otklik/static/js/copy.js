// «Скопировать»: what stands in a field goes to the clipboard; a button says so. Without a script the field can be selected.
for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
document.addEventListener("htmx:load", (event) => {
  for (const button of event.detail.elt.querySelectorAll("[data-copy]")) button.hidden = false;
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  const said = document.getElementById(button.dataset.copied);
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
    said.textContent = "Скопировано.";
  } catch {
    said.textContent = "Браузер не дал скопировать. Текст выделен: нажмите Ctrl+C.";
  }
});
