"""How a body is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from tenancy.domain.strict_json import BadJson, read_json


class StrictJsonParser(BaseParser):
    """JSON in UTF-8 and nothing that only some readers take for it; what is refused is a typed 400."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        # `.body` and not the stream: Django refuses one larger than DATA_UPLOAD_MAX_MEMORY_SIZE there.
        request = (parser_context or {}).get("request")
        raw = request._request.body if request is not None else stream.read()
        try:
            return read_json(raw)
        except BadJson as error:
            raise ParseError(str(error)) from error
