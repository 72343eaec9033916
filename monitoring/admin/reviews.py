"""Signed reviews, and the page on which they are signed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from monitoring.admin.checkpoints import BlockerInline, KeptInline
from monitoring.admin.review_form import ReviewForm
from monitoring.domain.evidence import UnableToJudge
from monitoring.models import Review, Waiver
from monitoring.services.reviews import ReviewSheet, UnableToSign, gather_review_sheet, may_sign, sign_review
from tenancy.admin.columns import moment
from tenancy.admin.scoped import ReadOnlyAdmin


class WaiverInline(KeptInline):
    model = Waiver
    fields = ("subject", "reason", "expires_at", "signed_by", "second_person")


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    """What people decided, beside what was computed. A signed review is never changed."""

    list_display = (
        moment("signed_at"),
        "burn_in",
        "decision",
        "computed",
        "signed_by",
        moment("next_review_at"),
        "stands",
    )
    list_select_related = ("burn_in", "verdict", "superseded_by")
    search_fields = ("burn_in__name", "signed_by", "note", "plan")
    ordering = ("-signed_at", "-id")
    fields = (
        *("burn_in", "decision", "verdict", "signed_by", "signed_at", "signed_through", "note"),
        *("plan", "plan_owner", "plan_due_date", "extension_days", "next_review_at", "supersedes"),
    )
    inlines = (BlockerInline, WaiverInline)

    @admin.display(description="computed verdict")
    def computed(self, review: Review) -> str:
        """What the judge said at that moment."""
        return review.verdict.decision

    @admin.display(description="stands", boolean=True)
    def stands(self, review: Review) -> bool:
        """Whether no later one supersedes it."""
        return not hasattr(review, "superseded_by")

    def get_urls(self) -> list[URLPattern]:
        page = require_http_methods(["GET", "POST"])(self.sign)
        guarded = sensitive_post_parameters("password", "second_password")(self.admin_site.admin_view(page))
        return [path("sign/", guarded, name="monitoring_sign_review"), *super().get_urls()]

    def sign(self, request: HttpRequest) -> HttpResponse:
        """The verdict, what stands open, and the form; posting signs."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        user = request.user
        may = isinstance(user, User) and may_sign(user)
        if request.method == "POST" and not may:
            raise PermissionDenied
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Go/No-Go review",
            "opts": self.opts,
            "may_sign": may,
        }
        try:
            sheet = gather_review_sheet(now=timezone.now())
        except UnableToJudge as error:
            return self._page(request, {**context, "problem": str(error)})
        form = ReviewForm(request.POST or None, sheet=sheet)
        if request.method == "POST" and form.is_valid():
            review = self._signed(request, form, sheet)
            if review is not None:
                self.message_user(request, f"Signed: {review.decision}.", messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:monitoring_review_change", args=[review.pk]))
        return self._page(request, {**context, "sheet": sheet, "form": form})

    def _page(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        return TemplateResponse(request, "admin/monitoring/sign_review.html", context)

    def _signed(self, request: HttpRequest, form: ReviewForm, sheet: ReviewSheet) -> Review | None:
        """The signed review, or None with the faults in the form."""
        given = form.cleaned_data
        signer = self._person(request, form, request.user.get_username(), "password")
        second = None
        if given["second_person"] and form.draft().waivers:
            second = self._person(request, form, given["second_person"], "second_password")
            if second is None:
                return None
        if signer is None:
            return None
        try:
            return sign_review(
                form.draft(),
                signer=signer,
                second=second,
                now=timezone.now(),
                through="admin",
                seal=given["seal"],
            )
        except UnableToSign as error:
            for fault in error.faults:
                form.add_error(fault.field if fault.field in form.fields else None, fault.text)
            return None

    def _person(self, request: HttpRequest, form: forms.Form, name: str, field: str) -> User | None:
        """Somebody who has just shown that they are who they say."""
        user = authenticate(request, username=name, password=form.cleaned_data[field])
        if isinstance(user, User):
            return user
        form.add_error(field, f"This is not the password of {name}.")
        return None
