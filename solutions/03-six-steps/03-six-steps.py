# %% [markdown]
# # Six steps
#
# **In about 75 minutes** you will be able to
#
# - carry a pretrained network to a new task by hand, in six steps and plain PyTorch, and say what each step changes;
# - freeze a body so that truly nothing in it moves, and notice when something does;
# - choose rates that teach the new task, and see what they cost of the old one;
# - do the same in fastai, and get the same result.
#
# You need lessons 01 and 02.

# %%
import copy
from functools import cache, partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import tlcourse as tl

# %% [markdown]
# ## The plan
#
# Nearly every transfer of a network follows the same six steps:
#
# 1. **Obtain** a pretrained model.
# 2. Make a **base model**: cut off the head.
# 3. **Freeze** the base.
# 4. **Add** new, trainable layers.
# 5. **Train** the new layers.
# 6. **Fine-tune** everything at a lower rate.
#
# Then you *evaluate*, and *adjust*. This lesson takes one step after the other, in code that hides nothing.
#
# The source is again the 150 pictographs, the target handwriting: **five** labelled scans of each digit to train on.
# Ten more of each are the **validation** set, on which choices are made; 25 more, the **test** set, are for the result.


# %%
@cache
def digits(seed):
    """50 images to train, 100 to validate, 250 to test; none is in two of the sets."""
    scans = tl.worlds.handwriting(size=32, seed=seed)
    return scans.take(5), scans.take(10, skip=5), scans.take(25, skip=120)


def test_accuracy(network, seed):
    return tl.transfer.accuracy(network, *tl.transfer.prepared(digits(seed)[2]))


# %% [markdown]
# Each comparison is made on five seeds, run by run. A line says "a gain" or "a loss" if the 95 % interval of the mean
# difference leaves out zero, and otherwise "a tie".


# %%
def verdict(name, better, worse):
    gap = tl.measure.paired_gap(better, worse)
    print(f"{name}: {gap.mean:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}], {gap.verdict}")


# %% [markdown]
# ## Steps 1 and 2: obtain a model, make it a base
#
# We obtain GlyphNet, and keep its head aside: later it will tell us what the network still knows of its *old* task.
# What comes before the head is the base model, or **body**. It maps an image to 192 maps of 4 by 4 numbers.

# %%
device = tl.models.best_device()
pictographs = tl.worlds.glyphs("pictographs", 1, seed=4242)
network = tl.models.GlyphNet.pretrained().to(device)
source_head = network.head
print([name for name, _ in network.named_children()])

# %%
images, labels = tl.transfer.prepared(digits(0)[0])
print(f"images {tuple(images.shape)} -> features {tuple(network.body(images).shape)}")
print(f"source task: {tl.measure.remembered(network, source_head, pictographs):.2f} of unseen pictographs named right")

# %% [markdown]
# ## Step 3: freeze
#
# To **freeze** a layer is to stop *updates* of its weights. You may read that freezing "keeps the layers from being
# re-initialised". It does not: nothing in PyTorch re-initialises a layer behind your back, frozen or not. A weight
# changes when an optimiser changes it, and an optimiser changes what has a gradient. So we say that the body asks for
# none:

# %%
network.body.requires_grad_(False)
print(sum(p.requires_grad for p in network.parameters()), "tensors still ask for a gradient: the head's")

# %% [markdown]
# Is that all? Here is a training loop, the one that we use in the whole lesson. An **epoch** is one pass over the
# training images, in a new order. `network.train()` puts every layer in training mode; `body_asleep` puts the body back
# in **evaluation mode**, and for now we leave that out.


