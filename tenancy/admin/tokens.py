"""API tokens: made here, shown once, revoked here."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from tenancy.admin.columns import moment
from tenancy.admin.scoped import ScopedAdmin, acts_for_platform
from tenancy.domain.tokens import TokenScope, digest_of, parse_lifetime
from tenancy.models import ApiToken
from tenancy.services.members import create_token
from tenancy.services.tokens import revoke_tokens


class TokenForm(forms.ModelForm):  # type: ignore[type-arg]  # the stubs make it generic, Django does not
    lifetime = forms.CharField(
        initial="90d",
        required=False,
        help_text="How long it lives, such as 12h, 90d or 4w. Empty: until it is revoked.",
    )

    class Meta:
        model = ApiToken
        fields: ClassVar = ["user", "name", "scope"]

    def clean_lifetime(self) -> Any:
        text = self.cleaned_data["lifetime"].strip()
        try:
            return parse_lifetime(text) if text else None
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


@admin.register(ApiToken)
class TokenAdmin(ScopedAdmin):
    """The platform's people see all tokens, others their own. Only a superuser makes one for others."""

    tenant_path = "user__memberships__tenant_id"
    form = TokenForm
    list_display = (
        "name",
        "user",
        "prefix",
        "scope",
        "standing",
        moment("created_at"),
        moment("expires_at"),
        moment("last_used_at"),
    )
    list_filter = ("scope",)
    list_select_related = ("user",)
    search_fields = ("name", "prefix", "user__username")
    ordering = ("-created_at", "-id")
    actions = ("revoke",)
    # The digest is no secret, but it is nobody's business either.
    fields = ("name", "user", "prefix", "scope", "created_at", "expires_at", "revoked_at", "last_used_at")

    @admin.display(description="state")
    def standing(self, token: ApiToken) -> str:
        """Whether the token opens anything now."""
        if token.revoked_at is not None:
            return "revoked"
        return "valid" if token.is_valid_at(timezone.now()) else "expired"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        return rows if acts_for_platform() else rows.filter(user_id=request.user.pk).distinct()

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields if obj else ("user", "name", "scope", "lifetime")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_change_permission(request, obj)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Who may change tokens may revoke them."""
        return super().has_change_permission(request)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            # A token acts in its user's name: to make one for somebody else is to become them.
            users = User.objects.filter(is_active=True).order_by("username")
            kwargs["queryset"] = users if request.user.is_superuser else users.filter(pk=request.user.pk or 0)
            kwargs["initial"] = request.user.pk
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        token = create_token(
            user=obj.user,
            name=obj.name,
            scope=TokenScope(obj.scope),
            now=timezone.now(),
            lifetime=form.cleaned_data["lifetime"],
        )
        obj.pk = ApiToken.objects.values_list("pk", flat=True).get(digest=digest_of(token))
        # For this answer only: neither the session nor a cookie ever holds it.
        request.new_api_token = token  # type: ignore[attr-defined]  # ours

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "The token was made",
            "token": request.new_api_token,  # type: ignore[attr-defined]  # set by save_model
            "name": obj.name,
            "opts": self.opts,
        }
        return TemplateResponse(
            request, "admin/tenancy/apitoken/made.html", context, headers={"Cache-Control": "no-store"}
        )

    @admin.action(description="Revoke the chosen tokens", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """The chosen tokens open nothing from now on."""
        chosen = list(queryset)
        revoked = revoke_tokens(ids=[token.pk for token in chosen], now=timezone.now())
        for token in chosen:
            self.log_change(request, token, "Revoked.")
        self.message_user(request, f"{revoked} revoked; the others were already.", messages.SUCCESS)
