import random
from collections import defaultdict
from pathlib import Path

import numpy as np
from sklearn.model_selection import LeaveOneGroupOut


def who(file):
    return file.split("_")[1]


def compared(files):
    cast = {who(file) for file in files}
    return {
        name: ([file for file in files if who(file) != name], [file for file in files if who(file) == name])
        for name in cast
    }


def collected(files):
    own = defaultdict(list)
    for file in files:
        _, speaker, _ = Path(file).stem.split("_")
        own[speaker].append(file)
    return {speaker: [sorted(set(files) - set(mine)), sorted(mine)] for speaker, mine in own.items()}


def with_scikit_learn(files):
    groups = [who(file) for file in files]
    folds = {}
    for train, test in LeaveOneGroupOut().split(files, groups=groups):
        folds[groups[test[0]]] = ([files[row] for row in train], [files[row] for row in test])
    return folds


def in_numpy(files):
    speakers = np.array([who(file) for file in files])
    return {
        name: (np.array(files)[speakers != name], np.array(files)[speakers == name]) for name in np.unique(speakers)
    }


def with_sets(files):
    return {
        who(one): ({f for f in files if who(f) != who(one)}, {f for f in files if who(f) == who(one)}) for one in files
    }


RIGHT = [compared, collected, with_scikit_learn, in_numpy, with_sets]


def by(part):
    def answer(files):
        keys = {part(file) for file in files}
        return {
            key: ([file for file in files if part(file) != key], [file for file in files if part(file) == key])
            for key in keys
        }

    return answer


def changed(change):
    """Right folds, each changed: `change(train, test, files)`."""
    return lambda files: {name: change(*fold, files) for name, fold in compared(files).items()}


def at_random(files):
    mixed = random.Random(0).sample(files, len(files))
    return {name: (mixed[: len(mixed) // 2], mixed[len(mixed) // 2 :]) for name in compared(files)}


def substrings(files):
    return {
        name: ([file for file in files if name not in file], [file for file in files if name in file])
        for name in compared(files)
    }


WRONG = {
    "split-by-word": by(lambda file: file.split("_")[0]),
    "split-by-take": by(lambda file: file.removesuffix(".wav").split("_")[2]),
    "speaker-missing": lambda files: dict(list(compared(files).items())[1:]),
    "wrong-keys": lambda files: {f"fold {i}": fold for i, fold in enumerate(compared(files).values())},
    "not-a-dict": lambda files: list(compared(files).values()),
    "not-a-pair": lambda files: {name: test for name, (_, test) in compared(files).items()},
    "rows-not-files": changed(lambda train, test, files: ([files.index(f) for f in train], list(range(len(test))))),
    "unknown-files": changed(lambda train, test, files: (train, [file.removesuffix(".wav") for file in test])),
    "files-twice": changed(lambda train, test, files: (train + train, test)),
    "sides-exchanged": changed(lambda train, test, files: (test, train)),
    "name-inside-name": substrings,
    "others-tested": at_random,
    "test-incomplete": changed(lambda train, test, files: (train, test[:1])),
    "speaker-on-both-sides": changed(lambda train, test, files: (files, test)),
    "training-incomplete": changed(lambda train, test, files: (train[:-1], test)),
    "raises": lambda files: {who(file): files.split(who(file)) for file in files},
}
