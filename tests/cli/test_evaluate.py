from pathlib import Path

import pytest

from bundle.workspace import Workspace
from cli.main import execute


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ([], 2, "has no bundle; train one first"),
        (["--split", "train"], 2, "Invalid value for '--split'"),
        (["--bundle", "../../etc/passwd"], 2, "has no bundle; train one first"),
    ],
)
def test_bad_usage_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, says: str
) -> None:
    Workspace(tmp_path).collection("shop").folder.mkdir(parents=True)
    assert execute(["evaluate", "-c", "shop", "--data", ".", "-w", str(tmp_path), *arguments]) == code
    assert says in " ".join(capsys.readouterr().err.split())
