"""Prices of baskets, in cents."""

from dataclasses import dataclass

SHIPPING = 490
FREE_SHIPPING_FROM = 5000


@dataclass(frozen=True)
class Line:
    """So many of one thing."""

    name: str
    quantity: int
    unit_price: int


def subtotal(lines: list[Line]) -> int:
    """The price of everything in the basket."""
    return sum(line.unit_price for line in lines)


def total(lines: list[Line]) -> int:
    """The subtotal and what it costs to ship it."""
    price = subtotal(lines)
    return price if price >= FREE_SHIPPING_FROM else price + SHIPPING
