"""The three environments a tenant works in."""

from enum import StrEnum


class Environment(StrEnum):
    """Where settings marked so, API tokens, service users, client accounts and storage belong."""

    PROD = "prod"
    STAGING = "staging"
    DEV = "dev"
