// What is pasted from Word keeps its structure: headings become ours, a row of a table becomes a line of text.
// The editor itself drops styles and classes, and the server keeps only what an editor may write.
const HEADINGS = { H1: "h3", H2: "h4", H5: "h4", H6: "h4" };
const cleaned = new WeakSet();

function renamed(page, element, name) {
  const other = page.createElement(name);
  other.append(...element.childNodes);
  element.replaceWith(other);
}

function tidy(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  page.querySelectorAll("style, script, img, svg, object, iframe").forEach((one) => one.remove());
  const big = page.querySelector("h1, h2") !== null;
  page.querySelectorAll("h1, h2, h3, h5, h6").forEach((one) => {
    if (one.tagName !== "H3" || big) renamed(page, one, HEADINGS[one.tagName] ?? "h4");
  });
  page.querySelectorAll("table").forEach((table) => {
    const lines = [...table.rows].map((row) => {
      const line = page.createElement("p");
      const cells = [...row.cells].map((cell) => cell.textContent.replace(/\s+/g, " ").trim());
      line.textContent = cells.filter(Boolean).join(" · ");
      return line;
    });
    table.replaceWith(...lines);
  });
  return page.body.innerHTML;
}

document.addEventListener("paste", (event) => {
  const html = event.clipboardData?.getData("text/html") ?? "";
  const editor = event.target.closest?.(".public-DraftEditor-content") ?? event.target.parentElement?.closest(".public-DraftEditor-content");
  // What was copied in an editor of ours is whole already.
  if (cleaned.has(event) || !editor || !/<(h[1256]|table)[\s>]/i.test(html) || html.includes("data-draftjs-conductor")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const data = new DataTransfer();
  data.setData("text/html", tidy(html));
  data.setData("text/plain", event.clipboardData.getData("text/plain"));
  const again = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  cleaned.add(again);
  event.target.dispatchEvent(again);
}, { capture: true });
