"""Weights from Keras: output against output, with Keras itself, ONNX Runtime and plain NumPy as references."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from tlcourse.errors import CourseError, WeightsError
from tlcourse.models import (
    SamePad2d,
    convert_keras,
    keras_digits,
    keras_digits_network,
    load_into,
    read_arrays,
    same_padding,
    save_safetensors,
    to_torch,
)

# Keras's own, of its variables' NumPy interface.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

NAMES = {
    "conv1": "conv1",
    "bn1": "norm1",
    "depth2": "depthwise",
    "bn2": "norm2",
    "point2": "pointwise",
    "scores": "head",
}
DRAW = np.random.default_rng(0)


def draw(*shape: int) -> np.ndarray:
    return DRAW.normal(size=shape).astype(np.float32)


def channels_first(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


def output(network: nn.Module, images: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return network.eval()(channels_first(images)).numpy()


def digits_converted(**changes: object) -> nn.Module:
    digits, network = keras_digits(), keras_digits_network()
    options = {"flattened": {"scores": digits.flattened}, **changes}
    load_into(network, convert_keras(digits.arrays, network, NAMES, **options))  # type: ignore[arg-type]
    return network


# --- the file that ships ----------------------------------------------------------------------------


def test_the_shipped_file_gives_what_keras_gave() -> None:
    digits = keras_digits()
    ours = output(digits_converted(), digits.images)
    np.testing.assert_allclose(ours, digits.outputs, rtol=1e-5, atol=1e-5)
    assert (ours.argmax(1) == digits.labels).mean() > 0.9


def numpy_pass(arrays: dict[str, np.ndarray], x: np.ndarray) -> np.ndarray:
    """The network of KerasDigits written in Keras's own layout: images (N, H, W, C), kernels (H, W, in, out)."""

    def patches(x: np.ndarray) -> np.ndarray:
        """(N, rows, columns, 3, 3, C): what a 3 x 3 kernel sees at stride 2, padded below and on the right."""
        x = np.pad(x, ((0, 0), (0, 1), (0, 1), (0, 0)))
        seen = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))[:, ::2, ::2]
        return seen.transpose(0, 1, 2, 4, 5, 3)

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        scale = arrays[f"{name}/gamma"] / np.sqrt(arrays[f"{name}/moving_variance"] + 1e-3)
        return np.maximum((x - arrays[f"{name}/moving_mean"]) * scale + arrays[f"{name}/beta"], 0)

    x = norm(np.einsum("nyxhwc,hwco->nyxo", patches(x), arrays["conv1/kernel"]), "bn1")
    x = norm(np.einsum("nyxhwc,hwcm->nyxc", patches(x), arrays["depth2/kernel"]), "bn2")
    x = np.maximum(x @ arrays["point2/kernel"][0, 0] + arrays["point2/bias"], 0)
    return x.reshape(len(x), -1) @ arrays["scores/kernel"] + arrays["scores/bias"]


def test_plain_numpy_agrees() -> None:
    digits, network = keras_digits(), digits_converted()
    for images in (digits.images, DRAW.uniform(size=(9, 16, 16, 1)).astype(np.float32)):
        np.testing.assert_allclose(output(network, images), numpy_pass(digits.arrays, images), rtol=1e-4, atol=2e-5)


