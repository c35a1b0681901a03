"""Known and unknown addresses: the same status and body, and no difference in time that one could use."""

import json
import os
import random
import re
import signal
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks import load
from benchmarks.report import Bound, Result
from benchmarks.servers import CHEAP_PASSWORDS, driver_address, instance
from tests.support.live import LiveInstance
from tests.support.postgresql import Postgresql

PAIRS = 1000
WARM_UP = 60
"""Pairs that are not counted: connections, statements and caches are made by them."""
BLOCK = 100
AIM_MS = 0.5

Body = Callable[[str, str], Mapping[str, Any]]
"""From an address and a word of its own to what is sent."""


@dataclass(frozen=True)
class Way:
    """A public call that takes an address."""

    name: str
    path: str
    body: Body


def _person(email: str, _word: str) -> Mapping[str, Any]:
    return {
        "email": email, "password": "a quiet harbour 8", "password_confirmation": "a quiet harbour 8",
        "first_name": "Ada", "last_name": "Moss", "accept_policies": True,
    }  # fmt: skip


def _handle(email: str, word: str) -> Mapping[str, Any]:
    return {"email": email, "handle": word, "display_name": "Ada", "password": "a quiet harbour 8"}


WAYS = (
    Way("services_v1 login", "/v1/login", lambda email, _: {"email": email, "password": "wrong password"}),
    Way("services_v1 forgot", "/v1/forgot-password", lambda email, _: {"email": email}),
    Way("services_v1 create_account", "/v1/create-account", _person),
    Way("platform forgot", "/platform/api/global/auth/forgot-password", lambda email, _: {"email": email}),
    Way("platform otp_request", "/platform/api/global/auth/otp/request", lambda email, _: {"email": email}),
    Way("v0 register", "/v0/users", _handle),
    Way("v0 forgot", "/v0/auth/forgot-password", lambda email, _: {"email": email}),
)


def measure(server: Postgresql, folder: Path) -> list[Result]:
    """Ask with known and unknown addresses in turns, each from a network address of its own."""
    environment = {**CHEAP_PASSWORDS, "TRUSTED_PROXIES": "1"}
    with instance(folder, server, "answers", environment) as running:
        add_people(running)
        os.kill(running.pids["worker"], signal.SIGSTOP)  # what it does then would be in all of the figures
        try:
            return [result for number, way in enumerate(WAYS) for result in ask(running.url, way, number)]
        finally:
            os.kill(running.pids["worker"], signal.SIGCONT)


def add_people(running: LiveInstance) -> None:
    """Give the instance as many proven people as there are pairs, all with the demo people's password."""
    with psycopg.connect(driver_address(running)) as connection:
        connection.execute(
            "INSERT INTO users (uid, email, email_key, email_verified_at, first_name, last_name, is_public,"
            " password_hash, is_platform_admin, preferences, first_seen_in, created_at, updated_at)"
            " SELECT gen_random_uuid(), 'k' || n || '@known.example', 'k' || n || '@known.example', now(),"
            " 'Ada', 'Moss', true, password_hash, false, '{}', 'portal', now(), now()"
            " FROM users, generate_series(1, %s) AS n WHERE email = 'jane@acme.example'",
            (PAIRS + WARM_UP,),
        )


def ask(url: str, way: Way, number: int) -> list[Result]:
    """Return the difference of the medians, and how many answers of a pair differed."""
    exchange = load.connect(url)
    known, unknown, different = [], [], 0
    for turn in range(1, PAIRS + WARM_UP + 1):
        ends = {}
        pair = [(f"k{turn}@known.example", known), (f"u{turn}-{number}@new.example", unknown)]
        random.shuffle(pair)
        for place, (email, times) in enumerate(pair):
            seconds, status, body = load.one(exchange, _call(url, way, email, turn, number, place))
            ends[email[0]] = (status, _comparable(body, email))
            if turn > WARM_UP:
                times.append(seconds * 1000)
        different += ends["k"] != ends["u"]
    exchange.socket.close()
    difference = abs(statistics.median(_block_differences(known, unknown)))
    beside = f"medians {statistics.median(known):.2f} known, {statistics.median(unknown):.2f} unknown"
    return [
        Bound(f"{way.name}: medians differ by", difference, AIM_MS, "ms", beside),
        Bound(f"{way.name}: pairs whose answers differ", different, 0, "", f"of {PAIRS + WARM_UP}"),
    ]


def _block_differences(known: list[float], unknown: list[float]) -> list[float]:
    """Return the difference of the medians block by block: what else the machine does comes and goes."""
    blocks = [slice(start, start + BLOCK) for start in range(0, len(known), BLOCK)]
    return [statistics.median(known[block]) - statistics.median(unknown[block]) for block in blocks]


def _call(url: str, way: Way, email: str, turn: int, number: int, place: int) -> bytes:
    word = f"p{number}{turn:04d}{place}x"
    address = f"10.{number}.{turn // 100}.{2 * (turn % 100) + place + 1}"
    body = json.dumps(way.body(email, word)).encode()
    return load.call("POST", url + way.path, body=body, headers=[f"X-Forwarded-For: {address}"])


def _comparable(body: bytes, email: str) -> str:
    """Return a body without what must differ: the address itself and random tokens."""
    return re.sub(r"[A-Za-z0-9_-]{32,}", "TOKEN", body.decode().replace(email, "ADDRESS"))
