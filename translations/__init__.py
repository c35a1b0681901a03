"""Catalogues of translations, and how sentences are found for them."""
