"""The console, looked at and clicked in a real browser."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bundle.workspace import Collection, Workspace
from index.shadow import read_shadow
from index.store import current
from service.routes.console import PAGES
from tests.service.browser import CHROMIUM, Page, browser_page
from tests.service.conftest import settings_for
from tests.service.running import LiveApp, listening, wait_until
from tests.service.tiny import build_tiny_index, ids, make_collection

ADMIN = "an-admin-key-for-tests"
SET_KEY = "{{const key = document.getElementById('key'); key.value = '{}'; key.dispatchEvent(new Event('change'))}}"
with_browser = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")


def test_the_page_loads_nothing_from_elsewhere_and_cannot_be_framed(shop: LiveApp) -> None:
    response = shop.get("/console")
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    for name, content in PAGES.items():
        assert shop.get(f"/console/{name}").status_code == 200
        linked = re.findall(r"https?://[^\"'\s]+", content.decode())
        assert [one for one in linked if "www.w3.org" not in one] == [], name


@pytest.mark.parametrize("name", ["none.js", "..%2Fapp.py", "%2e%2e%2fsettings.py"])
def test_other_files_are_not_there(shop: LiveApp, name: str) -> None:
    assert shop.get(f"/console/{name}").status_code == 404


@pytest.fixture(scope="module")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    root = tmp_path_factory.mktemp("workspace")
    collection = Workspace(root).collection("shop")
    make_collection(collection, tmp_path_factory.mktemp("tables"), count=12)
    return collection


@pytest.fixture(scope="module")
def page(collection: Collection) -> Iterator[Page]:
    settings = settings_for(collection.folder.parents[1], security={"admin_key": ADMIN}, shadow={"core_share": 0.5})
    with listening(settings) as url, browser_page() as page:
        page.resize(1100, 900)
        page.open(f"{url}/console")
        page.until("document.querySelectorAll('#served b').length > 3")
        yield page


@with_browser
def test_an_item_is_asked_for_and_its_neighbours_are_one_click_away(page: Page) -> None:
    page.run("document.getElementById('tab-search').click()")
    page.run("document.querySelector('[name=item]').value = 'a-00001'; document.querySelector('#ask button').click()")
    page.until("document.querySelectorAll('#hits li').length === 10")
    first = page.run("document.querySelector('#hits .facts').textContent").split(" ")[0]
    assert first.startswith("a-")
    page.run("document.querySelector('#hits .actions button').click()")
    page.until(f"document.getElementById('summary').textContent.includes('neighbours of {first}')")
    assert first not in page.run("[...document.querySelectorAll('#hits .facts')].map((one) => one.textContent).join()")


@with_browser
def test_a_problem_is_shown_in_its_own_words(page: Page) -> None:
    page.run("document.getElementById('tab-search').click()")
    page.run("document.querySelector('[name=item]').value = 'nobody'; document.querySelector('#ask button').click()")
    page.until("!document.getElementById('fault').hidden")
    assert "the corpus does not hold 'nobody'" in page.run("document.getElementById('fault').textContent")


@with_browser
def test_the_views_are_reached_with_the_keyboard(page: Page) -> None:
    page.run("document.getElementById('tab-search').click(); document.getElementById('tab-search').focus()")
    for view in ("tree", "versions", "live", "search"):
        page.press("ArrowRight")
        page.until(f"!document.getElementById('{view}').hidden")
        assert page.run("document.activeElement.id") == f"tab-{view}"


@with_browser
def test_the_live_view_draws_what_metrics_say(page: Page) -> None:
    page.run("document.getElementById('tab-live').click()")
    page.until("document.querySelectorAll('#live figure').length === 6")
    ask = "fetch('/v1/collections/shop/search', {method: 'POST', body: JSON.stringify({item_ids: ['a-00001']})})"
    page.run(f"Promise.all([1, 2, 3, 4].map(() => {ask})).then(() => 0)")
    page.until("parseFloat(document.querySelectorAll('#live figcaption b')[1].textContent) > 0")


@with_browser
@pytest.mark.parametrize("dark", [False, True])
def test_it_fits_a_phone_and_follows_the_mode(page: Page, dark: bool) -> None:
    page.resize(390, 800, dark=dark)
    try:
        assert page.run("document.documentElement.scrollWidth <= window.innerWidth")
        red = int(page.run("getComputedStyle(document.body).backgroundColor").split("(")[1].split(",")[0])
        assert (red < 60) == dark
    finally:
        page.resize(1100, 900)


@with_browser
def test_a_version_is_tried_on_real_searches_with_the_admin_key(
    page: Page, collection: Collection, tmp_path: Path
) -> None:
    tried = build_tiny_index(collection, tmp_path, ids("a", 8))
    page.run(SET_KEY.format(ADMIN))
    page.run("document.getElementById('tab-versions').click()")
    page.until(f"document.getElementById('versions').textContent.includes('{tried}')")
    page.run("document.getElementById('share').value = '1'; document.querySelector('#versions button.try').click()")
    page.until("document.querySelector('#trial')?.textContent.includes('0 compared')")
    shadow = read_shadow(collection)
    assert shadow is not None and (shadow.version, shadow.share) == (tried, 1)
    ask = "fetch('/v1/collections/shop/search', {method: 'POST', body: JSON.stringify({queries: [{text: 'red mug'}]})})"
    page.run(f"{ask}.then(() => 0)")
    page.until("document.querySelectorAll('#trial .measures figure').length === 3")
    assert page.run("document.querySelector('#trial').textContent").count("1 compared") == 1
    page.run("document.querySelector('#versions button.end').click()")
    page.until("document.querySelector('#trial') === null")
    assert read_shadow(collection) is None
    page.run(SET_KEY.format(""))


@with_browser
def test_a_version_is_activated_with_the_admin_key_alone(page: Page, collection: Collection, tmp_path: Path) -> None:
    new = build_tiny_index(collection, tmp_path, ids("b", 6))
    activate = "window.confirm = () => true; document.querySelector('#versions button.activate').click()"
    page.run("document.getElementById('tab-versions').click()")
    page.until(f"document.getElementById('versions').textContent.includes('{new}')")
    page.run(activate)
    page.until("document.getElementById('fault').textContent.includes('needs a key with the scope admin')")
    assert not page.run("document.getElementById('fault').hidden")
    assert current(collection) != new
    page.run(SET_KEY.format(ADMIN))
    page.until("document.querySelectorAll('#versions button:disabled').length === 0")
    page.run(activate)
    wait_until(lambda: current(collection) == new)
    page.until(f"document.getElementById('served').textContent.includes('{new}')")


@with_browser
def test_what_a_catalogue_holds_is_never_markup(page: Page) -> None:
    made = "element('p', {}, '<img src=x onerror=alert(1)>').children.length"
    assert page.run(f"import('/console/dom.js').then(({{element}}) => {made})") == 0
