"""Exercises of lesson 09, fastai-vision-learner."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tlcourse.checks.collecting import call, each, kept, undisturbed
from tlcourse.checks.exercise import Evidence, Exercise, Finding
from tlcourse.checks.judging import Misconception, Question, judge_question, not_class_numbers, same, unusable

if TYPE_CHECKING:
    from tlcourse.worlds.images import LabelledImages

# torch and fastai take seconds to import, and the registry imports this module: what needs them imports them when it runs.


def _raised(name: str, records: Sequence[Evidence], points: float) -> Finding | None:
    """A finding if the answer raised. That it returns nothing is no fault where it changes something."""
    faults = [record for record in records if "error" in record]
    return unusable(name, faults, points) if faults else None


def _tried(action: Callable[[], Any]) -> tuple[Any, str]:
    """(what it gives, ""), or (None, the error's text): what an answer made can break fastai in any way."""
    try:
        return action(), ""
    except Exception as error:
        return None, f"{type(error).__name__}: {str(error)[:200]}"


# --- photo_block ----------------------------------------------------------------------------------------------------

_FRUIT = ("right_arrow", "plum", "pear", "red_berry", "fig", "lime")
_PEOPLE = ("ben", "cleo", "dina", "emil", "fay", "gus", "hana")
_Photo = tuple[str, str, str]  # file, class, person


def _photos(rng: np.random.Generator) -> tuple[list[_Photo], set[str], int]:
    """Names of photos, the people to validate on, and the size. "ana" is always among them, and in "banana" too."""
    classes = ["banana", "left_arrow", *rng.choice(_FRUIT, 2, replace=False).tolist()]
    people = ["ana", *rng.choice(_PEOPLE, 4, replace=False).tolist()]
    photos = [
        (f"camera{rng.integers(1, 3)}/{kind}_{person}_{take:02}.png", kind, person)
        for kind in classes
        for person in people
        for take in rng.choice(90, 2, replace=False)
    ]
    return photos, {"ana", people[1]}, int(rng.integers(16, 30))


def _collect_block(answer: Any, rng: np.random.Generator) -> Evidence:
    photos, people, size = _photos(rng)
    with undisturbed(), tempfile.TemporaryDirectory() as folder:
        _draw(photos, Path(folder), rng)
        record, block = kept(answer, set(people), size)
        if "error" in record:
            return {"call": record}
        return {"call": {**record, "value": None}, "kind": type(block).__name__, **_of_block(block, Path(folder))}


def _draw(photos: Sequence[_Photo], folder: Path, rng: np.random.Generator) -> None:
    from PIL import Image

    for name, _, _ in photos:
        (folder / name).parent.mkdir(exist_ok=True)
        height, width = rng.integers(30, 50, 2)
        Image.fromarray(rng.integers(0, 255, (height, width, 3), dtype=np.uint8)).save(folder / name)


def _of_block(block: Any, folder: Path) -> Evidence:
    """What the parts of a DataBlock make of the folder, each by itself: a fault of one hides no other.

    (`block.datasets` would stop at the first label that the training side lacks, which a wrong label soon is.)
    """
    from fastai.data.block import DataBlock
    from fastai.data.transforms import Categorize, get_image_files
    from fastai.vision.data import ImageBlock

    if not isinstance(block, DataBlock):
        return {}
    if getattr(block, "get_items", None) is None:
        return {"has_items": False}
    items, error = _tried(lambda: list(block.get_items(folder) or []))
    sides, split_error = _tried(lambda: [[int(row) for row in side] for side in block.splitter(items)[:2]])
    labels, label_error = _tried(lambda: [str(block.getters[-1](item)) for item in items])
    views = DataBlock(blocks=(ImageBlock,), get_items=get_image_files, item_tfms=list(block.item_tfms))
    shape, batch_error = _tried(lambda: tuple(views.dataloaders(folder, bs=4, num_workers=0).one_batch()[0].shape))
    return {
        "has_items": True,
        "files": [Path(item).relative_to(folder).as_posix() for item in items or []],
        "sides": sides or [[], []],
        "labels": labels or [],
        "error": error or split_error or label_error,
        "categories": any(isinstance(step, Categorize) or step is Categorize for step in block.type_tfms[-1]),
        "shape": list(shape or ()),
        "batch_error": batch_error,
    }


def _judge_block(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    photos, people, size = _photos(rng)
    if fault := _raised("photo_block", [evidence["call"]], 3):
        return [fault]
    if evidence["kind"] == "NoneType":
        return [Finding("returns-nothing", False, "`photo_block` returns nothing.", "`return DataBlock(...)`.", 3)]
    if "has_items" not in evidence:
        message = f"`photo_block` returns an object of the type {evidence['kind']}, not a DataBlock."
        return [Finding("not-a-datablock", False, message, "Return the block itself; the check asks it for data.", 3)]
    if not evidence["has_items"]:
        message = "The block has no `get_items`: it does not know which files there are."
        return [Finding("get-items-missing", False, message, "Give `get_items=get_image_files`.", 3)]
    files = evidence["files"]
    if not files:
        return [
            Finding("no-files", False, "Your block finds no file.", "`get_image_files` looks into subfolders too.", 3)
        ]
    if error := evidence["error"]:
        message = f"A part of your block stops ({error})."
        return [Finding("block-fails", False, message, "Call `.summary(folder)` of your block: it shows each step.", 3)]
    labels = dict(zip(files, evidence["labels"], strict=True))
    return [
        _label_finding(photos, labels, evidence["categories"]),
        _split_finding(photos, people, [{files[row] for row in side} for side in evidence["sides"]]),
        _batch_finding(evidence, size),
    ]


_LABELS: tuple[tuple[str, Callable[[_Photo], str], str], ...] = (
    ("label-from-folder", lambda p: p[0].split("/")[0], "The label is the folder's name, which is the camera here."),
    ("label-has-person", lambda p: f"{p[1]}_{p[2]}", "The person is part of the label: one class a person."),
    ("label-is-person", lambda p: p[2], "The label is the person."),
    ("label-cut-short", lambda p: p[1].split("_")[0], "`left_arrow` became `left`: the label ends at the first `_`."),
    (
        "label-is-name",
        lambda p: p[0].split("/")[1].rsplit(".")[0],
        "The label is the whole file name: one class a photo.",
    ),
)


def _label_finding(photos: Sequence[_Photo], given: dict[str, str], categories: bool) -> Finding:
    step = 'Cut the stem at its last two underscores: `path.stem.rsplit("_", 2)[0]`.'
    if not categories:
        message = "The labels are not categories: they were left as text, without a number for each class."
        return Finding("not-a-category", False, message, "The second block is `CategoryBlock`.", 1)
    seen = [photo for photo in photos if photo[0] in given]
    if all(given[photo[0]] == photo[1] for photo in seen):
        return Finding("labels", True, "Every photo is labelled with its class.", "", 1)
    for code, mistake, message in _LABELS:
        if all(given[photo[0]] == mistake(photo) for photo in seen):
            return Finding(code, False, message, step, 1)
    name, kind, _ = next(photo for photo in seen if given[photo[0]] != photo[1])
    return Finding("labels-differ", False, f"{name} is labelled {given[name]!r}, not {kind!r}.", step, 1)


def _split_finding(photos: Sequence[_Photo], people: set[str], sides: Sequence[set[str]]) -> Finding:
    person = {name: who for name, _, who in photos}
    train, valid = sides
    wanted = {name for name in person if person[name] in people}
    step = "`FuncSplitter(f)` validates on the files for which f is true: ask for the person between the underscores."
    if train | valid != set(person):
        missing = sorted(set(person) - train - valid)[0]
        return Finding("files-missing", False, f"{missing} is on neither side.", "Every photo is on one side.", 1)
    if valid == wanted:
        return Finding("split", True, "Nobody is on both sides.", "", 1)
    if train == wanted:
        message = "The two sides are exchanged: you train on the people to validate on."
        return Finding("people-swapped", False, message, step, 1)
    if valid == {name for name in person if any(who in name for who in people)}:
        message = "You looked for `ana` anywhere in the name, and found it in `banana` too."
        return Finding("name-inside-a-word", False, message, step, 1)
    both = sorted({person[name] for name in train} & {person[name] for name in valid})
    if both:
        message = f"{both[0]} is on both sides: validation will praise the network for knowing people."
        return Finding("people-on-both-sides", False, message, step, 1)
    missing_people = ", ".join(sorted(people - {person[name] for name in valid})) or "nobody"
    message = f"The sides hold whole people, but the wrong ones: {missing_people} should be validated on and is not."
    return Finding("other-people", False, message, step, 1)


def _batch_finding(evidence: Evidence, size: int) -> Finding:
    step = "Give `item_tfms=Resize(size)`: it works on each photo, before a batch is made."
    shape = evidence["shape"]
    if evidence["batch_error"]:
        message = "No batch can be made: photos of different sizes do not stack."
        return Finding("not-resized", False, message, step, 1)
    if shape[-2:] != [size, size]:
        message = f"A batch has the shape {tuple(shape)}; its photos should be {size} pixels high and wide."
        return Finding("other-size", False, message, step, 1)
    return Finding("batch", True, f"A batch of photos, {size} pixels high and wide.", "", 1)


# --- register_network -----------------------------------------------------------------------------------------------


def _stats(rng: np.random.Generator) -> tuple[list[float], list[float]]:
    return rng.uniform(0.3, 0.7, 3).round(3).tolist(), rng.uniform(0.1, 0.28, 3).round(3).tolist()


def _architecture(rng: np.random.Generator) -> tuple[Callable[..., Any], int, int]:
    """(a function that makes a network, as torchvision's do; the channels of its body; its stride)."""
    from torch import nn

    class Mean(nn.Module):
        """A pooling whose name does not say so: fastai does not find it."""

        def forward(self, x: Any) -> Any:
            return x.mean((2, 3))

    widths = rng.permutation(np.arange(5, 12))[: int(rng.integers(3, 6))].tolist()
    mixing = bool(rng.integers(2))

    def architecture(weights: str | None = None) -> nn.Module:
        layers: list[tuple[str, nn.Module]] = []
        for number, (c_in, c_out) in enumerate(zip([3, *widths[:-1]], widths, strict=True)):
            conv = nn.Conv2d(c_in, c_out, 3, 2 if number < 2 else 1, 1, bias=False)
            layers.append(
                ("stem" if number == 0 else f"stage{number}", nn.Sequential(conv, nn.BatchNorm2d(c_out), nn.ReLU()))
            )
        tail = [
            ("average", Mean()),
            *([("dropout", nn.Dropout())] if mixing else []),
            ("head", nn.Linear(widths[-1], 40)),
        ]
        network = nn.Sequential()
        for name, layer in [*layers, *tail]:
            network.add_module(name, layer)
        return network

    return architecture, widths[-1], 4


def _collect_meta(answer: Any, rng: np.random.Generator) -> Evidence:
    from fastai.vision.learner import model_meta

    trials, before = [], dict(model_meta)
    with undisturbed():
        for _ in range(2):
            mean, std = _stats(rng)
            architecture, _, _ = _architecture(rng)
            try:
                record, value = kept(answer, architecture, mean, std)
                meta = model_meta.get(architecture)
                named = [key for key in model_meta if key not in before and isinstance(key, str)]
            finally:
                model_meta.clear()
                model_meta.update(before)
            trial: Evidence = {"call": record if "error" in record else {**record, "value": None}}
            trial |= {"named": bool(named), "returned": isinstance(value, dict) and "cut" in value}
            trials.append({**trial, **_of_meta(architecture, meta)})
    return {"trials": trials}


def _of_meta(architecture: Any, meta: Any) -> Evidence:
    """What fastai makes of an entry of its table."""
    import torch
    from fastai.vision.learner import add_head, create_body

    if not isinstance(meta, dict):
        return {"kind": type(meta).__name__}
    facts: Evidence = {"keys": sorted(map(str, meta)), "weights": str(meta.get("weights")), "stats": _plain_stats(meta)}
    body, error = _tried(lambda: create_body(architecture(), cut=meta.get("cut")))
    shape, run_error = ((), "") if error else _tried(lambda: tuple(body.eval()(torch.zeros(2, 3, 32, 32)).shape))
    facts |= {"cut_given": "cut" in meta, "body_error": error or run_error, "shape": list(shape or ())}
    facts["ends_in"] = (
        "" if error else ([name for name, _ in architecture().named_children()][len(list(body.children())) - 1])
    )
    if len(facts["shape"]) == 4 and callable(meta.get("split")):
        model = add_head(body, facts["shape"][1], 5)
        names = {id(p): name for name, p in model.named_parameters()}
        groups, error = _tried(lambda: [[names[id(p)] for p in group] for group in meta["split"](model)])
        facts |= {"groups": groups or [], "n_parameters": len(names), "split_error": error}
    return facts


def _plain_stats(meta: dict[str, Any]) -> list[list[float]]:
    """The statistics as lists, empty where there are none or they are no pair of three numbers."""
    pair, error = _tried(lambda: [[float(v) for v in part] for part in meta["stats"]])
    return [] if error or [len(part) for part in pair] != [3, 3] else pair


def _judge_meta(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    if fault := _raised("register_network", [trial["call"] for trial in evidence["trials"]], 3):
        return [fault]
    verdicts = []
    for trial in evidence["trials"]:
        mean, std = _stats(rng)
        _, channels, _ = _architecture(rng)
        verdicts.append(_meta_findings(trial, mean, std, channels))
    return next((found for found in verdicts if not all(f.passed for f in found)), verdicts[0])


def _meta_findings(trial: Evidence, mean: list[float], std: list[float], channels: int) -> list[Finding]:
    store = "Write `model_meta[architecture] = {...}`: the function itself is the key."
    if trial["named"]:
        message = "The entry stands under a text; fastai looks for the function that makes the network."
        return [Finding("registered-by-name", False, message, store, 3)]
    if "keys" not in trial:
        if trial["returned"]:
            message = "You return the entry; nobody puts it into fastai's table."
            return [Finding("returned-not-registered", False, message, store, 3)]
        return [Finding("not-registered", False, "fastai's `model_meta` has no entry for the network.", store, 3)]
    return [_cut_finding(trial, channels), _stats_finding(trial["stats"], mean, std), _rest_finding(trial)]


def _cut_finding(trial: Evidence, channels: int) -> Finding:
    step = (
        "Count from the end: what comes after the last stage differs, so find `average` by its name, or by a function."
    )
    if not trial["cut_given"]:
        message = "The entry has no `cut`: fastai would stop with a KeyError."
        return Finding("cut-missing", False, message, 'Give "cut": a number of children, or a function.', 1)
    if "StopIteration" in trial["body_error"]:
        message = "With a cut of None fastai looks for a pooling layer by its name, finds none, and stops."
        return Finding("cut-none", False, message, step, 1)
    shape, end = trial["shape"], trial["ends_in"]
    if trial["body_error"]:
        return Finding("cut-fails", False, f"The cut body does not run ({trial['body_error']}).", step, 1)
    if len(shape) == 4 and shape[1] == channels and end.startswith(("stem", "stage")):
        return Finding("cut", True, "The body ends before the pooling: maps come out of it.", "", 1)
    if len(shape) == 4:
        message = f"The body ends after {end}, too early: its maps have {shape[1]} channels, not {channels}."
        return Finding("cut-too-early", False, message, step, 1)
    code = "cut-keeps-head" if end == "head" else "cut-keeps-pooling"
    message = f"The body ends after {end}: its output has the shape {tuple(shape)}, and no maps are left to pool."
    return Finding(code, False, message, step, 1)


_IMAGENET = [[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]


def _stats_finding(given: list[list[float]], mean: list[float], std: list[float]) -> Finding:
    step = 'Give "stats": (mean, std), the ones that the function is given.'
    if not given:
        message = "The entry has no usable `stats`: fastai would not normalise, without a word."
        return Finding("stats-missing", False, message, step, 1)
    if same(given, [mean, std]):
        return Finding("stats", True, "Images will be normalised as the network is used to.", "", 1)
    if same(given, [std, mean]):
        return Finding("stats-exchanged", False, "The standard deviations stand where the means belong.", step, 1)
    if same(given, _IMAGENET):
        return Finding("stats-of-imagenet", False, "These are ImageNet's statistics; this network has others.", step, 1)
    return Finding("stats-differ", False, f"The statistics are {given}, not {[mean, std]}.", step, 1)


def _rest_finding(trial: Evidence) -> Finding:
    if "weights" not in trial["keys"]:
        message = "Without `weights` in the entry fastai calls `architecture(pretrained=True)`, which this one refuses."
        return Finding("weights-missing", False, message, 'Give "weights": "DEFAULT".', 1)
    if trial["weights"] != "DEFAULT":
        message = f"The weights are {trial['weights']}: `pretrained=True` would load no published ones."
        return Finding("weights-not-default", False, message, 'Give "weights": "DEFAULT".', 1)
    if "split" not in trial["keys"]:
        message = "The entry has no `split`: fastai would stop with a KeyError."
        return Finding("split-missing", False, message, 'Give "split": default_split, which makes body and head.', 1)
    groups = trial.get("groups")
    if groups is None:  # the cut is wrong already, and is named above
        return Finding("split", True, "Weights and groups are there.", "", 1)
    head = [name for name in (groups[-1] if groups else [])]
    whole = sum(map(len, groups)) == trial["n_parameters"] and len(groups) > 1
    if trial["split_error"] or not whole or any(not name.startswith("1.") for name in head):
        message = "The split does not give body and head: some parameter is in no group, or the head is not last."
        return Finding("split-wrong", False, message, "`default_split` of fastai.vision.learner does.", 1)
    return Finding("split", True, "Weights and groups are there.", "", 1)


# --- three_groups ---------------------------------------------------------------------------------------------------


def _group_cases(rng: np.random.Generator) -> list[tuple[Any, int]]:
    # Just before a child without parameters a cut one child later gives the same groups, just after it one earlier:
    # together the two cases tell both mistakes.
    sizes, offsets = rng.permutation([4, 5, 6])[:2].tolist(), rng.permutation(2).tolist()
    return [_body_and_head(rng, size, size // 2, offset) for size, offset in zip(sizes, offsets, strict=True)]


def _body_and_head(rng: np.random.Generator, children: int, early: int, offset: int) -> tuple[Any, int]:
    from torch import nn

    widths = rng.integers(2, 6, children + 1).tolist()
    widths[0] = 3
    blocks: list[nn.Module] = [
        nn.Sequential(nn.Conv2d(a, b, 3, bias=False), nn.BatchNorm2d(b)) for a, b in pairwise(widths)
    ]
    blocks.insert(early, nn.ReLU())  # a child without parameters counts as a child too
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], 7), nn.ReLU(), nn.Linear(7, 4))
    model = nn.Sequential(nn.Sequential(*blocks), head)
    next(model[0].parameters()).requires_grad_(False)
    return model, early + offset


def _collect_groups(answer: Any, rng: np.random.Generator) -> Evidence:
    with undisturbed():
        return {"trials": [_group_trial(answer, model, early) for model, early in _group_cases(rng)]}


def _group_trial(answer: Any, model: Any, early: int) -> Evidence:
    names = {id(p): name for name, p in model.named_parameters()}
    record, groups = kept(answer, model, early)
    if "error" in record or groups is None:
        return {"call": record}
    described, _ = _tried(lambda: [_of_group(group, names) for group in groups])
    return {"call": {**record, "value": "groups"}, "groups": described or []}


def _of_group(group: Any, names: dict[int, str]) -> Evidence:
    """A group's kind and the names of its parameters; what is no parameter is given as its type."""
    if isinstance(group, list | tuple) or type(group).__name__ == "L":
        return {"kind": "list", "names": [names.get(id(p), f"?{type(p).__name__}") for p in group]}
    generates = hasattr(group, "__next__")
    listed = [names.get(id(p), f"?{type(p).__name__}") for p in group] if generates else []
    return {"kind": "generator" if generates else type(group).__name__, "names": listed}


def _true_groups(model: Any, early: int) -> list[list[str]]:
    def part(name: str) -> int:
        outer, inner = name.split(".")[:2]
        return 2 if outer == "1" else int(int(inner) >= early)

    names = [name for name, _ in model.named_parameters()]
    return [[name for name in names if part(name) == group] for group in range(3)]


def _judge_groups(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    trials, cases = evidence["trials"], _group_cases(rng)
    if fault := unusable("three_groups", [trial["call"] for trial in trials], 2):
        return [fault]
    findings = [
        _group_finding(trial["groups"], model, early) for trial, (model, early) in zip(trials, cases, strict=True)
    ]
    return [next((finding for finding in findings if not finding.passed), findings[0])]


def _group_finding(groups: list[Evidence], model: Any, early: int) -> Finding:
    right = _true_groups(model, early)

    def wrong(code: str, message: str, step: str) -> Finding:
        return Finding(code, False, message, step, 2)

    kinds = {group["kind"] for group in groups}
    given = [group["names"] for group in groups]
    if kinds - {"list", "generator"} or any(name.startswith("?") for names in given for name in names):
        return wrong("not-parameters", "A group holds modules or names.", "List `module.parameters()`.")
    if "generator" in kinds:
        message = "A group is a generator: fastai then takes all three for one group, and it can be read only once."
        return wrong(
            "generators", message, "Make each a list: `list(module.parameters())`, or fastai's `params(module)`."
        )
    if len(given) != 3:
        return wrong("not-three", f"There are {len(given)} groups.", "Early body, late body, head: three lists.")
    sets, wanted = [set(names) for names in given], [set(names) for names in right]
    if sets == wanted and sum(map(len, given)) == sum(map(len, right)):
        return Finding("groups", True, "Early body, late body, head; every parameter in exactly one.", "", 2)
    if sets == wanted[::-1]:
        return wrong(
            "order-reversed", "The head comes first; fastai unfreezes from the last group on.", "Turn it round."
        )
    return _group_fault(given, sets, wanted, model, wrong)


def _group_fault(
    given: list[list[str]], sets: list[set[str]], wanted: list[set[str]], model: Any, wrong: Callable[..., Finding]
) -> Finding:
    every = set().union(*wanted)
    present = [name for names in given for name in names]
    if len(present) > len(set(present)):
        twice = next(name for name in present if present.count(name) > 1)
        return wrong("in-two-groups", f"Parameter {twice} is in two groups.", "Slice the body once, at `early`.")
    missing = every - set(present)
    frozen = {name for name, p in model.named_parameters() if not p.requires_grad}
    if missing and missing <= frozen:
        message = "What is frozen just now is in no group: it could never be unfrozen."
        return wrong("frozen-left-out", message, "Take every parameter, whatever its requires_grad.")
    if missing and missing <= wanted[2]:
        return wrong("head-missing", "Parameters of the head are in no group.", "The head is `model[1]`, all of it.")
    if missing:
        message = f"{len(missing)} parameters are in no group, such as {min(missing)}: they would never train."
        return wrong("parameters-missing", message, "A group is a part's `.parameters()`, all of them.")
    if sets[2] == wanted[2]:
        message = "Early and late body part at another child than the body's first `early` ones."
        return wrong("cut-elsewhere", message, "`model[0][:early]` and `model[0][early:]`; every child counts.")
    return wrong(
        "groups-differ", "The groups are other parts than asked for.", "`model[0][:early]`, the rest, `model[1]`."
    )


# --- beat_the_clock -------------------------------------------------------------------------------------------------

_RACE_CLASSES, _RACE_TRAIN, _RACE_TEST, _RACE_SIDE = 8, 10, 12, 48
_WANTED, _PASSES, _RACE_POINTS = 0.80, 500, 3


def _race_task(rng: np.random.Generator) -> tuple[LabelledImages, LabelledImages]:
    """Eight of the everyday things on textured grounds: training and test images, in an order drawn by `rng`."""
    from tlcourse.worlds import EVERYDAY

    things = tuple(rng.choice(EVERYDAY.characters, _RACE_CLASSES, replace=False).tolist())
    numbers = rng.permutation(_RACE_CLASSES)
    parts = []
    for per_class in (_RACE_TRAIN, _RACE_TEST):
        data = _race_images(things, per_class, int(rng.integers(1 << 62)))
        parts.append(replace(data, labels=numbers[data.labels]).subset(rng.permutation(len(data))))
    return parts[0], parts[1]


@lru_cache(maxsize=2)  # drawn once where the same process draws the material and judges
def _race_images(things: tuple[str, ...], per_class: int, seed: int) -> LabelledImages:
    from tlcourse.worlds import EVERYDAY, glyphs

    return glyphs(EVERYDAY.only(*things), per_class, size=_RACE_SIDE, seed=seed, cache=False)


def _race_material(rng: np.random.Generator) -> Evidence:
    train, test = _race_task(rng)
    return {"images": train.images, "labels": train.labels, "test_images": test.images}


def _collect_race(answer: Any, material: Evidence) -> Evidence:
    """The predictions, and the floating-point operations that PyTorch did for them, forwards and backwards.

    Seconds would depend on the machine and on what else it does; features kept from an earlier try would cost nothing.
    """
    from torch.utils.flop_counter import FlopCounterMode

    counter = FlopCounterMode(display=False)
    with undisturbed(), _empty_cache(), counter:
        record = call(answer, material["images"], material["labels"], material["test_images"])
    return {"call": record, "work": int(counter.get_total_flops())}


@contextmanager
def _empty_cache() -> Iterator[None]:
    before = os.environ.get("TLCOURSE_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TLCOURSE_CACHE"] = folder
        try:
            yield
        finally:
            os.environ.pop("TLCOURSE_CACHE")
            if before is not None:
                os.environ["TLCOURSE_CACHE"] = before


@cache
def _work_of_a_pass() -> int:
    """What GlyphNet's body does for one image of the race."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from tlcourse.models import GlyphNet

    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        GlyphNet().body.eval()(torch.zeros(1, 3, _RACE_SIDE, _RACE_SIDE))
    return int(counter.get_total_flops())


def _judge_race(evidence: Evidence, rng: np.random.Generator, _held_out: Mapping[str, Any]) -> list[Finding]:
    if fault := unusable("beat_the_clock", [evidence["call"]], _RACE_POINTS):
        return [fault]
    train, test = _race_task(rng)
    given, passes = evidence["call"]["value"], evidence["work"] / _work_of_a_pass()
    unfit = not_class_numbers(given, len(train), len(test), _RACE_CLASSES)
    code, message, cure = unfit or _lost_race(float(np.mean(np.ravel(given) == test.labels)), passes)
    if code:
        return [Finding(code, False, message, cure, _RACE_POINTS)]
    right = float(np.mean(np.ravel(given) == test.labels))
    message = f"{right:.2f} after {passes:.0f} passes; {_WANTED:.2f} within {_PASSES} was asked."
    return [Finding("beats-the-clock", True, message, "", _RACE_POINTS)]


def _lost_race(right: float, passes: float) -> tuple[str, str, str]:
    """What keeps it from the goal: code, message, next step; empty if nothing does."""
    said = f"{right:.2f} of the test images are named right, after {passes:.0f} passes"
    images = _RACE_CLASSES * (_RACE_TRAIN + _RACE_TEST)
    if passes > _PASSES and right >= _WANTED:
        cure = f"One pass over all {images} images costs {images}; each training step costs three an image."
        return "accurate-but-late", f"{said}: accurate enough, but only {_PASSES} passes were allowed.", cure
    if passes > _PASSES:
        message = f"{said}: too late ({_PASSES} were allowed), and less than {_WANTED:.2f}."
        return "late-and-weak", message, "Do not train a body under a random head: fit a head to frozen features first."
    if right < _WANTED and passes < images / 2:
        message = f"{said}: hardly a network has looked at the images, and {_WANTED:.2f} was asked."
        return "no-network-used", message, "Let GlyphNet's frozen body see each image once; fit a linear head to that."
    if right < 2 / _RACE_CLASSES:
        message = f"{said}, which is about what guessing gives ({1 / _RACE_CLASSES:.2f})."
        cure = "Are labels and images in the same order? Are training and test images normalised alike?"
        return "no-better-than-guessing", message, cure
    if right < _WANTED:
        message = f"{said}: in time, but {_WANTED:.2f} was asked."
        return "in-time-but-weak", message, "Normalise with the source's statistics, and fit the head on all features."
    return "", "", ""


# --- read_confusion -------------------------------------------------------------------------------------------------


def _matrices(rng: np.random.Generator) -> list[tuple[np.ndarray]]:
    """Unbalanced classes, so that counts mislead where shares do not; so many that every mistake shows somewhere."""
    return [(_matrix(rng),) for _ in range(20)]


def _matrix(rng: np.random.Generator) -> np.ndarray:
    while True:
        n = int(rng.integers(4, 7))
        sizes = rng.permutation([30, 60, 120, 240, 300, 400][:n])
        recalls = rng.permutation(np.linspace(0.45, 0.95, n))
        matrix = np.zeros((n, n), int)
        for row in range(n):
            others = rng.dirichlet(np.full(n - 1, 0.6)) * (1 - recalls[row])
            shares = np.insert(others, row, recalls[row])
            matrix[row] = rng.multinomial(int(sizes[row]), shares)
        if _clear(matrix):
            return matrix


def _clear(matrix: np.ndarray) -> bool:
    """Whether each answer is beyond doubt, and each mistake gives another one."""
    rows, columns = matrix.sum(1), matrix.sum(0)
    if (columns == 0).any():
        return False
    recall, precision = np.diag(matrix) / rows, np.diag(matrix) / columns
    off = matrix - np.diag(np.diag(matrix))
    shares = off / rows[:, None]
    values = (recall, precision, -shares.ravel(), -off.ravel())
    return all(np.diff(np.sort(v)[:2])[0] > 1e-6 for v in values)


def _pair(values: np.ndarray) -> list[int]:
    row, column = np.unravel_index(int(np.argmax(values)), values.shape)
    return [int(row), int(column)]


def _off(matrix: np.ndarray) -> np.ndarray:
    return matrix - np.diag(np.diag(matrix))


def _read(matrix: np.ndarray) -> dict[str, Any]:
    """The reference: lowest recall, lowest precision, and the pair with the largest share of a row."""
    return {
        "recall": int(np.argmin(np.diag(matrix) / matrix.sum(1))),
        "precision": int(np.argmin(np.diag(matrix) / matrix.sum(0))),
        "confused": _pair(_off(matrix) / matrix.sum(1, keepdims=True)),
    }


def _of_dict(key: str) -> Callable[[Any], Any]:
    return lambda value: value.get(key) if isinstance(value, dict) else None


_READINGS = (
    Question(
        code="recall",
        right="The class that is found least often.",
        reference=lambda m: _read(m)["recall"],
        points=1,
        names=("matrix",),
        part=_of_dict("recall"),
        misconceptions=(
            Misconception(
                "recall-by-count",
                "`recall` names the class with the fewest right predictions, which may just be a small class.",
                "Divide each row's diagonal by the row's sum.",
                lambda m: int(np.argmin(np.diag(m))),
            ),
            Misconception(
                "recall-by-errors",
                "`recall` names the class with the most errors, which may just be a large class.",
                "Divide each row's diagonal by the row's sum.",
                lambda m: int(np.argmax(_off(m).sum(1))),
            ),
            Misconception(
                "recall-highest",
                "`recall` names the class that is found most often.",
                "The lowest recall: `argmin`.",
                lambda m: int(np.argmax(np.diag(m) / m.sum(1))),
            ),
            Misconception(
                "recall-is-precision",
                "`recall` is computed along the columns; a row holds the photos that truly are of a class.",
                "Divide by the row's sum, `matrix.sum(axis=1)`.",
                lambda m: int(np.argmin(np.diag(m) / m.sum(0))),
            ),
        ),
    ),
    Question(
        code="precision",
        right="The class whose name is least to be trusted.",
        reference=lambda m: _read(m)["precision"],
        points=1,
        names=("matrix",),
        part=_of_dict("precision"),
        misconceptions=(
            Misconception(
                "precision-is-recall",
                "`precision` is computed along the rows; a column holds what was *called* that class.",
                "Divide by the column's sum, `matrix.sum(axis=0)`.",
                lambda m: int(np.argmin(np.diag(m) / m.sum(1))),
            ),
            Misconception(
                "precision-by-count",
                "`precision` names the class with the most false alarms, which may just be a large class.",
                "Divide each column's diagonal by the column's sum.",
                lambda m: int(np.argmax(_off(m).sum(0))),
            ),
            Misconception(
                "precision-highest",
                "`precision` names the class whose name is most to be trusted.",
                "The lowest precision: `argmin`.",
                lambda m: int(np.argmax(np.diag(m) / m.sum(0))),
            ),
        ),
    ),
    Question(
        code="confused",
        right="The pair, true class first, that loses the largest share of the true class.",
        reference=lambda m: _read(m)["confused"],
        points=1,
        names=("matrix",),
        part=_of_dict("confused"),
        misconceptions=(
            Misconception(
                "confused-by-count",
                "`confused` is the largest count off the diagonal; a large class has large counts.",
                "Divide each row by its sum first.",
                lambda m: _pair(_off(m)),
            ),
            Misconception(
                "confused-turned-round",
                "`confused` has the predicted class first.",
                "The row, which is the true class, comes first.",
                lambda m: _read(m)["confused"][::-1],
            ),
            Misconception(
                "confused-on-the-diagonal",
                "`confused` lies on the diagonal, where a class is taken for itself.",
                "Put the diagonal to 0 before you look for the largest share.",
                lambda m: _pair(m / m.sum(1, keepdims=True)),
            ),
            Misconception(
                "confused-by-column",
                "`confused` is the largest share of a *column*.",
                "Divide each row by its own sum: `matrix.sum(axis=1, keepdims=True)`.",
                lambda m: _pair(_off(m) / m.sum(0)),
            ),
        ),
    ),
)


def _collect_confusion(answer: Any, rng: np.random.Generator) -> Evidence:
    return {"calls": each(answer, _matrices(rng))}


def _judge_confusion(evidence: Evidence, rng: np.random.Generator) -> list[Finding]:
    calls, cases = evidence["calls"], _matrices(rng)
    if fault := unusable("read_confusion", calls, 3):
        return [fault]
    values = [record["value"] for record in calls]
    if not all(isinstance(value, dict) and {"recall", "precision", "confused"} <= value.keys() for value in values):
        message = "`read_confusion` must return a dict with the keys recall, precision and confused."
        return [
            Finding("not-the-dict", False, message, 'Return {"recall": ..., "precision": ..., "confused": ...}.', 3)
        ]
    if all(same(value, _read(matrix.T)) for value, (matrix,) in zip(values, cases, strict=True)):
        message = "Rows and columns are exchanged throughout: in fastai's matrix a row is a *true* class."
        return [Finding("transposed", False, message, "`matrix[i, j]` counts photos of i that were called j.", 3)]
    if all(same(value, _one_up(_read(matrix))) for value, (matrix,) in zip(values, cases, strict=True)):
        return [Finding("counts-from-one", False, "Classes are counted from 1.", "The first class is number 0.", 3)]
    return [judge_question(question, cases, calls) for question in _READINGS]


def _one_up(reading: dict[str, Any]) -> dict[str, Any]:
    return {key: [v + 1 for v in value] if isinstance(value, list) else value + 1 for key, value in reading.items()}


EXERCISES = (
    Exercise(
        id="photo_block",
        title="A DataBlock that keeps people apart",
        lesson="09",
        points=3,
        minutes=10,
        difficulty=2,
        purpose="Labels, split and size of a folder of photos, without one person on both sides.",
        hints=(
            "A DataBlock needs to know five things: what blocks, which items, which side, what label, what size.",
            "The label and the person stand in the name: `path.stem.rsplit('_', 2)` gives class, person and take.",
            "`FuncSplitter(lambda path: path.stem.rsplit('_', 2)[1] in people)` decides the side.",
            "`DataBlock(blocks=(ImageBlock, CategoryBlock), get_items=get_image_files, splitter=..., get_y=..., "
            "item_tfms=Resize(size))`.",
        ),
        collect=_collect_block,
        judge=_judge_block,
    ),
    Exercise(
        id="register_network",
        title="An architecture that fastai does not know",
        lesson="09",
        points=3,
        minutes=10,
        difficulty=3,
        purpose="Tell fastai where a network's body ends and how its images were normalised.",
        hints=(
            "`vision_learner` looks an architecture up in `model_meta`, by the function that makes the network.",
            "The entry is a dict with cut, split, stats and weights.",
            "The cut may be a function: `lambda network: network[:k]`, where k is the place of the child called average.",
            "`names = [name for name, _ in architecture().named_children()]`, then `names.index('average')` is the cut.",
        ),
        collect=_collect_meta,
        judge=_judge_meta,
    ),
    Exercise(
        id="three_groups",
        title="Three groups for three rates",
        lesson="09",
        points=2,
        minutes=6,
        difficulty=2,
        purpose="The splitter that discriminative rates and gradual unfreezing stand on.",
        hints=(
            "A fastai model is Sequential(body, head): `model[0]` and `model[1]`.",
            "A Sequential can be sliced: `model[0][:early]` is the body's beginning, with the same parameters.",
            "`[list(part.parameters()) for part in (model[0][:early], model[0][early:], model[1])]`.",
        ),
        collect=_collect_groups,
        judge=_judge_groups,
    ),
    Exercise(
        id="beat_the_clock",
        title="A stated accuracy within a stated time",
        lesson="09",
        points=3,
        minutes=10,
        difficulty=2,
        purpose="Spend a small budget where it brings most: on features first.",
        hints=(
            "What does fastai's default spend its passes on? What could you leave out?",
            "A frozen body sees each image once. Everything after that costs next to nothing.",
            "`tl.transfer.frozen_features(body, images, mean=..., std=...)` for both sets of images, then any linear classifier.",
            "`tl.transfer.linear_probe(x, labels, z, np.zeros(len(z))).predictions`, where x and z are the features of the two.",
        ),
        collect=_collect_race,
        judge=_judge_race,
        material=_race_material,
    ),
    Exercise(
        id="read_confusion",
        title="What the confusion matrix says",
        lesson="09",
        points=3,
        minutes=8,
        difficulty=2,
        purpose="Find the class to photograph more of, the class not to trust, and the pair to tell apart.",
        hints=(
            "Rows are true classes, columns predicted ones. Which sum is all photos of a class, which all called so?",
            "Recall: `np.diag(matrix) / matrix.sum(axis=1)`. Precision: the same with `axis=0`.",
            "For the pair, copy the matrix, divide each row by its sum, put the diagonal to 0, and take the argmax.",
            "`np.unravel_index(shares.argmax(), shares.shape)` turns the argmax into (row, column).",
        ),
        collect=_collect_confusion,
        judge=_judge_confusion,
    ),
)
