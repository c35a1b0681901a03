// Native dialogs are opened by the browser itself (commandfor, command); this serves browsers that cannot yet, and closes
// a dialog when its backdrop is pressed.
const native = "command" in HTMLButtonElement.prototype;

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[commandfor]");
  if (button && !native) {
    const dialog = document.getElementById(button.getAttribute("commandfor"));
    if (button.getAttribute("command") === "show-modal") dialog.showModal();
    else dialog.close();
  }
  if (event.target instanceof HTMLDialogElement && event.target.open) event.target.close();
});

// What the page asks at once: open for those without scripts, modal for all others.
for (const dialog of document.querySelectorAll("dialog[data-modal][open]")) {
  dialog.close();
  dialog.showModal();
  // Nothing on this page has opened it, so that nothing would get the focus back.
  dialog.addEventListener("close", () => document.getElementById("content")?.focus());
}
