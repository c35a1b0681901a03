// Light, dark, or as the system has it. Kept in this browser; boot.js applies it before the first paint.
import { remember, remembered } from "./storage.js";
import { filled, texts } from "./texts.js";
import { toast } from "./toasts.js";

const THEMES = ["system", "light", "dark"];
const SAID = { system: texts.themeSystem, light: texts.themeLight, dark: texts.themeDark };

export function setTheme(theme) {
  remember("theme", theme === "system" ? null : theme);
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  show();
  keep(theme);
}

// With the person, if one is signed in, so that their other browsers show it too.
function keep(theme) {
  const { dataset } = document.documentElement;
  const token = document.querySelector("input[name=csrf_token]")?.value;
  if (!dataset.kept || !token) return;
  dataset.kept = theme;
  const body = new URLSearchParams({ theme, csrf_token: token });
  fetch("/account/preferences/theme", { method: "POST", body, keepalive: true }).catch(() => {});
}

function current() {
  const { dataset } = document.documentElement;
  const theme = dataset.theme ?? dataset.kept ?? remembered("theme", "system");
  return THEMES.includes(theme) ? theme : "system";
}

function show() {
  const theme = current();
  for (const button of document.querySelectorAll("[data-theme-set]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeSet === theme));
  }
  for (const button of document.querySelectorAll("[data-theme-next]")) {
    button.setAttribute("aria-label", filled(texts.changeTheme, { theme: texts[theme] }));
  }
}

document.addEventListener("click", (event) => {
  const set = event.target.closest("[data-theme-set]");
  const next = event.target.closest("[data-theme-next]");
  if (set) setTheme(set.dataset.themeSet);
  if (next) {
    const theme = THEMES[(THEMES.indexOf(current()) + 1) % THEMES.length];
    setTheme(theme);
    toast(SAID[theme]);
  }
});

show();
