// Before the first paint: the chosen theme, and that scripts run at all. Classic and blocking on purpose, so nothing flashes.
(function () {
  var root = document.documentElement;
  root.classList.add("js");
  try {
    var theme = localStorage.getItem("theme");
    if (root.dataset.kept) {
      // Somebody is signed in: their choice came with the page, and this browser remembers it for when they are not.
      if (root.dataset.kept === "system") localStorage.removeItem("theme");
      else localStorage.setItem("theme", root.dataset.kept);
    } else if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch (refused) {
    // Storage may be forbidden; the system's theme it is.
  }
})();
