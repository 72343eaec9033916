"""The admin pages of tenancy; importing registers them."""

from tenancy.admin import accounts, tenants, tokens

__all__ = ["accounts", "tenants", "tokens"]
