"""Notion: one page whose content is replaced."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any, cast

import httpx
from notion_client import Client
from notion_client.client import RetryOptions
from notion_client.errors import HTTPResponseError, NotionClientErrorBase

from monitoring.domain.notion_blocks import MOST_BLOCKS, Block
from monitoring.domain.outbound import check_url

TIMEOUT_S = 15
_RETRIES = RetryOptions(max_retries=2, initial_retry_delay_ms=500, max_retry_delay_ms=5000)
# Notion's client would write its own lines, with addresses, to standard output.
_quiet = logging.getLogger("levqor.notion_client")
_quiet.addHandler(logging.NullHandler())
_quiet.propagate = False


class UnableToPublish(Exception):
    """Notion did not take the page; the message says what it answered."""


def replace_page(
    page_id: str,
    blocks: Sequence[Block],
    *,
    token: str,
    base_url: str,
    timeout_s: float = TIMEOUT_S,
    retries: RetryOptions = _RETRIES,
) -> int:
    """This will make `blocks` the whole content of the page, and return how many old blocks went.

    The new ones are written first, so that the page is never empty; then everything else goes, also what an
    attempt that broke off left behind. Doing it again gives the same page.

    Raises:
        UnableToPublish: when Notion cannot be reached or refuses.
    """
    try:
        check_url(base_url)
    except ValueError as error:
        raise UnableToPublish(f"NOTION_BASE_URL cannot be used: {error}") from error
    # No proxies from the environment, and no redirects: the token goes to Notion only.
    with httpx.Client(trust_env=False, follow_redirects=False, timeout=timeout_s) as connection:
        client = Client(
            client=connection,
            auth=token,
            base_url=base_url.rstrip("/"),
            timeout_ms=int(timeout_s * 1000),
            logger=_quiet,
            retry=retries,
        )
        try:
            return _replace(client, page_id, blocks)
        except HTTPResponseError as error:
            raise UnableToPublish(f"Notion answered {error.status}: {str(error)[:300]}") from error
        except (NotionClientErrorBase, httpx.HTTPError, KeyError, TypeError, ValueError) as error:
            raise UnableToPublish(f"Notion: {type(error).__name__}: {str(error)[:300]}") from error


def _replace(client: Client, page_id: str, blocks: Sequence[Block]) -> int:
    kept: set[str] = set()
    for start in range(0, len(blocks), MOST_BLOCKS):
        answer = cast(
            dict[str, Any],
            client.blocks.children.append(page_id, children=list(blocks[start : start + MOST_BLOCKS])),
        )
        kept.update(block["id"] for block in answer["results"])
    old = [block_id for block_id in _children(client, page_id) if block_id not in kept]
    for block_id in old:
        client.blocks.delete(block_id)
    return len(old)


def _children(client: Client, page_id: str) -> Iterator[str]:
    """The ids of all blocks directly on the page."""
    cursor: dict[str, str] = {}
    while True:
        page = cast(dict[str, Any], client.blocks.children.list(page_id, page_size=MOST_BLOCKS, **cursor))
        yield from (block["id"] for block in page["results"])
        if not page.get("has_more"):
            return
        cursor = {"start_cursor": page["next_cursor"]}
