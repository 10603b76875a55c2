# %% [markdown]
# # fastai's vision learner
#
# **In about 75 minutes** you will be able to
#
# - turn a folder of photos into batches, without one person on both sides of the split;
# - train with `vision_learner`, and know what its defaults do behind your back;
# - give each part of a network its own rate, augment, resize, and average over views, and measure what each is worth;
# - beat the default recipe in a fraction of its time, with a probe first, and read a confusion matrix.
#
# You need lessons 01 to 03.

# %%
import time
import warnings
from functools import cache

import numpy as np
import torch

import tlcourse as tl

warnings.filterwarnings("ignore")  # fastai calls functions that PyTorch will drop one day

# %% [markdown]
# ## One switch
#
# The lesson runs on what the package brings: GlyphNet, trained on rendered pictographs, and real handwriting as its
# target. To run it on photos, change this cell and no other: a folder of your own with one subfolder a class, or a
# published set such as `"imagenette_160"` or `"pets"`, and a network that knows ImageNet.

# %%
DATA, SIZE = "handwriting", 32  # or "glyphs", 48; or "imagenette_160", "pets", "~/my_photos" at 128 or 224 px
NETWORK, WEIGHTS = "glyphnet", "DEFAULT"  # or "resnet50", "facebook/convnext-tiny-224", ...; or a local weight file
tl.machine()


# %%
@cache
def data(seed):
    """(10 images a class to train on, others to test on)"""
    if DATA == "handwriting":
        scans = tl.worlds.handwriting(size=SIZE, seed=seed)
        return scans.take(10), scans.take(25, skip=120)
    if DATA == "glyphs":
        return tl.worlds.glyphs("everyday", 10, seed=100 + seed), tl.worlds.glyphs("everyday", 15, seed=500 + seed)
    found = (
        tl.worlds.published(DATA, SIZE) if DATA in tl.worlds.published_sets() else tl.worlds.photo_folder(DATA, SIZE)
    )
    return found.split(10, 300, seed)


train, test = data(0)
tl.plots.sheet(train, title="The target: few images of each class")

# %% [markdown]
# Device, number format and memory layout are found out, not set: `tl.models.best_device()` takes a CUDA card, Apple's
# MPS or the processor, and `tl.transfer.speed_up(learn)` picks the format. In **mixed precision** a network multiplies
# in 16 bits and keeps its weights in 32: bfloat16 (short mantissa, full range) where the machine has it, else float16
# (which needs its loss scaled up, so that small gradients do not vanish). **Channels last** is a layout that stores a
# pixel's channels side by side. fastai's own `to_bf16()` speaks to CUDA alone; on a processor it changes nothing.

# %% [markdown]
# ## From files to batches: a DataBlock
#
# Photos come as files. A **DataBlock** is a recipe in five parts: the kinds of input and label (`blocks`), which files
# (`get_items`), the label of a file (`get_y`), its side of the split (`splitter`), and what to do to each photo
# (`item_tfms`). We write our images to files and read them back.

# %%
import tempfile

import fastai.callback.all  # noqa: F401  (gives a Learner fine_tune, lr_find and the like)
from fastai.data.block import CategoryBlock, DataBlock
from fastai.data.transforms import FuncSplitter, RandomSplitter, get_image_files, parent_label
from fastai.metrics import accuracy
from fastai.vision.augment import Resize, aug_transforms
from fastai.vision.data import ImageBlock

# %%
folder = tempfile.mkdtemp()
tl.worlds.write_photos(train, folder)
block = DataBlock(
    blocks=(ImageBlock, CategoryBlock),
    get_items=get_image_files,
    get_y=parent_label,  # the name of the file's folder
    splitter=RandomSplitter(0.2, seed=0),
    item_tfms=Resize(SIZE),
)

# %%
batch, labels = block.dataloaders(folder, bs=8, num_workers=0).one_batch()
print("images", tuple(batch.shape), "labels", labels.tolist())

