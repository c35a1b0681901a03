"""The application object for a WSGI server."""

import gc
import sys

gc.disable()  # nothing of what is loaded now can be thrown away: looking for it takes a sixth of the start

from app import create_app  # noqa: E402 - see above
from app.core.settings import SettingsError  # noqa: E402

try:
    app = create_app()
except SettingsError as error:
    sys.exit(f"Portico cannot start: {error}")
gc.collect()
gc.enable()
gc.freeze()  # all that was made so far stays for good: no request has to wait for a look through it
