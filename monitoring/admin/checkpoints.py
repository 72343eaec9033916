"""Checkpoints, and the burn-in report."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_GET, require_POST

from monitoring.domain.evidence import UnableToJudge
from monitoring.domain.reports import report_markdown
from monitoring.models import Blocker, Checkpoint
from monitoring.services.checkpoints import UnableToTakeCheckpoint, take_checkpoint
from monitoring.services.publishing import request_publication
from monitoring.services.report_pages import report_charts, report_html
from monitoring.services.reports import gather_report
from tenancy.admin.columns import moment
from tenancy.admin.scoped import ReadOnlyAdmin

TAKE = "monitoring.take_checkpoint"


class KeptInline(admin.TabularInline):  # type: ignore[type-arg]  # the stubs make it generic, Django does not
    """Rows of a page that is read only."""

    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Part of a page that was allowed.
        return True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class BlockerInline(KeptInline):
    model = Blocker
    fields = ("subject", "text")


@admin.register(Checkpoint)
class CheckpointAdmin(ReadOnlyAdmin):
    """The week in figures as it stood."""

    list_display = ("__str__", "burn_in", "decision", "taken_by", moment("scheduled_for"))
    list_select_related = ("burn_in", "verdict")
    search_fields = ("burn_in__name", "taken_by", "notes")
    ordering = ("-taken_at", "-id")
    fields = ("burn_in", "verdict", "taken_at", "taken_by", "scheduled_for", "notes", "week")
    readonly_fields = ("week",)
    inlines = (BlockerInline,)

    @admin.display(description="computed verdict")
    def decision(self, checkpoint: Checkpoint) -> str:
        """GO or NO-GO at that moment."""
        return checkpoint.verdict.decision

    @admin.display(description="seven days")
    def week(self, checkpoint: Checkpoint) -> str:
        """The figures as they were kept."""
        text = json.dumps(checkpoint.figures, indent=2, ensure_ascii=False)
        return format_html('<pre class="entry">{}</pre>', text)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("take/", view(require_POST(self.take)), name="monitoring_take_checkpoint"),
            path("report/", view(require_GET(self.report)), name="monitoring_report"),
            path("report/publish/", view(require_POST(self.publish)), name="monitoring_report_publish"),
            path("report/<str:kind>/", view(require_GET(self.download)), name="monitoring_report_file"),
            *super().get_urls(),
        ]

    def take(self, request: HttpRequest) -> HttpResponse:
        """Take one now."""
        if not (self.in_reach() and request.user.has_perm(TAKE)):
            raise PermissionDenied
        back = reverse("admin:monitoring_checkpoint_changelist")
        try:
            checkpoint = take_checkpoint(now=timezone.now(), actor=request.user.get_username())
        except (UnableToTakeCheckpoint, UnableToJudge) as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(back)
        self.message_user(request, "The checkpoint is taken.", messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:monitoring_checkpoint_change", args=[checkpoint.pk]))

    def report(self, request: HttpRequest) -> HttpResponse:
        """The report of this moment, to look at and to print."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "Burn-in report",
            "opts": self.opts,
            "may_publish": request.user.has_perm(TAKE),
        }
        try:
            report = gather_report(now=timezone.now())
            context |= {"report": report, "charts": report_charts(report)}
        except UnableToJudge as error:
            context["problem"] = str(error)
        return TemplateResponse(request, "admin/monitoring/report.html", context)

    def download(self, request: HttpRequest, kind: str) -> HttpResponse:
        """The report as one file."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if kind not in ("html", "markdown"):
            raise Http404
        report = gather_report(now=timezone.now())
        name = f"burn-in-{report.at:%Y-%m-%d-%H%M}.{'html' if kind == 'html' else 'md'}"
        text, media = (
            (report_html(report), "text/html")
            if kind == "html"
            else (report_markdown(report), "text/markdown")
        )
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(text, content_type=f"{media}; charset=utf-8", headers=headers)

    def publish(self, request: HttpRequest) -> HttpResponse:
        """Hand the publication to a worker: it talks to the outside, which no request waits for."""
        if not (self.in_reach() and request.user.has_perm(TAKE)):
            raise PermissionDenied
        request_publication(actor=request.user.get_username())
        self.message_user(
            request, "A worker publishes the report; the ops log will say what came of it.", messages.SUCCESS
        )
        return HttpResponseRedirect(reverse("admin:monitoring_report"))
