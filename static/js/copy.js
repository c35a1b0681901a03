// Copy buttons: the icon answers for a moment, and the toast says it aloud.
import { toast } from "./toasts.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    toast("The browser did not allow copying. Select the text instead.", "warning");
    return;
  }
  button.dataset.copied = "";
  toast("Copied.", "success");
  setTimeout(() => delete button.dataset.copied, 1500);
});
