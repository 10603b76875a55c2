"""Weight files: what is read, what is refused and how, and that nothing is left half done."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest
import torch
from torch import nn

from tlcourse import storage
from tlcourse.errors import StorageError, WeightsError
from tlcourse.models.weights import guess_network, load_into, load_state, save_safetensors


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt", ".PTH"])
def test_a_state_comes_back_in_float32(tmp_path: Path, suffix: str) -> None:
    model, path = small(), tmp_path / f"w{suffix}"
    if suffix == ".safetensors":
        save_safetensors(model, path)
    else:
        torch.save({name: t.half() if t.is_floating_point() else t for name, t in model.state_dict().items()}, path)
    state = load_state(path)
    for name, tensor in model.state_dict().items():
        assert state[name].dtype == (torch.float32 if tensor.is_floating_point() else tensor.dtype)
        torch.testing.assert_close(state[name], tensor, rtol=1e-3, atol=1e-4)
    load_into(small(), state)


@pytest.mark.parametrize("wrapper", ["state_dict", "model"])
def test_a_checkpoint_is_unwrapped(tmp_path: Path, wrapper: str) -> None:
    torch.save({wrapper: small().state_dict(), "epoch": 3}, tmp_path / "w.pth")
    assert load_state(tmp_path / "w.pth").keys() == small().state_dict().keys()


def test_half_is_not_used_where_it_overflows(tmp_path: Path) -> None:
    state = {"big": torch.tensor([1e6]), "small": torch.tensor([0.5])}
    path = save_safetensors(state, tmp_path / "w.safetensors")
    assert load_state(path)["big"].item() == 1e6


def test_shared_tensors_and_metadata_are_saved(tmp_path: Path) -> None:
    from safetensors import safe_open

    tied = torch.ones(3)
    path = save_safetensors({"a": tied, "b": tied}, tmp_path / "w.safetensors", {"epochs": 3}, half=False)
    with safe_open(path, "pt") as file:
        assert file.metadata() == {"epochs": "3"}
    assert torch.equal(load_state(path)["b"], tied)


class Evil:
    """A pickle that runs a command when it is opened."""

    def __init__(self, proof: Path) -> None:
        self.proof = proof

    def __reduce__(self) -> tuple:
        return os.system, (f"touch {self.proof}",)


def evil_archive(path: Path) -> None:
    torch.save({"weight": torch.ones(2), "code": Evil(path.with_name("proof"))}, path)


def evil_pickle(path: Path) -> None:
    path.write_bytes(pickle.dumps(Evil(path.with_name("proof"))))


@pytest.mark.parametrize("write", [evil_archive, evil_pickle])
def test_code_in_a_file_is_refused_and_not_run(tmp_path: Path, write) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "evil.pth"
    write(path)
    with pytest.raises(WeightsError, match=r"evil\.pth holds Python objects"):
        load_state(path)
    assert not (tmp_path / "proof").exists()


def test_a_whole_pickled_model_is_refused_with_the_cure(tmp_path: Path) -> None:
    torch.save(small(), tmp_path / "w.pth")
    with pytest.raises(WeightsError, match=r"save model\.state_dict\(\)"):
        load_state(tmp_path / "w.pth")


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwritten(path: Path) -> None:
    path.write_bytes(b"\x13" * path.stat().st_size)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [truncated, overwritten, emptied])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_damaged_file_is_named(tmp_path: Path, suffix: str, damage) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / f"w{suffix}"
    save_safetensors(small(), path) if suffix == ".safetensors" else torch.save(small().state_dict(), path)
    damage(path)
    with pytest.raises(WeightsError, match=path.name) as caught:
        load_state(path)
    assert caught.value.cure


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("w.onnx", b"abc", "not a weight file"),
        ("w.pth", b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        ("w.safetensors", b"<!DOCTYPE html><html>", "web page"),
    ],
)
def test_a_foreign_file_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        load_state(tmp_path / name)


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, {}, {"state_dict": 5}])
def test_a_file_without_a_state_dict_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "w.pth")
    with pytest.raises(WeightsError, match="holds no state dict"):
        load_state(tmp_path / "w.pth")


def test_a_missing_file_and_nan_are_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="There is no weight file"):
        load_state(tmp_path / "no.pth")
    save_safetensors({"a": torch.tensor([float("nan")])}, tmp_path / "w.safetensors")
    with pytest.raises(WeightsError, match="'a' holds NaN"):
        load_state(tmp_path / "w.safetensors")


def test_the_checksum_is_checked(tmp_path: Path) -> None:
    path = save_safetensors(small(), tmp_path / "w.safetensors")
    digest = storage.sha256(path)
    assert load_state(path, digest) and load_state(path, digest[:8].upper())
    with pytest.raises(WeightsError, match="another checksum"):
        load_state(path, "0" * 64)


def test_a_mismatch_names_tensors_and_leaves_the_model_alone() -> None:
    model = small()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = {name: tensor + 1 for name, tensor in before.items()}
    state["extra.weight"] = torch.ones(1)
    state["3.weight"] = torch.ones(5, 4)
    del state["1.running_var"]
    with pytest.raises(WeightsError) as caught:
        load_into(model, state, "w.pth")
    for part in ("w.pth", "extra.weight", "1.running_var", "3.weight (5, 4), not (2, 4)"):
        assert part in str(caught.value)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "mobilenet_v2", "squeezenet1_1"])
def test_the_network_of_a_state_is_guessed(name: str) -> None:
    import torchvision

    with torch.device("meta"):
        state = torchvision.models.get_model(name).state_dict()
    guess = guess_network(state)
    assert guess and name in guess
    assert guess_network({"w": torch.ones(1)}) is None


def test_a_refused_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save_safetensors(small(), tmp_path / "w.safetensors")
    before = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="the disk is full"):
        save_safetensors({"a": torch.ones(9)}, path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