def test_onnx_runtime_agrees() -> None:
    onnx = pytest.importorskip("onnx", reason="the extra `dev` has onnx")
    runtime = pytest.importorskip("onnxruntime", reason="the extra `dev` has onnxruntime")
    digits = keras_digits()
    arrays = {**digits.arrays, "epsilon_free": np.zeros(1, np.float32)}
    # ONNX keeps (out, in, H, W), and TensorFlow's "same" is its auto_pad SAME_UPPER.
    turned = {name: a.transpose(3, 2, 0, 1) for name, a in digits.arrays.items() if a.ndim == 4}
    turned["depth2/kernel"] = digits.arrays["depth2/kernel"].transpose(2, 3, 0, 1)
    arrays.update(turned)

    def norm(name: str, source: str, target: str):  # type: ignore[no-untyped-def]
        own = [f"{name}/{part}" for part in ("gamma", "beta", "moving_mean", "moving_variance")]
        return onnx.helper.make_node("BatchNormalization", [source, *own], [target], epsilon=1e-3)

    make = onnx.helper.make_node
    same = {"strides": [2, 2], "auto_pad": "SAME_UPPER"}
    nodes = [
        make("Transpose", ["images"], ["x0"], perm=[0, 3, 1, 2]),
        make("Conv", ["x0", "conv1/kernel"], ["x1"], kernel_shape=[3, 3], **same),
        norm("bn1", "x1", "x2"),
        make("Relu", ["x2"], ["x3"]),
        make("Conv", ["x3", "depth2/kernel"], ["x4"], kernel_shape=[3, 3], group=16, **same),
        norm("bn2", "x4", "x5"),
        make("Relu", ["x5"], ["x6"]),
        make("Conv", ["x6", "point2/kernel", "point2/bias"], ["x7"], kernel_shape=[1, 1]),
        make("Relu", ["x7"], ["x8"]),
        make("Transpose", ["x8"], ["x9"], perm=[0, 2, 3, 1]),
        make("Flatten", ["x9"], ["flat"]),
        make("Gemm", ["flat", "scores/kernel", "scores/bias"], ["outputs"]),
    ]
    kept = [onnx.numpy_helper.from_array(np.ascontiguousarray(a), name) for name, a in arrays.items()]
    shape = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "digits",
        [shape("images", onnx.TensorProto.FLOAT, [None, 16, 16, 1])],
        [shape("outputs", onnx.TensorProto.FLOAT, [None, 10])],
        kept,
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, {"images": digits.images})
    np.testing.assert_allclose(output(digits_converted(), digits.images), theirs, rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("mistake", ["padding", "epsilon", "flatten"])
def test_each_step_is_needed(mistake: str) -> None:
    digits = keras_digits()
    network = digits_converted(**{"epsilon": {"epsilon": 1e-5}, "flatten": {"flattened": None}}.get(mistake, {}))
    if mistake == "padding":
        for name in ("pad1", "pad2"):
            setattr(network, name, nn.ZeroPad2d(1))
    assert np.abs(output(network, digits.images) - digits.outputs).max() > 1e-2


# --- Keras itself -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keras():  # type: ignore[no-untyped-def]
    pytest.importorskip("h5py", reason="the extra `dev` has h5py")
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = "torch"
    return pytest.importorskip("keras", reason="the extra `dev` has keras")


@pytest.fixture(scope="module")
def theirs(keras):  # type: ignore[no-untyped-def]
    """Every layer that can be converted, on odd sizes; random statistics, as after training."""
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((21, 18, 3)),
            layers.Conv2D(8, (5, 3), strides=2, padding="same", name="conv1"),
            layers.BatchNormalization(name="bn1", scale=False),
            layers.ReLU(),
            layers.SeparableConv2D(12, 3, strides=2, padding="same", depth_multiplier=2, name="sep2"),
            layers.DepthwiseConv2D(3, padding="same", depth_multiplier=2, name="dw3"),
            layers.MaxPooling2D(3, strides=2, padding="same"),
            layers.Conv2D(8, 3, groups=4, padding="same", dilation_rate=2, use_bias=False, name="group4"),
            layers.Conv2DTranspose(6, 2, strides=2, name="up5"),
            layers.Flatten(),
            layers.Dense(7, name="fc6"),
            layers.LayerNormalization(name="ln7", epsilon=1e-6),
            layers.Dense(5, use_bias=False, name="fc8"),
        ]
    )
    for one in network.weights:
        scale = np.abs if "variance" in one.name else (lambda a: a)
        one.assign(scale(draw(*one.shape)) * 0.5)
    return network


