import asyncio
import logging
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from bundle.errors import ConfigError
from service.serving import Serving
from service.settings import Settings
from service.settings_file import LIVE_SECTIONS, NEED_RESTART, SettingsFile, change_of
from tests.service.running import LiveApp, wait_until

LIVE = {
    "limits.max_body_bytes",
    "limits.max_batch",
    "limits.max_k",
    "limits.max_depth",
    "limits.max_rerank_items",
    "limits.max_reranked_pairs",
    "limits.max_list",
    "limits.max_hits",
    "limits.max_filter_depth",
    "limits.max_filter_conditions",
    "limits.max_filter_values",
    "batching.max_records",
    "batching.max_tokens",
    "batching.max_pending_records",
    "batching.deadline_s",
    "batching.retry_after_s",
    "reload.poll_seconds",
    "reload.warm_searches",
    "reload.retry_seconds",
    "reload.activate_timeout_s",
    "reload.verify",
    "live_recall.core_share",
    "shadow.core_share",
    "rerank.on_failure",
    "compat.default_model",
    "compat.text_features",
    "traces.sample_share",
    "logs.level",
}


def test_every_setting_that_is_taken_up_is_known_to_be() -> None:
    """A new setting in one of these sections must be applied in Serving.use, or named in NEED_RESTART."""
    names = {
        f"{section}.{name}" for section in LIVE_SECTIONS for name in type(getattr(Settings(), section)).model_fields
    }
    assert names - {f"{section}.{name}" for section, fixed in NEED_RESTART.items() for name in fixed} == LIVE


def test_what_can_change_changes_and_what_cannot_waits() -> None:
    used = Settings()
    new = Settings.model_validate(
        {
            "workspace": "elsewhere",
            "server": {"port": 1},
            "limits": {"max_k": 50},
            "batching": {"threads": 4, "max_records": 8},
            "security": {"admin_key": "a-key-of-16-letters"},
        }
    )
    change = change_of(used, new)
    assert change.applied == ["limits.max_k", "batching.max_records"]
    assert change.waiting == ["workspace", "server", "batching.threads", "security"]
    assert (change.settings.limits, change.settings.batching.max_records) == (new.limits, 8)
    assert (change.settings.workspace, change.settings.server, change.settings.batching.threads) == (
        used.workspace,
        used.server,
        used.batching.threads,
    )
    assert change_of(used, Settings()) == (used, [], [])


def test_a_file_is_read_when_it_has_stopped_changing(tmp_path: Path) -> None:
    path = tmp_path / "server.toml"
    path.write_text("[limits]\nmax_k = 20\n")
    file = SettingsFile(path, {"limits": {"max_batch": 7}})
    assert file.read().limits.max_k == 20
    assert file.changed() is None
    path.write_text("")  # what a look between truncating and writing sees
    assert file.changed() is None
    path.write_text("[limits]\nmax_k = 30\nmax_batch = 9\n")
    assert file.changed() is None
    new = file.changed()
    assert new is not None and (new.limits.max_k, new.limits.max_batch) == (30, 7)
    assert file.changed() is None


def test_a_wrong_or_missing_file_is_told_of_once(tmp_path: Path) -> None:
    path = tmp_path / "server.toml"
    path.write_text("")
    file = SettingsFile(path)
    path.write_text("[limits]\nmax_k = 3\nmax_q = 1\n[server]\nport = -1\n")
    assert file.changed() is None
    with pytest.raises(ConfigError) as raised:
        file.changed()
    assert all(name in raised.value.message for name in ("limits.max_k", "limits.max_q", "server.port"))
    assert file.changed() is None
    path.unlink()
    assert file.changed() is None
    with pytest.raises(ConfigError, match="no such file"):
        file.changed()


def test_nothing_changes_without_a_file() -> None:
    assert SettingsFile(None).changed() is None


class Running:
    """A server over `shop` whose settings file can be written."""

    def __init__(self, app: LiveApp, path: Path, head: str) -> None:
        self.app = app
        self._path = path
        self._head = head

    def write(self, text: str) -> None:
        self._path.write_text(self._head + text)

    @property
    def serving(self) -> Serving:
        serving: Serving = self.app.app.state.serving
        return serving

    def status(self, k: int) -> int:
        return self.app.post("search", {"item_ids": ["a-00001"], "k": k}).status_code

    def has(self, metric: str) -> bool:
        return metric in self.app.get("/metrics").text


