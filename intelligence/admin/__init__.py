"""The admin pages of intelligence; importing registers them."""

from intelligence.admin import findings, growth, healing

__all__ = ["findings", "growth", "healing"]