# %% [markdown] task="photo_block"
# A colleague's photos lie in folders named after *cameras*. A file is called `CLASS_PERSON_TAKE.png`, such as
# `left_arrow_ana_07.png`: a class may hold underscores, a person's name does not. A random split would put the same
# person on both sides, and validation would praise the network for recognising people.
#
# Return a DataBlock that labels each photo with its class, validates on exactly the photos of `people`, and makes every
# photo `size` pixels high and wide.


# %% exercise="photo_block"
def photo_block(people, size):
    """`people`: a set of names; `size`: pixels. Returns a DataBlock for the folder that holds the cameras' folders."""

    ### BEGIN SOLUTION
    def parts(path):
        return path.stem.rsplit("_", 2)

    return DataBlock(
        blocks=(ImageBlock, CategoryBlock),
        get_items=get_image_files,
        get_y=lambda path: parts(path)[0],
        splitter=FuncSplitter(lambda path: parts(path)[1] in people),
        item_tfms=Resize(size),
    )
    ### END SOLUTION


# %% check="photo_block"
tl.check.photo_block(photo_block)

# %% [markdown]
# **What results should you get?** `"left_arrow_ana_07".rsplit("_", 2)` is

# %%
name = "left_arrow_ana_07"
print(name.rsplit("_", 2))

# %% [markdown]
# ## A Learner, a rate, a first result
#
# A **Learner** holds data, network, loss and optimiser. Ours is fastai's, made by `tl.models.vision_learner`, which
# normalises in every arm and takes local weights. Its head is fastai's default unless we say otherwise. A **callback** is
# code that a Learner runs at certain moments. This one saves time: as the test images choose nothing, one look at them
# is enough, at the end.

# %%
from fastai.callback.core import Callback, CancelValidException


class NoValidation(Callback):
    def before_validate(self):
        raise CancelValidException


# %%
def learner(seed, head="fastai", size=SIZE, fast=True, **options):
    train, test = data(seed)
    torch.manual_seed(seed)
    train, test = tl.measure.resized(train, size), tl.measure.resized(test, size)
    dls = train.dataloaders(test, batch_size=32, seed=seed, **options)
    learn = tl.models.vision_learner(dls, NETWORK, WEIGHTS, head=head, metrics=accuracy)
    return tl.transfer.speed_up(learn) if fast else learn


def run(learn, recipe):
    """Train without progress bars; gives the accuracy on the test images, which choose nothing."""
    with learn.no_bar(), learn.no_logging():
        with learn.added_cbs(NoValidation()):
            recipe(learn)
        return float(learn.validate()[1])


# %% [markdown]
# What does `speed_up` buy on this machine?

# %%
for fast in (False, True):
    learn = learner(0, fast=fast)
    run(learn, lambda learn: learn.fit(1, 0.0))  # the first epoch also warms up
    started = time.perf_counter()
    run(learn, lambda learn: learn.fit(3, 0.0))
    print(f"speed_up={fast}: {time.perf_counter() - started:.2f} seconds for three epochs and the test images")

# %% [markdown]
# Which learning rate? `lr_find` (Smith, 2017) raises it step by step and watches the loss. fastai suggests a rate from
# the curve: *valley*, in the middle of the longest descent, and *steep*, where the loss falls fastest.
#
# > **Predict.** At a rate ten times too small, what will the curve look like? And ten times too large?

# %%
from fastai.callback.schedule import steep, valley

learn = learner(0)
with learn.no_bar():
    found = learn.lr_find(num_it=60, show_plot=False, suggest_funcs=(valley, steep))
rates, losses = learn.recorder.lrs, [float(loss) for loss in learn.recorder.losses]
marks = {"valley": found.valley, "steep": found.steep}
tl.plots.rate_search(rates[: len(losses)], losses, marks, title="The rate grows; the loss falls, then leaps")

