# %% [markdown]
# # What is transfer learning?
#
# **In about 50 minutes** you will be able to
#
# - say what a *domain* and a *task* are, and tell transfer learning from things that look like it;
# - start a new task from weights learned on another, and see what that changes: a higher start, a higher slope, a
#   higher asymptote;
# - put a number, with its uncertainty, on what transfer saves: labels, time, compute.
#
# You need lesson 00. The experiments of this lesson take about a minute on two cores.

# %%
import numpy as np
import torch

import tlcourse as tl

# %% [markdown]
# ## Backpacks and sunglasses
#
# Suppose you have taught a network to find backpacks in airport photos. It took a million images and a week. Now you
# are asked for sunglasses, and you have thirty photos of them.
#
# You could begin again with random weights. But much of what the network knows is not about backpacks. It knows edges,
# curves, shadows, cloth against metal. **Transfer learning** starts the second problem from what was learned on the
# first.
#
# Our own version of this story fits on a laptop. The backpacks are 150 pictographs; a network called GlyphNet has
# learned to tell them apart. The sunglasses are digits that people wrote by hand, and we have **three** labelled scans
# of each.

# %%
source = tl.worlds.glyphs("pictographs", 1)
target = tl.worlds.handwriting(size=32)
tl.plots.strips({"source": source, "target": tl.worlds.handwriting()}, title="What GlyphNet knows, and what we want")

# %% [markdown]
# ## Domain and task
#
# Two words make "the first problem" and "the second problem" precise. They are due to Pan and Yang (2010).
#
# - A **domain** is $D = \{X, P(X)\}$: the space $X$ of possible inputs, and the distribution $P(X)$ that says which of
#   them turn up. Photos by day and photos by night have the same space and different distributions.
# - A **task** is $T = \{Y, P(Y \mid X)\}$: the set $Y$ of labels, and the rule that says which label belongs to which
#   input. Sorting photos by animal or by photographer are two tasks in one domain.
#
# The problem that is learned first has the **source** domain and task, the new one the **target** domain and task.
#
# > **Transfer learning** improves the learning of a target task with knowledge from a source domain and task, where the
# > domains differ, or the tasks differ, or both.
#
# Here is what differs in our case. To compare P(X) we look at one simple property of the images.

# %%
for name, images in {"source": source, "target": target}.items():
    brightness = images.images.mean() / 255
    print(f"{name}: {images.images.shape[1:]} inputs, mean brightness {brightness:.2f}, {len(images.classes)} labels")

# %% [markdown]
# The inputs differ in size and, plainly, in distribution: colourful drawings on busy grounds against soft white strokes
# on black. The label sets have nothing in common. Both domain and task differ, and still there is something to carry
# over.

# %% [markdown] task="is_it_transfer"
# For each situation decide: is it transfer learning (`True`) or not (`False`)? Ask each time whether a *second* domain
# or task takes part, and whether something *learned* there is used.
#
# - **a**: A network trained on 150 pictographs gets a new last layer and is trained on 20 other pictographs.
# - **b**: You take the architecture of a famous network, with fresh random weights, and train it on your photos.
# - **c**: You stop a training in the evening and go on in the morning, on the same data.
# - **d**: A spam filter trained on one company's mail is adapted to another company's mail, which has no labels.
# - **e**: Word vectors learned on Wikipedia are fed, unchanged, into a classifier of questions to a bank.
# - **f**: You collect ten thousand more photos of the same kind and train again from the start.


# %% exercise="is_it_transfer"
def is_it_transfer():
    """Returns {"a": True or False, ..., "f": True or False}."""
    ### BEGIN SOLUTION
    return {"a": True, "b": False, "c": False, "d": True, "e": True, "f": False}
    ### END SOLUTION


# %% check="is_it_transfer"
tl.check.is_it_transfer(is_it_transfer)

# %% [markdown]
# ## The weights of task A start task B
#
# A network for classification has two parts. The **body** turns an image into features; the **head**, its last layer,
# turns features into one score for each class. The head of GlyphNet has 150 outputs and is of no use for ten digits. We
# keep the body and put on a new head:

# %%
network = tl.models.GlyphNet.pretrained().with_new_head(10)
kept = sum(weights.numel() for weights in network.body.parameters())
new = sum(weights.numel() for weights in network.head.parameters())
print(f"kept from the source: {kept:,} weights    new: {new:,} weights")

