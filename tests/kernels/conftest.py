"""Nurseries for the tests: most need few modules, and one with all of them is shared."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial

import pytest
from kernels_kit import HERE, MakeNursery

from tlcourse.kernels import shared
from tlcourse.kernels.nursery import Nursery
from tlcourse.kernels.preload import PRELOAD


@pytest.fixture
def make_nursery() -> Iterator[MakeNursery]:
    """Make and start a nursery whose children find the kit; closed after the test."""
    made: list[Nursery] = []

    def make(modules: Sequence[str] = ("json",), path: Sequence[str] = (), **env: str) -> Nursery:
        places = os.pathsep.join([str(HERE), *map(str, path)])
        made.append(Nursery(modules, {**os.environ, "PYTHONPATH": places, **env}))
        made[-1].start()
        return made[-1]

    yield make
    for nursery in made:
        nursery.close()


@pytest.fixture
def nursery(make_nursery: MakeNursery) -> Nursery:
    """A started nursery with next to nothing imported."""
    return make_nursery()


@pytest.fixture
def warm_kernels(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every kernel that this process starts goes through our provisioner, as on a machine without a GPU."""
    provisioning = pytest.importorskip("jupyter_client.provisioning")
    monkeypatch.setenv("JUPYTER_DEFAULT_PROVISIONER_NAME", "tlcourse-warm")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    provisioning.KernelProvisionerFactory.clear_instance()
    yield
    provisioning.KernelProvisionerFactory.clear_instance()


@pytest.fixture
def light_kernels(warm_kernels: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Warm kernels from a nursery of this test's own that has imported ipykernel and nothing else."""
    light = [name for name in PRELOAD if name.startswith("ipykernel")]
    monkeypatch.setattr(shared, "_home", None)
    monkeypatch.setattr(shared, "Nursery", partial(Nursery, light))
    yield
    if shared._home is not None:
        shared._home.close()
