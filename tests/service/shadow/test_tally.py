from pathlib import Path

import numpy as np

from service.shadow.comparison import Comparison
from service.shadow.tally import Spread, Tally, TallyFolder, Trial

TRIAL = Trial("shop", "old", "new", "now")


def test_a_report_is_the_arithmetic_of_what_was_compared() -> None:
    tally = Tally(TRIAL)
    assert tally.report().overlap is None
    tally.compared(Comparison(1.0, False, (0.0, 0.1)))
    tally.compared(Comparison(0.5, True, (0.2,)))
    tally.passed_by("dropped")
    tally.failed("unknown-item")
    report = tally.report()
    assert report.counts == {"compared": 2, "dropped": 1, "failed": 1}
    assert report.errors == {"unknown-item": 1}
    assert report.overlap is not None and (report.overlap.mean, report.overlap.n_searches) == (0.75, 2)
    assert report.first_changed is not None and report.first_changed.mean == 0.5
    p05, p50, p95 = np.quantile([0.0, 0.1, 0.2], [0.05, 0.5, 0.95])
    assert report.score_difference == Spread(float(np.mean([0.0, 0.1, 0.2])), p05, p50, p95)


def test_processes_tell_of_one_trial_together_and_of_no_other(tmp_path: Path) -> None:
    folders = [TallyFolder(tmp_path, process_id) for process_id in (1, 12, 2)]
    others = (TRIAL._replace(started_at="before"), TRIAL._replace(collection="old_shop"))
    tallies = [Tally(trial) for trial in (TRIAL, TRIAL, others[0])]
    for folder, tally, overlap in zip(folders, tallies, (1.0, 0.0, 0.0), strict=True):
        tally.compared(Comparison(overlap, False, (overlap,)))
        tally.failed("x")
        folder.publish(tally)
    folders[2].publish(Tally(others[1]))
    for folder, tally in list(zip(folders, tallies, strict=True))[:2]:
        report = folder.report(tally)
        assert report.counts == {"compared": 2, "failed": 2} and report.errors == {"x": 2}
        assert report.overlap is not None and report.overlap.mean == 0.5
    assert folders[2].report(tallies[2]).counts == {"compared": 1, "failed": 1}
    assert TallyFolder(None, 1).report(tallies[0]).counts == {"compared": 1, "failed": 1}
