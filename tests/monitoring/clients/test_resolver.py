import os
import threading
import time
from queue import Queue

import pytest

from monitoring.clients import resolver
from monitoring.clients.resolver import Found, Resolver, system_lookup, system_resolver


def test_system_lookup_knows_localhost():
    assert set(system_lookup("localhost")) & {"127.0.0.1", "::1"}


def test_system_lookup_raises_for_a_name_that_does_not_exist():
    with pytest.raises(OSError, match=r"not known|failure"):
        system_lookup("nowhere.invalid")


def test_lookups_of_one_name_are_shared_while_they_run():
    asked, release = [], threading.Event()
    answers: Queue[Found] = Queue()

    def lookup(host):
        asked.append(host)
        release.wait(10)
        return ("192.0.2.1",)

    shared = Resolver(lookup)
    for _ in range(5):
        shared.submit("a.example", answers.put)
    release.set()

    assert [answers.get(timeout=5) for _ in range(5)] == [("192.0.2.1",)] * 5
    assert asked == ["a.example"]


def test_hanging_names_take_no_more_threads_than_allowed():
    release = threading.Event()
    answers: Queue[Found] = Queue()

    def lookup(_host):
        release.wait(10)
        return ("192.0.2.1",)

    limited = Resolver(lookup, threads=3)

    for at in range(10):
        limited.submit(f"{at}.example", answers.put)
    running = [thread for thread in threading.enumerate() if thread.name == "probe-lookup"]
    release.set()

    assert len([answers.get(timeout=5) for _ in range(10)]) == 10
    assert 1 <= len(running) <= 3 + resolver.THREADS


def test_idle_threads_end(monkeypatch):
    monkeypatch.setattr(resolver, "IDLE_S", 0.05)
    answers: Queue[Found] = Queue()
    brief = Resolver(lambda _: ("192.0.2.1",))
    brief.submit("a.example", answers.put)
    answers.get(timeout=5)

    deadline = time.monotonic() + 5
    while brief._running and time.monotonic() < deadline:
        time.sleep(0.01)
    assert brief._running == 0

    brief.submit("a.example", answers.put)
    assert answers.get(timeout=5) == ("192.0.2.1",)


def test_a_forked_worker_has_a_resolver_of_its_own():
    before = system_resolver()

    child = os.fork()
    if child == 0:
        os._exit(0 if system_resolver() is not before else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
    assert system_resolver() is before
