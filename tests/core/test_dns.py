"""Asking the DNS, against a server that does as it is told."""

import time

import pytest
from flask import Flask

from app.core import dns as product
from tests.support.dns import DnsServer


def asked(*names: str, kind: str = "TXT") -> list[product.Answer]:
    found = product.look_up([(name, kind) for name in names])
    return [found[name, kind] for name in names]


@pytest.mark.usefixtures("in_app")
def test_what_stands_there_what_does_not_and_what_nobody_says(dns: DnsServer) -> None:
    long = "v=DKIM1; p=" + "A" * 400
    dns.put("long.example", long)
    dns.put("two.example", "b", "a")
    dns.put("empty.example")
    dns.failing.add("failing.example")
    names = ("long.example", "two.example", "empty.example", "nowhere.example", "failing.example", "a..b")
    texts = [(answer.known, answer.texts) for answer in asked(*names)]
    assert texts == [(True, (long,)), (True, ("a", "b")), (True, ()), (True, ()), (False, ()), (False, ())]


@pytest.mark.usefixtures("in_app")
def test_a_record_is_seen_among_many_others_of_its_name(dns: DnsServer) -> None:
    dns.put("busy.example", *(f"some-site-verification={number:02}" for number in range(30)), "v=spf1 -all")
    texts = asked("busy.example")[0].texts
    assert "v=spf1 -all" in texts
    assert len(texts) <= 20


@pytest.mark.usefixtures("in_app")
def test_a_cname_is_compared_without_its_dot_and_case(dns: DnsServer) -> None:
    dns.put("links.example", "Portal.Example", kind="CNAME")
    assert asked("links.example", kind="CNAME")[0].texts == ("portal.example",)


def test_silence_costs_three_seconds_at_most_for_all_together(in_app: Flask, dns: DnsServer) -> None:
    dns.silent.update({"one.example", "two.example", "three.example"})
    began = time.monotonic()
    assert [answer.known for answer in asked("one.example", "two.example", "three.example")] == [False] * 3
    assert time.monotonic() - began < product.SECONDS + 1
