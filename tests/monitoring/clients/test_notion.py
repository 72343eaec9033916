"""The real Notion client against a real local server that keeps the page."""

import pytest
from notion_client.client import RetryOptions

from monitoring.clients.notion import UnableToPublish, replace_page
from tests.notion_server import PAGE, TOKEN, running_notion

QUICK = RetryOptions(max_retries=2, initial_retry_delay_ms=1, max_retry_delay_ms=2)


def paragraphs(*texts):
    return [
        {"object": "block", "type": "paragraph", "paragraph": {"rich_text": [{"text": {"content": text}}]}}
        for text in texts
    ]


def replace(notion, *texts, token=TOKEN, base_url=""):
    return replace_page(
        PAGE, paragraphs(*texts), token=token, base_url=base_url or notion.url, timeout_s=5, retries=QUICK
    )


def test_page_is_replaced_in_place_and_never_empty():
    with running_notion() as notion:
        notion.add(paragraphs(*[f"old {number}" for number in range(25)]))

        gone = replace(notion, "new 1", "new 2")

        assert gone == 25
        assert "old" not in notion.text()
        assert len(notion.blocks) == 2
        assert notion.fewest == 2


def test_doing_it_again_gives_the_same_page():
    with running_notion() as notion:
        replace(notion, "one", "two")
        first = [block["paragraph"] for block in notion.blocks]

        replace(notion, "one", "two")

        assert [block["paragraph"] for block in notion.blocks] == first


def test_more_than_a_hundred_blocks_go_in_parts_and_stay_in_order():
    with running_notion() as notion:
        replace(notion, *[str(number) for number in range(230)])

        texts = [block["paragraph"]["rich_text"][0]["text"]["content"] for block in notion.blocks]
        assert texts == [str(number) for number in range(230)]


def test_what_an_attempt_left_behind_goes_with_the_next():
    with running_notion() as notion:
        notion.script = [500]
        notion.add(paragraphs("old"))
        with pytest.raises(UnableToPublish, match="500"):
            replace(notion, "half")
        notion.add(paragraphs("half"))

        replace(notion, "whole")

        assert [block["paragraph"]["rich_text"][0]["text"]["content"] for block in notion.blocks] == ["whole"]


def test_patience_that_notion_asks_for_is_given():
    with running_notion() as notion:
        notion.script = [429]

        replace(notion, "new")

        assert "new" in notion.text()


def test_wrong_token_is_said_and_nothing_is_touched():
    with running_notion() as notion:
        notion.add(paragraphs("old"))

        with pytest.raises(UnableToPublish, match="401"):
            replace(notion, "new", token="wrong")

        assert "old" in notion.text()


@pytest.mark.parametrize(
    ("address", "complaint"),
    [("file:///etc/passwd", "NOTION_BASE_URL cannot be used"), ("http://127.0.0.1:9999", "Notion: Connect")],
)
def test_address_that_leads_nowhere_is_said(address, complaint):
    with running_notion() as notion, pytest.raises(UnableToPublish, match=complaint):
        replace(notion, "new", base_url=address)
