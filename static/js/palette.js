// The command palette: a combobox over a listbox in a native dialog, which keeps the focus inside by itself.
import { openPage } from "./dialogs.js";
import { setTheme } from "./theme.js";

const palette = document.getElementById("palette");
const input = palette?.querySelector("input[role=combobox]");
const list = palette?.querySelector("[role=listbox]");
const options = list ? [...list.querySelectorAll("[role=option]")] : [];
let left = options;
let chosen = null;

export function openPalette() {
  if (!palette) return false;
  if (!palette.open) {
    for (const menu of document.querySelectorAll("details[data-closes][open]")) menu.open = false;
    palette.showModal();
    input.value = "";
    filter();
  }
  return true;
}

// Every typed word has to begin a word of the option's label, or else of its other names; the label weighs more.
function weight(option, words) {
  const label = option.querySelector("span").textContent.toLowerCase().split(/\s+/);
  const others = `${option.textContent} ${option.dataset.words ?? ""}`.toLowerCase().split(/\s+/);
  const begins = (names) => words.every((word) => names.some((name) => name.startsWith(word)));
  return begins(label) ? 2 : begins(others) ? 1 : 0;
}

// What searches beyond the pages takes whatever is typed, and stands behind what the pages are called.
function filter() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const weigh = (option) => (option.dataset.find ? (words.length ? 0.5 : 0) : weight(option, words));
  const weights = new Map(options.map((option) => [option, weigh(option)]));
  for (const option of options) option.hidden = weights.get(option) === 0;
  left = options.filter((option) => !option.hidden).sort((one, other) => weights.get(other) - weights.get(one));
  list.append(...left);
  palette.querySelector(".command > p").hidden = left.length > 0;
  choose(left[0] ?? null);
}

function choose(option) {
  chosen?.setAttribute("aria-selected", "false");
  chosen = option;
  chosen?.setAttribute("aria-selected", "true");
  chosen?.scrollIntoView({ block: "nearest" });
  if (chosen) input.setAttribute("aria-activedescendant", chosen.id);
  else input.removeAttribute("aria-activedescendant");
}

function move(by) {
  if (left.length) choose(left.at((left.indexOf(chosen) + by) % left.length));
}

function run(option) {
  palette.close();
  const { href, submit, themeChoice, opens, find } = option.dataset;
  if (find) location.assign(`${find}?q=${encodeURIComponent(input.value.trim())}`);
  else if (themeChoice) setTheme(themeChoice);
  else if ("dialog" in option.dataset) openPage(href);
  else if (opens) document.getElementById(opens).showModal();
  else if (submit) {
    const form = palette.querySelector("form");
    form.action = submit;
    form.requestSubmit();
  } else if ("external" in option.dataset) window.open(href, "_blank", "noreferrer");
  else location.assign(href);
}

if (palette) {
  input.addEventListener("input", filter);
  // It stays on the page while it fades, and would swallow the next key.
  palette.addEventListener("close", () => input.blur());
  input.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) {
      event.preventDefault();
      move(steps[event.key]);
    } else if (event.key === "Enter" && chosen && !event.isComposing) {
      event.preventDefault();
      run(chosen);
    }
  });
  list.addEventListener("pointermove", (event) => {
    const option = event.target.closest("[role=option]");
    if (option && option !== chosen) choose(option);
  });
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) run(option);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-open-palette]")) openPalette();
  });
}
