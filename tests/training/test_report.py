import re

from tests.training.conftest import Trained


def test_the_page_shows_every_picture_and_every_method(trained: Trained) -> None:
    folder = trained.folder / "report"
    page = (folder / "index.html").read_text()
    pictures = {path.name for path in folder.glob("*.png")}
    assert pictures == {"loss.png", "validation.png", "code_usage.png"}
    assert set(re.findall(r'src="([^"]+)"', page)) == pictures
    for method in ("model", "popularity", "item-knn"):
        assert f"<th>{method}</th>" in page
    assert "http" not in page  # self-contained
    assert all((folder / name).read_bytes().startswith(b"\x89PNG") for name in pictures)


def test_the_page_states_the_measured_numbers_and_the_settings(trained: Trained) -> None:
    page = (trained.folder / "report" / "index.html").read_text()
    assert f"<td>{trained.result.metrics['model']['recall@10']:.4g}</td>" in page
    assert "<td>perplexity@1</td>" in page
    assert "&quot;leave_last_out&quot;" in page
