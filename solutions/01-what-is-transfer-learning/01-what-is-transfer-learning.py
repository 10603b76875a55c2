# %% [markdown]
# # What is transfer learning?
#
# **In about 50 minutes** you will be able to
#
# - say what a *domain* and a *task* are, and tell transfer learning from things that look like it;
# - start a new task from weights learned on another, and see what that changes: a higher start, a higher slope, a
#   higher asymptote;
# - put a number on what transfer saves: labels, time, compute.
#
# You need lesson 00.

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
# You could begin again with random weights. But some of what the network has learned may serve for sunglasses too;
# lesson 02 looks inside and shows which. **Transfer learning** starts the second problem from what was learned on the
# first.
#
# Our own version of this story fits on a laptop. The backpacks are 150 pictographs; a network called GlyphNet has
# learned to tell them apart. The sunglasses are digits that people wrote by hand, and we have **three** labelled scans
# of each.

# %%
source = tl.worlds.glyphs("pictographs", 1).subset(range(0, 150, 10))
target = tl.worlds.handwriting(seed=3)
tl.plots.strips({"source": source, "target": target}, title="What GlyphNet knows, and what we want")

# %% [markdown]
# ## Domain and task
#
# Two words make "the first problem" and "the second problem" precise. They are due to Pan and Yang (2010).
#
# - A **domain** is $D = \{\mathcal{X}, P(X)\}$: the space $\mathcal{X}$ of possible inputs, and the distribution $P(X)$,
#   which says how likely each input is to turn up. Photos by day and photos by night have the same space and different
#   distributions.
# - A **task** is $T = \{\mathcal{Y}, P(Y \mid X)\}$: the set $\mathcal{Y}$ of labels, and the probability of each label
#   given an input. Sorting photos by animal or by photographer are two tasks in one domain.
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
# The inputs are images of one size, and plainly they differ in distribution: colourful drawings on busy grounds against
# soft white strokes on black. The label sets have nothing in common. So both domain and task differ.

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
# This is the commonest form of transfer in a network. We compare it with **scratch**: the same network with every
# weight random. The two sides of a comparison are called its **arms**.
#
# A comparison is fair when its arms differ in one thing only. Both arms get the same 30 images and the same number of
# training **steps**; a step shows the network a batch of images and adjusts its weights a little. Both have the same
# **learning rate**, which says how large that adjustment is, and the same **normalisation**: brightness shifted and
# scaled as GlyphNet is used to. Both get their new head in the same way, too: its weights are set from the mean feature
# of each class, so that a body that already separates the classes shows it before any step (Qi, Brown and Lowe, 2018).
#
# One rate for both could favour one. `benchmarks/lesson01_rates.py` tries others for each arm and prints what changes.
# We shrink the scans to 32 pixels, which saves time; lesson 02 explains why the network does not mind.


# %%
def learning_curve(start, seed, per_class=3, steps=60, measure_at=(4, 8, 14, 20, 28, 36, 48)):
    """Train on `per_class` digits of each kind; `start` makes the network. Test accuracy along the way."""
    digits = tl.worlds.handwriting(size=32, seed=seed)
    train, test = digits.take(per_class), digits.take(25, skip=120)
    torch.manual_seed(seed)
    network = start().with_new_head(10)
    tl.transfer.imprint_head(network, train)
    return tl.transfer.fit(network, train, test, steps=steps, rate=3e-3, measure_at=measure_at, seed=seed)


# %% [markdown]
# The seed decides which digits are drawn and how the random weights fall. Test images are always others than the
# training images, by the same writers: `skip=120` leaves the first 120 of each class to training.
#
# > **Predict.** With three examples of each digit: what accuracy will scratch reach? And transfer? Guessing gives 0.1.

# %%
for name, start in {"transfer": tl.models.GlyphNet.pretrained, "scratch": tl.models.GlyphNet}.items():
    curve = learning_curve(start, seed=0)
    print(f"{name:9} starts at {curve.accuracy[0]:.2f} and ends at {curve.accuracy[-1]:.2f}")

# %% [markdown]
# **Explain.** Before the first training step, transfer already names several times as many digits as guessing would:
# features made for pictographs separate handwriting too. (The head has seen the 30 images once; it was set from them.)
# But this was one run. With other digits and other random weights the numbers move. How much?

