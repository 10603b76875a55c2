import torch
from torch import nn


class Prepared(nn.Module):
    """A network behind its preparation; `prepare` takes (module, images)."""

    def __init__(self, network, mean, std, prepare=None, after=None):
        super().__init__()
        self.network, self.prepare, self.after = network, prepare, after
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1))

    def forward(self, images):
        x = self.prepare(self, images) if self.prepare else (images.float() / 255 - self.mean) / self.std
        logits = self.network(x)
        return self.after(logits) if self.after else logits


def new_exporter(network, mean, std, size, path):
    whole = Prepared(network, mean, std).eval()
    example = torch.zeros(2, 3, size, size, dtype=torch.uint8)
    torch.onnx.export(
        whole, (example,), path, dynamo=True, external_data=False, verbose=False, dynamic_shapes=({0: "batch"},)
    )


def old_exporter(network, mean, std, size, path):
    network.eval()
    free = {"pictures": {0: "n"}, "scores": {0: "n"}}
    names = {"input_names": ["pictures"], "output_names": ["scores"], "dynamic_axes": free}
    example = torch.randint(0, 255, (3, 3, size, size), dtype=torch.uint8)
    torch.onnx.export(Prepared(network, mean, std), example, path, dynamo=False, **names)


def folded_into_a_convolution(network, mean, std, size, path):
    """Scaling and normalisation as one 1 x 1 convolution before the network."""
    first = nn.Conv2d(3, 3, 1)
    first.weight.data = torch.diag(1 / (255 * torch.tensor(std)))[:, :, None, None]
    first.bias.data = -torch.tensor(mean) / torch.tensor(std)

    class Floats(nn.Module):
        def forward(self, images):
            return images.float()

    written(nn.Sequential(Floats(), first, network).eval(), size, path)


RIGHT = [new_exporter, old_exporter, folded_into_a_convolution]


def written(whole, size, path, n=2, dtype=torch.uint8, free=True, **options):
    axes = {"images": {0: "n"}} if free else None
    example = torch.zeros(n, 3, size, size, dtype=dtype)
    torch.onnx.export(whole, (example,), path, dynamo=False, input_names=["images"], dynamic_axes=axes, **options)


def exported(prepare=None, after=None, **options):
    """An export with another preparation or another end."""
    return lambda network, mean, std, size, path: written(
        Prepared(network, mean, std, prepare, after).eval(), size, path, **options
    )


def training(network, mean, std, size, path):
    written(Prepared(network, mean, std).train(), size, path, training=torch.onnx.TrainingMode.TRAINING)


def own_name(network, mean, std, size, path):
    return new_name(network, mean, std, size, path.replace("network", "mine"))


def new_name(network, mean, std, size, path):
    return exported()(network, mean, std, size, path)


def sidecar(network, mean, std, size, path):
    import onnx

    exported()(network, mean, std, size, path)
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="weights.data", size_threshold=0)


def with_pickle(network, mean, std, size, path):
    torch.save(network.state_dict(), path)


def with_numbers(mean, std):
    centre, width = (torch.tensor(values).view(1, 3, 1, 1) for values in (mean, std))
    return lambda m, x: (x.float() / 255 - centre) / width


WRONG = {
    "training-mode": training,
    "normalisation-left-out": exported(lambda m, x: x.float() / 255),
    "scaling-left-out": exported(lambda m, x: (x.float() - m.mean) / m.std),
    "preparation-left-out": exported(lambda m, x: x.float()),
    "mean-only": exported(lambda m, x: x.float() / 255 - m.mean),
    "std-multiplied": exported(lambda m, x: (x.float() / 255 - m.mean) * m.std),
    "statistics-exchanged": exported(lambda m, x: (x.float() / 255 - m.std) / m.mean),
    "one-statistic": exported(lambda m, x: (x.float() / 255 - m.mean[:, :1]) / m.std[:, :1]),
    "other-statistics": exported(with_numbers((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))),
    "softmax-inside": exported(after=lambda z: z.softmax(1)),
    "log-softmax-inside": exported(after=lambda z: z.log_softmax(1)),
    "fixed-batch": exported(free=False, n=1),
    "not-bytes": exported(lambda m, x: (x - m.mean) / m.std, dtype=torch.float32),
    "not-logits": exported(after=lambda z: z.argmax(1)),
    "no-file": own_name,
    "weights-beside": sidecar,
    "unreadable": with_pickle,
    "does-not-run": lambda network, mean, std, size, path: exported()(network, mean, std, size + 4, path),
    "differs": exported(after=lambda z: z / 2),
    "bytes-convolved": exported(lambda m, x: x),
    "raises": lambda network, mean, std, size, path: network[99],
}
