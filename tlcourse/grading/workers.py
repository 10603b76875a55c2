"""Many submissions at once, on Dask: a cluster of this machine's processors, or one by its address."""

from __future__ import annotations

import itertools
import logging
import os
import signal
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import resource_tracker
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import dask
import distributed
from dask.system import CPU_COUNT
from distributed.security import Security
from distributed.utils import silence_logging_cmgr

from tlcourse import __version__
from tlcourse.errors import CourseError, NotebookError
from tlcourse.extras import require
from tlcourse.grading.stopping import Stop, on_interrupt
from tlcourse.grading.tasks import Done, Examiner, Setup, Task

Item = TypeVar("Item")
Watch = Callable[[str, str | None], None]
"""Told what a worker (its address) has begun; an empty string when it waits, None when it is gone."""

CONNECTING = 30.0
"""Seconds to wait for a cluster, and for its first worker."""

ABANDONED = 300.0
"""Seconds without any worker after which nobody expects one to come back."""

TRIES = 3
"""How often a submission is given to a worker that dies of it, or beside it."""

ASKING = 0.2
"""Seconds for which the number of a cluster's workers holds."""

AHEAD = 3
"""Submissions on their way for each processor: the next is there when one is done, and no more lie in memory."""

_SETTINGS = {
    # Dask's own diaries would keep the last thousand submissions in memory.
    "distributed.admin.low-level-log-length": 10,
    "distributed.admin.large-graph-warning-threshold": "1 TiB",
    # A submission that was lost with its worker comes back here, where it is known what else was on that worker.
    "distributed.scheduler.allowed-failures": 0,
    # Nobody looks at what Dask measures of itself, a hundred times a second in each process.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "500 ms",
    "distributed.admin.system-monitor.gil.enabled": False,
    # The pages and figures that Dask serves would listen on every network of this machine.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
}


def processors() -> int:
    """The processors that this process may use."""
    return CPU_COUNT


class Workers:
    """A cluster on which every worker is ready to grade. A context manager: at its end nothing of it is left.

    Args:
        setup: what is graded, and how.
        count: worker processes on this machine.
        log: the file for what these processes write.
        stop: whether to stop.
        address: the cluster to use instead, such as `tcp://10.0.0.5:8786`.
        watch: is told what each worker does, from another thread.
    """

    def __init__(self, setup: Setup, *, count: int, log: Path, address: str, stop: Stop, watch: Watch) -> None:
        self._setup = setup
        self._count = count
        self._log = log
        self._address = address
        self._watch = watch
        self._name = f"tlcourse-grading-{uuid.uuid4().hex[:12]}"
        self._stack = ExitStack()
        self._stop = stop
        self._arrived: SimpleQueue[distributed.Future] = SimpleQueue()
        self._numbers = itertools.count()
        self._workers: set[str] = set()
        self._last_seen = time.monotonic()
        self._asked, self._threads_known = -ASKING, 0

    def __enter__(self) -> Workers:
        with ExitStack() as stack:
            stack.enter_context(dask.config.set(_SETTINGS))
            # What matters of it is said in our own words.
            stack.enter_context(silence_logging_cmgr(logging.CRITICAL))
            own = stack.enter_context(_own_cluster(self._count)) if not self._address else None
            self._client = stack.enter_context(_connected(own or self._address))
            if own is None:
                _insist_on_workers(self._client, self._address)
            self._client.subscribe_topic(self._name, self._heard)
            self._client.register_plugin(_Leave(self._client.id, self._name), name=f"{self._name}-leave")
            self._client.register_plugin(_Desk(self._setup, self._log if own else None), name=self._name)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        with on_interrupt(signal.SIG_IGN):
            self._stack.close()

    def run(self, items: Iterable[Item], load: Callable[[Item], Task]) -> Iterator[tuple[Item, Done]]:
        """Grade submissions; each comes back as soon as it is done.

        A submission whose worker died is graded again when the others are through, with nothing else on its worker.

        Args:
            items: what to grade.
            load: reads one of them. It is called shortly before a worker needs it, and may raise NotebookError.

        Raises:
            CourseError: the cluster is gone.
            KeyboardInterrupt: it is time to stop.
        """
        for ahead in (AHEAD, *[1] * (TRIES - 1)):
            lost: list[Item] = []
            yield from self._round(items, load, ahead, lost)
            items = lost
        for item in items:
            yield item, Done.internal(f"{TRIES} workers died while they had it")

    def _round(
        self, items: Iterable[Item], load: Callable[[Item], Task], ahead: int, lost: list[Item]
    ) -> Iterator[tuple[Item, Done]]:
        """Grade each of `items` once; those whose worker died go to `lost`."""
        under_way: dict[Any, Item] = {}
        for item in items:
            try:
                future = self._submit(load(item))
            except NotebookError as error:
                yield item, Done(fault=error.fault, cure=error.cure)
                continue
            under_way[future.key] = item
            future.add_done_callback(self._arrived.put)
            del future
            while len(under_way) >= ahead * max(1, self._threads()):
                yield from self._next(under_way, lost)
        while under_way:
            yield from self._next(under_way, lost)

    def _submit(self, task: Task) -> distributed.Future:
        # Keys of one name are one group to Dask, which keeps books on groups.
        with _reachable():
            return self._client.submit(grade_task, task, self._name, key=(self._name, next(self._numbers)), pure=False)

    def _next(self, under_way: dict[Any, Item], lost: list[Item]) -> Iterator[tuple[Item, Done]]:
        future = self._next_arrival()
        item = under_way.pop(future.key)
        try:
            with _reachable():
                done = future.result()
        except distributed.KilledWorker:
            lost.append(item)
            return
        except CourseError:
            raise
        except Exception as error:  # a worker that is no longer what it was: another version, no memory left
            done = Done.internal(f"{type(error).__name__}: {error}")
        finally:
            # What the worker sent is let go there and here, however long the gradebook takes.
            del future
        yield item, done

    def _next_arrival(self) -> distributed.Future:
        while True:
            self._stop.check()
            with suppress(Empty):
                return self._arrived.get(timeout=0.2)
            if not self._threads() and time.monotonic() > self._last_seen + ABANDONED:
                raise CourseError("All workers have gone.", "Start them again, then run the same command.")

    def _threads(self) -> int:
        """The submissions that the cluster can grade at once, as of a moment ago: asking it takes a while."""
        if time.monotonic() > self._asked + ASKING:
            self._threads_known = self._ask_for_threads()
            self._asked = time.monotonic()
        return self._threads_known

    def _ask_for_threads(self) -> int:
        with _reachable():
            threads = self._client.nthreads()
        for worker in self._workers - set(threads):
            self._watch(worker, None)
        for worker in set(threads) - self._workers:
            self._watch(worker, "")
        self._workers = set(threads)
        if threads:
            self._last_seen = time.monotonic()
        return sum(threads.values())

    def _heard(self, event: tuple[float, dict[str, str]]) -> None:
        _, heard = event
        self._watch(heard["worker"], heard["does"])


