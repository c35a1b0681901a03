"""Every page of the portal is looked at by a walk, or is said to be looked at elsewhere."""

import pytest
from flask import Flask

from tests.portal.pages import ELSEWHERE, WALKS

pytestmark = pytest.mark.once


def test_every_page_is_looked_at(app: Flask) -> None:
    rules = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("portal") and "GET" in (rule.methods or ())
    }
    looked_at = {rule for walk in WALKS.values() for rule in walk}
    assert rules - looked_at - set(ELSEWHERE) == set(), "pages that nobody looks at"
    assert (looked_at | set(ELSEWHERE)) - rules == set(), "pages that are no more"
    assert looked_at & set(ELSEWHERE) == set()
    assert [rule for rule, why in ELSEWHERE.items() if not why] == []
