"""The attacks of `tests/attacks/` on plain nbgrader, each behind an outer fence of its own.

python benchmarks/attacks.py [NAME ...] [--write]

Each attack is handed in beside an honest submission that comes after it. The table says what `nbgrader autograde` makes
of it: points for wrong answers, points lost by right ones, what is read, what is left behind, and whether the honest
submission is graded. `--write` puts the table into `tests/attacks/README.md`; with names, their rows alone. The whole
takes half an hour. Linux only: the fence is made of namespaces.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "grading"))

from attack_kit import (  # noqa: E402
    ABSTRACT_SOCKET,
    ENVIRONMENT_SECRET,
    FOLDER,
    GRADEBOOK_SECRET,
    POINTS,
    RELEASE,
    SUBMISSION_SECRET,
    Attack,
    attacks,
    honest,
)

README = FOLDER / "README.md"
BEGIN, END = "<!-- table: made by benchmarks/attacks.py -->", "<!-- end of the table -->"
SECONDS = 90  # for one attack and the honest submission after it
MEMORY = 10 << 30  # bytes; above, the whole fence is ended
CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "attacks"
c.Execute.timeout = 5
c.Execute.interrupt_on_timeout = True
"""
OVERLAID = (ROOT, Path.home())
UNSHARE = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--net", "--ipc", "--uts"]
UNSHARE += ["--fork", "--kill-child", "--mount-proc"]


@dataclass
class Outcome:
    """What came of one attack.

    Args:
        scores: points by question; empty if there is no result.
        honest: points of the honest submission after it, None if it was not graded.
        read: forbidden text that stands in the results.
        left: files and processes that outlive the run.
        ended: how the run itself ended, empty if as it should.
    """

    scores: dict[str, float] = field(default_factory=dict)
    honest: float | None = None
    read: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    ended: str = ""


def told(attack: Attack, outcome: Outcome) -> str:
    """An outcome in a few words."""
    gained = sum(outcome.scores.get(name, 0.0) for name in attack.attacked)
    most = sum(POINTS[name] for name in attack.attacked)
    lost = [
        name
        for name, allowed in attack.expect.items()
        if allowed == ("right",) and outcome.scores.get(name, 0.0) < POINTS[name]
    ]
    words = []
    if outcome.ended:
        words.append(outcome.ended)
    if not outcome.scores:
        words.append("**no result** for this learner")
    else:
        if gained > 0 or gained < 0:
            words.append(f"**{gained:g} of {most:g} points** for wrong answers")
        if lost:
            words.append(f"loses {len(lost)} right answer{'s' if len(lost) > 1 else ''}")
    if outcome.honest is None:
        words.append("**the batch ends**: nobody after it is graded")
    elif outcome.honest < 8:
        words.append(f"the next learner gets {outcome.honest:g} of 8 points")
    if outcome.read:
        words.append("**shows** " + ", ".join(outcome.read))
    if outcome.left:
        words.append("**leaves** " + ", ".join(outcome.left))
    return "; ".join(words) or "as it should be"


# --- inside the fence -------------------------------------------------------------------------------------------------


def inside(name: str, template: Path) -> None:
    """Grade one attack here, where nothing that it does reaches the machine; print what came of it."""
    attack = next(one for one in attacks() if one.name == name)
    course, written = _own_world(template)
    servers = _servers()
    for student, notebook in (("attack", attack.notebook), ("honest", honest() | {"note": SUBMISSION_SECRET})):
        folder = course / "submitted" / student / RELEASE.stem
        folder.mkdir(parents=True)
        (folder / RELEASE.name).write_text(json.dumps(notebook), encoding="utf-8")
    outcome = Outcome()
    graded = _nbgrader(course, "autograde")
    if graded is None:
        outcome.ended = "runs until it is stopped from outside"
    elif graded < 0:
        outcome.ended = "nbgrader itself is killed"
    outcome.left = _left(written)
    outcome.scores, outcome.honest = _scores(course)
    outcome.read = _read(attack, course)
    print("\n" + json.dumps(vars(outcome)), flush=True)
    for server in servers:
        server.close()


