"""The application object for a WSGI server."""

import gc
import sys

from app import create_app
from app.core.settings import SettingsError

try:
    app = create_app()
except SettingsError as error:
    sys.exit(f"Portico cannot start: {error}")
gc.collect()
gc.freeze()  # all that was made so far stays for good: no request has to wait for a look through it
