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

// Saving a text as a file, and printing: the text is on the page already, so nothing is asked for.
document.addEventListener("click", (event) => {
  const saver = event.target.closest("[data-save]");
  if (saver) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${saver.dataset.save}\n`], { type: "text/plain" }));
    link.download = saver.dataset.saveAs;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }
  if (event.target.closest("[data-print]")) print();
});
