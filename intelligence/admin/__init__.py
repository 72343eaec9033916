"""The admin pages of intelligence; importing registers them."""

from intelligence.admin import findings

__all__ = ["findings"]
