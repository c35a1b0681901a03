"""The application object for a WSGI server."""

import sys

from app import create_app
from app.core.settings import SettingsError

try:
    app = create_app()
except SettingsError as error:
    sys.exit(f"Portico cannot start: {error}")
