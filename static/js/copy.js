// Copy buttons: the icon answers for a moment, and the toast says it aloud.
import { texts } from "./texts.js";
import { toast } from "./toasts.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    toast(texts.notCopied, "warning");
    return;
  }
  button.dataset.copied = "";
  toast(texts.copied, "success");
  setTimeout(() => delete button.dataset.copied, 1500);
});