# %% [markdown]
# That is the whole trick; everything else in this course is about doing it well. The other arm of our comparison,
# called **scratch**, is the same network with every weight random.
#
# A comparison is fair when its arms differ in one thing only. So both arms get the same 30 images, the same number of
# training steps, the same learning rate, the same normalisation. Both get their new head in the same way, too: its
# weights are set from the mean feature of each class, so that a body that already separates the classes shows it before
# any training (Qi, Brown and Lowe, 2018).


# %%
def learning_curve(start, seed, per_class=3, steps=60, measure_at=(4, 8, 12, 18, 24, 32, 40, 48, 54)):
    """Train on `per_class` digits of each kind; `start` makes the network. Test accuracy along the way."""
    digits = tl.worlds.handwriting(size=32, seed=seed)
    train, test = digits.take(per_class), digits.take(30, skip=120)
    torch.manual_seed(seed)
    network = start().with_new_head(10)
    tl.transfer.imprint_head(network, train)
    return tl.transfer.fit(network, train, test, steps=steps, rate=3e-3, measure_at=measure_at, seed=seed)


# %% [markdown]
# The seed decides which digits are drawn and how the random weights fall. Test images are always others than the
# training images: `skip=120` leaves the first 120 of each class to training.
#
# > **Predict.** With three examples of each digit: what accuracy will scratch reach? And transfer? Guessing gives 0.1.

# %%
for name, start in {"transfer": tl.models.GlyphNet.pretrained, "scratch": tl.models.GlyphNet}.items():
    curve = learning_curve(start, seed=0)
    print(f"{name:9} starts at {curve.accuracy[0]:.2f} and ends at {curve.accuracy[-1]:.2f}")

# %% [markdown]
# **Explain.** Before a single step, transfer already names several times as many digits as guessing would: features
# made for pictographs separate handwriting too. But this was one run. Other digits, other random weights, and
# the numbers move. How much?

# %% [markdown]
# ## Is the gap real?
#
# We repeat the experiment with five seeds. A mean of five runs is itself uncertain, and the honest way to show that is
# an **interval**. Student's t interval for the mean of $n$ runs is
#
# $$\bar{x} \pm t_{0.975,\,n-1} \; \frac{s}{\sqrt{n}}$$
#
# where $\bar{x}$ is the mean, $s$ the sample standard deviation (with $n - 1$ below the root's fraction), and
# $t_{0.975,\,n-1}$ the factor that accounts for how few runs there are. If we did the whole thing many times, 95 % of
# such intervals would cover the true mean.

# %% [markdown] task="seed_interval"
# Write a function that takes an array of accuracies, one for each seed, and returns the two ends of the 95 % interval
# for their mean: lower, upper. The factor is `stats.t.ppf(0.975, degrees_of_freedom)`.

# %%
from scipy import stats


# %% exercise="seed_interval"
def seed_interval(values):
    """The ends (low, high) of the 95 % Student t interval for the mean of `values`, an array of shape (n,)."""
    ### BEGIN SOLUTION
    n = len(values)
    reach = stats.t.ppf(0.975, n - 1) * np.std(values, ddof=1) / np.sqrt(n)
    return np.mean(values) - reach, np.mean(values) + reach
    ### END SOLUTION


# %% check="seed_interval"
tl.check.seed_interval(seed_interval)

# %% [markdown]
# **What results should you get?** For `[0.60, 0.62, 0.64, 0.66, 0.68]` the ends are about 0.601 and 0.679. Now the
# experiment itself: two arms, five seeds each.

# %%
seeds = range(5)
transfer_runs = [learning_curve(tl.models.GlyphNet.pretrained, seed) for seed in tl.progress(seeds, "transfer")]

# %%
scratch_runs = [learning_curve(tl.models.GlyphNet, seed) for seed in tl.progress(seeds, "scratch")]

# %%
steps = np.array(transfer_runs[0].steps)
transfer = np.array([run.accuracy for run in transfer_runs])
scratch = np.array([run.accuracy for run in scratch_runs])
tl.plots.curves(
    steps,
    {"transfer": transfer, "scratch": scratch},
    x_label="training steps",
    title="Handwritten digits from three examples of each",
    chance=0.1,
)

# %% [markdown]
# The line is the mean of five runs, the band its 95 % interval at each step. Does scratch merely need more time? Its
# curve has gone flat. (Convince yourself later: call `learning_curve` with `steps=300`.)
#
# Because run number 3 of each arm saw the same digits, we can also compare run by run. The interval of the *difference*
# is what decides: if it covers zero, there is no gap to speak of.

# %%
gap = tl.measure.paired_gap(transfer[:, -1], scratch[:, -1])
print(f"transfer leads by {gap.mean:.2f}, 95 % interval {gap.low:.2f} to {gap.high:.2f}")

