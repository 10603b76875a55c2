from fastai.torch_core import params
from fastai.vision.learner import default_split, model_meta


def entry(architecture, mean, std, **changes):
    names = [name for name, _ in architecture().named_children()]
    usual = {"cut": names.index("average"), "split": default_split, "stats": (mean, std), "weights": "DEFAULT"}
    return {**usual, **changes}


def register(architecture, mean, std):
    model_meta[architecture] = entry(architecture, mean, std)


def with_functions(architecture, mean, std):
    def cut(network):
        from torch import nn

        return nn.Sequential(*[child for name, child in network.named_children() if name.startswith("st")])

    def split(model):
        return [params(model[0][:1]), params(model[0][1:]), params(model[1])]

    model_meta.update({architecture: {"weights": "DEFAULT", "stats": [mean, std], "split": split, "cut": cut}})
    return model_meta[architecture]


def from_the_end(architecture, mean, std):
    children = list(architecture().children())
    after = next(i for i, child in enumerate(reversed(children), 1) if type(child).__name__ == "Mean")
    model_meta[architecture] = entry(architecture, mean, std, cut=-after)


RIGHT = [register, with_functions, from_the_end]


def but(**changes):
    def answer(architecture, mean, std):
        model_meta[architecture] = entry(architecture, mean, std, **changes)

    return answer


def without(key):
    def answer(architecture, mean, std):
        full = entry(architecture, mean, std)
        del full[key]
        model_meta[architecture] = full

    return answer


def moved(by):
    def answer(architecture, mean, std):
        model_meta[architecture] = entry(architecture, mean, std)
        model_meta[architecture]["cut"] += by

    return answer


def by_name(architecture, mean, std):
    model_meta["pocketnet"] = entry(architecture, mean, std)


def exchanged(architecture, mean, std):
    model_meta[architecture] = entry(architecture, std, mean)


def of_imagenet(architecture, mean, std):
    model_meta[architecture] = entry(architecture, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def rounded(architecture, mean, std):
    model_meta[architecture] = entry(architecture, [0.5] * 3, [0.5] * 3)


WRONG = {
    "cut-none": but(cut=None),
    "cut-missing": without("cut"),
    "cut-keeps-head": but(cut=99),
    "cut-keeps-pooling": moved(1),
    "cut-too-early": moved(-1),
    "cut-fails": but(cut="average"),
    "stats-missing": without("stats"),
    "stats-exchanged": exchanged,
    "stats-of-imagenet": of_imagenet,
    "stats-differ": rounded,
    "weights-missing": without("weights"),
    "weights-not-default": but(weights=None),
    "split-missing": without("split"),
    "split-wrong": but(split=lambda model: [params(model[1]), params(model[0])]),
    "registered-by-name": by_name,
    "returned-not-registered": entry,
    "not-registered": lambda architecture, mean, std: None,
    "raises": lambda architecture, mean, std: model_meta["resnet18"],
}
