import os
import threading
import time

from service.spare_time import LOWEST_PRIORITY, SpareTime
from tests.service.running import wait_until


def test_what_comes_while_enough_waits_passes_by() -> None:
    spare = SpareTime[int]("spare", 0.5, lambda item: None, capacity=2)  # not started, so that nothing is taken
    assert [(spare.takes_one, spare.offer(item)) for item in range(3)] == [(True, True), (True, True), (False, False)]


def test_nothing_is_taken_with_a_share_of_0_until_it_is_more() -> None:
    done: list[int] = []
    spare = SpareTime[int]("spare", 0, done.append)
    spare.start()
    taken = [spare.takes_one, spare.offer(1)]
    spare.core_share = 0.5
    taken += [spare.takes_one, spare.offer(2)]
    assert taken == [False, False, True, True]
    wait_until(lambda: done == [2])
    spare.stop()


def test_it_works_at_the_lowest_priority_and_rests_as_its_share_says() -> None:
    priorities: list[int] = []
    spent: list[float] = []

    def work(item: int) -> None:
        priorities.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        start = time.thread_time()
        while time.thread_time() - start < 0.02:
            pass
        spent.append(time.thread_time() - start)

    spare = SpareTime[int]("spare", 0.25, work, capacity=4)
    for item in range(4):
        spare.offer(item)
    started = time.monotonic()
    spare.start()
    wait_until(lambda: len(spent) == 4)
    assert set(priorities) == {LOWEST_PRIORITY}
    assert time.monotonic() - started >= 3 * sum(spent[:3])  # three rests of three times the work before each
    spare.stop()


def test_it_stops_though_much_waits() -> None:
    begun, done = threading.Event(), list[int]()

    def work(item: int) -> None:
        begun.set()
        done.append(item)
        spare._stopped.wait()

    spare = SpareTime[int]("spare", 0.5, work, capacity=2)
    spare.start()
    for item in range(2):
        spare.offer(item)
    begun.wait()
    spare.offer(2)
    spare.stop()
    assert done == [0]