# %% [markdown]
# ## Is the gap real?
#
# We repeat the experiment with five seeds. A mean of five runs is itself uncertain, and the honest way to show that is
# an **interval**. Student's t interval for the mean of $n$ runs is
#
# $$\bar{x} \pm t_{0.975,\,n-1} \; \frac{s}{\sqrt{n}}$$
#
# where $\bar{x}$ is the mean, $s$ the sample standard deviation (its variance divides by $n - 1$), and
# $t_{0.975,\,n-1}$ the factor that accounts for how few runs there are. If we did the whole thing many times, 95 % of
# such intervals would cover the true mean, provided that runs scatter about normally.

# %% [markdown] task="seed_interval"
# Write a function that takes an array of accuracies, one for each seed, and returns the two ends of the 95 % interval
# for their mean, the lower one first. The factor is `stats.t.ppf(0.975, degrees_of_freedom)`. Do not round.

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
# **What results should you get?** For these five runs, the ends that the package's own function prints:

# %%
print(tl.measure.mean_interval([0.60, 0.62, 0.64, 0.66, 0.68]))

# %% [markdown]
# Now the experiment itself: two arms, five seeds each.

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
# The line is the mean of five runs, the band its 95 % interval at each step. Run number 3 of each arm saw the same
# digits, so we can also compare run by run. The interval of the *difference* is what decides: if it covers zero, these
# runs do not show a gap.


# %%
def lead(transfer, scratch):
    gap = tl.measure.paired_gap(transfer, scratch)
    return f"transfer leads by {gap.mean:.2f}, 95 % interval {gap.low:.2f} to {gap.high:.2f}"


print(lead(transfer[:, -1], scratch[:, -1]))

# %% [markdown]
# Does scratch merely need more time? That its curve ends flat proves little: our schedule lowers the learning rate to
# zero towards the last step, and any curve goes flat then. So we give scratch three times the steps.
#
# > **Predict.** Will it catch up with transfer?

# %%
patient_runs = [learning_curve(tl.models.GlyphNet, seed, steps=180, measure_at=()) for seed in tl.progress(seeds)]
patient = np.array([run.accuracy[-1] for run in patient_runs])
print(f"scratch with 180 steps: {patient.mean():.2f}; transfer with 60 steps: {transfer[:, -1].mean():.2f}")
print(lead(transfer[:, -1], patient))

# %% [markdown]
# **Explain.** If the interval leaves out zero, patience alone did not close the gap. Hold on to that: it is the
# difference between being *faster* and being *better*.

# %% [markdown]
# ## Start, slope, asymptote
#
# Torrey and Shavlik (2009) name three ways in which transfer can help, and all three can be read off a pair of learning
# curves:
#
# 1. a **higher start**: better before the first training step;
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
#
# Where transfer hurts, a number is negative. Do not round.


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
# > **Predict.** Will all three be above zero in every one of the five runs? Of which are you least sure?

# %%
tl.plots.benefits(steps, transfer, scratch, chance=0.1, title="Three benefits of transfer, on real handwriting")

# %%
per_run = [tl.measure.benefits(steps, transfer[run], scratch[run]) for run in seeds]
for name in ("start", "slope", "asymptote"):
    print(f"{name:9} {tl.measure.mean_interval([getattr(benefit, name) for benefit in per_run])}")

# %% [markdown]
# **Explain.** Three lines, each a mean with its interval; look which of them leave out zero. Keep apart what they mean. A
# higher start and a higher slope are *speed*. The asymptote is *quality*: tripling the steps of scratch did not buy it.
# What would? More images.

# %% [markdown]
# ## What it saves: labels
#
# Labels are often the dearest part of a project: a person has to give each one. So we ask how many each arm needs for a
# wanted accuracy. We train both arms on 1, 3 and 8 examples of each digit. The runs with 3 we have already.
#
# > **Predict.** To reach an accuracy of 0.75, how many times as many labels will scratch need?

# %%
per_class = np.array([1, 3, 8])


