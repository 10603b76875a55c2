import numpy as np
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.nn import functional


def pooled(maps, grid):
    return functional.adaptive_avg_pool2d(maps, grid).flatten(1).numpy()


def right(classifier, train_maps, train_labels, test_maps, test_labels, grid):
    train, test = pooled(train_maps, grid), pooled(test_maps, grid)
    mean, std = train.mean(0), train.std(0)
    classifier.fit((train - mean) / std, train_labels)
    return classifier.score((test - mean) / std, test_labels)


def with_a_pipeline(classifier, train_maps, train_labels, test_maps, test_labels, grid):
    model = make_pipeline(StandardScaler(), classifier)
    model.fit(pooled(train_maps, grid), train_labels)
    return model.score(pooled(test_maps, grid), test_labels)


def by_hand(classifier, train_maps, train_labels, test_maps, test_labels, grid):
    def view(maps):
        side = maps.shape[2] // grid
        cells = [
            maps[:, :, r * side : (r + 1) * side, c * side : (c + 1) * side].mean((2, 3))
            for r in range(grid)
            for c in range(grid)
        ]
        return torch.cat(cells, 1)

    train, test = view(train_maps), view(test_maps)
    mean, std = train.mean(0), train.std(0)  # torch divides by n - 1
    classifier.fit((train - mean) / std, train_labels)
    return np.mean(classifier.predict((test - mean) / std) == test_labels)


def one_image_at_a_time(classifier, train_maps, train_labels, test_maps, test_labels, grid):
    train, test = standardised(classifier, train_maps, train_labels, test_maps, test_labels, grid)
    classifier.fit(train, train_labels)
    return np.mean([classifier.predict(x[None])[0] == y for x, y in zip(test, test_labels, strict=True)])


def by_probabilities(classifier, train_maps, train_labels, test_maps, test_labels, grid):
    train, test = standardised(classifier, train_maps, train_labels, test_maps, test_labels, grid)
    classifier.fit(train, train_labels)
    print(classifier.score(train, train_labels))
    return (classifier.classes_[classifier.predict_proba(test).argmax(1)] == test_labels).mean()


def but(view=pooled, scale=None, score=None, fit=None):
    def answer(classifier, train_maps, train_labels, test_maps, test_labels, grid):
        train, test = view(train_maps, grid), view(test_maps, grid)
        if scale is None:
            train, test = (train - train.mean(0)) / train.std(0), (test - train.mean(0)) / train.std(0)
        else:
            train, test = scale(train, test)
        x, y = fit(train, train_labels, test, test_labels) if fit else (train, train_labels)
        classifier.fit(x, y)
        if score:
            return score(classifier, train, train_labels, test, test_labels)
        return classifier.score(test, test_labels)

    return answer


def z(x, by):
    return (x - by.mean(0)) / by.std(0)


def standardised(classifier, train_maps, train_labels, test_maps, test_labels, grid):
    train, test = pooled(train_maps, grid), pooled(test_maps, grid)
    return z(train, train), z(test, train)


def correct(read):
    def answer(classifier, *rest):
        return read(right(classifier, *rest))

    return answer


def predictions(classifier, train_maps, train_labels, test_maps, test_labels, grid):
    train, test = standardised(classifier, train_maps, train_labels, test_maps, test_labels, grid)
    return classifier.fit(train, train_labels).predict(test) == test_labels


def over_the_batch(maps, grid):
    return functional.adaptive_avg_pool2d(maps, grid).mean(0).flatten(1).numpy()


def never_fitted(classifier, train_maps, train_labels, test_maps, test_labels, grid):
    return 0.5


def rows_of_the_batch(classifier, train_maps, train_labels, test_maps, test_labels, grid):
    train = over_the_batch(train_maps, grid)
    classifier.fit(train, train_labels[: len(train)])
    return classifier.score(over_the_batch(test_maps, grid), test_labels[: len(train)])


WHOLE = np.concatenate


def fitted_alone(classifier, train_maps, train_labels, test_maps, test_labels, grid):
    train, _ = standardised(classifier, train_maps, train_labels, test_maps, test_labels, grid)
    return classifier.fit(train, train_labels)


RIGHT = [right, with_a_pipeline, by_hand, one_image_at_a_time, by_probabilities]

WRONG = {
    "not-pooled": but(lambda maps, grid: maps.flatten(1).numpy()),
    "grid-ignored": but(lambda maps, grid: maps.mean((2, 3)).numpy()),
    "max-pooled": but(lambda maps, grid: functional.adaptive_max_pool2d(maps, grid).flatten(1).numpy()),
    "channels-averaged": but(lambda maps, grid: pooled(maps.mean(1, keepdim=True), grid)),
    "not-standardised": but(scale=lambda a, b: (a, b)),
    "half-standardised": but(scale=lambda a, b: (a - a.mean(0), b - a.mean(0))),
    "test-statistics-leak": but(scale=lambda a, b: (z(a, WHOLE([a, b])), z(b, WHOLE([a, b])))),
    "standardised-by-test": but(scale=lambda a, b: (z(a, b), z(b, b))),
    "test-by-itself": but(scale=lambda a, b: (z(a, a), z(b, b))),
    "test-not-standardised": but(scale=lambda a, b: (z(a, a), b)),
    "standardised-by-image": but(
        scale=lambda a, b: tuple((x - x.mean(1, keepdims=True)) / x.std(1, keepdims=True) for x in (a, b))
    ),
    "one-statistic": but(scale=lambda a, b: ((a - a.mean()) / a.std(), (b - a.mean()) / a.std())),
    "fitted-on-test": but(fit=lambda a, la, b, lb: (b, lb)),
    "fitted-on-both": but(fit=lambda a, la, b, lb: (WHOLE([a, b]), WHOLE([la, lb]))),
    "scored-on-training": but(score=lambda c, a, la, b, lb: c.score(a, la)),
    "labels-moved": but(fit=lambda a, la, b, lb: (a, np.sort(la))),
    "wrong-rows": rows_of_the_batch,
    "never-fitted": never_fitted,
    "never-scored": fitted_alone,
    "test-otherwise": but(scale=lambda a, b: (z(a, a), (b - a.mean(0)) / b.std(0))),
    "other-features": but(lambda maps, grid: maps.std((2, 3)).numpy()),
    "percent": correct(lambda accuracy: 100 * accuracy),
    "error-rate": correct(lambda accuracy: 1 - accuracy),
    "predictions": predictions,
    "other-number": correct(lambda accuracy: accuracy / 2 + 0.1234),
}
