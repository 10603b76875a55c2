"""The attacks of `tests/attacks/`, each graded for real: none gains a point, reads a secret or harms another."""

from __future__ import annotations

import base64
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import attack_kit
import pytest
from attack_kit import ABSTRACT_SOCKET, POINTS, Attack

from tlcourse import sandbox
from tlcourse.grading import Release, Result
from tlcourse.grading.examination import examine
from tlcourse.grading.kernel import Allowance
from tlcourse.grading.mending import mend
from tlcourse.grading.nbgrading import user_config

ALL = attack_kit.attacks()
SEED = b"heron-otter-lynx-marmoset-quartz"
TIGHT = Allowance(memory=1 << 30, processes=200, cell_seconds=5.0, total_seconds=60.0)
SERVER_PORT = 47113  # net-server tries to listen there
SHARED_MEMORY_KEY = 0x7C0A77AC  # leave-shared-memory uses it

pytestmark = pytest.mark.usefixtures("sandboxed")


@dataclass(frozen=True)
class Graded:
    """An attack and what came of it."""

    attack: Attack
    result: Result

    @property
    def text(self) -> str:
        return json.dumps(self.result.as_json(), ensure_ascii=False)


@pytest.fixture(scope="module")
def release() -> Release:
    return replace(Release.read(attack_kit.RELEASE), seed=SEED, timeout=TIGHT.cell_seconds)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[socket.socket]:
    """What an attack must not find: a secret in the environment, a class beside it, a server on a Unix socket."""
    room = tmp_path_factory.mktemp("class")
    (room / "gradebook.db").write_text(attack_kit.GRADEBOOK_SECRET)
    (room / "survival.ipynb").write_text(attack_kit.SUBMISSION_SECRET)
    with pytest.MonkeyPatch.context() as patch, socket.socket(socket.AF_UNIX) as server:
        patch.setenv("TLCOURSE_ATTACK_SECRET", attack_kit.ENVIRONMENT_SECRET)
        patch.setenv("TLCOURSE_CACHE", str(room / "cache"))
        (room / "cache").mkdir()
        server.bind(ABSTRACT_SOCKET)
        server.listen()
        server.setblocking(False)
        yield server


@pytest.fixture(scope="module")
def hall(request: pytest.FixtureRequest, release: Release, host: socket.socket) -> Iterator[dict[str, Future[Result]]]:
    """All attacks that this run looks at, two at a time: most wait for a limit, and none may disturb its neighbour."""
    chosen = [getattr(item, "callspec", None) for item in request.session.items]
    taken = [call.params["graded"] for call in chosen if call and "graded" in call.params]
    with ThreadPoolExecutor(max_workers=2) as pool:
        yield {attack.name: pool.submit(_grade, attack.notebook, release) for attack in dict.fromkeys(taken)}


@pytest.fixture(scope="module", params=ALL, ids=lambda attack: attack.name)
def graded(request: pytest.FixtureRequest, hall: dict[str, Future[Result]]) -> Graded:
    """One attack, graded once for all tests that look at it."""
    return Graded(request.param, hall[request.param.name].result())


def _grade(notebook: dict[str, Any], release: Release) -> Result:
    mended = mend(json.dumps(notebook).encode(), release)
    return examine(mended.notebook, release, TIGHT, mended.notes)


def test_the_verdicts_are_the_expected_ones(graded: Graded) -> None:
    found = {question.name: question.verdict.value for question in graded.result.questions}
    wrong = {name: verdict for name, verdict in found.items() if verdict not in graded.attack.expect[name]}
    assert (wrong, set(found)) == ({}, set(POINTS)), [question for question in graded.result.questions]


def test_points_are_given_for_right_answers_alone(graded: Graded) -> None:
    for question in graded.result.questions:
        most = POINTS[question.name]
        assert question.max_points == most
        if question.verdict == "hand":
            assert question.points is None
        elif question.name in graded.attack.attacked:
            assert question.points == 0
        else:
            assert 0 <= (question.points or 0) <= most
            assert (question.points == most) == (question.verdict == "right")


