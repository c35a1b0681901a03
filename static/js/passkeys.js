// Passkeys: asking the browser to make one or to sign with one, and sending its answer as a form's field.
// Where the browser cannot, or the page stands at a bare address, nothing of it is shown.

const here = location.hostname;
const capable = Boolean(window.PublicKeyCredential) && !/^[\d.]+$|:/.test(here);
let pending = new AbortController();

if (capable) {
  for (const part of document.querySelectorAll("[data-passkeys]")) part.hidden = false;
  for (const form of document.querySelectorAll("form[data-autofill]")) offer(form);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-passkey], [data-passkey-new]");
  if (!button) return;
  event.preventDefault();
  pending.abort();
  pending = new AbortController();
  act(button, pending.signal);
});

async function act(button, signal) {
  const form = button.form;
  const fault = form.querySelector("[data-passkey-fault]");
  fault.hidden = true;
  try {
    const made = "passkeyNew" in button.dataset;
    const publicKey = readable(made ? JSON.parse(button.dataset.passkeyNew) : await options(form, button.dataset.passkey));
    const answer = made
      ? await navigator.credentials.create({ publicKey, signal })
      : await navigator.credentials.get({ publicKey, signal });
    send(form, button, answer);
  } catch (error) {
    const known = error.name === "InvalidStateError" && button.dataset.known;
    fault.textContent = known || error.said || button.dataset.failed;
    fault.hidden = false;
  }
}

// The browser's own list at the e-mail field. A challenge is good for five minutes: ask anew before it is over.
async function offer(form) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  const button = form.querySelector("[data-passkey]");
  const { signal } = pending;
  const renewal = setTimeout(() => {
    pending.abort();
    pending = new AbortController();
    offer(form);
  }, 4 * 60 * 1000);
  signal.addEventListener("abort", () => clearTimeout(renewal));
  try {
    const publicKey = readable(await options(form, form.dataset.autofill));
    send(form, button, await navigator.credentials.get({ publicKey, signal, mediation: "conditional" }));
  } catch {
    // Nobody chose one, or another way was taken: the form is still there.
  }
}

async function options(form, address) {
  const token = form.elements.csrf_token.value;
  const answer = await fetch(address, {
    method: "POST",
    headers: { Accept: "application/json", "X-CSRFToken": token },
  });
  const body = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(body.code), { said: body.message });
  return body;
}

function send(form, button, answer) {
  form.elements[button.dataset.passkeyField].value = JSON.stringify(writable(answer));
  form.requestSubmit(button);
}

// Buffers travel as base64url without padding.
function bytes(text) {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function readable(given) {
  const wanted = { ...given, challenge: bytes(given.challenge) };
  if (given.user) wanted.user = { ...given.user, id: bytes(given.user.id) };
  for (const list of ["allowCredentials", "excludeCredentials"]) {
    if (given[list]) wanted[list] = given[list].map((known) => ({ ...known, id: bytes(known.id) }));
  }
  return wanted;
}

function writable(answer) {
  const response = {};
  for (const part of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (answer.response[part]) response[part] = text(answer.response[part]);
  }
  const transports = answer.response.getTransports?.();
  if (transports) response.transports = transports;
  return {
    id: answer.id,
    rawId: text(answer.rawId),
    type: answer.type,
    authenticatorAttachment: answer.authenticatorAttachment ?? undefined,
    clientExtensionResults: answer.getClientExtensionResults(),
    response,
  };
}
