"""Brings the catalogues up to date with the code: ``make messages``."""

from translations.catalogs import CATALOGS, LANGUAGES, fresh, read, updated, write

for language in LANGUAGES:
    path = CATALOGS / language / "LC_MESSAGES" / "messages.po"
    write(path, updated(read(path, language), fresh()))
