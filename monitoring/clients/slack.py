"""Slack, by an incoming webhook. One call is one attempt: patience and pace are the sender's."""

from __future__ import annotations

import http.client
import logging
import ssl
import time
import urllib.request
from typing import Any
from urllib.error import URLError

import certifi
from slack_sdk.webhook import WebhookClient, WebhookResponse

from monitoring.domain.delivery import Answer, Outcome, answer_of_status
from monitoring.domain.outbound import check_url

TIMEOUT_S = 10
_LARGEST_ANSWER = 64 * 1024
_LONGEST_TEXT = 3500
# Slack's client would write the webhook's address, which is a secret, into the log at level DEBUG.
_quiet = logging.getLogger("levqor.slack_sdk")
_quiet.setLevel(logging.CRITICAL)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Slack never redirects; a page that answers 200 elsewhere has not taken the message."""

    def redirect_request(self, *args: Any) -> None:
        return None


class _DirectWebhook(WebhookClient):
    """Slack's client without proxies from the environment, redirects, and answers without an end."""

    def _perform_http_request_internal(self, url: str, req: urllib.request.Request) -> WebhookResponse:
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=certifi.where())),
            _NoRedirect,
        )
        deadline = time.monotonic() + self.timeout
        with opener.open(req, timeout=self.timeout) as response:
            body = b""
            while len(body) < _LARGEST_ANSWER and (chunk := response.read1(4096)):
                body += chunk
                if time.monotonic() > deadline:
                    raise TimeoutError("the answer did not end in time")
            return WebhookResponse(
                url=url,
                status_code=response.status,
                body=body.decode("utf-8", "replace"),
                headers=dict(response.headers),
            )


def post(url: str, *, line: str, body: str, timeout: int = TIMEOUT_S) -> Answer:
    """This will post one message to the webhook `url` and return what Slack said. Slack's faults never raise.

    An attempt whose answer never came is unclear: Slack may have taken the message.
    """
    try:
        check_url(url)
    except ValueError as error:
        return Answer(Outcome.REFUSED, f"SLACK_WEBHOOK_URL cannot be used: {error}")
    client = _DirectWebhook(url, timeout=timeout, retry_handlers=[], logger=_quiet)
    text = f"*{escaped(line)}*\n{escaped(body)}"[:_LONGEST_TEXT]
    try:
        response = client.send(text=text, unfurl_links=False, unfurl_media=False)
    except (OSError, http.client.HTTPException) as error:
        # urllib wraps what went wrong before the request was out; anything else came after.
        unclear = not isinstance(error, URLError)
        cause = error.reason if isinstance(error, URLError) else error
        return Answer(Outcome.LATER, f"no answer: {cause or type(error).__name__}", unclear=unclear)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return answer_of_status(response.status_code, response.body[:300], headers.get("retry-after", ""))


def escaped(text: str) -> str:
    """`text` without the three characters by which Slack's markup could name people or hide links."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
