// Seconds left to take a letter back, counted to the moment the server named: a reload changes nothing.
setInterval(() => {
  for (const shown of document.querySelectorAll("[data-countdown]")) {
    const left = Math.max(0, Math.round(Number(shown.dataset.countdown) - Date.now() / 1000));
    shown.textContent = left;
    if (left === 0) shown.closest("form, a").hidden = true;
  }
}, 500);
