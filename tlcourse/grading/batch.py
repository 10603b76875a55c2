"""Grading a batch: what was handed in goes to the workers, what comes back to the class's gradebook.

This process alone writes. A result is on disk before the gradebook gets it, so a batch that is cut off at any moment
goes on where it was.
"""

from __future__ import annotations

import errno
import signal
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from tlcourse import storage
from tlcourse.errors import BusyError, CourseError, NotebookError, StorageError
from tlcourse.extras import require
from tlcourse.grading import gradebook, results, staging, stored, submissions, tasks
from tlcourse.grading.live import Display, Lines
from tlcourse.grading.nbgrading import CONFIG_NAME, Course, user_config
from tlcourse.grading.release import Release
from tlcourse.grading.stopping import Stop, on_interrupt
from tlcourse.grading.submissions import NotGraded, Submission
from tlcourse.grading.tasks import Done, Examiner, Setup, Task
from tlcourse.grading.verdicts import Result, Verdict

_WHOLE_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""What a disk has against every file, and not against those of one submission."""

_MAKE = "Make one: tlcourse classroom DIR, then: tlcourse grade SUBMISSIONS --into DIR"


@dataclass(frozen=True)
class Options:
    """How a batch is graded.

    Args:
        lesson: only the lesson whose name begins so, or with this number.
        force: forget earlier results and grade everything again.
        workers: processes on this machine; 0 is one for each processor.
        cluster: a Dask cluster's address to use instead.
        gradebook: the database's URL, instead of the one in the class's configuration.
        trust: without a sandbox.
    """

    lesson: str = ""
    force: bool = False
    workers: int = 0
    cluster: str = ""
    gradebook: str = ""
    trust: bool = False


@dataclass
class Batch:
    """How a batch went.

    Args:
        course: the class.
        lessons: the results of everyone who has one, graded now or before and unchanged, lesson by lesson.
        not_graded: what got no score, and why.
        notes: what the instructor should know about submissions that were graded.
    """

    course: Course
    lessons: list[results.LessonResults] = field(default_factory=list)
    not_graded: list[NotGraded] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Job:
    """A submission in its place in the class."""

    student: str
    lesson: str
    folder: Path
    key: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.student} {self.lesson}"


class _Hands(Protocol):
    """What grades jobs: a cluster, or this process."""

    def run(self, items: Iterable[_Job], load: Callable[[_Job], Task]) -> Iterator[tuple[_Job, Done]]:
        """Grade each; in any order."""


def find_class(folder: Path, into: Path | None) -> Path:
    """The class that a folder of submissions belongs to.

    Args:
        folder: the submissions, or the class itself.
        into: the class, if it was named.

    Raises:
        CourseError: there is none.
    """
    if into is not None:
        if _is_nbgrader_course(into):
            return into.resolve()
        raise CourseError(f"{into} is no class: it has no {CONFIG_NAME}.", _MAKE)
    for candidate in (folder.resolve(), folder.resolve().parent):
        if _is_nbgrader_course(candidate):
            return candidate
    raise CourseError(f"{folder} lies in no class, and no class was named.", _MAKE)


def grade(folder: Path, into: Path | None, options: Options, display: Display | None = None) -> Batch:
    """Grade what learners handed in, into a class's gradebook.

    Args:
        folder: what learners handed in (see `submissions.find`), or a class, whose `submitted/` is meant.
        into: the class; the folder that holds `folder` if not given.
        options: what of it, and how.
        display: is told how it goes; one line a submission is printed if not given.

    Raises:
        CourseError: there is no such folder, class, lesson or cluster, another batch is at work in the class, this
            machine cannot grade, or the disk or the gradebook refuses. What was graded until then is kept.
        KeyboardInterrupt: somebody pressed Control-C. The same holds.
    """
    place = find_class(folder, into)
    with nullcontext("") if options.cluster else tasks.share(tasks.ENGINE) as shared:
        return _grade(folder, place, options, display or Lines(), shared)


def _grade(folder: Path, place: Path, options: Options, display: Display, shared: str) -> Batch:
    course = Course(place, user_config(place), options.gradebook)
    if folder.resolve() == place:
        folder = course.folder("submitted", ".", ".")
    stop = Stop()
    with _alone(place), stop.listening():
        lessons = _lessons(course)
        handed = submissions.find(folder, lessons)
        wanted = _wanted(options.lesson, lessons)
        chosen = [submission for submission in handed.submissions if submission.lesson in wanted]
        refused = [item for item in handed.not_graded if item.lesson in ("", *wanted)]
        return _Grading(course, options, display, stop, shared).run(chosen, refused)


class _Grading:
    """One batch in a class that no other batch is at work in."""

    def __init__(self, course: Course, options: Options, display: Display, stop: Stop, shared: str) -> None:
        self._course = course
        self._options = options
        self._display = display
        self._stop = stop
        self._shared = shared
        self._releases: dict[str, tuple[Release, ...]] = {}
        self._store = stored.Store(course.root)
        self._journal = stored.Journal(course.root, course.directory.db_url)
        self._graded: list[_Job] = []
        self._not_graded: list[NotGraded] = []

    def run(self, chosen: Sequence[Submission], refused: Sequence[NotGraded]) -> Batch:
        """Grade what needs it, and give the gradebook what it lacks."""
        self._not_graded = list(refused)
        lessons = {submission.lesson for submission in chosen}
        self._releases = {lesson: Release.all_of_class(self._course, lesson) for lesson in sorted(lessons)}
        jobs = self._jobs(chosen)
        if self._options.force:
            self._store.forget((job.student, job.lesson) for job in jobs)
        done = {job for job in jobs if self._store.has(job.student, job.lesson, job.key)}
        left = [job for job in jobs if job not in done]
        self._display.begin(len(chosen), len(left))
        for item in self._not_graded[len(refused) :]:
            self._display.through(f"{item.student} {item.lesson}", f"NOT GRADED: {item.fault}")
        with gradebook.open(self._course) as book:
            self._take_over([job for job in jobs if job in done], book)
            self._grade(left, book)
        return self._concluded()

    def _jobs(self, chosen: Sequence[Submission]) -> list[_Job]:
        """Bring submissions to their places in the class; those that cannot be read are not graded."""
        jobs = []
        for submission in chosen:
            self._stop.check()
            try:
                folder = self._course.folder("submitted", submission.student, submission.lesson)
                with _of_one_submission():
                    staging.stage(submission, folder, [release.lesson for release in self._releases[submission.lesson]])
                    task = self._task(submission.student, submission.lesson, folder)
                jobs.append(_Job(submission.student, submission.lesson, folder, task.key, submission.notes))
            except NotebookError as error:
                self._refuse(submission.student, submission.lesson, error.fault, error.cure)
        return jobs

    def _take_over(self, done: Sequence[_Job], book: gradebook.Book) -> None:
        """What has a result is not graded again; the gradebook gets what a run that was cut off still owed it."""
        students = {lesson: book.students(lesson) for lesson in self._releases}
        for job in done:
            self._stop.check()
            if job.student in students[job.lesson] and self._journal.has(job.student, job.lesson, job.key):
                self._graded.append(job)
                self._display.through(str(job), "unchanged since it was graded")
            elif self._write(job, self._store.results(job.student, job.lesson), book):
                self._display.through(str(job), "graded before; now it is in the gradebook")

    def _grade(self, left: Sequence[_Job], book: gradebook.Book) -> None:
        if not left:
            return
        with self._hands(len(left)) as hands:
            for job, done in hands.run(left, self._load):
                if done.text:
                    self._keep(job, done, book)
                else:
                    self._give_up(job, done.fault, done.cure)

    def _hands(self, jobs: int) -> AbstractContextManager[_Hands]:
        setup = Setup(self._releases, self._options.trust, tasks.ENGINE, self._shared)
        if jobs == 1 and not self._options.cluster:
            return _this_process(setup)
        workers: Any = require("tlcourse.grading.workers")
        count = min(jobs, self._options.workers or workers.processors())
        log = self._course.root / stored.FOLDER / "workers.log"
        storage.write_text(log, "")
        watch, address = self._display.working, self._options.cluster
        return workers.Workers(setup, count=count, log=log, address=address, stop=self._stop, watch=watch)

    def _keep(self, job: _Job, done: Done, book: gradebook.Book) -> None:
        self._store.put(job.student, job.lesson, done.text)
        _, graded = tasks.unpacked(done.text)
        if self._write(job, graded, book):
            self._display.through(str(job), _told(graded), graded)

    def _write(self, job: _Job, graded: Sequence[Result], book: gradebook.Book) -> bool:
        """Put results into the gradebook; whether it took them."""
        try:
            with _of_one_submission():
                book.write(job.student, job.lesson, graded, handed_in=job.folder)
        except NotebookError as error:
            self._give_up(job, error.fault, error.cure)
            return False
        self._journal.add(job.student, job.lesson, job.key)
        self._graded.append(job)
        return True

    def _give_up(self, job: _Job, fault: str, cure: str) -> None:
        self._refuse(job.student, job.lesson, fault, cure)
        self._display.through(str(job), f"NOT GRADED: {fault}")

    def _refuse(self, student: str, lesson: str, fault: str, cure: str) -> None:
        self._not_graded.append(NotGraded(f"{student}/{lesson}", fault.rstrip("."), cure.rstrip("."), student, lesson))

    def _load(self, job: _Job) -> Task:
        return self._task(job.student, job.lesson, job.folder)

    def _task(self, student: str, lesson: str, folder: Path) -> Task:
        releases = self._releases[lesson]
        notebooks, files = staging.read(folder, [release.lesson for release in releases])
        key = stored.key_of(notebooks, files, releases, trust=self._options.trust)
        return Task(student, lesson, key, notebooks, files)

    def _concluded(self) -> Batch:
        """Everyone's results, as the gradebook has them now."""
        batch = Batch(self._course, not_graded=self._not_graded)
        for lesson in sorted({job.lesson for job in self._graded}):
            jobs = sorted((job for job in self._graded if job.lesson == lesson), key=lambda job: job.student.casefold())
            graded = {job.student: self._store.verdicts(job.student, lesson) for job in jobs}
            batch.lessons.append(results.read(self._course, lesson, graded))
            for job in jobs:
                found = graded[job.student]
                notes = [*job.notes, *(note for result in found for note in result.notes)]
                batch.notes += [f"{job}: {note}" for note in notes]
                if names := _internal(found):
                    fault = f"the grader itself failed (internal) at {', '.join(names)}"
                    self._refuse(job.student, lesson, fault, "The rest has its score; run the same command again")
        return batch


