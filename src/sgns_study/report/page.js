// What the page does beyond being read; without it nothing is missing from the text. The page's
// Content-Security-Policy allows this script by its digest and no other.
"use strict";

const NOTHING = ["", "–"]; // an empty cell or a dash has no value
const UNITS = { s: 1, min: 60, h: 3600 };
const POWERS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const VALUE = new RegExp(
  "^([+-]?(?:\\d{1,3}(?:,\\d{3})+|\\d+)(?:\\.\\d+)?)" + // a number, thousands apart or not
    "(?: · 10)?(⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)?" + // a power of ten
    "(?: (%|s|min|h|MiB))?(?: ?(?:±|to |\\().*)?\\**$", // unit; then a spread, an interval, marks
);

// The number that a cell starts with, times in seconds; NaN for any other text.
function numberOf(text) {
  const found = VALUE.exec(text.replaceAll("−", "-").replace(/\s+/g, " ").trim());
  if (!found) return NaN;
  const [, digits, power, unit] = found;
  let value = Number(digits.replaceAll(",", ""));
  if (power) {
    const exponent = Number(power.replace("⁻", "-").replace(/[⁰-⁹¹²³]/g, (c) => POWERS.indexOf(c)));
    value = text.includes("·") ? value * 10 ** exponent : value ** exponent;
  }
  return value * (UNITS[unit] ?? 1);
}

// The order of the cells' places: 1 rising, -1 falling. Ties keep theirs, missing values are last.
function sortedPlaces(texts, direction) {
  const present = texts.filter((text) => !NOTHING.includes(text));
  const numeric = present.every((text) => !Number.isNaN(numberOf(text)));
  const compare = (a, b) =>
    numeric ? numberOf(a) - numberOf(b) : a.localeCompare(b, "en", { numeric: true });
  return texts
    .map((text, place) => ({ text, place, missing: NOTHING.includes(text) }))
    .sort((a, b) =>
      a.missing || b.missing ? a.missing - b.missing : direction * compare(a.text, b.text),
    )
    .map((cell) => cell.place);
}

// A button in every column head: rising, falling, as it was. Rows that sum up stay below.
function makeSortable(box) {
  const body = box.querySelector("tbody");
  const all = [...body.rows];
  const end = all.length - Number(box.dataset.foot ?? 0);
  const rows = all.slice(0, end);
  const heads = [...box.querySelectorAll("thead th")];
  heads.forEach((head, column) => {
    if (rows.length < 2 || !head.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.title = "Sort by this column";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const next = { null: "ascending", ascending: "descending", descending: null };
      const order = next[head.getAttribute("aria-sort")];
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      if (order) head.setAttribute("aria-sort", order);
      const texts = rows.map((row) => row.cells[column].textContent.trim());
      const places = order
        ? sortedPlaces(texts, order === "ascending" ? 1 : -1)
        : rows.map((_, place) => place);
      body.append(...places.map((place) => rows[place]), ...all.slice(end));
    });
  });
}

// A figure becomes a button that opens it large; its name is the figure's alternative text.
function makeEnlargeable(figure, dialog) {
  const image = figure.querySelector("img");
  if (!image) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "enlarge";
  button.title = "Enlarge";
  button.setAttribute("aria-haspopup", "dialog");
  image.replaceWith(button);
  button.append(image);
  button.addEventListener("click", () => {
    const caption = document.createElement("p");
    caption.append(...figure.querySelector("figcaption").cloneNode(true).childNodes);
    const view = document.createElement("div");
    view.append(image.cloneNode(), caption);
    dialog.querySelector("div").replaceWith(view);
    dialog.setAttribute("aria-label", caption.querySelector("strong")?.textContent ?? "Figure");
    dialog.showModal(); // Escape closes it, and the focus goes back to the figure
  });
}

function makeDialog() {
  const dialog = document.createElement("dialog");
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "Close";
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.append(close, document.createElement("div"));
  document.body.append(dialog);
  return dialog;
}

// The contents list: open beside the text; on a narrow page closed until asked for.
function makeContents(details) {
  const beside = window.matchMedia("(min-width: 64rem)");
  const follow = () => (details.open = beside.matches);
  follow();
  beside.addEventListener("change", follow);
  details.addEventListener("click", (event) => event.target.closest("a") && follow());
}

document.documentElement.classList.add("scripted");
makeContents(document.querySelector("nav details"));
document.querySelectorAll(".sortable").forEach(makeSortable);
const dialog = makeDialog();
document.querySelectorAll("main figure").forEach((figure) => makeEnlargeable(figure, dialog));
