"""The instructor's guide for a server, followed to the letter: JupyterHub, PostgreSQL, a Dask cluster, a graded class.

Its commands are typed and its files are written on a spare machine: real accounts with real passwords, a real database,
a real hub in front of a real browser. `INSTEAD` is all that differs from what the guide says.
"""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from desk import Assignments
from guide_kit import CHECKOUT, adapted, section
from learner import PATIENCE, Lesson, find_chromium
from playwright.sync_api import Browser, Page, expect, sync_playwright
from spare_machine import STAND_INS, Machine, spare_machine

LESSON = "00-start-here"
PASSWORDS = {name: f"{name}'s long password" for name in ("prof", "tutor", "ada", "bob")}
ADDRESS = "https://localhost"
ARTEFACTS = CHECKOUT / "test-artefacts"

VENV = "/opt/tlcourse/.venv"
ELSEWHERE = "sudo -u postgres PGPORT=5433"

# What the guide leaves to its reader, and where a test cannot do as it says (for Debian's packages see
# tests/grading/test_guide.py).
INSTEAD = {
    "SERVER": "localhost",
    "sudo apt": ": sudo apt",
    # With what is not committed yet.
    "YOUR-COPY /opt/tlcourse": f"/mnt/copy /opt/tlcourse\ncp {CHECKOUT}/*.t[ox]* /opt/tlcourse",
    # The guide's environment is made, then this one takes its place; pip reads the course, and installs nothing.
    f"-m venv {VENV}": f"-m venv --without-pip {VENV}\nmount --bind {sys.prefix} {VENV}",
    "/pip install -e": "/pip install --quiet --dry-run --no-deps --no-index --no-build-isolation",
    # `make test` has installed it: is it there?
    "npm install": "npm ls",
    # A person types on in the new shell; this one reads what follows, and stops at the first command that fails.
    "sudo -iu grader": "sudo -iu grader bash -e",
    "nano passwords.txt": "cat > passwords.txt <<END\n" + "\n".join(map(":".join, PASSWORDS.items())) + "\nEND",
    "classroom autumn": "classroom autumn --lesson 00",
    "classroom spring": "classroom spring --lesson 00",
    # The other machine with a database is another server on this one.
    "sudo -u postgres createuser --pwprompt": f"printf 'hush\\nhush\\n' | {ELSEWHERE} createuser --pwprompt",
    "sudo -u postgres createdb --owner grader spring": f"{ELSEWHERE} createdb --owner grader spring",
    "nano .pgpass": "echo 'localhost:5433:*:grader:hush' > .pgpass",
    "DATABASE-HOST": "localhost:5433",
}
# What stays in the foreground, and what it prints when it is ready.
STAYS = {"dask scheduler": "Scheduler at:", "dask worker": "Registered to:"}

SYSTEMCTL = f"""\
#!{sys.executable}
# No systemd runs here: this starts a unit's command in its folder with its environment, as systemd would.
import configparser, os, shlex, signal, subprocess, sys, time
from pathlib import Path

order, name = sys.argv[1], sys.argv[-1]
unit = configparser.ConfigParser(interpolation=None)
unit.optionxform = str
unit.read("/etc/systemd/system/" + name + ".service")
service, note = unit["Service"], Path("/run") / (name + ".pid")
if order in ("stop", "restart"):
    os.kill(int(note.read_text()), signal.SIGTERM)
    while Path("/proc", note.read_text()).exists():
        time.sleep(0.1)
if order == "stop":
    sys.exit()
variable, _, value = service["Environment"].partition("=")
with open("/var/log/" + name + ".log", "ab") as log:
    started = subprocess.Popen(
        shlex.split(service["ExecStart"]), cwd=service["WorkingDirectory"], env={{variable: value}},
        stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
    )
note.write_text(str(started.pid))
"""

YOUR_COPY = """\
git config --system --add safe.directory '*'
git init --quiet --bare --initial-branch=main /mnt/copy
cd CHECKOUT
realpath "$(git rev-parse --git-common-dir)/objects" > /mnt/copy/objects/info/alternates
git -C /mnt/copy update-ref refs/heads/main "$(git rev-parse HEAD)"
"""

