"""The door: several processes get forks of one import, and each is left with nothing when its nursery or owner ends."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kernels_kit import LINUX_ONLY, MakeNursery, an_owner, ask, asleep, is_running, until_gone

from tlcourse.kernels import pages
from tlcourse.kernels.door import Door, Guest
from tlcourse.kernels.nursery import Nursery, NurseryError, PackagesChanged

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason=LINUX_ONLY)

MakeDoor = Callable[[Nursery], Door]


@pytest.fixture
def make_door() -> Iterator[MakeDoor]:
    """Open doors; closed after the test."""
    made: list[Door] = []

    def make(nursery: Nursery) -> Door:
        made.append(Door(nursery))
        return made[-1]

    yield make
    for door in made:
        door.close()


@pytest.fixture
def door(nursery: Nursery, make_door: MakeDoor) -> Door:
    return make_door(nursery)


def knock(door: Door) -> Guest:
    guest = Guest(door.address)
    guest.start()
    return guest


def test_the_modules_are_imported_once_for_all(make_nursery: MakeNursery, make_door: MakeDoor, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import os, time\ntime.sleep(0.5)\nimported_by = os.getpid()\n")
    (tmp_path / "user.py").write_text(
        "import json, os, slow\ndef run(a, fds): os.write(fds[0], json.dumps([os.getpid(), slow.imported_by]).encode())"
    )
    nursery = make_nursery(["slow"], [str(tmp_path)])
    door = make_door(nursery)
    told = [ask(knock(door), "user:run") for _ in range(2)]
    assert {imported_by for _, imported_by in told} == {nursery.pid}
    assert told[0] != told[1]


def test_what_the_imports_set_in_the_environment_stays(
    make_nursery: MakeNursery, make_door: MakeDoor, tmp_path: Path
) -> None:
    (tmp_path / "setting.py").write_text("import os\nos.environ['SET_BY_IMPORT'] = 'yes'\n")
    guest = knock(make_door(make_nursery(["setting"], [str(tmp_path)])))
    assert ask(guest, "kernels_kit:describe", env={"ONLY": "this"})["environment"] == {
        "ONLY": "this",
        "SET_BY_IMPORT": "yes",
    }


def test_why_a_module_was_left_out_is_told(make_nursery: MakeNursery, make_door: MakeDoor) -> None:
    guest = knock(make_door(make_nursery(["no_such_module"])))
    guest.wait_ready(30)
    assert "no_such_module" in guest.left_out


def test_a_child_ends_with_its_status(door: Door) -> None:
    assert knock(door).spawn("kernels_kit:end", {"how": "exit"}).wait(30) == 4


def test_a_changed_package_is_not_forked(make_nursery: MakeNursery, make_door: MakeDoor, tmp_path: Path) -> None:
    (tmp_path / "edited.py").write_text("a = 1\n")
    nursery = make_nursery(["edited"], [str(tmp_path)])
    nursery.wait_ready(30)
    guest = knock(make_door(nursery))
    guest.wait_ready(30)
    (tmp_path / "edited.py").write_text("a = 'a longer text'\n")
    with pytest.raises(PackagesChanged, match=r"edited\.py has changed"):
        guest.spawn("kernels_kit:nothing", {})


def test_only_this_user_may_knock(door: Door) -> None:
    assert stat.S_IMODE(Path(door.address).parent.stat().st_mode) == 0o700


# --- who outlives whom ------------------------------------------------------------------------------------------------


def test_a_guest_that_closes_takes_its_own_children_only(door: Door) -> None:
    first, second = knock(door), knock(door)
    one, other = asleep(first), asleep(second)
    first.close()
    until_gone(one.pid)
    assert first.has_ended()
    assert is_running(other.pid)


def test_the_end_of_the_nursery_is_the_end_of_all(nursery: Nursery, door: Door) -> None:
    child = asleep(knock(door))
    nursery.close()
    until_gone(child.pid)


def test_a_closed_door_leaves_its_guests_be(door: Door) -> None:
    guest = knock(door)
    guest.wait_ready(30)
    door.close()
    assert guest.spawn("kernels_kit:nothing", {}).wait(30) == 0


def test_nobody_gets_in_by_a_closed_door(door: Door) -> None:
    door.close()
    with pytest.raises(NurseryError, match="cannot start"):
        knock(door)


def test_a_door_closes_at_once_while_the_imports_go_on(
    make_nursery: MakeNursery, make_door: MakeDoor, tmp_path: Path
) -> None:
    (tmp_path / "endless.py").write_text("import time\ntime.sleep(600)\n")
    door = make_door(make_nursery(["endless"], [str(tmp_path)]))
    guest = knock(door)
    time.sleep(0.1)
    door.close()
    with pytest.raises(NurseryError, match=r"has ended|not running"):
        guest.spawn("kernels_kit:nothing", {})


def test_a_nursery_that_has_ended_lets_nobody_in(nursery: Nursery, door: Door) -> None:
    nursery.close()
    guest = knock(door)
    with pytest.raises(NurseryError, match=r"has ended|not running"):
        guest.spawn("kernels_kit:nothing", {})


GUEST = """\
import sys, time
from tlcourse.kernels.door import Guest
guest = Guest(sys.argv[1])
guest.start()
print(guest.spawn("kernels_kit:sleep", {}).pid, flush=True)
time.sleep(600)
"""


def test_nothing_outlives_a_guest_that_was_killed(nursery: Nursery, door: Door) -> None:
    owner, told = an_owner(GUEST, door.address)
    child = int(told[0])
    assert is_running(child)
    owner.kill()
    owner.wait()
    owner.stdout.close()
    until_gone(child)
    assert nursery.spawn("kernels_kit:nothing", {}).wait(30) == 0


HOST = """\
import sys, time
from tlcourse.kernels.door import Door, Guest
from tlcourse.kernels.nursery import Nursery
nursery = Nursery(["json"])
nursery.start()
guest = Guest(Door(nursery).address)
guest.start()
print(nursery.pid, guest.spawn("kernels_kit:sleep", {}).pid, flush=True)
time.sleep(600)
"""


def test_nothing_outlives_a_host_that_was_killed() -> None:
    owner, told = an_owner(HOST, "")
    pids = [int(word) for word in told]
    assert all(map(is_running, pids))
    owner.kill()
    owner.wait()
    owner.stdout.close()
    until_gone(*pids)


# --- huge pages -------------------------------------------------------------------------------------------------------


def test_memory_keeps_its_content_in_huge_pages() -> None:
    data = bytearray(os.urandom(1 << 20)) * 32
    before = bytes(data)
    assert pages.collapse() >= 0
    assert bytes(data) == before
