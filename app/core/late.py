"""Large libraries that most processes never need: loaded when something of them is first asked for.

Written beside an import for the type checker alone::

    if TYPE_CHECKING:
        import webauthn
    else:
        webauthn = Late("webauthn")
"""

from importlib import import_module
from typing import Any


class Late:
    """Stands for a module; whatever is asked of it is asked of the module."""

    def __init__(self, name: str) -> None:
        """Name the module, with its packages."""
        self._name = name

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)