def grade_task(task: Task, name: str) -> Done:
    """Grade one submission in a worker that `_Desk` has made ready."""
    worker = distributed.get_worker()
    worker.log_event(name, {"worker": worker.address, "does": f"{task.student} {task.lesson}"})
    try:
        desk: Any = worker.plugins[name]
        return desk.examiner.grade(task)
    finally:
        worker.log_event(name, {"worker": worker.address, "does": ""})


class _Desk(distributed.WorkerPlugin):
    """What a worker needs to grade. Dask gives it to workers that come later, or again, as well."""

    def __init__(self, setup: Setup, log: Path | None) -> None:
        self._setup = setup
        self._log = log

    def setup(self, worker: distributed.Worker) -> None:
        """Start the engine."""
        if self._log:
            _leave_terminal(self._log)
        self.examiner = Examiner(self._setup)

    def teardown(self, worker: distributed.Worker) -> None:
        """End the engine."""
        self.examiner.close()


class _Leave(distributed.SchedulerPlugin):
    """Takes the desks off a cluster's workers when the client that put them there ends, however it ends."""

    def __init__(self, client: str, name: str) -> None:
        self._client = client
        self._name = name

    def remove_client(self, scheduler: distributed.Scheduler, client: str) -> None:
        """Called by Dask for each client that leaves."""
        if client == self._client:
            scheduler.loop.add_callback(scheduler.unregister_worker_plugin, comm=None, name=self._name)
            scheduler.remove_plugin(f"{self._name}-leave")


@contextmanager
def _own_cluster(count: int) -> Iterator[distributed.LocalCluster]:
    """Worker processes of this machine, that only this process can talk to; they end when it does."""
    require("cryptography")
    with tempfile.TemporaryDirectory(prefix="tlcourse-grade-", ignore_cleanup_errors=True) as folder:
        with _children_deaf():
            cluster = distributed.LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address=None,
                scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
                # A cluster runs whatever it is sent: its port is open to this process alone.
                security=Security.temporary(),
                local_directory=folder,
                silence_logs=logging.CRITICAL,
                # The sandbox limits what a submission takes.
                memory_limit=0,
            )
        try:
            yield cluster
        finally:
            # Dask stumbles over a worker that is just being started again; that one ends with this process.
            with suppress(Exception):
                cluster.close()


@contextmanager
def _children_deaf() -> Iterator[None]:
    """Threads started in the block, and the processes that they start, now or later, do not hear Control-C."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Starting it would open the ears of the thread that does.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _leave_terminal(log: Path) -> None:
    """In a worker process: whoever started it has the terminal, and hears Control-C."""
    with log.open("ab") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        # What this process starts, such as a kernel, can be interrupted.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@contextmanager
def _connected(cluster: distributed.LocalCluster | str) -> Iterator[distributed.Client]:
    try:
        client = distributed.Client(cluster, timeout=CONNECTING, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CourseError(
            f"No Dask cluster answers at {cluster}: {error}.",
            "Check the address that `dask scheduler` printed, such as tcp://10.0.0.5:8786.",
        ) from error
    with client:
        yield client


@contextmanager
def _reachable() -> Iterator[None]:
    """What is asked of the cluster in the block fails clearly if it has gone."""
    try:
        yield
    except (OSError, distributed.CancelledError):
        raise CourseError("The cluster has gone.", "Start it again, then run the same command.") from None


def _insist_on_workers(client: distributed.Client, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=CONNECTING)
    except TimeoutError:
        raise CourseError(
            f"The cluster {address} has no workers.", f"Start some: dask worker {address} --nworkers=-1 --nthreads 1"
        ) from None
    answer: Any = client.get_versions(packages=["tlcourse"])
    found = answer["workers"]
    versions = {worker: info["packages"].get("tlcourse") for worker, info in found.items()}
    if wrong := {worker: version for worker, version in versions.items() if version != __version__}:
        worker, version = next(iter(wrong.items()))
        has = f"has tlcourse {version}" if version else "lacks tlcourse"
        raise CourseError(
            f"{len(wrong)} of {len(versions)} workers of the cluster cannot grade: {worker} {has}.",
            f"Install it there: pip install 'tlcourse[grading]=={__version__}', then start the workers again.",
        )