# --- the server -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def machine(sandboxed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A machine with Debian's packages of the guide, and nothing else yet."""
    for program in (
        "sudo",
        "git",
        "openssl",
        "curl",
        "pg_createcluster",
        "npm",
        f"{sys.prefix}/bin/configurable-http-proxy",
    ):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed here: the Makefile's `hub` and `postgres` do that")
    with spare_machine(CHECKOUT) as machine:
        machine.write(f"{STAND_INS}/systemctl", SYSTEMCTL, mode=0o755)
        # This environment's own version of Python is the machine's.
        machine.write(f"{STAND_INS}/python3", f'#!/bin/sh\nexec {sys.base_prefix}/bin/python3 "$@"\n', mode=0o755)
        # What Debian's package does when it is installed.
        machine.run("rm -rf /etc/postgresql/* && install -d -o postgres /var/lib/postgresql /run/postgresql")
        start_postgres(machine, "main", 5432)
        machine.run(adapted(YOUR_COPY, {"CHECKOUT": shlex.quote(str(CHECKOUT))}))
        yield machine


def start_postgres(machine: Machine, name: str, port: int) -> None:
    version = max(Path("/usr/lib/postgresql").iterdir()).name
    machine.run(f"pg_createcluster --port={port} {version} {name} -- --no-sync\npg_ctlcluster {version} {name} start")


def follow(machine: Machine, title: str, folder: Path) -> str:
    """Do what a section of the guide says. Returns what its commands printed."""
    printed = ""
    for block in section(title):
        text = adapted(block.text, INSTEAD)
        if block.file:
            machine.write(block.file, text)
        elif stays := [ready for start, ready in STAYS.items() if text.startswith(start)]:
            log = folder / f"{len(list(folder.iterdir()))}.log"
            machine.start(f"sudo -iu grader {text}", log)
            wait_for(log, stays[0])
        elif block.commands:
            printed += machine.run(text)
    return printed


