"""The pages of stored verdicts: read-only, with replay, other limits and the evidence to download."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from monitoring.admin.verdict_page import WINDOW_TITLES, smallest_change_text, under_other_limits, view_of
from monitoring.domain.evidence import UnableToJudge
from monitoring.domain.policy import GateKey, WindowKind
from monitoring.models import Verdict
from monitoring.services.bundles import evidence_bundle
from monitoring.services.signing import UnableToSign, fingerprint, public_bytes, signing_key
from monitoring.services.verdicts import UnableToReplay, record_of, replay, verdict_numbered
from monitoring.services.verification import Verification, verify
from tenancy.admin.columns import moment
from tenancy.admin.scoped import ReadOnlyAdmin

_PAGE = "admin/monitoring/verdict/verdict.html"


@admin.register(Verdict)
class VerdictAdmin(ReadOnlyAdmin):
    """The chain of verdicts, newest first."""

    list_display = (
        "number",
        moment("judged_at"),
        "shown_decision",
        "criteria",
        "occasion",
        "burn_in",
        "policy_version",
        "stored_by",
    )
    list_display_links = ("number", "shown_decision")
    list_filter = ("decision", "occasion", "conclusive")
    search_fields = ("number", "hash", "burn_in")
    search_help_text = "Number, hash or burn-in"
    date_hierarchy = "judged_at"
    ordering = ("-number",)
    change_list_template = "admin/monitoring/verdict/change_list.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("record")

    @admin.display(description="decision", ordering="decision")
    def shown_decision(self, row: Verdict) -> str:
        if row.decision == "GO":
            return "✓ GO"
        return "✕ NO-GO" if row.conclusive else "? NO-GO for lack of evidence"

    @admin.display(description="criteria met")
    def criteria(self, row: Verdict) -> str:
        return f"{row.within}/5, proven {row.proven}/5"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view
        return [
            path("replay/", view(self.replay_page), name="monitoring_verdict_replay"),
            path("<int:number>/verify/", view(self.verify_page), name="monitoring_verdict_verify"),
            path("<int:number>/evidence/", view(self.evidence), name="monitoring_verdict_evidence"),
            *super().get_urls(),
        ]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The page of one verdict; limits in the address show its evidence under those."""
        self._require_view(request)
        stored = self._stored(object_id)
        record = record_of(stored)
        limits = None
        if _may(request, "replay_verdict"):
            limits = under_other_limits(record, {key: request.GET.get(key, "") for key in GateKey})
        return self._render(request, stored, record, {"limits": limits, "shown": limits and limits.view})

    def verify_page(self, request: HttpRequest, number: int) -> HttpResponse:
        """The same page with what came of deriving the verdict again. POST only: it reads much."""
        self._require(request, "replay_verdict")
        stored = self._stored(str(number))
        if request.method != "POST":
            return HttpResponse(status=405, headers={"Allow": "POST"})
        result: Verification = verify(stored.number)
        return self._render(request, stored, record_of(stored), {"verification": result})

    def evidence(self, request: HttpRequest, number: int) -> HttpResponse:
        """The evidence bundle as a download."""
        self._require(request, "export_evidence")
        try:
            bundle = evidence_bundle(self._stored(str(number)).number)
        except (UnableToReplay, UnableToSign) as error:
            return HttpResponse(str(error), status=409, content_type="text/plain; charset=utf-8")
        name = f"verdict-{number}-evidence.zip"
        return HttpResponse(
            bundle.content,
            content_type="application/zip",
            headers={
                "Content-Disposition": f'attachment; filename="{name}"',
                "X-Content-Type-Options": "nosniff",
            },
        )

    def replay_page(self, request: HttpRequest) -> HttpResponse:
        """Judge any past instant again, without storing it."""
        self._require(request, "replay_verdict")
        typed = request.GET.get("at", "").strip()
        context: dict[str, Any] = {"typed": typed, "title": "Judge the past again"}
        if typed:
            try:
                at = parse_datetime(typed.removesuffix("Z") + "+00:00" if typed.endswith("Z") else typed)
                if at is None:
                    raise UnableToReplay(f"{typed!r} is no instant. Write it as 2025-11-15T09:00Z.")
                at = at if at.tzinfo else at.replace(tzinfo=timezone.get_default_timezone())
                judgement = replay(at=at.astimezone(timezone.get_default_timezone()), now=timezone.now())
                context["view"] = view_of(judgement.verdict.to_record_dict())
            except (UnableToReplay, UnableToJudge, ValueError) as error:
                context["problem"] = str(error)
        site = self.admin_site.each_context(request)
        return TemplateResponse(
            request, "admin/monitoring/verdict/replay.html", {**site, "opts": self.opts, **context}
        )

    def _render(
        self, request: HttpRequest, stored: Verdict, record: dict[str, Any], more: dict[str, Any]
    ) -> HttpResponse:
        other = record["other_window"]
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Verdict {stored.number}",
            "stored": stored,
            "record": record,
            "view": view_of(record["verdict"]),
            "deciding": WINDOW_TITLES[WindowKind(record["policy"]["window"]["kind"])],
            "other": view_of(other["verdict"]) if other else None,
            "other_title": WINDOW_TITLES[WindowKind(other["kind"])] if other else "",
            "may_replay": _may(request, "replay_verdict"),
            "may_export": _may(request, "export_evidence"),
            "fingerprint": _fingerprint(),
            "smallest": smallest_change_text(record) if _may(request, "replay_verdict") else "",
            **more,
        }
        return TemplateResponse(request, _PAGE, context)

    def _stored(self, number: str) -> Verdict:
        try:
            return verdict_numbered(int(number))
        except (UnableToReplay, ValueError, OverflowError) as error:
            raise Http404(str(error)) from error

    def _require_view(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    def _require(self, request: HttpRequest, permission: str) -> None:
        self._require_view(request)
        if not _may(request, permission):
            raise PermissionDenied


def _may(request: HttpRequest, permission: str) -> bool:
    return request.user.has_perm(f"monitoring.{permission}")


def _fingerprint() -> str:
    """The fingerprint of the portal's key, or why there is none."""
    try:
        return fingerprint(public_bytes(signing_key()))
    except (UnableToSign, OSError) as error:
        return str(error)