# %%
def train(network, optimiser, seed, epochs, body_asleep=True, after_epoch=lambda: None):
    images, labels = tl.transfer.prepared(digits(seed)[0])
    order = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        network.train()
        if body_asleep:
            network.body.eval()
        for rows in torch.randperm(len(images), generator=order).split(25):
            loss = F.cross_entropy(network(images[rows]), labels[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        after_epoch()


# %%
EPOCHS, HEAD_RATE = 10, 1e-2


def steps_1_to_5(seed, body_asleep=True):
    network = tl.models.GlyphNet.pretrained()
    network.body.requires_grad_(False)
    torch.manual_seed(seed)
    network = network.with_new_head(10).to(device)
    optimiser = torch.optim.AdamW(network.head.parameters(), lr=HEAD_RATE)
    train(network, optimiser, seed, EPOCHS, body_asleep)
    return network


# %% [markdown]
# > **Predict.** No weight of the body gets a gradient. After training, which tensors of the body will differ from the
# > pretrained ones: none, or some?

# %%
seeds = range(5)
before = copy.deepcopy(tl.models.GlyphNet.pretrained().state_dict())
careless = [steps_1_to_5(seed, body_asleep=False) for seed in tl.progress(seeds, "requires_grad only")]
changed = [name for name in tl.measure.changed_tensors(before, careless[0].state_dict()) if "head" not in name]
print(f"{len(changed)} tensors of the body changed, such as {changed[:3]}")
print("weights and biases among them:", sum(name.endswith(("weight", "bias")) for name in changed))

# %% [markdown]
# **Explain.** Every weight is the same, bit by bit: freezing did its work. What changed are **batch norm's running
# statistics**. A batch norm layer shifts and scales each channel to mean 0 and variance 1. In training mode it takes the
# mean and variance of the *current batch*, and also moves a running average of them, without any gradient. In evaluation
# mode it uses the running average, and leaves it alone. Our loop put the body in training mode, so the averages went
# from pictographs to handwriting.
#
# How far? And what did it cost? We compare with a body that sleeps, that is, stays in evaluation mode.

# %%
frozen = [steps_1_to_5(seed) for seed in tl.progress(seeds, "frozen truly")]
arms = {"requires_grad only": careless, "frozen truly": frozen}
moved = {
    name: [tl.measure.batch_norm_drift(before, network.state_dict()) for network in networks]
    for name, networks in arms.items()
}

# %%
layers = list(moved["frozen truly"][0])
shifts = {name: np.array([list(run.values()) for run in runs]) for name, runs in moved.items()}
tl.plots.drift(layers, shifts, title="A frozen body whose batch norm is awake moves all the same")

# %%
step_5 = [test_accuracy(network, seed) for seed, network in enumerate(frozen)]
careless_target = [test_accuracy(network, seed) for seed, network in enumerate(careless)]
verdict("target, frozen truly over requires_grad only", step_5, careless_target)
for name, networks in arms.items():
    knows = [tl.measure.remembered(network, source_head, pictographs) for network in networks]
    print(f"source task with its old head, {name}: {np.mean(knows):.2f}")

# %% [markdown]
# **Explain.** Without one changed weight, the first network has lost much of its old task: each layer now shifts and
# scales for handwriting, and its weights were made for inputs scaled otherwise. If the first line says "a gain", the
# target paid for the carelessness as well. (Statistics of the target are no evil in themselves: lesson 05 uses them with
# care. Here they came unasked, from 50 images.)

# %% [markdown] task="freeze_body"
# Write a function that freezes the body of a network like GlyphNet, in place: the children are `stem`, `block1`, ...,
# `pool`, `flatten`, `head`, and `network.body` holds all before the pooling, sharing the layers.
#
# It is called **in each epoch, right after `network.train()`**. After it:
#
# - no parameter of the body asks for a gradient;
# - the body's batch norms are in evaluation mode, so that their running statistics stay;
# - the head goes on training, in training mode: it may hold **dropout**, which then switches random inputs off.


# %% exercise="freeze_body"
def freeze_body(network):
    """Changes the network in place."""
    ### BEGIN SOLUTION
    network.body.requires_grad_(False)
    network.body.eval()
    ### END SOLUTION


# %% check="freeze_body"
tl.check.freeze_body(freeze_body)

# %% [markdown]
# **What results should you get?** The package's own `freeze` must be called only once: its layers go back to sleep by
# themselves before each forward pass. After it, `train()` and two passes over other images change nothing:

# %%
sleeper = tl.models.GlyphNet.pretrained().to(device)
tl.transfer.freeze(sleeper.body)
sleeper.train()
sleeper(images), sleeper(1 - images)
print("changed:", tl.measure.changed_tensors(before, sleeper.state_dict()))

# %% [markdown]
# ## Step 4: add new layers
#
# The old head gives 150 scores. We want ten, so a new layer takes its place. It must read exactly what the old one read,
# and the old head itself knows how many numbers that is.

# %% [markdown] task="replace_head"
# Write a function that gives a network like GlyphNet (any width: its last layer is a linear one, `network.head`) a
# fresh linear head for `n_classes` classes, and returns the network. Change nothing else: the body keeps its weights, and
# is as frozen or as free as it came. The outputs are plain scores, since `cross_entropy` takes those.


# %% exercise="replace_head"
def replace_head(network, n_classes):
    """Returns the network with its new head."""
    ### BEGIN SOLUTION
    network.head = nn.Linear(network.head.in_features, n_classes)
    return network
    ### END SOLUTION


# %% check="replace_head"
tl.check.replace_head(replace_head)

# %% [markdown]
# **What results should you get?** For ten digits, a head of 192 x 10 weights and 10 biases:

# %%
renewed = tl.models.GlyphNet.pretrained().with_new_head(10)
print(sum(p.numel() for p in renewed.head.parameters()), "numbers;", "output", tuple(renewed(images.cpu()).shape))

# %% [markdown]
# ## Step 5: train the new layers
#
# That was `steps_1_to_5` with a sleeping body; its five networks are trained already. A result means little alone, so
# here are two baselines. The **probe** is logistic regression on the same frozen features, its penalty chosen by
# cross-validation: what a head *could* read off this body. **Scratch** is GlyphNet with random weights, every layer
# trained on the same 50 images for as many epochs as steps 5 and 6 have together.
#
# > **Predict.** Order the three: step 5, the probe, scratch.


# %%
def probe(seed):
    body, (known, _, test) = tl.models.GlyphNet.pretrained().body, digits(seed)
    features = [
        tl.transfer.frozen_features(body, part, mean=tl.models.GLYPH_MEAN, std=tl.models.GLYPH_STD)
        for part in (known, test)
    ]
    return tl.transfer.linear_probe(features[0], known.labels, features[1], test.labels).accuracy


def scratch(seed):
    torch.manual_seed(seed)
    network = tl.models.GlyphNet(10).to(device)
    train(network, torch.optim.AdamW(network.parameters(), lr=3e-3), seed, 2 * EPOCHS, body_asleep=False)
    return test_accuracy(network, seed)


# %%
results = {"scratch": [scratch(seed) for seed in tl.progress(seeds, "scratch")]}
results["probe"] = [probe(seed) for seed in seeds]
results["step 5: new head"] = step_5
for name, values in results.items():
    print(f"{name:18} {tl.measure.mean_interval(values)}")
verdict("step 5 over scratch", step_5, results["scratch"])
verdict("step 5 over the probe", step_5, results["probe"])

# %% [markdown]
# **Explain.** Did you expect scratch to win, since all its layers train? It has only these 50 images to learn *every*
# layer from. Step 5 and the probe read features that many more pictographs have shaped. They read the same ones, so what
# lies between the two is the head's training: twenty steps at one rate, against a search for the best penalty.

# %% [markdown]
# ## Step 6: fine-tune at a lower rate
#
# Now the whole network trains. The head has settled, so its errors no longer shake the body as a random head's would;
# and the body's weights are good already, so each step should be small. A common choice is a tenth of the head's rate.
# Batch norm stays asleep: with so few images we trust the source's statistics more.


# %%
def step_6(network, seed, rate=HEAD_RATE / 10, groups=None, after_epoch=lambda network: None):
    network = copy.deepcopy(network).requires_grad_(True)
    optimiser = torch.optim.AdamW(groups(network) if groups else network.parameters(), lr=rate)
    train(network, optimiser, seed, EPOCHS, after_epoch=partial(after_epoch, network))
    return network


epochs = {seed: [network] for seed, network in enumerate(frozen)}


def keep(seed, network):
    epochs[seed].append(copy.deepcopy(network))


# %% [markdown]
# `keep` puts the network of each epoch aside; we need them at the end, to ask when to stop.
#
# > **Predict.** Will fine-tuning raise the accuracy over step 5? Over the probe? By how much?

# %%
tuned = [step_6(frozen[seed], seed, after_epoch=partial(keep, seed)) for seed in tl.progress(seeds, "fine-tuning")]
results["step 6: fine-tuned"] = [test_accuracy(network, seed) for seed, network in enumerate(tuned)]
tl.plots.bars(
    results,
    title="With five examples a digit, a pretrained body beats scratch",
    x_label="test accuracy (dashed: chance)",
    chance=0.1,
    colours={"scratch": "scratch", "probe": "third"},
)


# %%
for other in ("step 5: new head", "probe", "scratch"):
    verdict(f"fine-tuned over {other}", results["step 6: fine-tuned"], results[other])

# %% [markdown]
# **Explain.** Read the three lines. Fine-tuning need not beat a *good* probe when labels are few: it moves every weight
# of the network by fifty images, and can spoil as well as improve. Where a line says "a tie", so should you.

# %% [markdown] task="fine_tune"
# Write the loop of step 6 yourself. `network` arrives as step 5 leaves it: its body frozen, in training mode. Then
#
# - unfreeze all of it, and put the *body* in evaluation mode (its weights train all the same);
# - train every parameter with plain SGD, `torch.optim.SGD`, at a **tenth** of `head_rate`;
# - take `steps` steps, each on *all* the images, minimising the mean cross-entropy;
# - return the list of losses, one for each step, as computed before that step.


# %% exercise="fine_tune"
def fine_tune(network, images, labels, head_rate, steps):
    """`images` are normalised, shape (N, 3, H, W). Changes the network; returns `steps` losses."""
    ### BEGIN SOLUTION
    network.requires_grad_(True)
    network.body.eval()
    optimiser = torch.optim.SGD(network.parameters(), lr=head_rate / 10)
    losses = []
    for _ in range(steps):
        loss = F.cross_entropy(network(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return losses
    ### END SOLUTION


# %% check="fine_tune"
tl.check.fine_tune(fine_tune)

# %% [markdown]
# **What results should you get?** Losses that fall, and a body that has moved while its statistics have not: of our
# fine-tuned network,

# %%
changed = tl.measure.changed_tensors(before, tuned[0].state_dict())
print("changed weights and biases:", sum(name.endswith(("weight", "bias")) for name in changed))
print("changed running statistics:", sum("running" in name for name in changed))

# %% [markdown]
# ## What the rate costs: forgetting
#
# A network that learns a new task may lose the old one. McCloskey and Cohen (1989) called it **catastrophic
# forgetting**. To see it, put the *old* head back on the fine-tuned body, and ask for pictographs that it has never seen.
# We do that for three rates, at equal steps.
#
# > **Predict.** Draw two curves over the rate: accuracy on handwriting, and on pictographs. Where do they part?

# %%
rates = (1e-4, HEAD_RATE / 10, 3e-3)
by_rate = {HEAD_RATE / 10: tuned}
for rate in tl.progress([rate for rate in rates if rate not in by_rate], "rates"):
    by_rate[rate] = [step_6(frozen[seed], seed, rate) for seed in seeds]

# %%
target = np.array([[test_accuracy(by_rate[rate][seed], seed) for rate in rates] for seed in seeds])
source = np.array(
    [[tl.measure.remembered(by_rate[rate][seed], source_head, pictographs) for rate in rates] for seed in seeds]
)
knew = tl.measure.remembered(frozen[0], source_head, pictographs)
tl.plots.forgetting(
    rates,
    target,
    source,
    target_before=np.mean(step_5),
    source_before=knew,
    title="The higher the rate, the more of the source is forgotten",
)

# %%
for column, rate in enumerate(rates):
    print(f"rate {rate:g}: {source[:, column].mean() / knew:.0%} of the source task is left")

# %% [markdown]
# **Explain.** The two curves part early. Over a wide range of rates the target changes little, and the source very much:
# its weights are overwritten by steps that the target did not need. At the highest rate
# next to nothing of the source is left, and the band of the target is wide: some runs lost the body that was to help
# them. If you will need the old task too, take the lowest rate that teaches the new one. If
# not, forgetting alone is no harm, but it warns you of a rate that is too high.
#
# ## Evaluate and adjust: which rate
#
# A tenth was a guess. We may do better, but not by picking the best point of the figure above: it shows *test* images,
# and a choice made on them makes their number too good. Choices belong on the validation set.

# %%
by_validation = {
    rate: np.mean([tl.transfer.accuracy(by_rate[rate][s], *tl.transfer.prepared(digits(s)[1])) for s in seeds])
    for rate in rates
}
chosen = max(by_validation, key=by_validation.get)
print({rate: round(float(value), 3) for rate, value in by_validation.items()}, "-> we take", chosen)

# %%
best, guess = rates.index(chosen), rates.index(HEAD_RATE / 10)
verdict(f"target, {chosen:g} over {rates[guess]:g}", target[:, best], target[:, guess])
verdict(f"source, {chosen:g} over {rates[guess]:g}", source[:, best], source[:, guess])
verdict(f"target, {chosen:g} over the probe", target[:, best], results["probe"])

# %% [markdown]
# **Explain.** On the target, adjusting can only gain what the guess had lost: where the curve is flat, any rate will do,
# and the first line says "a tie". What validation does for certain is to keep you off the rate that ruins the target.
# It cannot see the source: no pictograph is in it. The second line shows what came along with the choice.

# %% [markdown]
# ## A rate for each layer
#
# Lesson 02 showed that first layers hold edges, which any task can use, and last layers the task. So why one rate for
# all? Howard and Ruder (2018) give each layer its own, **discriminative learning rates**: the last layer the full rate,
# each one below the rate of the next divided by 2.6. A PyTorch optimiser takes them as **parameter groups**, a list of
# dicts.

# %% [markdown] task="parameter_groups"
# Write a function that returns such a list, one dict `{"params": [...], "lr": ...}` for each child of the network that
# has parameters. The head gets `rate`; each child before it gets `factor` times the rate of the next one (`factor` is
# below 1). `pool` and `flatten` have no parameters and do not count. Frozen parameters belong in no group: a child may
# come frozen, and still counts as a step.


# %% exercise="parameter_groups"
def parameter_groups(network, rate, factor):
    """Returns a list of dicts for an optimiser, in any order."""
    ### BEGIN SOLUTION
    parts = [list(child.parameters()) for child in network.children()]
    parts = [part for part in parts if part]
    groups = []
    for power, part in enumerate(reversed(parts)):
        params = [p for p in part if p.requires_grad]
        if params:
            groups.append({"params": params, "lr": rate * factor**power})
    return groups
    ### END SOLUTION


# %% check="parameter_groups"
tl.check.parameter_groups(parameter_groups)

# %% [markdown]
# **What results should you get?** For GlyphNet, from the stem to the head:

# %%
groups = partial(tl.transfer.parameter_groups, rate=3e-3)
print([f"{group['lr']:.1e}" for group in groups(tl.models.GlyphNet(10))])

# %% [markdown]
# > **Predict.** The head at 0.003, the layers below it slower and slower: against one rate of 0.003 for all, and
# > against the one rate that validation chose. Which comparison will discriminative rates win?

# %%
graded = [step_6(frozen[seed], seed, groups=groups) for seed in tl.progress(seeds, "groups")]
graded_target = [test_accuracy(network, seed) for seed, network in enumerate(graded)]
graded_source = [tl.measure.remembered(network, source_head, pictographs) for network in graded]
for rate in (3e-3, chosen):
    verdict(f"target, groups over one rate of {rate:g}", graded_target, target[:, rates.index(rate)])
    verdict(f"source, groups over one rate of {rate:g}", graded_source, source[:, rates.index(rate)])

# %% [markdown]
# **Explain.** Against the same top rate, groups protect what such a rate would wreck: see the source's line. The other
# rate was *chosen*, and this top rate was not, so the last two lines are no fair race. They warn you: groups do not
# replace the choice of a rate. What they buy is safety: a top rate that is too high does less harm.

# %% [markdown]
# ## Evaluate and adjust: when to stop
#
# How many epochs? Ten was a guess too, and again validation decides. **Early stopping** keeps the weights of the epoch
# with the lowest validation loss, and ends training once `patience` epochs in a row have brought no new lowest. Here are
# the networks of step 6 after each epoch; epoch 0 is step 5's, before any fine-tuning.
#
# > **Predict.** The training loss falls. What will the validation loss do: fall, rise, first the one and then the other?


# %%
def validation_loss(network, seed):
    images, labels = tl.transfer.prepared(digits(seed)[1])
    with torch.no_grad():
        return F.cross_entropy(network.eval()(images), labels).item()


losses = np.array([[validation_loss(network, seed) for network in epochs[seed]] for seed in seeds])
print("higher after two epochs than before:", (losses[:, 2] > losses[:, 0]).sum(), "of", len(seeds), "runs")

# %% [markdown] task="early_stopping"
# Write a function that takes validation losses, one for each epoch, and returns the epoch whose weights to keep. Epochs
# count from 0. Go through them in order; an epoch is better only if its loss is *lower* than every one before. As soon as
# `patience` epochs in a row were not, training stops: what comes after was never seen. Return the best epoch up to then.


# %% exercise="early_stopping"
def early_stopping(losses, patience):
    """Returns the epoch, a whole number, with the lowest loss before patience ran out."""
    ### BEGIN SOLUTION
    best, waited = 0, 0
    for epoch, loss in enumerate(losses):
        if epoch > 0 and loss >= losses[best]:
            waited += 1
        else:
            best, waited = epoch, 0
        if waited >= patience:
            break
    return best
    ### END SOLUTION


# %% check="early_stopping"
tl.check.early_stopping(early_stopping)

# %% [markdown]
# **What results should you get?** For the losses 1.0, 0.8, 0.9, 0.95, 0.7 a patience of 2 keeps epoch 1, a patience of 3
# keeps epoch 4. On our five curves:

# %%
kept = {patience: [tl.measure.epoch_to_keep(run, patience) for run in losses] for patience in (2, 8)}
tl.plots.stopping(losses, kept, title="Little patience gives up before fine-tuning pays")

# %%
stopped = {p: [test_accuracy(epochs[seed][kept[p][seed]], seed) for seed in seeds] for p in kept}
for patience, accuracies in stopped.items():
    print(f"patience {patience} keeps epochs {kept[patience]}, test accuracy {tl.measure.mean_interval(accuracies)}")
verdict("patience 8 over patience 2", stopped[8], stopped[2])
verdict("patience 8 over all ten epochs", stopped[8], results["step 6: fine-tuned"])

# %% [markdown]
# **Explain.** Real curves are no smooth valleys. The optimiser starts at its full rate: the first steps can shake a
# settled network before they improve it, and a small patience gives up in that climb. The third line says what this
# cost. The last one compares with no stopping at all: in so short a run there is little to save. Early stopping is made
# for long ones, where the loss rises again because the network learns its images by heart, called **overfitting**
# (lesson 10).

# %% [markdown]
# ## The same in fastai
#
# fastai has a line for each step. Same data, same starting head, same optimiser, same epochs and rates, same
# normalisation. Its `freeze()` needs care: batch norm in the body goes on learning, weights and statistics.
# `train_bn=False` stops the weights, and a **callback**, a piece of code that fastai calls at fixed moments, puts
# the body to sleep when an epoch's training begins.

# %%
import warnings

warnings.filterwarnings("ignore", category=FutureWarning)  # fastai calls a function that PyTorch will drop one day
from fastai.callback.core import Callback
from fastai.optimizer import OptimWrapper


# %%
class BodyAsleep(Callback):
    def before_train(self):
        self.model[0].eval()


def learner(seed, **settings):
    data = digits(seed)[0].dataloaders(digits(seed)[1].take(1), batch_size=25, seed=seed)
    adamw = partial(OptimWrapper, opt=torch.optim.AdamW)
    learn = tl.models.vision_learner(data, "glyphnet", head="linear", opt_func=adamw, **settings)
    torch.manual_seed(seed)
    learn.model[1][-1].load_state_dict(nn.Linear(192, 10).state_dict())
    return learn


# %%
def six_steps_in_fastai(seed):
    learn = learner(seed, cbs=BodyAsleep(), train_bn=False)
    with learn.no_bar(), learn.no_logging():
        learn.fit(EPOCHS, HEAD_RATE, wd=0.01)
        after_5 = test_accuracy(learn.model, seed)
        learn.unfreeze()
        learn.fit(EPOCHS, HEAD_RATE / 10, wd=0.01)
    return after_5, test_accuracy(learn.model, seed)


# %% [markdown]
# `vision_learner` here did steps 1 to 4: it cut the body, froze it, added a linear head, and normalises every batch.
#
# > **Predict.** The batches come in another order. How far apart may the two means of five runs be?

# %%
fastai_runs = np.array([six_steps_in_fastai(seed) for seed in tl.progress(seeds, "fastai")])
verdict("after step 5, PyTorch over fastai", step_5, fastai_runs[:, 0])
verdict("after step 6, PyTorch over fastai", results["step 6: fine-tuned"], fastai_runs[:, 1])

# %% [markdown]
# **Explain.** Another order of batches alone moves a run by some points, so the means may differ by as much. Where both
# lines say "a tie", the two are one recipe in two languages.
#
# And without the care? One run of fastai's own `freeze()`, up to step 5:

# %%
body_before = copy.deepcopy(tl.models.GlyphNet.pretrained().body.state_dict())
learn = learner(seed=0)
with learn.no_bar(), learn.no_logging():
    learn.fit(EPOCHS, HEAD_RATE, wd=0.01)

# %%
body_after = learn.model[0].state_dict()
changed = tl.measure.changed_tensors(body_before, body_after)
print(f"{len(changed)} of {len(body_before)} tensors of the 'frozen' body changed,", end=" ")
print(f"{sum(name.endswith(('weight', 'bias')) for name in changed)} of them batch norm's weights and biases")
drift = np.mean(list(tl.measure.batch_norm_drift(body_before, body_after).values()))
print(f"mean shift of the running means: {drift:.2f} standard deviations")

# %% [markdown]
# **Explain.** This `freeze()` is made for the common case of a large target set, where batch norm may well adapt. It is
# not feature extraction. When a result must rest on frozen features, check that nothing changed, as we did.

# %% [markdown]
# ## Take away
#
# - Six steps: obtain, cut, freeze, add, train, fine-tune; then evaluate and adjust.
# - Freezing stops updates. Weights need `requires_grad_(False)`; batch norm's statistics need evaluation mode, again
#   after each `train()`. Compare tensors before and after.
# - A new head reads `in_features` of the old one, and gives plain scores.
# - Fine-tune at a lower rate, with an optimiser that is made *after* unfreezing.
# - A higher rate forgets more of the source, long before the target shows it.
# - Discriminative rates soften a top rate that is too high; they do not replace choosing one.
# - Choose epochs and rates on validation images, and keep the test set for the result.
#
# **Next:** lesson 04 asks which kind of transfer a problem needs.
#
# ### Further reading
#
# - J. Howard and S. Ruder, *Universal Language Model Fine-tuning for Text Classification*, ACL 2018.
# - M. McCloskey and N. J. Cohen, *Catastrophic Interference in Connectionist Networks: The Sequential Learning Problem*,
#   Psychology of Learning and Motivation, 1989.
# - S. Ioffe and C. Szegedy, *Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate
#   Shift*, ICML 2015.
# - L. Prechelt, *Early Stopping - But When?*, in Neural Networks: Tricks of the Trade, 1998.
# - A. Kumar, A. Raghunathan, R. Jones, T. Ma and P. Liang, *Fine-Tuning can Distort Pretrained Features and Underperform
#   Out-of-Distribution*, ICLR 2022.
# - J. Howard and S. Gugger, *fastai: A Layered API for Deep Learning*, Information, 2020.
