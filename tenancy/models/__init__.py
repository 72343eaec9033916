from tenancy.models.audit import TenantAudit
from tenancy.models.idempotency import IdempotentRequest
from tenancy.models.owned import TenantOwned
from tenancy.models.tenants import Tenant, TenantUser
from tenancy.models.tokens import ApiToken

__all__ = ["ApiToken", "IdempotentRequest", "Tenant", "TenantAudit", "TenantOwned", "TenantUser"]
