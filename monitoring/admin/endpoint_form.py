"""The form of an endpoint: conditions line by line, headers whose values are never shown again."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms

from monitoring.models import Endpoint
from monitoring.services.endpoints import UnableToWatch, validate_endpoint

MASK = "••••••••"


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]  # the stubs make it generic, Django does not
    conditions_text = forms.CharField(
        label="Conditions",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "cols": 80, "spellcheck": "false"}),
        help_text="One a line, such as [BODY].ok == true or [RESPONSE_TIME] < 500ms. All must hold.",
    )
    headers_text = forms.CharField(
        label="Headers",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 80, "spellcheck": "false", "autocomplete": "off"}),
        help_text=(
            f"One a line: Name: value. A stored value is shown as {MASK} and kept while you leave it so. "
            "A value may name a variable of the prober, ${LEVQOR_PROBE_KEY}."
        ),
    )
    tags_text = forms.CharField(label="Tags", required=False, help_text="Separated by commas.")

    class Meta:
        model = Endpoint
        fields: ClassVar = [
            "tenant",
            "name",
            "component",
            "url",
            "method",
            "body",
            "expected_status",
            "latency_objective_ms",
            "timeout_s",
            "interval_s",
            "pulse_s",
            "confirm_interval_s",
            "critical",
            "enabled",
        ]
        widgets: ClassVar = {
            "url": forms.TextInput(attrs={"size": 80}),
            "body": forms.Textarea(attrs={"rows": 3, "cols": 80}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        endpoint = self.instance
        self.fields["conditions_text"].initial = "\n".join(endpoint.conditions)
        self.fields["headers_text"].initial = "\n".join(f"{name}: {MASK}" for name in endpoint.headers)
        self.fields["tags_text"].initial = ", ".join(endpoint.tags)
        self._stored = dict(endpoint.headers)
        self._stored_url = endpoint.url

    def clean_conditions_text(self) -> list[str]:
        lines = self.cleaned_data["conditions_text"].splitlines()
        return [line.strip() for line in lines if line.strip()]

    def clean_tags_text(self) -> list[str]:
        return [tag.strip() for tag in self.cleaned_data["tags_text"].split(",") if tag.strip()]

    def clean_headers_text(self) -> dict[str, str]:
        headers: dict[str, str] = {}
        for line in self.cleaned_data["headers_text"].splitlines():
            if not line.strip():
                continue
            name, colon, value = (part.strip() for part in line.partition(":"))
            if not colon or not name:
                raise forms.ValidationError(f"Write each header as Name: value; {name!r} is not one.")
            if MASK in value:
                if value != MASK or name not in self._stored:
                    raise forms.ValidationError(f"Write the value of {name}: none is stored under that name.")
                value = self._stored[name]
            headers[name] = value
        return headers

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if self.errors:
            return cleaned
        self._refuse_to_send_secrets_elsewhere(cleaned)
        if self.errors:
            return cleaned
        try:
            validate_endpoint(
                url=cleaned["url"], conditions=cleaned["conditions_text"], headers=cleaned["headers_text"]
            )
        except UnableToWatch as error:
            raise forms.ValidationError(str(error)) from error
        self.instance.conditions = cleaned["conditions_text"]
        self.instance.headers = cleaned["headers_text"]
        self.instance.tags = cleaned["tags_text"]
        return cleaned

    def _refuse_to_send_secrets_elsewhere(self, cleaned: dict[str, Any]) -> None:
        """A masked value stays only where it was meant for: else a new address could be sent the secret."""
        kept = [name for name, value in cleaned["headers_text"].items() if self._stored.get(name) == value]
        if self.instance.pk and kept and _origin(cleaned["url"]) != _origin(self._stored_url):
            message = f"The address leads to another host. Write the value of {', '.join(kept)} again for it."
            self.add_error("headers_text", message)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()