class _ThisProcess:
    """For a single submission: no cluster, the same work."""

    def __init__(self, examiner: Examiner) -> None:
        self._examiner = examiner

    def run(self, items: Iterable[_Job], load: Callable[[_Job], Task]) -> Iterator[tuple[_Job, Done]]:
        """Grade one after the other."""
        for job in items:
            try:
                done = self._examiner.grade(load(job))
            except NotebookError as error:
                done = Done(fault=error.fault, cure=error.cure)
            yield job, done


@contextmanager
def _this_process(setup: Setup) -> Iterator[_Hands]:
    examiner = Examiner(setup)
    try:
        # One submission may take long, and there is nothing else to bring to its end.
        with on_interrupt(signal.default_int_handler):
            yield _ThisProcess(examiner)
    finally:
        examiner.close()


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            stack.enter_context(storage.locked(place / stored.FOLDER / "grading", timeout=0))
        except BusyError:
            raise CourseError(
                f"Another `tlcourse grade` is at work in {place}.", "Wait until it has ended, then run this again."
            ) from None
        yield


@contextmanager
def _of_one_submission() -> Iterator[None]:
    """Make what is wrong with a submission's own files a NotebookError: the others are graded."""
    try:
        yield
    except StorageError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno not in _WHOLE_DISK:
            raise NotebookError(error.fault, error.cure) from error
        raise
    except (OSError, RecursionError) as error:
        raise NotebookError(f"its files cannot be read: {error}", "Check them and their permissions") from error