# %% [markdown]
# ## Start, slope, asymptote
#
# Torrey and Shavlik (2009) name three ways in which transfer can help, and all three can be read off a pair of learning
# curves:
#
# 1. a **higher start**: better before any training on the target;
# 2. a **higher slope**: more accuracy gained in each early step;
# 3. a **higher asymptote**: the level at which the curve ends is higher. Many summaries garble this third one into
#    "faster convergence". It is not about speed. It is about where you end up.

# %% [markdown] task="curve_benefits"
# Write a function that reads the three off a pair of curves. Each is a number of the transfer curve minus the same
# number of the scratch curve:
#
# - `start`: the accuracy at the first measurement;
# - `slope`: the accuracy gained *per training step* from the first to the third measurement;
# - `asymptote`: the mean of the last three measurements. One alone would be noise.


# %% exercise="curve_benefits"
def curve_benefits(steps, transfer, scratch):
    """Three arrays of equal length, accuracies at `steps`. Returns {"start": ..., "slope": ..., "asymptote": ...}."""

    ### BEGIN SOLUTION
    def slope(curve):
        return (curve[2] - curve[0]) / (steps[2] - steps[0])

    return {
        "start": transfer[0] - scratch[0],
        "slope": slope(transfer) - slope(scratch),
        "asymptote": transfer[-3:].mean() - scratch[-3:].mean(),
    }
    ### END SOLUTION


# %% check="curve_benefits"
tl.check.curve_benefits(curve_benefits)

# %% [markdown]
# **What results should you get?** The same three numbers as in this figure, which reads them off our mean curves.
#
# > **Predict.** Which of the three will be the largest on handwriting? For which is a different target most likely to
# > change the sign?

# %%
tl.plots.benefits(steps, transfer, scratch, chance=0.1, title="Three benefits of transfer, on real handwriting")

# %% [markdown]
# **Explain.** All three are there. Keep apart what they mean. A start and a slope are *speed*: with patience you could
# do without them. The asymptote is *quality*: with these thirty images, no patience brings scratch up to it. What
# would? More images.

# %% [markdown]
# ## What it saves: labels
#
# Labels are often the dearest part of a project. So we ask: how many does each arm need for a wanted accuracy? We train
# both arms on 1, 3, 6 and 12 examples of each digit. The runs with 3 we have already.
#
# > **Predict.** To reach an accuracy of 0.75, how many times as many labels will scratch need?

# %%
per_class = np.array([1, 3, 6, 12])


def accuracies(start, known):
    """Final accuracies of shape (5 seeds, 4 label counts); `known` are the runs with 3 examples a class."""
    ends = {3: [run.accuracy[-1] for run in known]}
    for count in tl.progress([1, 6, 12], "labels"):
        ends[count] = [learning_curve(start, seed, count, measure_at=()).accuracy[-1] for seed in seeds]
    return np.array([ends[count] for count in per_class]).T


# %%
transfer_by_labels = accuracies(tl.models.GlyphNet.pretrained, transfer_runs)

# %%
scratch_by_labels = accuracies(tl.models.GlyphNet, scratch_runs)

# %%
tl.plots.curves(
    10 * per_class,
    {"transfer": transfer_by_labels, "scratch": scratch_by_labels},
    x_label="labelled images in all (ten digits)",
    title="Accuracy against labels: the same 60 steps for both arms",
    chance=0.1,
    target=0.75,
    log_x=True,
)

# %% [markdown]
# Read the figure along the dotted line, from left to right: where each curve crosses it, that arm has enough labels.

# %% [markdown] task="labels_needed"
# Write a function that finds the crossing: the number of labels at which a curve *first* reaches `target`. Between two
# measured points take the curve as a straight line. If the first point already reaches the target, return its count. If
# no point does, return `None`: nobody has measured what happens beyond the last one.


# %% exercise="labels_needed"
def labels_needed(labels, accuracies, target):
    """`labels` rises; `accuracies` are those measured at `labels`. Returns a number of labels, or None."""
    ### BEGIN SOLUTION
    if accuracies[0] >= target:
        return labels[0]
    for i in range(1, len(labels)):
        if accuracies[i] >= target:
            share = (target - accuracies[i - 1]) / (accuracies[i] - accuracies[i - 1])
            return labels[i - 1] + share * (labels[i] - labels[i - 1])
    return None
    ### END SOLUTION


# %% check="labels_needed"
tl.check.labels_needed(labels_needed)


# %%
def shown(amount, unit):
    return "not reached" if amount is None else f"{amount:.0f} {unit}"


