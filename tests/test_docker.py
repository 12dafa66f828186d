"""The deployment files name what is there: images, metrics, mounted files."""

import json
import re
from pathlib import Path

import pytest
import yaml

from service.metrics import Metrics

ROOT = Path(__file__).parents[1]
DOCKER = ROOT / "docker"
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())
IMAGES = sorted(DOCKER.glob("*.Dockerfile"))
SUFFIXES = ("_bucket", "_sum", "_count")


def test_every_image_of_compose_has_its_file_and_every_file_is_used() -> None:
    used = {service["build"]["dockerfile"] for service in COMPOSE["services"].values() if "build" in service}
    assert used == {path.relative_to(ROOT).as_posix() for path in IMAGES}


def test_every_mounted_file_is_there() -> None:
    for service in COMPOSE["services"].values():
        for source in (volume.split(":")[0] for volume in service.get("volumes", ())):
            assert source in COMPOSE["volumes"] or (DOCKER / source).exists(), source


def test_what_listens_runs_hardened() -> None:
    for name in ("serve", "serve-gpu", "rebuild"):
        service = COMPOSE["services"][name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.stem)
def test_an_image_runs_as_a_user_without_rights_and_copies_every_package(image: Path) -> None:
    text = image.read_text()
    assert text.index("chown 10001:10001 /workspace") < text.index("USER 10001") < text.index("VOLUME /workspace")
    for package in ("bundle", "training", "index", "evaluation", "service", "client", "cli"):
        assert f"COPY {package} {package}\n" in text
    ignored = (ROOT / ".dockerignore").read_text().split()
    for name in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        assert all(f"!{one}" in ignored for one in name.split()), name


def test_alerts_and_dashboard_ask_for_metrics_that_the_service_has() -> None:
    known = {metric.name + "_total" * (metric.type == "counter") for metric in Metrics().registry.collect()}
    panels = json.loads((DOCKER / "grafana/dashboards/tandem.json").read_text())["panels"]
    rules = yaml.safe_load((DOCKER / "alerts.yaml").read_text())["groups"][0]["rules"]
    asked = [target["expr"] for panel in panels for target in panel["targets"]] + [rule["expr"] for rule in rules]
    for name in {name for expression in asked for name in re.findall(r"tandem_\w+", expression)}:
        plain = next((name.removesuffix(suffix) for suffix in SUFFIXES if name.endswith(suffix)), name)
        assert {name, plain} & known, name
