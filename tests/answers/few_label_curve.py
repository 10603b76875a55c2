import random

import numpy as np


def nested(labels, counts, seeds, score):
    table = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        order = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
        table.append([score(np.concatenate([rows[:count] for rows in order])) for count in counts])
    return table


def from_the_end(labels, counts, seeds, score):
    """Counts in the outer loop; the last rows of a shuffled list; an array."""
    table = np.zeros((len(seeds), len(counts)))
    for column, count in enumerate(counts):
        for row, seed in enumerate(seeds):
            shuffled = list(range(len(labels)))
            random.Random(seed).shuffle(shuffled)
            chosen = []
            for label in sorted(set(labels.tolist())):
                chosen += [i for i in shuffled if labels[i] == label][-count:]
            table[row, column] = score(chosen)
    return table


RIGHT = [nested, from_the_end]


def curve(draw, table=lambda rows: rows, seeded=lambda seed: seed):
    """The right answer with another draw: draw(rng, members, count) gives the rows of one class."""

    def answer(labels, counts, seeds, score):
        rows = []
        for seed in seeds:
            rows.append([])
            for count in counts:
                rng = np.random.default_rng(seeded(seed))
                groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
                rows[-1].append(score(np.concatenate([draw(rng, members, count) for members in groups])))
        return table(rows)

    return answer


def shuffled(rng, members, count):
    return rng.permutation(members)[:count]


def any_rows(labels, counts, seeds, score):
    orders = [np.random.default_rng(seed).permutation(len(labels)) for seed in seeds]
    return [[score(order[: 3 * count]) for count in counts] for order in orders]


def one_generator(labels, counts, seeds, score):
    table = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        table.append([])
        for count in counts:
            draws = [rng.permutation(np.flatnonzero(labels == label))[:count] for label in range(3)]
            table[-1].append(score(np.concatenate(draws)))
    return table


def scored_twice(labels, counts, seeds, score):
    nested(labels, counts, seeds, score)
    return nested(labels, counts, seeds, score)


def columns_shuffled(table):
    table = np.array(table)
    table[:, 1] = table[::-1, 1]
    return table


WRONG = {
    "unbalanced": any_rows,
    "drawn-twice": curve(lambda rng, members, count: np.repeat(rng.permutation(members), 2)[:count]),
    "other-counts": curve(lambda rng, members, count: shuffled(rng, members, count + 1)),
    "seeds-alike": curve(shuffled, seeded=lambda seed: 0),
    "not-nested": one_generator,
    "transposed": curve(shuffled, lambda rows: np.transpose(rows)),
    "averaged": curve(shuffled, lambda rows: np.mean(rows, 0)),
    "rows-mixed": curve(shuffled, columns_shuffled),
    "other-scores": curve(shuffled, lambda rows: [[100 * value for value in row] for row in rows]),
    "not-a-table": curve(shuffled, lambda rows: "a curve"),
    "no-score": lambda labels, counts, seeds, score: [[0.5] * len(counts) for _ in seeds],
    "row-outside": curve(lambda rng, members, count: shuffled(rng, members, count) + 1000),
    "other-number-of-scores": scored_twice,
    "raises": curve(lambda rng, members, count: members[None]),
}