for name, runs in {"transfer": transfer_by_labels, "scratch": scratch_by_labels}.items():
    needed = tl.measure.amount_to_reach(10 * per_class, runs.mean(0), 0.75)
    print(f"{name:9} needs {shown(needed, 'labels')} for an accuracy of 0.75")

# %% [markdown]
# **Explain.** The fewer labels you have, the more the source is worth. Towards the right the curves draw together: given
# enough labels and steps, training from scratch catches up, as He, Girshick and Dollár (2019) showed for object
# detection. Transfer is strongest where data is scarce, which is where most people are.

# %% [markdown]
# ## What it saves: time and compute
#
# The same crossing, with seconds instead of labels, says how long each arm trains until it is useful.

# %%
seconds = {}
for name, runs in {"transfer": transfer_runs, "scratch": scratch_runs}.items():
    clock = np.mean([run.seconds for run in runs], axis=0)
    seconds[name] = tl.measure.amount_to_reach(clock, np.mean([run.accuracy for run in runs], axis=0), 0.55)
    print(f"{name:9} reaches 0.55 after {seconds[name]:.2f} s")

# %% [markdown]
# But somebody paid for the source. GlyphNet's model card, written when it was trained, says what it took:

# %%
card = tl.models.glyphnet_card()
print(f"{card['recipe']['images']:,} images, {card['training_seconds']:,} s on {card['machine']['cores']} cores")

# %% [markdown] task="break_even"
# Pretraining is an investment. It costs `pretraining` once; then each target task costs `with_transfer` instead of
# `from_scratch`. Return the smallest whole number of tasks after which the total with transfer is no more than the total
# without. If a task costs as much with transfer as without, or more, it never pays: return `None`.


# %% exercise="break_even"
def break_even(pretraining, with_transfer, from_scratch):
    """Three costs in the same unit. Returns a whole number of tasks, or None."""
    ### BEGIN SOLUTION
    saved = from_scratch - with_transfer
    if saved <= 0:
        return None
    return int(np.ceil(pretraining / saved))
    ### END SOLUTION


# %% check="break_even"
tl.check.break_even(break_even)

# %%
tasks = tl.measure.break_even_tasks(card["training_seconds"], seconds["transfer"], seconds["scratch"])
print(f"counted in seconds of training, GlyphNet pays for itself after {tasks:,} tasks like this one")

# %%
count = np.linspace(0, 2 * tasks, 50)
totals = {
    "with transfer": card["training_seconds"] + count * seconds["transfer"],
    "from scratch": count * seconds["scratch"],
}
tl.plots.lines(count, totals, x_label="target tasks", y_label="seconds in all", title="When pretraining has paid")

# %% [markdown]
# **Explain.** So many? Our target is tiny: scratch needs a second or two for it, and there is little to save. This is an
# honest picture of the economics. Pretraining rarely pays for *one* small task in compute alone. It pays because
#
# - it is done **once** and used by everyone: you did not train GlyphNet, and nobody trains their own ImageNet model
#   first. That gives **access** to compute that you do not have;
# - it saves **labels**, which cost a person's time and not a processor's;
# - it ends **higher**, and no amount of compute on thirty images would have.

# %% [markdown]
# ## Take away
#
# - A domain is {X, P(X)}, a task is {Y, P(Y | X)}. Transfer uses what was learned in a source domain and task for a target
#   that differs in at least one of them.
# - In a network it means: keep the body, replace the head, go on training.
# - Its benefits are a higher start, a higher slope, a higher asymptote. The first two are speed, the third is quality.
# - It saves labels most of all; with plenty of labels the arms meet.
# - A gap counts when the interval of the difference leaves out zero.
#
# **Next:** lesson 02 looks inside the network, to see what it is that transfers.
#
# ### Further reading
#
# - S. J. Pan and Q. Yang, *A Survey on Transfer Learning*, IEEE Transactions on Knowledge and Data Engineering, 2010.
# - L. Torrey and J. Shavlik, *Transfer Learning*, in Handbook of Research on Machine Learning Applications, 2009.
# - J. Yosinski, J. Clune, Y. Bengio and H. Lipson, *How transferable are features in deep neural networks?*, NeurIPS 2014.
# - H. Qi, M. Brown and D. G. Lowe, *Low-Shot Learning with Imprinted Weights*, CVPR 2018.
# - K. He, R. Girshick and P. Dollár, *Rethinking ImageNet Pre-training*, ICCV 2019.
# - Student, *The Probable Error of a Mean*, Biometrika, 1908.