@pytest.fixture
def running(shop_root: Path, tmp_path: Path) -> Iterator[Running]:
    path = tmp_path / "server.toml"
    head = f'workspace = "{shop_root}"\nreload.poll_seconds = 0.02\nlogs.requests = false\n'
    path.write_text(head)
    file = SettingsFile(path)
    level = logging.getLogger().level
    with LiveApp(file.read(), file) as app:
        yield Running(app.ready(), path, head)
    logging.getLogger().setLevel(level)


def test_a_changed_file_is_taken_up_while_serving(running: Running) -> None:
    assert running.status(30) == 200
    running.write(
        "limits.max_k = 20\nlimits.max_body_bytes = 100\nbatching.max_records = 3\nlive_recall.core_share = 0.2\n"
        'shadow.core_share = 0.3\nlogs.level = "error"\nreload.retry_seconds = 7\n'
    )
    wait_until(lambda: running.status(30) == 422)
    assert running.status(20) == 200
    assert running.app.post("search", {"item_ids": ["a-00001"] * 20}).status_code == 413
    serving = running.serving
    (slot,) = serving.slots
    assert slot.batcher._settings.max_records == 3
    assert (serving.live_recall.core_share, serving.shadowing.core_share) == (0.2, 0.3)
    assert serving.watcher is not None and serving.watcher._settings.reload.retry_seconds == 7
    assert logging.getLogger().level == logging.ERROR
    assert running.has("tandem_settings_reloads_total 1.0")
    running.write("")  # back to the defaults
    wait_until(lambda: running.status(30) == 200)


def test_a_wrong_file_changes_nothing_and_is_told_of(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    running.write("limits.max_k = 20\nlimits.max_batch = 0\nserver.prot = 1\n")
    wait_until(lambda: running.has("tandem_settings_reload_failures_total 1.0"))
    assert running.has("tandem_settings_reload_failing 1.0")
    (told,) = [record for record in caplog.records if record.message == "the settings stay as they were"]
    assert all(name in vars(told)["detail"] for name in ("limits.max_batch", "server.prot"))
    assert running.status(30) == 200
    running.write("limits.max_k = 20\n")
    wait_until(lambda: running.status(30) == 422)
    wait_until(lambda: running.has("tandem_settings_reload_failing 0.0"))


def test_what_needs_a_restart_is_named_without_its_value(running: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    running.write('server.port = 1234\nsecurity.admin_key = "a-secret-of-16-letters"\nlimits.max_k = 20\n')
    wait_until(lambda: running.has("tandem_settings_waiting 2.0"))
    (told,) = [record for record in caplog.records if record.message == "settings need a restart"]
    assert vars(told)["settings"] == ["server", "security"]
    assert "a-secret" not in "".join(str(vars(record)) for record in caplog.records)
    wait_until(lambda: running.status(30) == 422)


def test_a_request_finds_all_of_the_old_settings_or_all_of_the_new(running: Running) -> None:
    few = running.serving.settings.model_copy(
        update={"limits": running.serving.settings.limits.model_copy(update={"max_batch": 2, "max_k": 100})}
    )
    small = few.model_copy(update={"limits": few.limits.model_copy(update={"max_batch": 16, "max_k": 10})})
    body = {"item_ids": ["a-00001"] * 3, "k": 20}

    draw = random.Random(0)

    async def ask_while_it_changes() -> list[int]:
        running.serving.use(few)
        asked = [asyncio.ensure_future(running.app.client.post("/v1/collections/shop/search", json=body))]
        for turn in range(200):
            await asyncio.sleep(0)
            running.serving.use(draw.choice((few, small)))
            if turn % 4 == 0:
                asked.append(asyncio.ensure_future(running.app.client.post("/v1/collections/shop/search", json=body)))
        return [answer.status_code for answer in await asyncio.gather(*asked)]

    assert set(running.app.run(ask_while_it_changes())) == {413, 422}  # a mixture would let the request through