class TestKeras:
    """Networks that Keras builds, runs and saves in the tests, where it is installed."""

    def ours(self) -> nn.Sequential:
        return nn.Sequential(
            SamePad2d((5, 3), 2),
            nn.Conv2d(3, 8, (5, 3), 2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Sequential(SamePad2d(3, 2), nn.Conv2d(8, 16, 3, 2, groups=8, bias=False), nn.Conv2d(16, 12, 1)),
            SamePad2d(3),
            nn.Conv2d(12, 24, 3, groups=12),
            SamePad2d(3, 2, value=-torch.inf),
            nn.MaxPool2d(3, 2),
            SamePad2d(3, dilation=2),
            nn.Conv2d(24, 8, 3, groups=4, dilation=2, bias=False),
            nn.ConvTranspose2d(8, 6, 2, 2),
            nn.Flatten(),
            nn.Linear(6 * 6 * 6, 7),
            nn.LayerNorm(7, eps=1e-6),
            nn.Linear(7, 5),
        )

    NAMES = {  # noqa: RUF012
        "conv1": "1",
        "bn1": "2",
        "sep2": ("4.1", "4.2"),
        "dw3": "6",
        "group4": "10",
        "up5": "11",
        "fc6": "13",
        "ln7": "14",
        "fc8": "15",
    }

    def test_every_layer_computes_the_same(self, theirs) -> None:  # type: ignore[no-untyped-def]
        images, network = draw(4, 21, 18, 3), self.ours()
        arrays = {f"{layer.name}/{one.name}": np.asarray(one) for layer in theirs.layers for one in layer.weights}
        norm = arrays.pop("ln7/gamma"), arrays.pop("ln7/beta")
        names = {layer: path for layer, path in self.NAMES.items() if layer != "ln7"}
        with pytest.raises(WeightsError, match=r"Nothing is named for 14\.weight, 14\.bias"):
            convert_keras(arrays, network, names, flattened={"fc6": (6, 6, 6)})
        # Layer norm has another epsilon than batch norm here, so each is converted with its own.
        state = convert_keras({"ln7/gamma": norm[0], "ln7/beta": norm[1]}, network[14], {"ln7": ""}, epsilon=1e-6)
        network[14].load_state_dict(state)
        rest = nn.Sequential(*network[:14], nn.Identity(), network[15])
        load_into(rest, convert_keras(arrays, rest, names, flattened={"fc6": (6, 6, 6)}))
        expected = np.asarray(theirs(images).detach())
        np.testing.assert_allclose(output(network, images), expected, rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("file", ["a.h5", "a.keras"])
    def test_its_files_are_read(self, keras, tmp_path: Path, file: str) -> None:  # type: ignore[no-untyped-def]
        layers = keras.layers
        network = keras.Sequential(
            [
                keras.Input((8, 8, 3)),
                layers.SeparableConv2D(4, 3, name="sep"),
                layers.BatchNormalization(name="bn"),
                layers.Conv2D(2, 1, name="conv"),
                layers.Conv2D(2, 1, name="conv_again"),
                layers.Flatten(),
                layers.Dense(3, name="fc"),
            ]
        )
        network.compile("adam", "mse")
        network.fit(draw(4, 8, 8, 3), draw(4, 3), verbose=0)  # the optimizer has arrays too
        network.save(tmp_path / file)
        arrays = read_arrays(tmp_path / file)
        assert arrays.keys() == {f"{layer.name}/{one.name}" for layer in network.layers for one in layer.weights}
        for layer in network.layers:
            for one in layer.weights:
                assert np.array_equal(arrays[f"{layer.name}/{one.name}"], np.asarray(one))

    def test_a_numbered_file_that_leaves_a_name_open_is_refused(self, keras, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
        network = keras.Sequential([keras.Input((4,)), keras.layers.BatchNormalization(scale=False, name="bn")])
        network.save_weights(tmp_path / "a.weights.h5")
        with pytest.raises(WeightsError, match="'bn' has no gamma or no beta"):
            read_arrays(tmp_path / "a.weights.h5")


# --- padding ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"),
    [
        (16, 3, 2, (0, 1)),
        (15, 3, 2, (1, 1)),
        (16, 3, 1, (1, 1)),
        (16, 2, 2, (0, 0)),
        (7, 5, 3, (2, 2)),
        (6, 1, 2, (0, 0)),
    ],
)
def test_same_padding_is_tensorflows(size: int, kernel: int, stride: int, padding: tuple[int, int]) -> None:
    assert same_padding(size, kernel, stride) == padding


def test_the_padding_layer_gives_a_position_for_each_stride() -> None:
    x = torch.randn(2, 3, 13, 16)
    padded = SamePad2d((3, 5), (2, 3))(x)
    assert functional.conv2d(padded, torch.ones(1, 3, 3, 5), stride=(2, 3)).shape == (2, 1, 7, 6)


# --- what is said when something does not fit -------------------------------------------------------


def small() -> tuple[dict[str, np.ndarray], nn.Sequential, dict[str, str]]:
    arrays = {"conv/kernel": draw(3, 3, 2, 4), "conv/bias": draw(4), "fc/kernel": draw(36, 5), "fc/bias": draw(5)}
    network = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Flatten(), nn.Linear(36, 5))
    return arrays, network, {"conv": "0", "fc": "2"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a, n: a.pop("conv/kernel"), r"There is no array 'conv/kernel': it has conv/bias"),
        (lambda a, n: n.update(dense=n.pop("fc")), r"There is no array 'dense/kernel': nothing has that layer's name"),
        (lambda a, n: a.update({"old/kernel": draw(1)}), r"Nothing takes old/kernel"),
        (lambda a, n: n.pop("fc"), r"Nothing is named for 2\.weight, 2\.bias"),
        (lambda a, n: n.update(conv="9"), r"no module '9', which was named for 'conv'"),
        (lambda a, n: n.update(conv="1"), r"Module '1' is a Flatten"),
        (lambda a, n: n.update(conv="2", fc="0"), r"'conv/kernel': An array of shape \(3, 3, 2, 4\) has 4 axes, not"),
        (
            lambda a, n: a.update({"conv/kernel": draw(4, 2, 3, 3)}),
            r"'conv/kernel' of shape \(4, 2, 3, 3\) gives \(3, 3, 4, 2\), but 0\.weight is \(4, 2, 3, 3\)",
        ),
        (lambda a, n: a.update({"fc/bias": np.full(5, np.nan)}), r"'fc/bias' holds what is no finite number"),
        (lambda a, n: a.update({"fc/bias": np.array(["a"] * 5)}), r"'fc/bias' holds what is no finite number"),
    ],
)
def test_the_array_at_fault_is_named(change, message: str) -> None:  # type: ignore[no-untyped-def]
    arrays, network, names = small()
    change(arrays, names)
    with pytest.raises(WeightsError, match=message) as caught:
        convert_keras(arrays, network, names)
    assert caught.value.cure


