from pathlib import Path

from service.schemas.health import Health
from tests.service.conftest import settings_for
from tests.service.running import LiveApp


def test_health(shop: LiveApp) -> None:
    assert shop.get("/livez").json() == {"status": "alive"}
    health = Health.model_validate(shop.get("/readyz").json())
    assert (health.status, list(health.collections)) == ("ready", ["shop"])
    assert shop.get("/health").json() == health.model_dump()


def test_metrics_count_stages_and_requests(shop: LiveApp) -> None:
    shop.post("search", {"queries": [{"text": "mug"}]})
    text = shop.get("/metrics").text
    for sample in (
        'tandem_requests_total{collection="shop",route="search",status="200"}',
        'tandem_stage_seconds_count{collection="shop",stage="encode"}',
        'tandem_stage_seconds_count{collection="shop",stage="search"}',
        'tandem_pending_records{collection="shop"} 0.0',
        'tandem_index_items{collection="shop"} 50.0',
        "tandem_batch_records_bucket",
        'tandem_served_info{bundle_id="',
    ):
        assert sample in text


def test_a_dead_worker_thread_or_a_drain_is_not_ready(shop_root: Path) -> None:
    with LiveApp(settings_for(shop_root)) as app:
        app.ready()
        slots = app.app.state.serving.slots
        slots.get("shop").batcher.close()
        assert app.get("/readyz").status_code == 503
        assert "worker thread" in app.get("/readyz").json()["detail"]
        slots.is_draining = True
        assert app.get("/readyz").json()["status"] == "draining"
        assert app.get("/health").status_code == 503
        assert app.get("/livez").status_code == 200
