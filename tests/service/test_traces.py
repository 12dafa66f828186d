import subprocess
import sys
from pathlib import Path

import pytest

from bundle.errors import ConfigError
from service.app import create_app
from service.server import serve
from service.settings import Settings, TraceSettings
from service.traces import open_traces


def test_nothing_of_it_is_loaded_where_nobody_asked() -> None:
    code = (
        "import sys; from service.app import create_app; from service.settings import Settings; create_app(Settings());"
        "print([name for name in sys.modules if name.startswith(('opentelemetry.sdk', 'opentelemetry.exporter'))])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
    assert open_traces(TraceSettings()) is None


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("opentelemetry.sdk", "service.request_spans"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    settings = {"workspace": tmp_path, "traces": {"endpoint": "http://localhost:4318/v1/traces"}}
    with pytest.raises(ConfigError, match=r"tandem-retrieval\[traces\]"):
        create_app(Settings.model_validate(settings))
    with pytest.raises(ConfigError, match=r"tandem-retrieval\[traces\]"):
        serve(None, settings)
