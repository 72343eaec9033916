"""Log lines as JSON: one record is one line, whatever the message holds, and secrets are masked."""

import json
import logging
import re
import traceback
from datetime import UTC, datetime

_MASK = "***"
# password=…, token: …, Authorization: Bearer …, and the user part of a URL.
_SECRETS = (
    re.compile(
        r"(?i)((?:password|passwd|secret|token|api[_-]?key|authorization)[\"']?\s*[:=]\s*[\"']?)(?:bearer\s+)?[^\s\"',;&]+"
    ),
    re.compile(r"(?i)(bearer\s+)[A-Za-z0-9._~+/=-]{8,}"),
    re.compile(r"(://[^:/@\s]*:)[^@\s]+(?=@)"),
)


def mask(text: str) -> str:
    """`text` with whatever looks like a secret replaced by asterisks."""
    for pattern in _SECRETS:
        text = pattern.sub(rf"\g<1>{_MASK}", text)
    return text


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, str] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": mask(record.getMessage()),
        }
        request_id = getattr(record, "request_id", "")
        if request_id:
            line["request_id"] = str(request_id)
        if record.exc_info:
            line["error"] = mask("".join(traceback.format_exception(*record.exc_info)))
        return json.dumps(line, ensure_ascii=False)
