"""What is shipped and what it asks for: the wheel, its requirements, the files that must agree on them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from tlcourse import __version__, doctor

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
# What conda-forge calls differently.
CONDA_NAMES = {"torch": "pytorch"}


def requirements(*extras: str) -> dict[str, Requirement]:
    """The base's requirements and those of `extras`, by name; the package's own extras are left out."""
    lines = [*PROJECT["dependencies"], *(line for extra in extras for line in EXTRAS[extra])]
    found = {canonicalize_name(one.name): one for one in map(Requirement, lines)}
    return {name: one for name, one in found.items() if name != "tlcourse"}


def pins() -> dict[str, str]:
    """constraints.txt as name -> version."""
    return {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in constraints()}


def constraints() -> list[Requirement]:
    """The lines of constraints.txt that are not comments."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if not line.startswith("#")]


def sources() -> list[Path]:
    """The repository's own files: tracked, or new and not ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


# --- the wheel --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, as pip builds it from this folder."""
    out = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(out),
        str(ROOT),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    if "No matching distribution found for hatchling" in done.stderr and not os.environ.get("CI"):
        pytest.skip("the build tool cannot be fetched here: no network")
    assert done.returncode == 0, done.stderr
    (built,) = out.glob("tlcourse-*.whl")
    return zipfile.ZipFile(built)


def test_the_wheel_holds_the_whole_package(wheel: zipfile.ZipFile) -> None:
    """Modules and data alike: a weight file or a word list that is ignored by accident is missed here."""
    leftovers = {"__pycache__", ".ipynb_checkpoints"}
    ours = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "tlcourse").rglob("*")
        if path.is_file() and not leftovers.intersection(path.parts) and path.suffix not in (".part", ".lock")
    }
    assert ours - set(wheel.namelist()) == set()


def test_the_wheel_holds_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert tops == {"tlcourse", f"tlcourse-{__version__}.dist-info"}
    assert sum(entry.file_size for entry in wheel.infolist()) < 40 * 2**20


def test_the_wheel_brings_command_licence_and_extras(wheel: zipfile.ZipFile) -> None:
    info = f"tlcourse-{__version__}.dist-info"
    assert "tlcourse = tlcourse.cli:main" in wheel.read(f"{info}/entry_points.txt").decode()
    assert f"{info}/licenses/LICENSE" in wheel.namelist()
    told = wheel.read(f"{info}/METADATA").decode()
    assert set(re.findall(r"^Provides-Extra: (\S+)$", told, re.M)) >= {"lab", "grading", "dev"}


# --- what it asks for -------------------------------------------------------------------------------


def test_the_version_is_the_packages_own() -> None:
    assert PROJECT["version"] == __version__


def test_the_base_has_lower_bounds_only() -> None:
    """So that a Colab runtime keeps the torch and numpy that it has."""
    for one in requirements().values():
        assert [spec.operator for spec in one.specifier] == [">="], one


def test_dev_takes_in_the_other_extras() -> None:
    own = [one for one in map(Requirement, EXTRAS["dev"]) if one.name == "tlcourse"]
    assert own[0].extras == {"lab", "grading", "postgres", "hub", "zoo", "text", "ship", "book"}


def test_one_bound_for_one_package() -> None:
    seen: dict[str, str] = {}
    for line in [*PROJECT["dependencies"], *(line for lines in EXTRAS.values() for line in lines)]:
        one = Requirement(line)
        assert seen.setdefault(one.name, str(one.specifier)) == str(one.specifier), one.name


def test_supported_pythons_agree() -> None:
    supported = SpecifierSet(PROJECT["requires-python"])
    fits = [minor for minor in range(8, 20) if f"3.{minor}.1" in supported]
    assert fits == list(range(doctor.OLDEST[1], doctor.NEWEST[1] + 1))
    named = re.findall(r"Python :: 3\.(\d+)", " ".join(PROJECT["classifiers"]))
    assert [int(minor) for minor in named] == fits
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"(3, {fits[0]}) <= sys.version_info[:2] < (3, {fits[-1] + 1})" in makefile


def test_the_doctor_asks_for_what_is_required() -> None:
    assert set(doctor.BASE) == set(requirements())
    assert {*doctor.LAB, *doctor.SHIP} == set(requirements("lab", "ship")) - set(requirements())


# --- constraints.txt --------------------------------------------------------------------------------


def test_every_requirement_is_pinned_within_its_bounds() -> None:
    pinned = pins()
    for name, one in requirements(*EXTRAS).items():
        assert name in pinned, f"{name} has no version in constraints.txt: run `make constraints`"
        assert pinned[name] in one.specifier, f"{name}=={pinned[name]} is outside {one.specifier}"


def test_constraints_are_plain_sorted_pins() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("#"), "its top says what it is"
    names = [one.name.lower() for one in constraints()]
    assert names == sorted(names)
    for one in constraints():
        assert re.fullmatch(r"==[A-Za-z0-9.!]+", str(one.specifier)), one


@pytest.mark.parametrize("python", ["3.11.0", "3.11.2", "3.12.0", "3.13.0"])
def test_every_supported_python_can_have_its_pins(python: str) -> None:
    """Debian 12's Python is 3.11.2: a version that needs 3.11.5 must not be pinned for it."""
    for one in constraints():
        if one.marker and not one.marker.evaluate({"python_full_version": python}):
            continue
        try:
            installed = metadata.distribution(one.name)
        except metadata.PackageNotFoundError:
            continue
        if installed.version.split("+")[0] in one.specifier:
            assert python in SpecifierSet(installed.metadata.get("Requires-Python") or ""), one


def test_constraints_leave_the_build_of_torch_open() -> None:
    assert not [name for name in pins() if re.match(r"(nvidia|cuda)-|triton", name)]
    assert {"torch", "torchvision"} <= set(pins()), "the pair, never one alone"


# --- environment.yml --------------------------------------------------------------------------------


def conda() -> tuple[dict[str, str], list[str]]:
    """environment.yml as name -> bounds, and its pip part."""
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    (pip,) = [entry["pip"] for entry in listed if isinstance(entry, dict)]
    parts = [re.fullmatch(r"([a-z0-9_-]+)(.*)", entry) for entry in listed if isinstance(entry, str)]
    return {part[1]: part[2] for part in parts if part}, pip


def test_conda_and_pip_ask_for_the_same() -> None:
    listed, pip = conda()
    asked = requirements("lab", "grading", "zoo", "text", "ship")
    wanted = {CONDA_NAMES.get(name, name): str(one.specifier) for name, one in asked.items()}
    wanted["python"] = PROJECT["requires-python"]
    assert {name: bounds for name, bounds in listed.items() if name != "pip"} == wanted
    assert pip == ["-e ."]


# --- the repository ---------------------------------------------------------------------------------


def test_no_file_names_a_package_host() -> None:
    """A clone installs from whatever index its machine is set up for."""
    hosts = ["pypi." + "org", "pythonhosted." + "org", "anaconda." + "org", "pytorch.org/" + "whl"]
    hosts += ["registry." + "npmjs", "--index" + "-url", "--extra-index" + "-url", "find-" + "links"]
    sinners = []
    for path in sources():
        if path.suffix in (".safetensors", ".png", ".npz", ".pdf", ".gz"):
            continue
        text = path.read_text(encoding="utf-8", errors="ignore")
        sinners += [f"{path.relative_to(ROOT)}: {host}" for host in hosts if host in text]
    assert sinners == []
