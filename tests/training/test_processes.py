"""Real processes over gloo: the number of them changes neither loss nor gradients, and one that stops stops all."""

import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from bundle.progress import NoProgress
from tests.training.steps_world import gradients, small_batch, small_model
from tests.training.test_steps import made
from tests.training.world import shop_config, write_shop
from training.dataset import load_dataset
from training.errors import ProcessLost
from training.learn import Learner
from training.processes import Processes
from training.steps import CachedEncode, DirectEncode, Step

CPU = torch.device("cpu")
ROOT = Path(__file__).parents[2]
CASES = [("softmax", None, 5, 9), ("softmax", 2, 5, 9), ("weighted", None, 4, 9), ("decoupled_softmax", 3, 1, 9)]
# What sums in another order may move; nothing here is random but the first weights, so dropout is off.
SHOP: dict[str, Any] = {
    "query_tower": {"dropout": 0.0, "hidden": [8]},
    "item_graph": {"features": ["photo"], "neighbours": 4, "noise": 0.0},  # all items at every step, unperturbed
    "trainer": {"epochs": 2, "chunk_size": 16, "memory": {"batches": 2}},
}


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


def at(port: str) -> None:
    """Where the processes meet next."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}


def step_gradients(processes: Processes, case: tuple[str, int | None, int, int]) -> dict[str, Any]:
    kind, chunk_size, n, m = case
    model, objective = small_model(dropout=False), made(kind)
    encode = CachedEncode(chunk_size) if chunk_size else DirectEncode()
    output = Step(model, objective, encode, processes=processes)(small_batch(n=n, m=m))
    own = [objective] if isinstance(objective, nn.Module) else []
    return {"loss": output.loss.detach(), "rows": output.per_query_B.detach(), **gradients(model, *own)}


def everything(rank: int, ports: list[str], folder: Path) -> None:
    """All that needs living processes, in one start of them; the second process ends by its own hand."""
    torch.set_num_threads(1)
    processes = Processes(rank, 2, rank)
    found: dict[str, Any] = {}
    at(ports[0])
    with processes.joined(CPU):
        found["steps"] = [step_gradients(processes, case) for case in CASES]
        torch.manual_seed(3)
        with processes.own_randomness(CPU):
            found["own"] = torch.rand(3)
        found["common"] = torch.rand(3)
        found["agreed"] = processes.agreed({"ndcg": float(processes.rank)})
    at(ports[1])
    found |= learn(folder, processes)
    at(ports[2])
    found["silent"], found["silent_s"] = lost(processes, folder / "waited", kill=False)
    torch.save(found, folder / f"{processes.rank}.found")
    at(ports[3])
    found["killed"], found["killed_s"] = lost(processes, folder / "waited", kill=True)
    torch.save(found, folder / f"{processes.rank}.found")


def learn(folder: Path, processes: Processes | None = None) -> dict[str, Any]:
    config = shop_config(**SHOP)
    dataset = load_dataset(config.data, folder)
    checkpoints = folder / "checkpoints" if processes else None
    split = config.split.split(dataset)
    learned = Learner(config, dataset, split, NoProgress(), checkpoints, processes=processes).learn()
    return {
        "weights": learned.model.state_dict(),
        "metrics": [log.metrics for log in learned.logs],
        "losses": [log.loss for log in [*learned.logs, *learned.final_logs]],
    }


def lost(processes: Processes, waited: Path, *, kill: bool) -> tuple[str, float]:
    """What the first process says when the second stops, and after how many seconds."""
    short = Processes(processes.rank, 2, timeout_s=60 if kill or not processes.leads else 2)
    with short.joined(CPU):
        if not short.leads:
            while not kill and not waited.exists():
                time.sleep(0.05)
            if kill:
                os.kill(os.getpid(), signal.SIGKILL)
            return "", 0.0
        started = time.monotonic()
        try:
            short.gather(torch.zeros(2, 2))
        except ProcessLost as error:
            return str(error), time.monotonic() - started
        finally:
            waited.touch()
    return "", 0.0


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    folder = write_shop(tmp_path_factory.mktemp("shop"))
    context, ports = multiprocessing.get_context("spawn"), [free_port() for _ in range(4)]
    started = [context.Process(target=everything, args=(rank, ports, folder)) for rank in range(2)]
    for process in started:
        process.start()
    for process in started:
        process.join()
    assert [process.exitcode for process in started] == [0, -signal.SIGKILL]
    assert sorted(path.name for path in (folder / "checkpoints").iterdir()) == ["refit.checkpoint", "select.checkpoint"]
    return [torch.load(folder / f"{rank}.found") for rank in range(2)]


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: str(CASES[number]))
def test_two_processes_give_the_loss_and_the_gradients_of_one(found: list[dict[str, Any]], number: int) -> None:
    alone = step_gradients(Processes(), CASES[number])
    for of_process in found:
        torch.testing.assert_close(of_process["steps"][number], alone, rtol=1e-9, atol=1e-12)


def test_dropout_differs_between_processes_and_all_else_that_is_random_does_not(found: list[dict[str, Any]]) -> None:
    assert not torch.equal(found[0]["own"], found[1]["own"])
    assert torch.equal(found[0]["common"], found[1]["common"])
    assert found[0]["agreed"] == found[1]["agreed"] == {"ndcg": 0.0}


def test_two_processes_learn_what_one_learns(found: list[dict[str, Any]], tmp_path: Path) -> None:
    first, second = found
    assert all(torch.equal(first["weights"][name], second["weights"][name]) for name in first["weights"])
    assert first["losses"] == second["losses"]
    alone = learn(write_shop(tmp_path))
    assert first["losses"] == pytest.approx(alone["losses"], rel=1e-4)
    assert first["metrics"][0] == pytest.approx(alone["metrics"][0], abs=0.03)


@pytest.mark.parametrize("how", ["silent", "killed"])
def test_a_process_that_hangs_or_dies_does_not_hold_the_others(found: list[dict[str, Any]], how: str) -> None:
    assert "process 0 of 2 got no answer" in found[0][how]
    assert "--resume" in found[0][how]
    assert found[0][f"{how}_s"] < 20


def test_only_torchrun_s_whole_environment_counts() -> None:
    environ = {"RANK": "1", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "MASTER_ADDR": "x", "MASTER_PORT": "1"}
    assert Processes.launched(environ) == Processes(1, 4, 1)
    assert not Processes.launched(environ).leads
    assert Processes.launched({"WORLD_SIZE": "4"}) == Processes()


def test_rows_are_shared_out_in_order_and_evenly() -> None:
    array = torch.arange(5)
    parts = [Processes(rank, 2).own_records(array).tolist() for rank in range(2)]
    assert parts == [[0, 1, 2], [3, 4, 4]]
    gradient_ND = torch.arange(1.0, 6).reshape(5, 1)
    parts = [Processes(rank, 2).own_rows(gradient_ND).ravel().tolist() for rank in range(2)]
    assert parts == [[1, 2, 3], [4, 5, 0]]


@pytest.mark.slow
def test_torchrun_trains_one_bundle_with_two_processes(tmp_path: Path) -> None:
    write_shop(tmp_path)
    toml = tmp_path / "train.toml"
    toml.write_text(TOML)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launcher, "-m", "cli", "train", str(toml), "--workspace", str(tmp_path / "workspace")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    bundles = list((tmp_path / "workspace/collections/shop/bundles").iterdir())
    assert [path.name for path in bundles] == [done.stdout.strip()]
    assert done.stderr.count("epoch 1 of 1: loss") == 1


TOML = """
collection = "shop"
dimension = 8
data = {items = "items.parquet", interactions = "interactions.parquet"}
split = {kind = "leave_last_out"}
features.query = [{kind = "sequence", name = "history"}]
features.item = [{kind = "category", name = "item_id"}, {kind = "text", name = "title"}]
examples = {kind = "interaction", history_feature = "history"}
evaluation = {exclude_seen = false}
trainer = {epochs = 1, batch_size = 64}
"""
