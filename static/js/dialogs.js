// Native dialogs are opened by the browser itself (commandfor, command); this serves browsers that cannot yet, closes
// a dialog when its backdrop is pressed, and opens pages that may come as a dialog over the one where somebody is.
import { texts } from "./texts.js";

const native = "command" in HTMLButtonElement.prototype;

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[commandfor]");
  if (button && !native) {
    const dialog = document.getElementById(button.getAttribute("commandfor"));
    if (button.getAttribute("command") === "show-modal") dialog.showModal();
    else dialog.close();
  }
  const pressed = event.target;
  if (pressed instanceof HTMLDialogElement && pressed.open && !("page" in pressed.dataset)) pressed.close();
});

// What the page asks at once: open for those without scripts, modal for all others.
for (const dialog of document.querySelectorAll("dialog[data-modal][open]")) {
  dialog.close();
  dialog.showModal();
  // Nothing on this page has opened it, so that nothing would get the focus back.
  dialog.addEventListener("close", () => document.getElementById("content")?.focus());
}

// A link that says so opens its page as a dialog. It stays a link for new tabs, and where there are no scripts.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  openPage(link.href);
});

let loading = false;

export async function openPage(address) {
  if (loading || document.querySelector("dialog[open]")) return;
  loading = true;
  const wanted = new URL(address, location.href);
  wanted.searchParams.set("next", location.pathname + location.search);
  try {
    const dialog = await asked(wanted);
    if (dialog === null) location.assign(address);
    if (!dialog) return;
    dialog.dataset.page = "";
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  } catch {
    location.assign(address);
  } finally {
    loading = false;
  }
}

// Returns the dialog that an address answers with, null where it answers with a page, undefined where it leads on.
async function asked(address, options = {}) {
  const answer = await fetch(address, { ...options, headers: { "X-Dialog": "yes" } });
  if (answer.headers.get("Location")) {
    location.assign(answer.headers.get("Location"));
    return undefined;
  }
  const found = new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
  return found instanceof HTMLElement && found.localName === "dialog" ? document.adoptNode(found) : null;
}

// Its form is sent from within: what is refused stands in the dialog again, what is done leads on.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  const dialog = form.closest("dialog[data-page]");
  if (!dialog || form.method !== "post" || form.dataset.sent) return; // forms.js holds a second press back
  event.preventDefault();
  try {
    const answer = await asked(form.action, { method: "POST", body: new FormData(form, event.submitter) });
    // A page, of an error or a question: nothing was done, so it is asked for anew, in the open.
    if (answer === null) form.submit();
    else if (answer) {
      dialog.replaceChildren(...answer.childNodes);
      dialog.querySelector("[aria-invalid=true], [autofocus]")?.focus();
    }
  } catch {
    unreached(form);
  }
});

function unreached(form) {
  delete form.dataset.sent;
  form.querySelector("[aria-busy=true]")?.removeAttribute("aria-busy");
  const said = form.querySelector("[data-unreached]") ?? document.createElement("p");
  said.dataset.unreached = "";
  said.className = "field-error";
  said.setAttribute("role", "alert");
  said.textContent = texts.unreachable;
  form.append(said);
}
