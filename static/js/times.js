// "5 minutes ago" stays true while the page is open. The exact time on hover is the server's word where it knows the
// reader's time zone; a visitor's is known to the browser alone.
import { texts } from "./texts.js";

const { lang, dataset } = document.documentElement;
const counted = new Intl.RelativeTimeFormat(lang, { numeric: "always" });
const named = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
const exact = dataset.timezone ? null : new Intl.DateTimeFormat(lang, { dateStyle: "long", timeStyle: "long" });
const STEPS = [
  ["year", 31536000],
  ["month", 2592000],
  ["week", 604800],
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];
// The server's clock counts, not the visitor's: what is shown moves on from what the server said.
const loaded = performance.now();

export function ago(seconds) {
  const past = Math.abs(seconds);
  if (past < 45) return texts.justNow;
  const [unit, size] = STEPS.find(([, length]) => past >= length) ?? ["minute", 60];
  const count = Math.round(seconds / size);
  // As the server says it (presentation.py): "yesterday", but "2 days ago" and "in 1 day".
  return (count === 1 && size >= 86400 ? named : counted).format(-count, unit);
}

function refresh() {
  const passed = (performance.now() - loaded) / 1000;
  for (const time of document.querySelectorAll("time[data-age]")) {
    time.textContent = ago(Number(time.dataset.age) + passed);
    if (exact) time.title = exact.format(new Date(time.dateTime));
  }
}

refresh();
setInterval(refresh, 30000);
document.addEventListener("htmx:afterSettle", refresh);
