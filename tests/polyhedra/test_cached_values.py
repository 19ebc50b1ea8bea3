"""Values that are computed when they are first asked for: once, and without waiting for other threads."""

import os
import threading
import time

import pytest

from polyhedra.cached_values import cached_property


class Slow:
    """An object whose value takes as long to compute as the test wants."""

    def __init__(self, go: threading.Event) -> None:
        self.go = go
        self.begun = threading.Event()
        self.computed = 0

    @cached_property
    def value(self) -> object:
        """A new object each time it is computed."""
        self.computed += 1
        self.begun.set()
        assert self.go.wait(30)
        return object()


@pytest.fixture
def busy():
    """An object whose value another thread is computing until the test has ended."""
    go = threading.Event()
    slow = Slow(go)
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    assert slow.begun.wait(30)
    yield slow
    go.set()
    thread.join()


def ready() -> Slow:
    go = threading.Event()
    go.set()
    return Slow(go)


def test_a_value_is_computed_once_and_kept_in_the_object():
    one, two = ready(), ready()
    assert one.value is one.value
    assert one.value is not two.value
    assert (one.computed, two.computed) == (1, 1)
    assert vars(one)["value"] is one.value
    assert Slow.value.__doc__ == "A new object each time it is computed."


def test_an_error_is_not_kept():
    class Failing:
        tries = 0

        @cached_property
        def value(self) -> int:
            self.tries += 1
            if self.tries == 1:
                raise ValueError("once")
            return 5

    failing = Failing()
    with pytest.raises(ValueError, match="once"):
        _ = failing.value
    assert failing.value == 5


def test_another_object_does_not_wait_for_a_thread(busy):
    done = threading.Event()
    other = ready()
    asking = threading.Thread(target=lambda: (other.value, done.set()), daemon=True)
    asking.start()
    assert done.wait(10), "the value of one object waits for that of another"


def test_two_threads_get_the_value_that_was_first(busy):
    asking = []
    thread = threading.Thread(target=lambda: asking.append(busy.value))
    thread.start()
    while busy.computed < 2:  # the second thread computes it, too
        time.sleep(0.001)
    busy.go.set()
    thread.join(30)
    assert asking == [busy.value]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes cannot be forked on this system")
def test_a_forked_process_does_not_wait_for_a_thread_it_has_not(busy):
    child = os.fork()
    if child == 0:  # the thread that computes is not here
        _ = ready().value
        os._exit(0)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert status == 0
            return
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    pytest.fail("the forked process waits for ever")
