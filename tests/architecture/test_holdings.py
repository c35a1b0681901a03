"""Nothing of an organization is forgotten when it is exported or erased."""

from app.core.db import Base
from app.domains.organizations.holdings import HOLDINGS, erased_tables, parts
from app.domains.outlines.tables import MEMBERSHIPS, TENANTS, USERS


def test_every_table_of_an_organization_says_what_becomes_of_it() -> None:
    """A new one is named in ``app/domains/organizations/holdings.py``."""
    tables = {table.name for table in Base.metadata.sorted_tables if "tenant_id" in table.c}
    assert tables == set(HOLDINGS)


def test_every_holding_is_exported_or_says_why_not_and_shows_columns_that_exist() -> None:
    for name, holding in HOLDINGS.items():
        assert bool(holding.shows) is not bool(holding.hidden_because), name
        assert set(holding.shows) <= set(Base.metadata.tables[name].c.keys()), name


def test_no_export_shows_what_opens_something() -> None:
    secret = {"password", "hash", "credentials", "private_key", "signs_key", "token", "token_hash"}
    for name, holding in HOLDINGS.items():
        assert not secret & {part for column in holding.shows for part in (column, *column.split("_"))}, name


def test_what_points_at_another_goes_before_it() -> None:
    order = [table.name for table in erased_tables()]
    for table in erased_tables():
        for key in table.foreign_keys:
            target = key.column.table.name
            if target in order and target != table.name:
                assert order.index(table.name) < order.index(target), (table.name, target)


def test_parts_have_names_of_their_own() -> None:
    names = [part.name for part in parts()]
    assert len(names) == len(set(names))


def test_an_outline_has_columns_of_its_model() -> None:
    for outline in (USERS, TENANTS, MEMBERSHIPS):
        assert set(outline.c.keys()) <= set(Base.metadata.tables[outline.name].c.keys())
