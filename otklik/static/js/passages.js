// Words selected in a text go into the field its `data-passages` names: a remark is put beside them.
for (const text of document.querySelectorAll("[data-passages]")) {
  const field = document.querySelector(text.dataset.passages);
  if (!field) continue;
  document.addEventListener("selectionchange", () => {
    const chosen = document.getSelection();
    if (!chosen || chosen.isCollapsed || !text.contains(chosen.anchorNode) || !text.contains(chosen.focusNode)) return;
    field.value = chosen.toString().trim();
  });
}
