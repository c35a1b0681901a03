"""Domains at which anybody can have a mailbox: no organization can prove one, whoever writes its zone."""

from pathlib import Path

PUBLIC_PROVIDERS = frozenset(Path(__file__).with_name("public_providers.txt").read_text("ascii").split())
