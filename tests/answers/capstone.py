import functools

import numpy as np
import torch
from torch.nn import functional

import tlcourse as tl

LETTERS = tl.worlds.capstone_task("letters")
SIGNS = tl.worlds.capstone_task("signs")


def new_network(task, seed):
    torch.manual_seed(seed)
    network = tl.models.GlyphNet.pretrained().with_new_head(len(task.train.classes))
    tl.transfer.imprint_head(network, task.train)
    return network


@functools.cache
def tuned_on_views(seed):
    """The whole network fine-tuned on views of each letter, all drawn beforehand."""
    network, generator = new_network(LETTERS, seed), torch.Generator().manual_seed(seed)
    pictures, labels = LETTERS.train.tensors()
    views = torch.cat([tl.transfer.augmented(pictures, generator) for _ in range(12)])
    x = tl.transfer.normalised((255 * views).byte().numpy())
    y = labels.repeat(12).to(x.device)
    tl.transfer.fit_tensors(network, (x, y), (x[:8], y[:8]), steps=90, rate=6e-3)
    return network


def with_two_networks(hidden):
    networks, pictures = [tuned_on_views(seed) for seed in (0, 1)], tl.transfer.normalised(hidden["letters"])
    with torch.no_grad():
        found = sum(network(pictures).softmax(1) for network in networks).argmax(1).cpu().numpy()
    return "letters", np.array(LETTERS.train.classes)[found]


@functools.cache
def tuned_step_by_step(seed):
    """A loop of one's own: new views at every step, label smoothing, statistics of all pictures at the end."""
    network, generator = new_network(LETTERS, seed), torch.Generator().manual_seed(seed)
    pictures, labels = LETTERS.train.tensors()
    optimiser = torch.optim.Adam(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 6e-3, total_steps=90)
    network.train()
    for _ in range(90):
        rows = torch.randperm(len(pictures), generator=generator)[:32]
        views = (255 * tl.transfer.augmented(pictures[rows], generator)).byte().numpy()
        loss = functional.cross_entropy(network(tl.transfer.normalised(views)), labels[rows], label_smoothing=0.1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    tl.transfer.refresh_batch_norm(network, tl.transfer.normalised(LETTERS.train.images))
    return network.eval()


def with_a_loop_of_ones_own(hidden):
    networks = [tuned_step_by_step(seed) for seed in (2, 3)]
    with torch.no_grad():
        scores = torch.stack([network(tl.transfer.normalised(hidden["letters"])) for network in networks])
    return ["letters", [[int(label)] for label in scores.log_softmax(2).mean(0).argmax(1)]]


RIGHT = [with_two_networks, with_a_loop_of_ones_own]


def probed(hidden, rows=slice(None)):
    """The baseline on frozen features, from some of the labels."""
    return probe_of(hidden["signs"].tobytes(), hidden["signs"].shape, rows.stop)


@functools.lru_cache(maxsize=64)
def probe_of(pixels, shape, stop):
    pictures = np.frombuffer(pixels, np.uint8).reshape(shape)
    train = SIGNS.train.subset(np.arange(len(SIGNS.train))[:stop])
    return tl.transfer.baseline_predictions(train, pictures, names=["frozen features"])["frozen features"]


def from_few_labels(hidden):
    return "signs", probed(hidden, slice(48))  # three of each class


WRONG = {
    "always-one-class": lambda hidden: ("signs", np.zeros(len(hidden["signs"]))),
    "guessing": lambda hidden: ("signs", np.random.default_rng(0).integers(0, 16, len(hidden["signs"]))),
    "probe-itself": lambda hidden: ("signs", probed(hidden)),
    "below-probe": from_few_labels,
    "labels-shifted": lambda hidden: ("signs", (probed(hidden) + 3) % 16),
    "moved-by-one": lambda hidden: ("signs", np.roll(probed(hidden), 1)),
    "scores-not-labels": lambda hidden: ("signs", np.eye(16)[probed(hidden)]),
    "unknown-labels": lambda hidden: ("signs", probed(hidden) + 1),
    "nan-labels": lambda hidden: ("signs", np.where(np.arange(300) < 9, np.nan, probed(hidden))),
    "unknown-names": lambda hidden: ("signs", [f"class {label}" for label in probed(hidden)]),
    "wrong-length": lambda hidden: ("signs", probed(hidden)[:-10]),
    "training-pictures-named": lambda hidden: ("signs", SIGNS.train.labels),
    "no-labels": lambda hidden: ("signs", {"labels": 3}),
    "no-task-named": probed,
    "unknown-task": lambda hidden: ("pictographs", probed(hidden)),
    "labels-elsewhere": lambda hidden: ("my garden", {"0001.png": "rose", "0002.png": "tulip"}),
}
