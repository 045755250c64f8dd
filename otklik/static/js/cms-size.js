// What is larger than a request may be is told before it is sent: nothing typed leaves the page.
const most = Number(document.querySelector("script[data-most]").dataset.most);
const bytes = (value) => (value instanceof File ? 0 : new Blob([value]).size + 200);

document.addEventListener("submit", (event) => {
  const size = [...new FormData(event.target).values()].reduce((sum, value) => sum + bytes(value), 0);
  if (size <= most) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const megabytes = Math.floor(most / 1024 / 1024);
  window.alert(`Материал не сохранён: в нём больше ${megabytes} МБ текста. Введённое осталось на странице. Разделите материал на несколько или приложите текст файлом.`);
}, { capture: true });
