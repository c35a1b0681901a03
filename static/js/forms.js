// Forms are sent once, start at their first fault, and hold a dangerous button back until the name is typed.

document.addEventListener("submit", (event) => {
  const form = event.target;
  // What it fetches is saved as a file: the page stays, and so does the button.
  if (form.method !== "post" || form.hasAttribute("data-fetches")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  const button = event.submitter ?? form.querySelector("[type=submit]");
  // Not `disabled`: a disabled button is not sent along with its form.
  setTimeout(() => button?.setAttribute("aria-busy", "true"), 150);
});

// A page that comes back out of the browser's memory, or a form that htmx has sent, may be sent again.
function release(root) {
  for (const form of root.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of root.querySelectorAll("[aria-busy=true]")) button.removeAttribute("aria-busy");
}
addEventListener("pageshow", () => setTimeout(() => release(document), 0));
document.addEventListener("htmx:afterRequest", () => release(document));

document.querySelector("[aria-invalid=true]")?.focus();

document.addEventListener("input", (event) => {
  const form = event.target.closest("[data-confirm-name]");
  if (form) weigh(form);
});

function weigh(form) {
  const typed = form.querySelector("input:not([type=hidden])").value.trim();
  form.querySelector("[type=submit]").disabled = typed !== form.dataset.confirmName;
}

for (const form of document.querySelectorAll("[data-confirm-name]")) weigh(form);

// Fields that count for one choice only are out of the way while another one is made.
function follow(form) {
  for (const part of form.querySelectorAll("[data-shown-with]")) {
    const [name, value] = part.dataset.shownWith.split("=");
    const shown = form.elements.namedItem(name)?.value === value;
    part.hidden = !shown;
    part.disabled = !shown;
  }
}

for (const form of document.querySelectorAll("form:has([data-shown-with])")) {
  follow(form);
  form.addEventListener("change", () => follow(form));
}
