"""What a plan costs a month: pure functions over plain plan resources, used by policies and by the cost report alike.

`price` one resource, `total` a plan; `worst_case` is the figure budgets are held against. The arithmetic stands in the
docstrings of `nodes` (pools), `packing` (worst case within limits), `volumes`, `network`, `services` and `in_cluster`.
"""

from components.catalogue.pricing.model import Cost, LineItem, PricedResource, Siblings, Total
from components.catalogue.pricing.nodes import DEFAULT_UTILISATION
from components.catalogue.pricing.registry import price, total, worst_case

__all__ = [
    "DEFAULT_UTILISATION",
    "Cost",
    "LineItem",
    "PricedResource",
    "Siblings",
    "Total",
    "price",
    "total",
    "worst_case",
]