def accuracies(start, known):
    """Final accuracies of shape (5 seeds, 3 label counts); `known` are the runs with 3 examples a class."""
    ends = {3: [run.accuracy[-1] for run in known]}
    for count in tl.progress([1, 8], "labels"):
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
# Write a function that finds the crossing: the number of labels at which a curve *first* reaches `target` (at least as
# high). Between two measured points take the curve as a straight line, and do not round: the crossing may lie at 53.7
# labels. A curve may dip after it has risen. If the first point already reaches the target, return its count. If no
# point does, return `None`: nobody has measured what happens beyond the last one.


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


# %% [markdown]
# **What results should you get?** With labels 10, 30, 60 and accuracies 0.4, 0.6, 0.8, a target of 0.7 needs 45 labels.
# For our curves, run by run:

# %%
for name, runs in {"transfer": transfer_by_labels, "scratch": scratch_by_labels}.items():
    needed = [tl.measure.amount_to_reach(10 * per_class, run, 0.75) for run in runs]
    print(f"{name:9} labels for 0.75, each run: {['not reached' if n is None else round(n) for n in needed]}")

# %%
for column, count in enumerate(per_class):
    print(f"{10 * count:3} labels: {lead(transfer_by_labels[:, column], scratch_by_labels[:, column])}")

# %% [markdown]
# **Explain.** Compare the leads from line to line: with the most labels the lead is the smallest. Given many more labels
# and steps, training from scratch can catch up altogether, as He, Girshick and Dollár (2019) showed for object
# detection. Lesson 08 looks for the border.

# %% [markdown]
# ## What it saves: time and compute
#
# How long does each arm train until it is useful? With thirty images scratch never reaches 0.75, so we take a level that
# both reach: nine tenths of what scratch ends with.

# %%
level = 0.9 * scratch[:, -1].mean()
to_level = {}
for name, runs, curves in (("transfer", transfer_runs, transfer), ("scratch", scratch_runs, scratch)):
    to_level[name] = tl.measure.amount_to_reach(steps, curves.mean(0), level)
    clock = np.mean([run.seconds for run in runs], axis=0)
    seconds = tl.measure.amount_to_reach(clock, curves.mean(0), level)
    print(f"{name:9} reaches {level:.2f} after {to_level[name]:.1f} steps, {seconds:.2f} s")

# %% [markdown]
# But somebody paid for the source. GlyphNet's **model card**, a short report that was written when it was trained, says
# what it took:

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

# %% [markdown]
# **What results should you get?** A pretraining of 100, tasks at 2 instead of 5: 34 tasks. For GlyphNet we count costs in
# images shown to the network, a unit that does not depend on the machine: each of our steps shows all 30.

# %%
images = {name: 30 * needed for name, needed in to_level.items()}
tasks = tl.measure.break_even_tasks(card["recipe"]["images"], images["transfer"], images["scratch"])
print(f"a task costs {images['transfer']:.0f} images with transfer, {images['scratch']:.0f} from scratch")
print(f"GlyphNet has paid for itself after {tasks:,} tasks like this one")

# %%
count = np.linspace(0, 2 * tasks, 50)
totals = {
    "with transfer": card["recipe"]["images"] + count * images["transfer"],
    "from scratch": count * images["scratch"],
}
tl.plots.lines(count, totals, x_label="target tasks", y_label="images shown in all", title="When pretraining has paid")

# %% [markdown]
# **Explain.** So many? Our target is tiny: scratch costs little, and there is little to save. In compute alone,
# pretraining did not pay here for one task, nor for ten. It pays because
#
# - it is done **once** and used by many: you did not train GlyphNet. Its card says what that took; the cell above says
#   what your own part took. The difference is **compute** (processor time) that you have been given access to;
# - it saves **labels**, which cost a person's time and not a processor's;
# - it ends **higher**, and tripling the steps of scratch did not.

# %% [markdown]
# ## Take away
#
# - A domain is the inputs and how likely each is; a task is the labels and how likely each is given an input. Transfer
#   uses what was learned in a source domain and task for a target that differs in at least one of them.
# - In a network it commonly means: keep the body, replace the head, go on training.
# - Its benefits are a higher start, a higher slope, a higher asymptote. The first two are speed, the third is quality.
# - It saves labels and training time; labels usually cost more. With more labels the lead shrinks.
# - Runs show a gap when the interval of the difference leaves out zero.
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
