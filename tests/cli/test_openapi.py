from pathlib import Path

import pytest

from cli.main import execute

ROOT = Path(__file__).parents[2]


def test_the_committed_document_is_the_generated_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["openapi"]) == 0
    assert (ROOT / "openapi.yaml").read_text() == capsys.readouterr().out, "run `make openapi` and review the diff"
