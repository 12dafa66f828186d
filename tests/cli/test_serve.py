import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("toml", "arguments", "says"),
    [
        ("[server]\nprot = 1\n", [], "server.prot"),
        ("[limits]\nmax_k = 0\n", [], "limits.max_k"),
        ("[server\n", [], "not valid TOML"),
        ("", ["--port", "70000"], "server.port"),
        ("", ["--workspace", "nowhere"], "the workspace nowhere does not exist"),
    ],
)
def test_wrong_settings_end_before_anything_starts(tmp_path: Path, toml: str, arguments: list[str], says: str) -> None:
    (tmp_path / "server.toml").write_text(toml)
    command = [sys.executable, "-m", "cli", "serve", "--config", str(tmp_path / "server.toml"), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