@pytest.mark.parametrize(
    ("flattened", "message"),
    [
        ({"fc": (2, 2, 4)}, r"'fc/kernel'|a kernel of shape \(36, 5\) does not follow a map of 2 x 2 x 4"),
        ({"conv": (3, 3, 4)}, r"flattened= names 'conv', whose module is no Linear"),
        ({"no": (3, 3, 4)}, r"flattened= names no, which names= does not"),
    ],
)
def test_a_wrong_flattening_is_named(flattened: dict, message: str) -> None:
    with pytest.raises(WeightsError, match=message):
        convert_keras(*small(), flattened=flattened)


def test_layer_norm_cannot_make_up_for_another_epsilon() -> None:
    arrays = {"ln/gamma": draw(4), "ln/beta": draw(4)}
    with pytest.raises(WeightsError, match=r"Layer norm 'ln' has epsilon 0.001 in Keras and 1e-05"):
        convert_keras(arrays, nn.Sequential(nn.LayerNorm(4)), {"ln": "0"})


def test_layouts_by_hand() -> None:
    kernel = draw(2, 3, 4, 5)
    assert to_torch(kernel, "conv")[4, 3, 1, 2] == kernel[1, 2, 3, 4]
    assert to_torch(kernel, "depthwise")[3 * 5 + 4, 0, 1, 2] == kernel[1, 2, 3, 4]
    assert to_torch(draw(6, 2), "dense").shape == (2, 6)
    with pytest.raises(WeightsError, match="no layout 'hwio'"):
        to_torch(kernel, "hwio")


# --- files ------------------------------------------------------------------------------------------


def test_plain_files_keep_their_names(tmp_path: Path) -> None:
    arrays = {"block1/conv/kernel": draw(3, 3, 1, 2), "fc/bias": draw(2)}
    np.savez(tmp_path / "a.npz", **{f"{name}:0": array for name, array in arrays.items()})
    save_safetensors({name: torch.from_numpy(a) for name, a in arrays.items()}, tmp_path / "a.safetensors", half=False)
    for file in ("a.npz", "a.safetensors"):
        read = read_arrays(tmp_path / file)
        assert read.keys() == arrays.keys() and all(np.array_equal(read[name], arrays[name]) for name in arrays)


@pytest.mark.parametrize("name", ["a.npz", "a.h5", "a.keras", "a.safetensors"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(WeightsError, match="There is no weight file"):
        read_arrays(tmp_path / name)
    (tmp_path / name).write_bytes(b"no such thing")
    if name != "a.h5":
        with pytest.raises(WeightsError, match=name):
            read_arrays(tmp_path / name)
    with pytest.raises(WeightsError, match="no file of arrays that this course reads"):
        read_arrays(Path(__file__))


def test_python_objects_are_not_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", bad=np.array([{"a": 1}], dtype=object))
    with pytest.raises(WeightsError, match=r"a\.npz"):
        read_arrays(tmp_path / "a.npz")


def test_h5py_is_asked_for_by_the_name_of_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    (tmp_path / "a.h5").write_bytes(b"\x89HDF")
    with pytest.raises(CourseError, match=r"needs h5py.*tlcourse\[zoo\]"):
        read_arrays(tmp_path / "a.h5")
