"""Django's PostgreSQL backend, plus one thing: it binds each transaction to the active scope.

The binding is one parametrised statement per outermost transaction, sent just before the transaction's
first query, and it is LOCAL: PostgreSQL forgets it at commit or rollback, so a connection never carries
one tenant's scope into the next request, not even behind a transaction pooler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import OperationalError, ProgrammingError
from django.db.backends.postgresql import base as postgresql
from psycopg2 import errorcodes

from tenancy.context import NoTenantScope, Scope, ScopeOutsideTransaction, ScopeSwitch, current_scope

_BIND_SQL = (
    "SELECT set_config('role', %s, true), set_config('app.tenant_id', %s, true),"
    " set_config('search_path', %s, true)"
)
# Django marks its savepoints through the same cursor; they touch no row and need no scope.
_TRANSACTION_VERBS = ("SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT ")
_UNBOUND = Scope(role="none", label="no scope")


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """A connection whose transactions run in the name of the active scope."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What PostgreSQL holds now (None = not known, ask again) and the one scope of this transaction.
        self._bound: Scope | None = _UNBOUND
        self._transaction_scope: Scope | None = None
        if not self.settings_dict["OPTIONS"].get("levqor_owner"):
            self.execute_wrappers.append(self._run_in_scope)

    def get_connection_params(self) -> dict[str, Any]:
        if not self.settings_dict["NAME"]:
            raise OperationalError(
                "No database: start `make run`, which brings its own, "
                "or set DATABASE_URL and DATABASE_ADMIN_URL."
            )
        params = super().get_connection_params()
        params.pop("levqor_owner", None)
        return params

    @property
    def in_real_transaction(self) -> bool:
        """Whether a transaction is open that code opened, and not only the one a test case wraps it in."""
        return any(not getattr(block, "_from_testcase", False) for block in self.atomic_blocks)

    def bind_scope(self) -> None:
        """Bind the open transaction to the active scope, if it is not yet.

        Raises:
            ScopeOutsideTransaction: a scope is active but nothing opened a transaction.
            ScopeSwitch: the transaction already belongs to another scope.
        """
        scope = current_scope()
        if scope is not None:
            self._admit(scope)
        wanted = scope or _UNBOUND
        if self._bound == wanted or (wanted is _UNBOUND and not self.in_atomic_block):
            return
        tenant = str(wanted.tenant_id) if wanted.tenant_id else ""
        with self.connection.cursor() as cursor:
            cursor.execute(_BIND_SQL, [wanted.role, tenant, wanted.search_path])
        self._bound = wanted

    def _admit(self, scope: Scope) -> None:
        if not self.in_real_transaction:
            raise ScopeOutsideTransaction(
                f"{scope.label} is active but no transaction is open. "
                "Wrap the statement in transaction.atomic()."
            )
        if self._transaction_scope not in (None, scope):
            raise ScopeSwitch(
                f"This transaction belongs to {self._transaction_scope.label}; {scope.label} needs its own."
            )
        self._transaction_scope = scope

    def _run_in_scope(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        if isinstance(sql, str) and sql.startswith(_TRANSACTION_VERBS):
            return execute(sql, params, many, context)
        self.bind_scope()
        try:
            return execute(sql, params, many, context)
        except ProgrammingError as error:
            refused = getattr(error.__cause__, "pgcode", None) == errorcodes.INSUFFICIENT_PRIVILEGE
            if refused and current_scope() is None:
                raise NoTenantScope(
                    f"PostgreSQL refused: {str(error).strip()}. No scope is active: wrap the code in "
                    "tenant_transaction(tenant), or control_transaction(purpose) in the measuring plane."
                ) from error
            raise

    def _forget_transaction(self) -> None:
        self._bound = _UNBOUND
        self._transaction_scope = None

    def _set_autocommit(self, autocommit: bool) -> None:
        super()._set_autocommit(autocommit)  # type: ignore[misc]  # the stubs leave out Django's private hooks
        self._forget_transaction()

    def _rollback(self) -> None:
        super()._rollback()  # type: ignore[misc]  # the stubs leave out Django's private hooks
        self._forget_transaction()

    def _commit(self) -> None:
        super()._commit()  # type: ignore[misc]  # the stubs leave out Django's private hooks
        self._forget_transaction()

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)  # type: ignore[misc]  # the stubs leave out Django's private hooks
        # PostgreSQL undid the settings made since the savepoint, but not those made before it.
        self._bound = None
        self._end_of_tested_transaction()

    def _savepoint_commit(self, sid: str) -> None:
        super()._savepoint_commit(sid)  # type: ignore[misc]  # the stubs leave out Django's private hooks
        self._end_of_tested_transaction()

    def _end_of_tested_transaction(self) -> None:
        # Under a test case the code's outermost transaction is a savepoint, and PostgreSQL does not
        # forget LOCAL settings at its end: the next statement binds anew.
        if not self.in_real_transaction:
            self._bound = None
            self._transaction_scope = None

    def close(self) -> None:
        super().close()
        self._forget_transaction()
