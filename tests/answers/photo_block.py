import re

from fastai.data.block import CategoryBlock, DataBlock, TransformBlock
from fastai.data.transforms import FuncSplitter, RandomSplitter, get_files, get_image_files, parent_label
from fastai.vision.augment import Resize
from fastai.vision.data import ImageBlock


def parts(path):
    return path.stem.rsplit("_", 2)


def block(people, size, **changes):
    usual = {
        "blocks": (ImageBlock, CategoryBlock),
        "get_items": get_image_files,
        "splitter": FuncSplitter(lambda path: parts(path)[1] in people),
        "get_y": lambda path: parts(path)[0],
        "item_tfms": Resize(size),
    }
    return DataBlock(**{**usual, **changes})


def with_a_pattern(people, size):
    pattern = re.compile(r"(.+)_([a-z]+)_\d+\.png")

    def by_person(items):
        valid = [i for i, path in enumerate(items) if pattern.fullmatch(path.name)[2] in people]
        return [i for i in range(len(items)) if i not in valid], valid

    return DataBlock(
        (ImageBlock(), CategoryBlock()),
        get_items=lambda folder: get_files(folder, extensions=[".png"]),
        get_y=lambda path: pattern.fullmatch(path.name)[1],
        splitter=by_person,
        item_tfms=[Resize(size, method="squish")],
    )


RIGHT = [block, with_a_pattern, lambda people, size: block(list(people), (size, size))]


def but(**changes):
    return lambda people, size: block(people, size, **changes)


def split_by(side):
    return lambda people, size: block(people, size, splitter=FuncSplitter(lambda path: side(path, people)))


def label_by(label):
    return but(get_y=label)


WRONG = {
    "label-from-folder": label_by(parent_label),
    "label-has-person": label_by(lambda path: path.stem.rsplit("_", 1)[0]),
    "label-is-person": label_by(lambda path: parts(path)[1]),
    "label-cut-short": label_by(lambda path: path.stem.split("_")[0]),
    "label-is-name": label_by(lambda path: path.stem),
    "labels-differ": label_by(lambda path: parts(path)[0][::-1]),
    "not-a-category": lambda people, size: block(people, size, blocks=(ImageBlock, TransformBlock)),
    "people-on-both-sides": but(splitter=RandomSplitter(seed=0)),
    "people-swapped": split_by(lambda path, people: parts(path)[1] not in people),
    "name-inside-a-word": split_by(lambda path, people: any(who in path.name for who in people)),
    "other-people": split_by(lambda path, people: parts(path)[1] == "ana"),
    "not-resized": but(item_tfms=None),
    "other-size": but(item_tfms=Resize(64)),
    "get-items-missing": but(get_items=None),
    "no-files": but(get_items=lambda folder: get_image_files(folder, recurse=False)),
    "not-a-datablock": lambda people, size: get_image_files,
    "block-fails": label_by(lambda path: path.no_such_thing),
    "returns-nothing": lambda people, size: None,
    "raises": lambda people, size: DataBlock(sizes=size),
}
