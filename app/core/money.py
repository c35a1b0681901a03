"""Amounts of money: whole numbers of a currency's smallest unit, so that nothing is lost by rounding."""

from dataclasses import dataclass
from decimal import Decimal

from babel.numbers import format_currency, get_currency_precision

from app.core.languages import Manner


@dataclass(frozen=True)
class Money:
    """An amount in a currency (ISO 4217)."""

    amount: int
    currency: str

    @property
    def units(self) -> Decimal:
        """Return it in whole units of the currency."""
        return Decimal(self.amount).scaleb(-get_currency_precision(self.currency))

    def __add__(self, other: "Money") -> "Money":
        """Add an amount of the same currency."""
        if other.currency != self.currency:
            raise ValueError("two currencies")
        return Money(self.amount + other.amount, self.currency)

    def written(self, manner: Manner) -> str:
        """Write it as somebody reads it: "299,00 €"."""
        return format_currency(self.units, self.currency, locale=manner.locale)


def smallest(units: Decimal | int, currency: str) -> int:
    """Return an amount of whole units in the smallest one; what is smaller still is rounded to even."""
    return int(Decimal(units).scaleb(get_currency_precision(currency)).to_integral_value())
