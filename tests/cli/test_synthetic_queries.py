import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cli.main import execute
from tests.training.synthetic_queries.speaker import KEY, Reply, completion, speaking, three_lines
from training.synthetic_queries.pairs import read_pairs

TRAIN = """
collection = "texts"
dimension = 8
data = {items = "items.csv", interactions = "pairs.csv", queries = "queries.csv"}
split = {kind = "column"}
features.query = [{kind = "text", name = "text"}]
features.item = [{kind = "text", name = "title"}]
evaluation = {ks = [10], exclude_seen = false}
trainer = {epochs = 1, batch_size = 8}
"""
SYNTHETIC = """
train = "train.toml"
text = ["title", "about"]
title = "title"
source = {kind = "extract"}
"""
N = 24


@pytest.fixture
def config(tmp_path: Path) -> Path:
    rows = range(N)
    about = "A lamp with the number {0} on it. Its shade{0} is of glass{0} and its foot{0} of brass{0}."
    items = "".join(f"i{n},lamp {n},{about.format(n)}\n" for n in rows)
    (tmp_path / "items.csv").write_text("item_id,title,about\n" + items)
    (tmp_path / "queries.csv").write_text("query_id,text\n" + "".join(f"q{n},want lamp {n}\n" for n in rows))
    pairs = "".join(f"q{n},i{n},{'test' if n % 4 == 0 else 'train'}\n" for n in rows)
    (tmp_path / "pairs.csv").write_text("query_id,item_id,split\n" + pairs)
    (tmp_path / "train.toml").write_text(TRAIN)
    path = tmp_path / "synthetic.toml"
    path.write_text(SYNTHETIC)
    return path


def _endpoint(config: Path, url: str, more: str = "") -> Path:
    source = f'[source]\nkind = "endpoint"\nurl = "{url}"\nmodel = "m"\nkey_variable = "TANDEM_TEST_KEY"\n{more}'
    config.write_text('train = "train.toml"\ntext = ["title", "about"]\nfilters.round_trip_k = 0\n' + source)
    return config


def _run(config: Path, *arguments: str) -> int:
    return execute(["synthetic-queries", str(config), *arguments])


