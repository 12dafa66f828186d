from index.kinds.flat import FlatKind
from index.kinds.ivf_flat import IvfFlatKind
from index.tune import Trial, Tuning
from index.tuning_page import tuning_page


def test_the_page_draws_every_trial_rings_the_chosen_and_needs_nothing_else() -> None:
    flat, lists = Trial(FlatKind(), 1, 500, 10, 0), Trial(IvfFlatKind(nprobe=4), 0.97, 50, 12, 1)
    page = tuning_page(Tuning("<version>", 0.95, (lists, flat), lists))
    assert page.count("<title>ivf_flat nprobe 4: recall 0.9700, 50 µs</title>") == 1
    assert page.count("<title>flat: recall 1.0000, 500 µs</title>") == 1
    assert page.count('stroke-width="2"') == 1
    assert "&lt;version&gt;" in page and "<version>" not in page
    assert "nprobe = 4" in page
    assert "http" not in page and "src=" not in page
