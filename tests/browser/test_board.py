"""The board in a real browser: what a person sees, under the strict content security policy."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from monitoring.jobs import JOBS
from tests.furnished import furnish
from tests.people import PASSWORD, make_superuser

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

# Everything that the policy refused is noted by the page itself.
_NOTE_VIOLATIONS = """
  window.violations = [];
  document.addEventListener("securitypolicyviolation", (event) => {
    window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
  });
"""
# WCAG 2.1, 1.4.3: the contrast of each piece of text with what is behind it; 4.5 is AA, 3 for large text.
_POOR_CONTRAST = """() => {
  const parse = (text) => {
    const part = text.match(/[\\d.]+/g).map(Number);
    return text.startsWith("color(") ? part.slice(-3).map((c) => c * 255) : part;
  };
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = parse(getComputedStyle(e).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) { return colour; }
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    const box = element.getBoundingClientRect();
    if (!own || element.closest("svg, select, .visually-hidden, .skip-to-content-link") || box.width < 2) { continue; }
    const style = getComputedStyle(element);
    const pair = [luminance(parse(style.color)), luminance(behind(element))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) {
      const text = element.textContent.trim().slice(0, 30);
      poor.push(`${element.tagName}.${element.className} ${ratio.toFixed(2)} ${text}`);
    }
  }
  return poor;
}"""


@pytest.fixture
def rows(transactional_db):
    cache.clear()
    furnish(make_superuser(password=PASSWORD), now=timezone.now())


@pytest.fixture
def open_page(rows, chromium, live_server):
    """Opens the board as Ada in a window of a given width; returns the page and what went wrong in it."""
    contexts = []

    def opened(width=1440, scheme="light", path="/admin/"):
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        context.add_init_script(_NOTE_VIOLATIONS)
        page = context.new_page()
        page.faults = []
        page.on("console", lambda message: message.type == "error" and page.faults.append(message.text))
        page.on("pageerror", lambda error: page.faults.append(str(error)))
        page.goto(live_server.url + "/admin/login/")
        page.fill("#id_username", "ada")
        page.fill("#id_password", PASSWORD)
        page.click("input[type=submit]")
        page.goto(live_server.url + path)
        return page

    yield opened
    for context in contexts:
        context.close()


def faults(page):
    return [*page.faults, *page.evaluate("window.violations")]


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_board_can_be_read_at_every_width_in_light_and_dark(open_page, width, scheme):
    page = open_page(width, scheme)

    assert re.match(r"[✕?] NO-GO", page.inner_text(".decision"))
    assert page.locator(".gate").count() == 5
    assert page.locator("table.jobs tbody tr").count() == len(JOBS) == 18
    assert "furnished" in page.inner_text("table.endpoints")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(_POOR_CONTRAST) == []
    assert faults(page) == []


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize(
    "path",
    ["endpoint/", "endpoint/add/", "healthlog/", "incident/add/", "costentry/", "jobrun/", "jobschedule/"],
)
def test_pages_of_monitoring_keep_the_policy_and_the_width(open_page, width, path):
    page = open_page(width, path=f"/admin/monitoring/{path}")

    assert page.inner_text("h1")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert faults(page) == []


def test_the_board_refreshes_without_moving_what_one_reads(open_page):
    page = open_page()
    page.clock.install(time=timezone.now())
    page.reload()
    link = page.locator("table.jobs tbody th a").nth(9)
    link.focus()
    page.evaluate("window.scrollTo(0, 700)")
    before = page.inner_text(".board-foot")

    with page.expect_response(re.compile(r"/admin/board/$")) as answer:
        page.clock.fast_forward(30_500)
    page.wait_for_function("text => document.querySelector('.board-foot').innerText !== text", arg=before)

    assert answer.value.status == 200
    assert page.evaluate("window.scrollY") == 700
    assert page.evaluate("document.activeElement.textContent") == link.inner_text()
    assert page.locator("#board-stale").is_hidden()
    assert faults(page) == []


def test_a_board_that_cannot_refresh_says_how_old_it_is(open_page):
    page = open_page()
    page.clock.install(time=timezone.now())
    page.reload()
    page.route("**/admin/board/", lambda route: route.abort())

    page.clock.fast_forward(31_000)
    page.locator("#board-stale").wait_for(state="visible")
    told = page.inner_text("#board-stale")
    page.unroute("**/admin/board/")
    page.clock.fast_forward(31_000)
    page.locator("#board-stale").wait_for(state="hidden")

    assert "The portal does not answer" in told
    assert re.search(r"What you see is \d+ s old", told)


def test_a_board_of_somebody_signed_out_meanwhile_says_so(open_page):
    page = open_page()
    page.clock.install(time=timezone.now())
    page.reload()
    page.context.clear_cookies()

    page.clock.fast_forward(31_000)
    page.locator("#board-stale").wait_for(state="visible")

    assert "You are signed out" in page.inner_text("#board-stale")


def test_ages_count_up_between_two_refreshes(open_page):
    page = open_page()
    page.clock.install(time=timezone.now() + timedelta(hours=1))
    page.reload()

    page.clock.fast_forward(7_000)

    assert re.search(r"judged ([7-9]|1[0-9]) s ago", page.inner_text(".verdict .facts"))


def test_the_menu_of_a_narrow_window_opens_by_keyboard(open_page):
    page = open_page(360)

    hidden = page.locator("#console-menu").is_hidden()
    page.focus("#menu-toggle")
    page.keyboard.press("Enter")

    assert hidden
    assert page.locator("#console-menu").is_visible()
    assert page.get_attribute("#menu-toggle", "aria-expanded") == "true"


def test_the_first_key_press_offers_to_skip_the_menu(open_page):
    page = open_page()

    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"
