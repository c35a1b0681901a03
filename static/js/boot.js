// Before the first paint: the chosen theme, and that scripts run at all. Classic and blocking on purpose, so nothing flashes.
(function () {
  var root = document.documentElement;
  root.classList.add("js");
  try {
    var theme = localStorage.getItem("theme");
    if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  } catch (refused) {
    // Storage may be forbidden; the system's theme it is.
  }
})();
