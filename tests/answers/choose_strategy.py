import numpy as np

FROZEN, SOME, ALL, SCRATCH = "frozen features", "first layers frozen", "fine-tune all", "from scratch"


def by_gain(n_per_class, similarity, price):
    few_and_similar = n_per_class < 6 and similarity > 0.4
    gain = 0.0 if few_and_similar else 0.04
    return SOME if gain > price / 2 else FROZEN


def by_corner(n_per_class, similarity, price):
    """Two reasons against training: it is dear, or there is little to learn from and little to gain."""
    if price > 0.1:
        return FROZEN.upper()
    return np.select([similarity < 0.5, n_per_class > 8], [SOME, ALL], FROZEN)


def by_table(n_per_class, similarity, price):
    gains = {True: (0.0, 0.03, 0.06), False: (0.03, 0.04, 0.02)}[similarity > 0.4]
    gain = gains[(n_per_class > 8) + (n_per_class > 60)]
    return [FROZEN, SOME][gain >= price / 2]


RIGHT = [by_gain, by_corner, by_table]

WRONG = {
    "always-frozen-features": lambda n, similarity, price: FROZEN,
    "always-first-layers-frozen": lambda n, similarity, price: SOME,
    "always-fine-tune-all": lambda n, similarity, price: ALL,
    "always-from-scratch": lambda n, similarity, price: SCRATCH,
    "ignores-price": lambda n, similarity, price: FROZEN if n < 10 and similarity > 0.4 else ALL,
    "price-turned-round": lambda n, similarity, price: SOME if price > 0.1 else FROZEN,
    "looks-at-price-alone": lambda n, similarity, price: SOME if price < 0.1 else FROZEN,
    "ignores-similarity": lambda n, similarity, price: SOME if price < 0.1 and n > 8 else FROZEN,
    "ignores-size": lambda n, similarity, price: SOME if price < 0.1 and similarity < 0.5 else FROZEN,
    "regret-too-high": lambda n, similarity, price: FROZEN if price > 0.1 or (n < 3 and similarity > 0.3) else SCRATCH,
    "unknown-strategy": lambda n, similarity, price: "freeze everything",
    "returns-nothing": lambda n, similarity, price: None,
    "wrong-arguments": lambda similarity: FROZEN,
}
