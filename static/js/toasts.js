// Short messages at the corner. They leave by themselves unless a pointer or the focus rests on them; errors stay.
import { texts } from "./texts.js";

const STAYS = 6000;
const region = document.getElementById("toasts");
const template = document.getElementById("toast-template");

export function toast(message, tone = "info") {
  const card = template.content.firstElementChild.cloneNode(true);
  card.dataset.tone = tone;
  card.querySelector("p").textContent = message;
  for (const old of region.querySelectorAll("[data-toast]")) if (old.textContent === card.textContent) old.remove();
  region.append(card);
  watch(card);
}

function watch(card) {
  if (card.dataset.tone === "danger") return;
  const leave = () => (card.matches(":hover, :focus-within") ? setTimeout(leave, STAYS) : card.remove());
  setTimeout(leave, STAYS);
}

// What came with the page is put in anew: a live region speaks only of what changes in it.
requestAnimationFrame(() => {
  for (const card of region.querySelectorAll("[data-toast]")) {
    card.remove();
    setTimeout(() => {
      region.append(card);
      watch(card);
    }, 60);
  }
});

document.addEventListener("click", (event) => {
  event.target.closest("[data-toast-close]")?.closest("[data-toast]").remove();
});

document.addEventListener("htmx:afterSettle", () => {
  for (const card of region.querySelectorAll("[data-toast]:not([data-watched])")) {
    card.dataset.watched = "";
    watch(card);
  }
});

document.addEventListener("htmx:sendError", () => toast(texts.unreachable, "danger"));
