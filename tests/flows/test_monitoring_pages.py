"""The how-to pages on monitoring and on trials: metrics, alerts, settings and answers are those of the service."""

import json
import re
import tomllib
from pathlib import Path

import yaml

from index.shadow import DEFAULT_SHARE
from service.metrics import Metrics
from service.schemas.shadow import ShadowInfo, ShadowRequest
from service.settings import Settings
from service.settings_file import LIVE_SECTIONS, NEED_RESTART
from service.shadow.tally import WINDOW
from tests.test_docker import DOCKER

PAGES = Path(__file__).parents[2] / "docs" / "how-to"
MONITOR, TRY = (PAGES / "monitor.md").read_text(), (PAGES / "try-a-version-on-real-traffic.md").read_text()


def _blocks(page: str, language: str) -> list[str]:
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return [text for name, text in blocks if name == language]


def test_the_alerts_are_those_of_the_file() -> None:
    rules = yaml.safe_load((DOCKER / "alerts.yaml").read_text())["groups"][0]["rules"]
    shown = next(block for block in _blocks(MONITOR, "") if block.startswith("TandemDown"))
    assert [line.split(":", 1) for line in shown.splitlines()] == [
        [rule["alert"], " " * (25 - len(rule["alert"])) + rule["expr"]] for rule in rules
    ]
    assert re.findall(r"^\| `(Tandem\w+)` \|", MONITOR, re.MULTILINE) == [rule["alert"] for rule in rules]


def test_metrics_that_the_pages_name_are_there() -> None:
    known = {metric.name + "_total" * (metric.type == "counter") for metric in Metrics().registry.collect()}
    for name in re.findall(r"tandem_\w+", MONITOR + TRY):
        assert name in known or name.removesuffix("_bucket") in known, name


def test_settings_are_those_of_the_server() -> None:
    (toml,) = _blocks(MONITOR, "toml")
    assert Settings.model_validate(tomllib.loads(toml)).traces.sample_share == Settings().traces.sample_share
    assert f"`shadow.core_share` ({Settings().shadow.core_share})" in TRY
    live = MONITOR.partition("## Settings that change")[2]
    for section in LIVE_SECTIONS:
        fields = set(type(getattr(Settings(), section)).model_fields) - NEED_RESTART.get(section, set())
        assert f"`{section}`" in live or (len(fields) == 1 and f"`{section}.{fields.pop()}`" in live), section


def test_a_trial_is_asked_for_and_answered_as_the_page_says() -> None:
    request, answer = (json.loads(block) for block in _blocks(TRY, "json"))
    assert ShadowRequest.model_validate(request).share == DEFAULT_SHARE
    info = ShadowInfo.model_validate(answer)
    assert set(ShadowInfo.model_fields) - set(answer) == {"load_failure"}
    assert info.searches is not None and info.overlap is not None
    assert info.overlap.n_searches == info.searches.compared
    assert f"the last {WINDOW} searches" in TRY