def test_nothing_secret_is_told(graded: Graded) -> None:
    seeds = (SEED.decode(), SEED.hex(), base64.b64encode(SEED).decode())
    told = graded.text
    assert [text for text in (*graded.attack.must_not_contain, *seeds) if text in told] == []


def test_what_is_told_can_be_stored_and_printed(graded: Graded) -> None:
    graded.text.encode("utf-8")
    assert Result.from_json(json.loads(graded.text)).points == graded.result.points
    said = [*graded.result.notes, *(question.message for question in graded.result.questions)]
    said += [f"{found.message} {found.next_step}" for one in graded.result.questions for found in one.findings]
    assert [text for text in said if not text.replace("\n", " ").isprintable()] == []
    assert len(graded.text) < 30_000_000


@pytest.mark.parametrize("graded", [one for one in ALL if one.must_not_render], indirect=True, ids=lambda one: one.name)
def test_feedback_runs_no_script(graded: Graded, fresh_class: Path) -> None:
    from nbconvert import HTMLExporter
    from nbformat import from_dict

    page, _ = HTMLExporter(config=user_config(fresh_class)).from_notebook_node(from_dict(graded.result.notebook))
    assert [text for text in graded.attack.must_not_render if text in page] == []


def test_nothing_is_left_behind(hall: dict[str, Future[Result]], host: socket.socket) -> None:
    wait(hall.values())
    assert _left_behind(host) == []


def test_an_honest_submission_gets_all_points_after_all_that(hall: dict[str, Future[Result]], release: Release) -> None:
    wait(hall.values())
    result = _grade(attack_kit.honest(), release)
    assert {one.name: one.points for one in result.questions} == POINTS | {"why": None}


def test_the_suite_is_as_large_as_promised_and_aims_at_every_question() -> None:
    assert len(ALL) >= 70
    assert {name for attack in ALL for name in attack.attacked} >= set(POINTS) - {"why"}


def test_the_table_lists_every_attack() -> None:
    table = (attack_kit.FOLDER / "README.md").read_text(encoding="utf-8")
    assert [attack.name for attack in ALL if f"| `{attack.name}` | {attack.tries} |" not in table] == []


def _left_behind(server: socket.socket) -> list[str]:
    """Processes, files, shared memory and connections that the attacks left on this machine."""
    left = _processes(patience=10)
    places = [Path(name) for name in ("/tmp", "/var/tmp", "/dev/shm", "/run", "/")]
    places += [Path(place) for place in sys.path if place] + [Path(os.environ["TLCOURSE_CACHE"])]
    places += [Path.home() / name for name in ("", ".ipython/profile_default/startup", ".jupyter", ".cache")]
    package = Path(sandbox.__file__).parents[1]
    places += [package, package / "checks", package / "checks" / "__pycache__", Path.cwd()]
    for place in {place.resolve() for place in places if place.is_dir()}:
        left += [str(path) for path in place.iterdir() if path.name.startswith(("tlcourse-attack", "tlcourse_attack"))]
    for kind in ("shm", "msg"):
        if str(SHARED_MEMORY_KEY) in Path(f"/proc/sysvipc/{kind}").read_text():
            left.append(f"SysV {kind}")
    with suppress(BlockingIOError):
        left.append(f"a connection {server.accept()}")
    with socket.socket() as line:
        if line.connect_ex(("127.0.0.1", SERVER_PORT)) == 0:
            left.append("a server")
    return left


def _processes(patience: float) -> list[str]:
    """What runs below the warm parent, or is named as the attacks name their sleepers, once it had time to go."""
    import psutil

    end = time.monotonic() + patience
    while True:
        warm = psutil.Process().children()
        below = [one for parent in warm for one in parent.children(recursive=True)]
        asleep = [one for one in psutil.process_iter(["cmdline"]) if "61.725" in (one.info["cmdline"] or [])]
        if not below and not asleep:
            return []
        if time.monotonic() > end:
            return [f"process {one}" for one in {*below, *asleep}]
        time.sleep(0.05)
