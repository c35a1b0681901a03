"""The catalogues as files: found anew from the code, merged with what is translated already."""

from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

from translations.extraction import MARKS

CATALOGS = Path(__file__).resolve().parent
ROOT = CATALOGS.parent
LANGUAGES = ("de",)


def fresh() -> Catalog:
    """Return what the code says today, without translations."""
    catalog = Catalog(project="Portico", charset="utf-8")
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(ROOT, methods, options, MARKS, ("Translators:",), strip_comment_tags=True)
    for filename, _line, message, comments, context in found:
        catalog.add(message, None, [(filename, None)], auto_comments=comments, context=context)
    return catalog


def read(path: Path, language: str) -> Catalog:
    """Return a catalogue as it is kept."""
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def updated(kept: Catalog, found: Catalog) -> Catalog:
    """Return the kept catalogue with today's messages; what nobody says any more is dropped."""
    kept.update(found, no_fuzzy_matching=True, update_creation_date=False)
    kept.obsolete.clear()
    return kept


def write(path: Path, catalog: Catalog) -> None:
    """Keep a catalogue: sorted, without line numbers and dates, so that only what changed differs."""
    catalog.header_comment = "# Portico in another language; `make messages` keeps it up to date."
    catalog.fuzzy = False
    catalog.project, catalog.version, catalog.msgid_bugs_address = "Portico", "", ""
    catalog.last_translator = catalog.language_team = "Portico"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=110, sort_output=True, omit_header=False, include_lineno=False)