def wait_for(log: Path, words: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while words not in log.read_text():
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


@pytest.fixture(scope="module")
def hub(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The machine after the guide's sections up to its running JupyterHub."""
    folder = tmp_path_factory.mktemp("hub")
    for title in ("Its software", "Its accounts", "The gradebook", "The class", "The hub"):
        follow(machine, title, folder)
    wait_for_hub(machine)
    return machine


def wait_for_hub(machine: Machine) -> None:
    up = f"until curl --silent --insecure --output /dev/null --fail {ADDRESS}/services/autumn/api; do sleep 0.2; done"
    machine.run(f"timeout {PATIENCE} sh -c '{up}' || {{ cat /var/log/jupyterhub.log; exit 1; }}")


# --- people ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser of this machine in the other one's network."""
    program = find_chromium()
    if program is None:
        pytest.skip("no Chromium or Chrome on the PATH (Debian: sudo apt install chromium)")
    entering = tmp_path_factory.mktemp("browser") / "chromium"
    entering.write_text(f'#!/bin/sh\nexec {shlex.join([*machine.network, program])} "$@"\n')
    entering.chmod(0o755)
    with sync_playwright() as playwright:
        options = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        running = playwright.chromium.launch(executable_path=str(entering), args=options)
        yield running
        running.close()


@contextmanager
def logged_in(browser: Browser, name: str, place: str = "/hub/login") -> Iterator[Page]:
    """A browser in which somebody has gone to a page and logged in on the way.

    A picture of how it was left goes to test-artefacts/.
    """
    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE * 1000)
    expect.set_options(timeout=PATIENCE * 1000)
    page = context.new_page()
    page.goto(ADDRESS + place)
    page.fill("#username_input", name)
    page.fill("#password_input", PASSWORDS[name])
    page.click("#login_submit")
    try:
        yield page
    finally:
        ARTEFACTS.mkdir(exist_ok=True)
        page.screenshot(path=ARTEFACTS / f"hub-{name}{place.replace('/', '-')}.png")
        context.close()


@pytest.fixture(scope="module")
def handed_in(hub: Machine, browser: Browser) -> Machine:
    """The server after ada has fetched a lesson, passed its check and submitted it, all in her browser."""
    # All cells of a notebook are in the page at once, as the tests of this folder want it.
    hub.run(
        "cd /home/ada\nfolder='.jupyter/lab/user-settings/@jupyterlab/notebook-extension'\n"
        'sudo -u ada mkdir -p "$folder"\n'
        """echo '{"windowingMode": "none"}' > "$folder/tracker.jupyterlab-settings"\n"""
    )
    with logged_in(browser, "ada") as page:
        page.wait_for_url(f"{ADDRESS}/user/ada/lab**")
        assignments = Assignments(page)
        assignments.open()
        assignments.press("released", "Fetch")
        expect(assignments.part("fetched")).to_contain_text(LESSON)
        lesson = Lesson(page)
        lesson.open(f"{ADDRESS}/user/ada/lab/tree/{LESSON}/{LESSON}.ipynb")
        expect(lesson.check("return 1 / n_classes")).to_contain_text("passed")
        page.keyboard.press("ControlOrMeta+s")
        assignments.open()
        assignments.press("fetched", "Submit")
        expect(assignments.part("submitted")).to_contain_text(LESSON)
    return hub


@pytest.fixture(scope="module")
def graded(handed_in: Machine, tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """The server after the guide's way from a submission to its points, its feedback and the report."""
    follow(handed_in, "A lesson's way", tmp_path_factory.mktemp("way"))
    return handed_in


def as_grader(machine: Machine, command: str) -> str:
    return machine.run(f"sudo -iu grader {command}")


SCORES = (
    "psql --no-align --tuples-only autumn --command 'SELECT student_id, auto_score FROM grade "
    "JOIN submitted_notebook n ON n.id = grade.notebook_id JOIN submitted_assignment a ON a.id = n.assignment_id'"
)
# Whatever the scheduler's certificate is, and with none of one's own.
STRANGER = """\
import socket, ssl
secured = ssl._create_unverified_context().wrap_socket(socket.create_connection(("localhost", 8786)))
try:
    print(secured.recv(1))
except ssl.SSLError as error:
    print(error)
"""


# --- what came of it ------------------------------------------------------------------------------------------------


def test_a_lesson_of_a_learner_comes_to_its_points(graded: Machine) -> None:
    assert "ada,00-start-here,chance_accuracy,1,1,right" in as_grader(graded, "cat autumn/scores.csv")
    assert as_grader(graded, SCORES) == "ada|1\n"
    assert "<html" in as_grader(graded, "cat autumn/report.html")


def test_feedback_waits_where_the_learner_looks_for_it(graded: Machine) -> None:
    told = graded.run(f"sudo -iu ada nbgrader fetch_feedback --course autumn {LESSON}")
    assert "Fetched feedback:" in told
    assert "1 of 1 point" in graded.run(f"cat /home/ada/{LESSON}/feedback/*/{LESSON}.html")


def test_two_teachers_have_the_gradebook_open_at_once(graded: Machine, browser: Browser) -> None:
    place = f"/services/autumn/formgrader/gradebook/{LESSON}/{LESSON}"
    with logged_in(browser, "prof", place) as one, logged_in(browser, "tutor", place) as other:
        for page in (one, other):
            expect(page.locator("#main-table")).to_contain_text("Submission #1")
            expect(page.locator("#main-table")).to_contain_text("1 / 1")


def test_learners_reach_neither_gradebook_nor_class(graded: Machine, browser: Browser) -> None:
    with logged_in(browser, "ada", "/services/autumn/formgrader/") as page:
        expect(page.locator("body")).to_contain_text("You do not have permission to access")
    for command in ("psql autumn --command 'SELECT 1'", "ls /home/grader", "cat /etc/jupyterhub/hub.key"):
        graded.run(f"! sudo -iu ada {command}")


def test_a_cluster_grades_for_those_with_its_certificate_alone(graded: Machine, tmp_path: Path) -> None:
    as_grader(graded, f"install -D autumn/solutions/{LESSON}/{LESSON}.ipynb -t autumn/submitted/bob/{LESSON}")
    follow(graded, "Several machines", tmp_path)
    assert "bob,00-start-here,chance_accuracy,1,1,right" in as_grader(graded, "cat autumn/scores.csv")
    assert "certificate required" in graded.run(f"sudo -u ada {sys.executable} - <<'END'\n{STRANGER}END")


def test_a_class_comes_back_from_its_copies(graded: Machine, tmp_path: Path) -> None:
    save, restore = section("Copies, and the way back")
    scores = as_grader(graded, SCORES)
    graded.run(adapted(save.text, INSTEAD))
    as_grader(graded, "psql --quiet autumn --command 'DELETE FROM grade'")
    as_grader(graded, "rm -r autumn/.tlcourse autumn/nbgrader_config.py")
    graded.run(adapted(restore.text, INSTEAD))
    wait_for_hub(graded)
    assert as_grader(graded, SCORES) == scores
    assert "unchanged" in as_grader(graded, "tlcourse grade autumn")


def test_an_update_keeps_the_class_and_brings_the_hub_back(graded: Machine, tmp_path: Path) -> None:
    told = follow(graded, "A newer version of the course, during term", tmp_path)
    assert f"{LESSON}: unchanged" in told
    wait_for_hub(graded)


def test_a_database_elsewhere_gets_its_password_from_a_file(hub: Machine, tmp_path: Path) -> None:
    start_postgres(hub, "other", 5433)
    follow(hub, "A database on another machine", tmp_path)
    assert "hush" not in as_grader(hub, "cat spring/nbgrader_config.py")
    assert as_grader(hub, "stat --format=%a .pgpass") == "600\n"