# %% [markdown]
# **Explain.** Far left the steps are too small to matter; right of the dip they overshoot. The suggestions differ by
# some factor: take them for the order of magnitude, no more.
#
# Now fastai's default, `fine_tune(4, 3e-3)`: one epoch with a frozen body, then four with everything. The baseline is a
# linear probe on frozen features; guessing is the dashed line.
#
# > **Predict.** Which is better: five epochs of training, or no training of the body at all?


# %%
seeds = range(5)
default = [run(learner(seed), lambda learn: learn.fine_tune(4, 3e-3)) for seed in tl.progress(seeds, "default")]

# %%
source = tl.models.source_model(NETWORK)
body = source.body(WEIGHTS)


def features(images):
    return tl.transfer.frozen_features(body, images, mean=source.mean, std=source.std)


def probe(seed):
    train, test = data(seed)
    return tl.transfer.linear_probe(features(train), train.labels, features(test), test.labels).accuracy


# %%
results = {"fastai's default": default, "linear probe": [probe(seed) for seed in seeds]}
guessing = {"chance": 1 / len(train.classes), "x_label": "test accuracy (dashed: guessing)"}
tl.plots.bars(results, title="A default against no training of the body", **guessing)

# %%
gap = tl.measure.paired_gap(results["linear probe"], default)
print(f"probe over default: {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** If the line says "a gain", the default has a hard time with few images. A likely reason: its head is no
# linear layer but a small network that starts from random weights, and after one epoch its errors shake the body. The
# probe has only to read what is there. If your line says "a tie" or "a loss", the source fits your target less well, and
# the body has something to learn.

# %% [markdown]
# ## What it does behind your back
#
# Nothing below is an error message: you have to know. Each line is measured here.

# %%
learn = learner(0)
learn.freeze()
free = [name for name, p in learn.model[0].named_parameters() if p.requires_grad]
head = sum(p.numel() for p in learn.model[1].parameters())
print(f"after freeze(), {len(free)} tensors of the body still train: batch norm's, such as {free[:1]}")
print(f"the default head has {head:,} parameters, a linear one {source.features * learn.dls.c + learn.dls.c:,}")

# %%
import copy

before = copy.deepcopy(learn.model[0].state_dict())
run(learn, lambda learn: learn.fit(1, 3e-3))
changed = tl.measure.changed_tensors(before, learn.model[0].state_dict())
print(f"an epoch with a frozen body changed {len(changed)} of its {len(before)} tensors, such as {changed[:3]}")
run(learn, lambda learn: learn.fine_tune(1, 3e-3, freeze_epochs=2))
print(f"epochs trained by fine_tune: 3; epochs in the recorder: {len(learn.recorder.values)}, those of the last phase")

# %%
from fastai.vision.learner import create_body, default_split, model_meta, vision_learner


def after_lr_find(search):
    """The labels of the first batch, with the same seed, with or without a search before."""
    learn = learner(0)
    if search:
        with learn.no_bar():
            learn.lr_find(num_it=6, show_plot=False)
    torch.manual_seed(0)
    return learn.dls.train.one_batch()[1].tolist()


print("lr_find changes the order of later batches:", after_lr_find(False) != after_lr_find(True))

# %% [markdown]
# So never compare a run with a search before it to one without. Three more, about `vision_learner` itself and about
# loading. fastai's own normalises only with `pretrained=True`, so a from-scratch baseline runs un-normalised. And it
# writes the normalisation into *your* data: the same call gives another result after it than before.

# %%
import pickle

from fastai.data.transforms import Normalize

tl.models.register_with_fastai()
dls = train.dataloaders(test, batch_size=32)
network = tl.models.GLYPHNET.architecture()


def made(**options):
    """(whether your data are normalised after it, children of the body)"""
    learn = vision_learner(dls, network, **options)
    return any(isinstance(step, Normalize) for step in dls.after_batch.fs), len(learn.model[0])


# %%
for pretrained in (False, True, False):
    print(f"pretrained={pretrained}: batches normalised: {made(pretrained=pretrained)[0]}")
cuts = {cut: made(pretrained=False, cut=cut)[1] for cut in (None, -4, -5)}
print("children of the body for each cut=, which is ignored:", cuts)


# %% [markdown]
# `load_learner` unpickles a file. A pickle may name any function to be called while it is read:


# %%
class Surprise:
    def __reduce__(self):
        return print, ("  this line was printed by the file, while it was loaded",)


path = f"{folder}/model.pkl"
torch.save(Surprise(), path)
torch.load(path, weights_only=False)  # what load_learner does
try:
    torch.load(path, weights_only=True)
except pickle.UnpicklingError:
    print("with weights_only=True it was refused")

# %% [markdown]
# **Explain.** A file that prints could as well delete. Ship weights as safetensors, and load only those.
#
# fastai knows some architectures: `model_meta` says for each where its body ends (`cut`), its parameter groups (`split`),
# its statistics (`stats`) and its weights. For others it guesses: it looks for a layer with "Pool" in its name, and
# where there is none it ends in a bare `StopIteration`.

# %% [markdown] task="register_network"
# Enter an unknown network into `model_meta`. `architecture(weights=None)` makes it: a Sequential of `stem`, a varying
# number of stages, `average` (a pooling whose name fastai does not recognise), and one or two layers up to `head`. The
# body ends *before* `average`. Its images were normalised with `mean` and `std`. Its published weights are called
# `"DEFAULT"`. For the groups, fastai's `default_split` (body, head) is enough.


# %% exercise="register_network"
def register_network(architecture, mean, std):
    """Puts an entry into `model_meta`; returns nothing."""
    ### BEGIN SOLUTION
    names = [name for name, _ in architecture().named_children()]
    model_meta[architecture] = {
        "cut": names.index("average"),
        "split": default_split,
        "stats": (mean, std),
        "weights": "DEFAULT",
    }
    ### END SOLUTION


# %% check="register_network"
tl.check.register_network(register_network)

# %% [markdown]
# **What results should you get?** fastai cuts with `create_body`. For GlyphNet, whose last three children are pooling,
# flatten and head:

# %%
glyphnet = tl.models.GlyphNet.pretrained()
print([name for name, _ in glyphnet.named_children()], "->", len(create_body(glyphnet, cut=-3)), "children")

# %% [markdown]
# ## Groups: who may move, how fast, and when
#
# Early layers are general, so they should move least (lesson 02). **Discriminative rates** give each group of layers its
# own; `slice(low, high)` spreads them. **Gradual unfreezing** (Howard and Ruder, 2018) frees the groups one after the
# other, from the head down. Both need a **splitter**, which sorts the parameters into groups.

# %% [markdown] task="three_groups"
# A fastai model is `Sequential(body, head)`, its body a Sequential too. Return three lists of parameters, in this
# order: the first `early` children of the body, the rest of the body, the head. Every parameter is in exactly one list,
# frozen or not.


# %% exercise="three_groups"
def three_groups(model, early):
    """Returns three lists of parameters."""
    ### BEGIN SOLUTION
    parts = model[0][:early], model[0][early:], model[1]
    return [list(part.parameters()) for part in parts]
    ### END SOLUTION


# %% check="three_groups"
tl.check.three_groups(three_groups)

# %% [markdown]
# **What results should you get?** The zoo's own splitter, on our network:

# %%
print([len(group) for group in source.split(learner(0).model)], "tensors in the three groups")

# %% [markdown]
# Four arms, equal epochs, and the same start: a linear head that is already a good probe. What does each way of
# fine-tuning add to it, or take? In three of them `BatchNormAsleep` keeps the body's statistics as they are.
#
# > **Predict.** Which arm will lose the probe's accuracy?


# %%
@cache
def head_of(seed):
    train, _ = data(seed)
    return tl.transfer.linear_head(features(train), train.labels, len(train.classes), seed=seed)


def probed(seed, **options):
    """A Learner whose linear head is the probe's."""
    learn = learner(seed, "linear", **options)
    tl.transfer.transplant_head(learn, head_of(seed))
    learn.add_cb(tl.transfer.BatchNormAsleep())
    learn.unfreeze()
    return learn


# %%
def gradual(learn):
    for group in (-1, -2, 0):
        learn.freeze_to(group)
        learn.fit_one_cycle(1, slice(1e-5, 1e-3))


def by_group(learn, epochs=3):
    learn.fit_one_cycle(epochs, slice(1e-5, 1e-3))


def awake(learn):
    learn.remove_cb(tl.transfer.BatchNormAsleep)
    by_group(learn)


# %%
arms = {
    "the probe itself": lambda learn: None,
    "one rate": lambda learn: learn.fit_one_cycle(3, 1e-3),
    "discriminative rates": by_group,
    "gradual unfreezing": gradual,
    "rates, batch norm awake": awake,
}
tuned = {name: [run(probed(seed), arm) for seed in seeds] for name, arm in tl.progress(arms.items(), "arms")}

# %%
tl.plots.bars(tuned, title="From the same probe, three epochs each (5 seeds)", **guessing)

# %%
for name in list(arms)[1:]:
    gap = tl.measure.paired_gap(tuned[name], tuned["the probe itself"])
    print(f"{name} over the probe: {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** The last line is the warning: the head was fitted to features in the *source's* statistics. Let those move,
# and the features slip away under the head, faster than small rates can follow. (squeezenet1_1 has no batch norm, and
# nothing to put to sleep.) The first line says what it costs, if
# anything, to move the general early layers as fast as the head. Where a line says "a tie", three epochs of that arm are
# not worth their time here.

# %% [markdown]
# ## More views: augmentation, size, test time
#
# **Augmentation** shows each image turned, shifted and relit anew in each epoch. **Progressive resizing** trains on
# small images first, which is cheap, and on full ones last. **Test-time augmentation** (TTA) averages the predictions
# over several augmented views of a test image.
#
# > **Predict.** Three epochs are short. Will augmentation help within them?

# %%
views = aug_transforms(do_flip=False, max_rotate=10, max_zoom=1.1, max_warp=0.1)


def progressive(seed):
    """Two epochs on small images, one on full ones."""
    small, full = probed(seed, size=2 * SIZE // 3), probed(seed)
    run(small, lambda learn: by_group(learn, 2))
    full.model.load_state_dict(small.model.state_dict())
    return run(full, lambda learn: by_group(learn, 1))


def with_views(seed):
    """(accuracy, accuracy with TTA)"""
    learn = probed(seed, batch_transforms=views)
    plain = run(learn, by_group)
    with learn.no_bar():
        scores, truth = learn.tta(n=4)
    return plain, float((scores.argmax(1) == truth).float().mean())


# %%
augmented = np.array([with_views(seed) for seed in tl.progress(seeds, "views")])
more = {"plain": tuned["discriminative rates"], "augmented": augmented[:, 0], "augmented, TTA": augmented[:, 1]}
more["progressive resizing"] = [progressive(seed) for seed in seeds]

# %%
tl.plots.bars(more, title="Views and sizes, three epochs each (5 seeds)", **guessing)

# %%
for first, second in [("augmented", "plain"), ("augmented, TTA", "augmented"), ("progressive resizing", "plain")]:
    gap = tl.measure.paired_gap(more[first], more[second])
    print(f"{first} over {second}: {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** Where a line says "a tie", believe it, for three epochs on these images. Longer trainings have more to gain
# from augmentation, since they have the time to memorise their images (lesson 10 shows the other side), and large images
# more time to save by progressive resizing. Neither is measured here; the switch and these lines let you.

# %% [markdown]
# ## The cure: probe, then fine-tune
#
# Kumar et al. (2022) found why a random head is a bad start: its large errors distort good features before it has
# learned anything. Their cure has two steps, and `probe_then_finetune` is our version:
#
# 1. Compute frozen features once, fit a linear head to them, and put it on the network.
# 2. Fine-tune from there with discriminative rates and batch norm asleep. Held-out *training* images say after how many
#    epochs to stop. If none helps, the probe stays.
#
# > **Predict.** How long does step 1 take, compared with the default's five epochs?

# %%
one = tl.transfer.probe_then_finetune(NETWORK, train, weights=WEIGHTS)
one


# %%
def cured(seed):
    train, test = data(seed)
    made = tl.transfer.probe_then_finetune(NETWORK, train, weights=WEIGHTS, seed=seed)
    return tl.transfer.accuracy(made.learner.model, *tl.transfer.prepared(test, source.mean, source.std))


# %%
results["probe, then fine-tune"] = [cured(seed) for seed in tl.progress(seeds, "two steps")]
tl.plots.bars(results, title="The same images, network and weights (5 seeds)", **guessing)

# %%
for other in ("fastai's default", "linear probe"):
    gap = tl.measure.paired_gap(results["probe, then fine-tune"], results[other])
    print(f"two steps over {other}: {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** The first line is the cure's worth; the second says whether step 2 was worth its time *here*. And on real
# photos, with ImageNet weights? That takes minutes, so it is stored:

# %%
full = tl.measure.stored("recipe")
print(full)
for row in full.figures["rows"]:
    low, high = row["points_interval"]
    print(f"{row['task']}, {row['network']}: the default's accuracy in 1/{row['time_ratio']:.0f} of its time;")
    print(f"    at its time {row['points_at_equal_time']:+.1f} points [{low:+.1f}, {high:+.1f}]")

# %%
photos = next(row for row in full.figures["rows"] if row["task"] == "sign_digits")
stages = {"fastai's default": "default", "step 1: probe": "probe", "step 2: fine-tuned": "our"}
curves = {
    name: [([s], [a]) for s, a in zip(photos[f"{arm}_seconds"], photos[f"{arm}_accuracy"], strict=True)]
    for name, arm in stages.items()
}

# %%
tl.plots.against_time(curves, title=f"300 photos of signs, {photos['network']}: one point a seed", chance=0.1)

# %% [markdown]
# Two questions, two answers. How *soon* is the default's accuracy there? That is step 1's merit, in every row. How much
# *more* is there at the default's time? Where the interval covers 0, the default gets as far, only later.

# %% [markdown] task="beat_the_clock"
# Now you, against the clock: 80 images of eight signs on textured grounds, with labels, and 96 test images. Name at least
# **0.80** of these right within **500 passes**. Seconds differ between machines, so the check counts what PyTorch computes
# in your call, from the images to the predictions: one *pass* is the work of GlyphNet's body on one such image. A training
# step costs about three passes an image, one forward and two backward. Any source and any way is right.


# %% exercise="beat_the_clock"
def beat_the_clock(images, labels, test_images):
    """uint8 images (80, 3, 48, 48), labels 0 to 7 (80,), test images (96, 3, 48, 48). Returns 96 labels."""
    ### BEGIN SOLUTION
    body, mean, std = tl.models.GlyphNet.pretrained().body, tl.models.GLYPH_MEAN, tl.models.GLYPH_STD
    x, z = (tl.transfer.frozen_features(body, pixels, mean=mean, std=std) for pixels in (images, test_images))
    return tl.transfer.linear_probe(x, labels, z, np.zeros(len(z))).predictions
    ### END SOLUTION


# %% check="beat_the_clock"
tl.check.beat_the_clock(beat_the_clock)

# %% [markdown]
# **What results should you get?** The check's message gives both numbers. If it says that you are late, count: how often
# does which image go through a body, and how many of these times does it train?
#
# ## Reading the errors
#
# One number hides which errors are made. A **confusion matrix** counts for each true class (row) what it was called
# (column). **Recall** is the share of a class that is found; **precision** the share of a name's uses that are right.

# %%
from fastai.interpret import ClassificationInterpretation

learn = one.learner
learn.dls = learner(0).dls  # the test images, normalised
with learn.no_bar():
    reading = ClassificationInterpretation.from_learner(learn)
    matrix = reading.confusion_matrix()
tl.plots.confusion(matrix, test.classes, title="What is taken for what")

# %% [markdown] task="read_confusion"
# Read a matrix of *unbalanced* classes, where counts mislead. Return a dict of class numbers:
#
# - `"recall"`: the class with the lowest recall (photograph more of it);
# - `"precision"`: the class with the lowest precision (do not trust this name);
# - `"confused"`: the pair (true, predicted), two different classes, where the largest *share* of the true class goes.


# %% exercise="read_confusion"
def read_confusion(matrix):
    """Counts, shape (C, C); a row is a true class. Returns {"recall": i, "precision": j, "confused": (i, j)}."""
    ### BEGIN SOLUTION
    found = np.diag(matrix) / matrix.sum(axis=1)
    trusted = np.diag(matrix) / matrix.sum(axis=0)
    shares = matrix / matrix.sum(axis=1, keepdims=True)
    np.fill_diagonal(shares, 0)
    pair = np.unravel_index(shares.argmax(), shares.shape)
    return {"recall": found.argmin(), "precision": trusted.argmin(), "confused": pair}
    ### END SOLUTION


# %% check="read_confusion"
tl.check.read_confusion(read_confusion)

# %% [markdown]
# **What results should you get?** fastai's own list, by count:

# %%
with learn.no_bar():
    for true, called, count in reading.most_confused(min_val=2)[:3]:
        print(f"{true} taken for {called}: {count} times")

# %% [markdown]
# ## On a GPU, and on several
#
# On a card change the first cell (`"resnet50"`, 224 px) and raise the batch until memory is full. A card starves when
# photos are decoded and augmented one by one on the processor: decode in workers, augment whole batches on the card.
# `benchmarks/gpu.py` measures your card's ceiling (the same step on random data in memory) and how near we and fastai's
# defaults come. The course ships no such figures until somebody has measured them: run it, and read your own.
#
# Several cards, or machines, share a batch and average their gradients. fastai does this over Hugging Face accelerate
# (`pip install "tlcourse[distributed]"`): wrap the training in `with tl.transfer.distributed(learn):` and start one
# process a card. It also runs as two processes on this processor, here with the package's own demonstration:
#
# ```
# torchrun --nproc-per-node 2 -m tlcourse.transfer.multi_process
# ```
#
# Each process prints the fingerprint of its weights: they are equal.

# %% [markdown]
# ## Take away
#
# - Split by what must be new in use: people, places, days. A random split flatters.
# - `freeze()` leaves batch norm moving, normalisation comes and goes in silence, `lr_find` shifts the batches.
# - Groups, rates, augmentation, TTA: try one at a time, with seeds, and call a tie a tie.
# - Probe first. It takes seconds, it is the baseline to beat, and its head is the best start for fine-tuning.
# - Never load a pickled model from someone else.
#
# ## Further reading
#
# - J. Howard and S. Gugger, *fastai: A Layered API for Deep Learning*, Information, 2020.
# - L. N. Smith, *Cyclical Learning Rates for Training Neural Networks*, WACV 2017.
# - J. Howard and S. Ruder, *Universal Language Model Fine-tuning for Text Classification*, ACL 2018.
# - P. Micikevicius et al., *Mixed Precision Training*, ICLR 2018.
# - A. Kumar, A. Raghunathan, R. Jones, T. Ma and P. Liang, *Fine-Tuning can Distort Pretrained Features and Underperform
#   Out-of-Distribution*, ICLR 2022.
