// Six drawn boxes over one real input: pasting, one-time-code autofill and undo stay the browser's own.
import { filled, texts } from "./texts.js";

const LENGTH = 6;

for (const box of document.querySelectorAll("[data-code]")) draw(box);

function draw(box) {
  const input = box.querySelector("input");
  const slots = document.createElement("div");
  slots.className = "otp-slots";
  slots.setAttribute("aria-hidden", "true");
  for (let at = 0; at < LENGTH; at += 1) slots.append(document.createElement("span"));
  box.append(slots);
  box.classList.add("is-drawn");

  const show = () => {
    const digits = input.value;
    const caret = Math.min(input.selectionStart ?? digits.length, LENGTH - 1);
    [...slots.children].forEach((slot, at) => {
      slot.textContent = digits[at] ?? "";
      slot.toggleAttribute("data-active", document.activeElement === input && at === caret);
    });
  };

  input.addEventListener("input", () => {
    const digits = input.value.replace(/\D/g, "").slice(0, LENGTH);
    if (digits !== input.value) input.value = digits;
    show();
    if (digits.length === LENGTH && box.dataset.tried !== digits) {
      box.dataset.tried = digits;
      input.form.requestSubmit();
    }
  });
  input.addEventListener("paste", (event) => {
    const found = event.clipboardData.getData("text").replace(/[\s-]/g, "").match(/\d{6}/);
    if (!found) return;
    event.preventDefault();
    input.value = found[0];
    input.dispatchEvent(new InputEvent("input", { bubbles: true }));
  });
  for (const name of ["focus", "blur", "click", "keyup", "select"]) input.addEventListener(name, show);
  show();
}

// "Send another" waits until a mail has had time to arrive; without scripts the button simply works.
for (const button of document.querySelectorAll("[data-wait]")) {
  let left = Number(button.dataset.wait);
  const label = button.textContent;
  const tick = () => {
    button.disabled = left > 0;
    button.textContent = left > 0 ? filled(texts.wait, { label, seconds: left }) : label;
    if (left-- > 0) setTimeout(tick, 1000);
  };
  tick();
}
