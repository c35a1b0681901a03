// Menus and the phone's sheet are <details>, which work alone; here they also close as one expects of a menu.
const open = () => [...document.querySelectorAll("details[data-closes][open]")];

document.addEventListener("click", (event) => {
  for (const menu of open()) {
    const inside = menu.contains(event.target);
    const onBackdrop = menu.matches(".sheet") && event.target === menu.querySelector("summary");
    if (!inside && !onBackdrop) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  const innermost = open().at(-1);
  if (!innermost) return;
  if (event.key === "Escape") {
    innermost.open = false;
    innermost.querySelector("summary").focus();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && innermost.contains(event.target) && innermost.matches(".menu")) {
    event.preventDefault();
    const items = [...innermost.querySelectorAll(".menu-list :is(a, button)")].filter((item) => item.checkVisibility());
    const at = items.indexOf(document.activeElement);
    items.at((at + (event.key === "ArrowDown" ? 1 : at < 0 ? 0 : -1)) % items.length)?.focus();
  }
});
