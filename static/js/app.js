// Everything here makes a page nicer; none of it is needed for one to work.
import "./codes.js";
import "./copy.js";
import "./dialogs.js";
import "./forms.js";
import "./menus.js";
import "./palette.js";
import "./passwords.js";
import "./shortcuts.js";
import "./theme.js";
import "./times.js";
import "./toasts.js";
