"""Several programs at once, of which one at a time moves: from one of its requests to the next, as a test chooses."""

import threading
from collections.abc import Callable, Iterable
from itertools import chain, count


class Turns:
    def __init__(self) -> None:
        self._moving: threading.Semaphore | None = None
        self._stopped = threading.Semaphore(0)

    def wait(self) -> None:
        """What a program does before each of its requests: it lets the others move until it is its turn."""
        mine = self._moving
        assert mine is not None
        self._stopped.release()
        mine.acquire()
        self._moving = mine

    def play(self, programs: list[Callable[[], None]], order: Iterable[int]) -> None:
        """Runs all to their ends. order: which of those that have not ended moves next; then they move in turn."""
        failed: list[BaseException] = []
        ended: set[threading.Semaphore] = set()

        def run(program: Callable[[], None], mine: threading.Semaphore) -> None:
            mine.acquire()
            self._moving = mine
            try:
                program()
            except BaseException as error:  # noqa: BLE001 - told to the test below
                failed.append(error)
            ended.add(mine)
            self._stopped.release()

        waiting = [threading.Semaphore(0) for _ in programs]
        threads = [threading.Thread(target=run, args=each) for each in zip(programs, waiting, strict=True)]
        for thread in threads:
            thread.start()
        for chosen in chain(order, count()):
            if not waiting:
                break
            waiting[chosen % len(waiting)].release()
            self._stopped.acquire()
            waiting = [each for each in waiting if each not in ended]
        for thread in threads:
            thread.join()
        for error in failed:
            raise error
