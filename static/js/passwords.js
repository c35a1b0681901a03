// Show and hide a password, and say when caps lock is on.

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reveal]");
  if (!button) return;
  const input = document.getElementById(button.dataset.reveal);
  const shown = input.type === "password";
  input.type = shown ? "text" : "password";
  button.setAttribute("aria-pressed", String(shown));
  input.focus();
});

// A revealed password goes out hidden, so that the browser offers to keep it and never keeps it as text.
document.addEventListener("submit", (event) => {
  for (const button of event.target.querySelectorAll("[data-reveal][aria-pressed=true]")) {
    document.getElementById(button.dataset.reveal).type = "password";
    button.setAttribute("aria-pressed", "false");
  }
});

for (const name of ["keydown", "keyup"]) {
  document.addEventListener(name, (event) => {
    if (!event.getModifierState) return;
    const hint = document.querySelector(`[data-caps-lock="${CSS.escape(event.target.id ?? "")}"]`);
    if (hint) hint.hidden = !event.getModifierState("CapsLock");
  });
}
