import numpy as np
import torch

PARTS = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
    "bias": "bias",
}


def laid_out(array):
    if array.ndim == 4:
        return array.transpose(3, 2, 0, 1)
    return array.T


def with_a_table(arrays, layers):
    state = {}
    for name, array in arrays.items():
        layer, part = name.split("/")
        state[f"{layers[layer]}.{PARTS[part]}"] = torch.from_numpy(laid_out(array).copy())
    return state


def layer_by_layer(arrays, layers):
    state = {}
    for keras, ours in layers.items():
        own = {name.rpartition("/")[2]: torch.tensor(a) for name, a in arrays.items() if name.startswith(keras + "/")}
        if "gamma" in own:
            state[f"{ours}.weight"], state[f"{ours}.bias"] = own["gamma"], own["beta"]
            state[f"{ours}.running_mean"] = own["moving_mean"]
            state[f"{ours}.running_var"] = own["moving_variance"]
            state[f"{ours}.num_batches_tracked"] = torch.tensor(0)
        else:
            kernel = own["kernel"]
            state[f"{ours}.weight"] = kernel.permute(3, 2, 0, 1) if kernel.ndim == 4 else kernel.t()
            state[f"{ours}.bias"] = own["bias"]
    return state


def in_double_with_moveaxis(arrays, layers):
    state = with_a_table(arrays, layers)
    for keras, ours in layers.items():
        kernel = arrays.get(f"{keras}/kernel")
        if kernel is not None and kernel.ndim == 4:
            moved = np.moveaxis(kernel, (3, 2), (0, 1)).astype(np.float64)
            state[f"{ours}.weight"] = torch.nn.Parameter(torch.tensor(moved))
    return state


RIGHT = [with_a_table, layer_by_layer, in_double_with_moveaxis]


def kernels(conv=None, dense=None):
    def answer(arrays, layers):
        state = with_a_table(arrays, layers)
        for keras, ours in layers.items():
            kernel = arrays.get(f"{keras}/kernel")
            change = None if kernel is None else conv if kernel.ndim == 4 else dense
            if change:
                state[f"{ours}.weight"] = torch.from_numpy(np.ascontiguousarray(change(kernel)))
        return state

    return answer


def parts(**others):
    def answer(arrays, layers):
        state = {}
        for name, array in arrays.items():
            layer, part = name.split("/")
            state[f"{layers[layer]}.{(PARTS | others)[part]}"] = torch.from_numpy(laid_out(array).copy())
        return state

    return answer


def variance(change):
    def answer(arrays, layers):
        state = with_a_table(arrays, layers)
        return {name: change(tensor) if "running_var" in name else tensor for name, tensor in state.items()}

    return answer


def reshaped(kernel):
    return kernel.reshape([kernel.shape[axis] for axis in (3, 2, 0, 1)])


WRONG = {
    "keras-names": lambda arrays, layers: {n: torch.from_numpy(laid_out(a).copy()) for n, a in arrays.items()},
    "keras-layers": lambda arrays, layers: with_a_table(arrays, {name: name for name in layers}),
    "keras-parts": parts(gamma="gamma", beta="beta"),
    "statistics-missing": lambda arrays, layers: {
        name: tensor for name, tensor in with_a_table(arrays, layers).items() if "running" not in name
    },
    "wrong-names": lambda arrays, layers: {f"model.{n}": t for n, t in with_a_table(arrays, layers).items()},
    "conv-as-it-is": kernels(conv=lambda kernel: kernel),
    "conv-reshaped": kernels(conv=reshaped),
    "conv-reversed": kernels(conv=lambda kernel: kernel.T),
    "conv-in-out": kernels(conv=lambda kernel: kernel.transpose(2, 3, 0, 1)),
    "conv-channels-last": kernels(conv=lambda kernel: kernel.transpose(3, 0, 1, 2)),
    "conv-turned": kernels(conv=lambda kernel: laid_out(kernel)[..., ::-1, ::-1]),
    "dense-as-it-is": kernels(dense=lambda kernel: kernel),
    "dense-reshaped": kernels(dense=lambda kernel: kernel.reshape(kernel.shape[::-1])),
    "batch-norm-mixed-up": parts(gamma="bias", beta="weight"),
    "spread-for-variance": variance(torch.sqrt),
    "epsilon-twice": variance(lambda tensor: tensor + 1e-3),
    "wrong-values": variance(lambda tensor: 1 / tensor),
    "not-tensors": lambda arrays, layers: {n: t.numpy() for n, t in with_a_table(arrays, layers).items()},
    "not-a-dict": lambda arrays, layers: list(with_a_table(arrays, layers).values()),
}
