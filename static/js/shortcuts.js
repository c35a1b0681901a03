// Keys: Ctrl or Cmd with K everywhere; single keys only outside fields, and only while they are switched on (WCAG 2.1.4).
import { openPage } from "./dialogs.js";
import { openPalette } from "./palette.js";
import { remember, remembered } from "./storage.js";

const PLACES = { d: "/dashboard", o: "/organizations", s: "/account/sessions", p: "/account" };
const help = document.getElementById("shortcuts");
let awaiting = 0;

for (const box of document.querySelectorAll("[data-single-keys]")) {
  box.checked = remembered("single-keys", "on") === "on";
  box.addEventListener("change", () => remember("single-keys", box.checked ? null : "off"));
}

if (/Mac|iPhone|iPad/.test(navigator.platform)) {
  for (const key of document.querySelectorAll("[data-modifier]")) key.textContent = "⌘ K";
  for (const key of document.querySelectorAll("[data-modifier-key]")) key.textContent = "⌘";
}

function typing(target) {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "k") {
    if (openPalette()) event.preventDefault();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
  if (remembered("single-keys", "on") !== "on") return;
  single(event);
});

function single(event) {
  const key = event.key.toLowerCase();
  const following = performance.now() - awaiting < 1500;
  awaiting = 0;
  if (following && PLACES[key] && help) {
    location.assign(PLACES[key]);
  } else if (key === "g") {
    awaiting = performance.now();
  } else if (key === "?" && help) {
    event.preventDefault();
    help.showModal();
  } else if (help?.querySelector(`[data-key="${CSS.escape(key)}"]`)) {
    event.preventDefault();
    openPage(help.querySelector(`[data-key="${CSS.escape(key)}"]`).dataset.href);
  } else if (key === "/") {
    const search = document.querySelector("[data-search]");
    if (search) search.focus();
    if (search || openPalette()) event.preventDefault();
  }
}