def test_the_path_alone_is_on_stdout_and_training_takes_the_table(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(config) == 0
    captured = capsys.readouterr()
    table = config.parent / "synthetic_queries.parquet"
    assert captured.out == f"{table}\n"
    assert "items with queries" in captured.err and f"pairs are in {table}" in captured.err
    assert pq.read_table(table).num_rows == len(read_pairs(table)) > N

    other = config.parent / "other.parquet"
    assert _run(config, "--output", str(other), "--json", "--set", "source.per_item=1") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["output"] == str(other)
    assert answer["counts"]["kept"] == len(read_pairs(other)) <= N

    workspace = str(config.parent / "workspace")
    arguments = ["--workspace", workspace, "--set", "synthetic_queries={path='synthetic_queries.parquet', ratio=1}"]
    assert execute(["train", str(config.parent / "train.toml"), *arguments]) == 0
    assert "18 of " in capsys.readouterr().err  # as many as real training pairs


@pytest.mark.parametrize(
    ("override", "code", "says"),
    [
        ("source.kind=magic", 2, "source"),
        ("text=['body']", 2, "no column 'body'"),
        ("train=nowhere.toml", 2, "nowhere.toml"),
        ("output=a.csv", 2, "must end in .parquet"),
        ("source={kind='file', path='none.csv'}", 2, "none.csv does not exist"),
        ("source={kind='endpoint', url='http://127.0.0.1:9/v1', model='m'}", 1, "cannot be reached"),
        ("source={kind='endpoint', url='http://h/v1', model='m', key_variable='NO_SUCH'}", 2, "is not set"),
        ("filters={min_score=9, round_trip_k=20}", 0, ""),
        ("filters.near_duplicate_cosine=2", 2, "near_duplicate_cosine"),
    ],
)
def test_what_is_wrong_is_named_and_no_table_is_left(
    config: Path, capsys: pytest.CaptureFixture[str], override: str, code: int, says: str
) -> None:
    assert _run(config, "--set", override) == code
    captured = capsys.readouterr()
    assert says in captured.err
    assert (captured.out == "") == (code != 0)
    assert (config.parent / "synthetic_queries.parquet").exists() == (code == 0)


def test_an_output_that_exists_is_left_alone(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (config.parent / "synthetic_queries.parquet").write_text("mine")
    assert _run(config) == 2
    assert "exists already; delete it, or choose another --output" in capsys.readouterr().err
    assert (config.parent / "synthetic_queries.parquet").read_text() == "mine"


def test_the_budget_stops_the_run_and_resuming_asks_for_the_rest(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TANDEM_TEST_KEY", KEY)
    with speaking() as speaker:
        prices = "price_per_1k_input = 1.0\nprice_per_1k_output = 2.0\nmax_tokens = 50\nbudget = 1.5\n"
        _endpoint(config, speaker.url, prices)
        assert _run(config) == 1
        captured = capsys.readouterr()
        assert "of the budget of 1.5 is spent" in captured.err and "--resume" in captured.err
        paid = len(speaker.prompts)
        assert 0 < paid * 0.14 <= 1.5
        assert _run(config) == 1  # not by chance either
        assert "go on with --resume" in capsys.readouterr().err
        assert _run(config, "--resume", "--json", "--set", "source.budget=20") == 0
        captured = capsys.readouterr()
        counts = json.loads(captured.out)["counts"]
    assert len(speaker.prompts) == len(set(speaker.prompts)) == N
    assert (counts["answers_kept"], counts["answers"], counts["cost"]) == (paid, N - paid, pytest.approx(N * 0.14))
    assert "cost 3.3600 of 20" in captured.err and "retries" in captured.err


def test_a_killed_run_goes_on_and_asks_nothing_twice(config: Path) -> None:
    """SIGKILL in the middle; what the server saw answered is never asked for again."""
    environment = os.environ | {"TANDEM_TEST_KEY": KEY}
    answered: Counter[str] = Counter()

    def slow(prompt: str) -> Reply:
        reply = three_lines(prompt)
        reply.after_s = 0.3
        return reply

    with speaking(slow) as speaker:
        _endpoint(config, speaker.url, "concurrency = 1\n")
        command = [sys.executable, "-m", "cli", "synthetic-queries", str(config), "--resume"]
        journal = config.parent / "synthetic_queries.journal.jsonl"
        for least in (5,):
            process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
            deadline = time.monotonic() + 120
            while not journal.is_file() or len(journal.read_bytes().splitlines()) <= least:
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            assert not (config.parent / "synthetic_queries.parquet").exists()
            lines = journal.read_bytes().split(b"\n")[1:-1]
            answered.update(json.loads(line)["task"] for line in lines if line)
        in_journal = len(journal.read_bytes().split(b"\n")[1:-1])
        asked_before = len(speaker.prompts)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        asked = Counter(speaker.prompts)
    # Only the one request under way at the kill was lost, and may be asked for again.
    assert len(speaker.prompts) - asked_before == N - in_journal
    assert len(asked) == N and sum(asked.values()) <= N + 1 and max(asked.values()) <= 2
    assert len(read_pairs(config.parent / "synthetic_queries.parquet")) == 3 * N
    written = [path.read_bytes() for path in config.parent.rglob("*") if path.is_file()]
    assert not any(KEY.encode() in content for content in [*written, done.stdout.encode(), done.stderr.encode()])


def test_an_interrupted_run_says_what_is_kept_and_how_to_go_on(config: Path) -> None:
    answered = itertools.count()

    def slow(prompt: str) -> Reply:
        reply = three_lines(prompt)
        reply.after_s = 0.1 if next(answered) < 6 else 5.0  # so that it cannot be done before the signal
        return reply

    with speaking(slow) as speaker:
        _endpoint(config, speaker.url, "concurrency = 2\n")
        command = [sys.executable, "-m", "cli", "synthetic-queries", str(config)]
        journal = config.parent / "synthetic_queries.journal.jsonl"
        environment = os.environ | {"TANDEM_TEST_KEY": KEY}
        process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 120
        while not journal.is_file() or len(journal.read_bytes().splitlines()) <= 3:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[-1] == (
        f"interrupted; no table was written, but every answer that came is kept in {journal}; go on with --resume"
    )
    assert "Traceback" not in err
    assert len(journal.read_bytes().splitlines()) - 1 == len(speaker.prompts) < N


def test_the_table_of_a_resumed_run_is_that_of_an_uninterrupted_one(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TANDEM_TEST_KEY", KEY)
    with speaking() as speaker:
        _endpoint(config, speaker.url)
        assert _run(config, "--output", str(config.parent / "whole.parquet")) == 0
        speaker.replies = [three_lines(prompt) for prompt in speaker.prompts[:0]]
        speaker.answer = lambda prompt: (
            Reply(200, b"<garbage>") if len(speaker.prompts) == N + 7 else three_lines(prompt)
        )
        assert _run(config) == 1
        assert "no chat completion: <garbage>" in capsys.readouterr().err
        speaker.answer = three_lines
        assert _run(config, "--resume") == 0
    whole, parts = (read_pairs(config.parent / name) for name in ("whole.parquet", "synthetic_queries.parquet"))
    assert whole == parts


def test_a_key_that_the_endpoint_repeats_is_not_shown(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TANDEM_TEST_KEY", KEY)
    with speaking(lambda _: Reply(418, f"bad key {KEY}".encode())) as speaker:
        assert _run(_endpoint(config, speaker.url)) == 1
    assert "answers 418: bad key ***" in capsys.readouterr().err
    with speaking(lambda _: completion("x")) as speaker:
        assert _run(_endpoint(config, speaker.url), "--resume") == 0
    assert speaker.keys[0] == f"Bearer {KEY}"
