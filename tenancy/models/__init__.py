from tenancy.models.audit import TenantAudit
from tenancy.models.owned import TenantOwned
from tenancy.models.tenants import Tenant, TenantUser
from tenancy.models.tokens import ApiToken

__all__ = ["ApiToken", "Tenant", "TenantAudit", "TenantOwned", "TenantUser"]