def _told(graded: Sequence[Result]) -> str:
    points, most = (sum(getattr(result, name) for result in graded) for name in ("points", "max_points"))
    found = {question.verdict for result in graded for question in result.questions}
    unusual = "".join(f", {verdict}" for verdict in Verdict if verdict in found & results.UNUSUAL)
    return f"{points:g} of {most:g} points{unusual}, graded in {sum(result.seconds for result in graded):.1f} s"


def _internal(graded: Sequence[Result]) -> list[str]:
    return [question.name for result in graded for question in result.questions if question.verdict is Verdict.INTERNAL]


def _lessons(course: Course) -> dict[str, list[str]]:
    """The lessons of the class, each with the names of its notebooks."""
    with course.gradebook() as book:
        lessons = {lesson.name: [notebook.name for notebook in lesson.notebooks] for lesson in book.assignments}
    if not any(lessons.values()):
        raise CourseError(f"The class {course.root} has no lessons yet.", f"Run: tlcourse classroom {course.root}")
    return {name: notebooks for name, notebooks in sorted(lessons.items()) if notebooks}


def _wanted(query: str, known: Collection[str]) -> list[str]:
    prefix = query.zfill(2) if query.isdecimal() else query
    found = [name for name in known if name.startswith(prefix)]
    if not found:
        raise CourseError(f"This class has no lesson {query!r}.", f"Its lessons are: {', '.join(sorted(known))}.")
    return found


def _is_nbgrader_course(folder: Path) -> bool:
    return (folder / CONFIG_NAME).is_file()