def _own_world(template: Path) -> tuple[Path, Path]:
    """Memory in place of every folder that may be written, laid over what is there.

    Returns:
        a copy of the class, and the folder that holds all that will be written.
    """
    place = Path("/mnt")
    _run("mount", "-t", "tmpfs", "-o", "size=10g", "tmpfs", str(place))
    course = Path(shutil.copytree(template, place / "course"))
    written = place / "written"
    for number, folder in enumerate(OVERLAID):
        upper, work = written / f"{folder.name}-{number}", place / f"work-{number}"
        upper.mkdir(parents=True)
        work.mkdir()
        layers = f"lowerdir={folder},upperdir={upper},workdir={work},userxattr"
        _run("mount", "-t", "overlay", "overlay", "-o", layers, str(folder))
    for name in ("/tmp", "/var/tmp", "/dev/shm", "/run"):
        fresh = written / name.lstrip("/")
        fresh.mkdir(parents=True)
        _run("mount", "--bind", str(fresh), name)
    _run("mount", "-o", "remount,bind,ro", "/")
    os.chdir("/")
    return course, written


def _servers() -> list[socket.socket]:
    """What the machine itself might serve: a port of its own, a Unix socket without a file."""
    with socket.socket() as line:
        up = struct.pack("16sh", b"lo", 1)
        fcntl.ioctl(line, 0x8914, up)  # SIOCSIFFLAGS: kernels are spoken to over the loopback
    servers = [socket.create_server(("127.0.0.1", 8888)), socket.socket(socket.AF_UNIX)]
    servers[1].bind(ABSTRACT_SOCKET)
    servers[1].listen()
    return servers


def _nbgrader(course: Path, command: str) -> int | None:
    """Run nbgrader; its exit status, None if it had to be stopped."""
    words = [sys.executable, "-m", "nbgrader", command, RELEASE.stem]
    with (course / f"{command}.log").open("wb") as log:
        process = subprocess.Popen(words, cwd=course, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            return process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return None


def _left(written: Path) -> list[str]:
    time.sleep(0.5)
    own = {1, os.getpid(), os.getppid()}
    processes = [path for path in Path("/proc").glob("[0-9]*") if int(path.name) not in own and _lives(path)]
    names = sorted({_place(path, written) for path in written.rglob("*tlcourse*attack*")})
    left = [f"files in {', '.join(names)}"] if names else []
    return left + ([f"{len(processes)} process{'es' if len(processes) > 1 else ''}"] if processes else [])


def _place(path: Path, written: Path) -> str:
    """The folder that a file was left in, as a reader knows it."""
    parts = path.relative_to(written).parts
    if "site-packages" in parts:
        return "site-packages"
    return f"/{'/'.join(parts[:-1])}" if parts[0] in ("tmp", "var", "dev", "run") else "/".join(("~", *parts[1:-1]))


def _lives(place: Path) -> bool:
    try:
        return "State:\tZ" not in (place / "status").read_text()
    except OSError:
        return False


def _scores(course: Path) -> tuple[dict[str, float], float | None]:
    from nbgrader.api import Gradebook, MissingEntry

    scores: dict[str, dict[str, float]] = {"attack": {}, "honest": {}}
    with Gradebook(f"sqlite:///{course}/gradebook.db") as gradebook:
        for student, found in scores.items():
            try:
                submission = gradebook.find_submission_notebook(RELEASE.stem, RELEASE.stem, student)
            except MissingEntry:
                continue
            if (course / "autograded" / student / RELEASE.stem / RELEASE.name).is_file():
                found |= {grade.name: grade.auto_score for grade in submission.grades if grade.auto_score is not None}
    return scores["attack"], sum(scores["honest"].values()) if scores["honest"] else None


def _read(attack: Attack, course: Path) -> list[str]:
    found = []
    graded = course / "autograded" / "attack" / RELEASE.stem / RELEASE.name
    if graded.is_file() and attack.must_not_contain:
        cells = json.loads(graded.read_text(encoding="utf-8"))["cells"]
        outputs = json.dumps([cell.get("outputs") for cell in cells], ensure_ascii=False)
        found += [f"`{text}`" for text in attack.must_not_contain if text in outputs]
    if graded.is_file() and attack.must_not_render:
        _nbgrader(course, "generate_feedback")
        page = course / "feedback" / "attack" / RELEASE.stem / f"{RELEASE.stem}.html"
        text = page.read_text(encoding="utf-8", errors="replace") if page.is_file() else ""
        found += ["scripts that run in the feedback"] if any(part in text for part in attack.must_not_render) else []
    return found


def _run(*words: str) -> None:
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


# --- outside ----------------------------------------------------------------------------------------------------------


def make_class(folder: Path) -> Path:
    """A class with the suite's lesson released, and one learner whose name must stay in the gradebook."""
    from nbgrader.api import Gradebook

    source = folder / "source" / RELEASE.stem
    source.mkdir(parents=True)
    shutil.copy(RELEASE, source)
    (folder / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    words = [sys.executable, "-m", "nbgrader", "generate_assignment", RELEASE.stem, "--create"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    with Gradebook(f"sqlite:///{folder}/gradebook.db") as gradebook:
        gradebook.update_or_create_student(GRADEBOOK_SECRET)
    return folder


def on_nbgrader(attack: Attack, template: Path) -> Outcome:
    """What plain nbgrader makes of an attack."""
    words = [*UNSHARE, sys.executable, __file__, "--inside", attack.name, str(template)]
    env = os.environ | {"TLCOURSE_ATTACK_SECRET": ENVIRONMENT_SECRET, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        words,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    done = threading.Event()
    watch = threading.Thread(target=_watch, args=(process, done))
    watch.start()
    try:
        printed, _ = process.communicate(timeout=2 * SECONDS + 30)
        return Outcome(**json.loads(printed.splitlines()[-1]))
    except (subprocess.TimeoutExpired, ValueError, IndexError):
        return Outcome(ended="ends what it runs in")
    finally:
        done.set()
        process.kill()
        watch.join()


def _watch(process: subprocess.Popen[bytes], done: threading.Event) -> None:
    """End a fence that takes more memory than the machine can spare."""
    import psutil

    while not done.wait(0.2):
        try:
            family = psutil.Process(process.pid).children(recursive=True)
            taken = sum(one.memory_info().rss for one in family)
        except psutil.Error:
            continue
        if taken > MEMORY:
            process.kill()


def rows(chosen: list[Attack]) -> list[tuple[Attack, Outcome]]:
    """Every attack in turn, with a line for each."""
    found = []
    with tempfile.TemporaryDirectory() as place:
        template = make_class(Path(place) / "class")
        for number, attack in enumerate(chosen, 1):
            outcome = on_nbgrader(attack, template)
            found.append((attack, outcome))
            print(f"{number:3} {attack.name:32} {told(attack, outcome)}", flush=True)
    return found


def figures(found: list[tuple[Attack, Outcome]]) -> dict[str, Any]:
    """The counts of the last line."""

    def count(is_so: Any) -> int:
        return sum(bool(is_so(attack, outcome)) for attack, outcome in found)

    return {
        "attacks": len(found),
        "nbgrader_gives_points": count(lambda a, o: sum(o.scores.get(name, 0) for name in a.attacked) > 0),
        "nbgrader_no_result": count(lambda a, o: not o.scores),
        "nbgrader_batch_ends": count(lambda a, o: o.honest is None),
        "nbgrader_shows_secrets": count(lambda a, o: o.read),
        "nbgrader_leaves_things": count(lambda a, o: o.left),
        "nbgrader_as_it_should_be": count(lambda a, o: told(a, o) == "as it should be"),
    }


def write(found: list[tuple[Attack, Outcome]]) -> None:
    """Put rows into the README's table, where those of other attacks stay."""
    text = README.read_text(encoding="utf-8")
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    table = text.partition(BEGIN)[2].partition(END)[0].splitlines()
    rows = {row.split("`")[1]: row for row in table if row.startswith("| `")}
    for attack, outcome in found:
        rows[attack.name] = f"| `{attack.name}` | {attack.tries} | {_here(attack)} | {told(attack, outcome)} |"
    there = [rows[attack.name] for attack in attacks() if attack.name in rows]
    lines = ["| attack | what it tries | here | plain nbgrader |", "|---|---|---|---|", *there]
    README.write_text(f"{before}{BEGIN}\n" + "\n".join(lines) + f"\n{END}{after}", encoding="utf-8")


def _here(attack: Attack) -> str:
    """The verdicts that our grader may give, which `tests/grading/test_attacks.py` holds it to."""
    allowed = sorted({verdict for name in attack.attacked for verdict in attack.expect[name]})
    return " or ".join(allowed) if allowed else "all points"


def main() -> None:
    """One attack after another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="only these attacks")
    parser.add_argument("--write", action="store_true", help="write tests/attacks/README.md")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    # nbgrader starts programs that are installed beside it.
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if arguments.inside:
        inside(arguments.names[0], Path(arguments.names[1]))
        return
    found = rows([attack for attack in attacks() if not arguments.names or attack.name in arguments.names])
    if arguments.write:
        write(found)
    print(json.dumps(figures(found)))


if __name__ == "__main__":
    main()
