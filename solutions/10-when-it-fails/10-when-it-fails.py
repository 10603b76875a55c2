# %% [markdown]
# # When it fails
#
# **In about 80 minutes** you will be able to
#
# - tell whether a source hurts, from validation images alone, before anyone relies on it;
# - find the depth at which a source still sees what your target needs;
# - say what cutting layers off saves, and what it costs;
# - audit a model group by group, and cure a shortcut;
# - choose a cure of overfitting by evidence;
# - notice that today's images are not those you trained on.
#
# You need lessons 02, 03 and 05.

# %%
from dataclasses import replace

import numpy as np
import torch

import tlcourse as tl

# %% [markdown]
# ## A source that hurts
#
# Transfer is **negative** when the target comes out *worse* with the source than without it, everything else equal
# (Rosenstein et al., 2005; Wang et al., 2019). Nobody notices who does not run the arm without a source.
#
# Here is a target that looks easy: one door, open or closed. Through an open door shines daylight, so it is brighter
# than the wall; a closed one is darker. That is the only difference.

# %%
pool = tl.worlds.doors(150, size=24, seed=1)
valid, test = tl.worlds.doors(50, size=24, seed=2), tl.worlds.doors(200, size=24, seed=3)
sides = {name: test.subset(test.labels == label) for label, name in enumerate(test.classes)}
tl.plots.strips(sides, title="One drawing, two states")

# %% [markdown]
# And here are four sources, which we freeze: GlyphNet, the strongest on signs, and lesson 06's three small bodies
# (pretrained by labels, by rotation, by contrast). The arm *without* a source is the same network with random
# weights. All get the same linear probe on the last layer, the same 20 images of each state, and 20 draws of those.
#
# > **Predict.** GlyphNet names 150 signs. Put the four in order. Is any below random weights?

# %%
torch.manual_seed(0)
bodies = {"GlyphNet": tl.models.GlyphNet.pretrained().body}
bodies |= {task: tl.models.pretrained_body(task) for task in ("labels", "rotation", "contrastive")}
bodies["random weights"] = tl.models.GlyphNet().body
seen, held, unseen = (
    {name: tl.measure.depth_features(body, data) for name, body in bodies.items()} for data in (pool, valid, test)
)


def probed(name, features, data, seeds=range(20), depth="block5", n=20):
    """Accuracy on `data` of a probe on n images of each state, one number a draw."""
    x = seen[name][depth], pool.labels, features[name][depth], data.labels
    return tl.transfer.probe_seeds(*x, n, seeds, strengths=(10.0,))


# %%
results = {name: probed(name, unseen, test) for name in bodies}
grey = {"random weights": "baseline"}
guessing = "test accuracy (dashed: guessing)"
tl.plots.bars(results, title="Open or closed? Frozen last layers", x_label=guessing, chance=0.5, colours=grey)

# %%
for name in list(bodies)[:-1]:
    gap = tl.measure.paired_gap(results[name], results["random weights"])
    print(f"{name:12} less no source: {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** The source that is best on signs does harm here: with it the probe is far worse than with random
# weights. The small ones help, with the same architecture and the same probe. So "a strong model" is no property of a
# model alone. Why GlyphNet fails is the next section's question; first, how do we *notice*?
#
# ### A verdict before deployment
#
# The test set is for the end. Whether to use a source must be decided on **validation** images. So: train both arms
# with several seeds, subtract seed by seed, and take the 95 % interval of the mean difference,
#
# $$\bar d \pm t_{0.975,\,n-1}\,\frac{s}{\sqrt n}$$
#
# with $s$ the standard deviation of the $n$ differences (dividing by $n-1$).

# %% [markdown] task="detect_negative_transfer"
# Write the detector. It gets two arrays of validation accuracies, one number a seed, the seeds in the same order.
# Return a dict with `"gap"` (mean of source less scratch), `"low"` and `"high"` (the ends of the interval), and
# `"verdict"`: `"hurts"` if the whole interval is below 0, `"helps"` if it is above, else `"no gap"`.
# `scipy.stats.t.ppf` gives $t$.


# %% exercise="detect_negative_transfer"
def detect_negative_transfer(source_scores, scratch_scores):
    """Two arrays of shape (seeds,). Returns a dict of gap, low, high and verdict."""
    ### BEGIN SOLUTION
    from scipy import stats

    differences = source_scores - scratch_scores
    n, gap = len(differences), differences.mean()
    reach = stats.t.ppf(0.975, n - 1) * differences.std(ddof=1) / np.sqrt(n)
    verdict = "hurts" if gap + reach < 0 else "helps" if gap - reach > 0 else "no gap"
    return {"gap": gap, "low": gap - reach, "high": gap + reach, "verdict": verdict}
    ### END SOLUTION


# %% check="detect_negative_transfer"
tl.check.detect_negative_transfer(detect_negative_transfer)

# %% [markdown]
# **What results should you get?** For scores of 0.90, 0.91, 0.92 with the source and 0.92, 0.94, 0.93 without it:

# %%
print(tl.measure.paired_gap([0.90, 0.91, 0.92], [0.92, 0.94, 0.93]), '-> "no gap": three seeds cannot tell')

# %% [markdown]
# How good is such a detector? We make 60 runs of each arm, judge them on 100 validation images, and look at a few of
# the runs, a thousand times. The last arm is random weights *again*, with other draws of the images: nothing is wrong
# there, so every alarm is a **false alarm**. The baseline is the rule that most people use: "its mean is lower".
#
# > **Predict.** How often does "its mean is lower" raise a false alarm?

# %%
seeds = range(60)
scores = {name: probed(name, held, valid, seeds) for name in bodies}
scores["random again"] = probed("random weights", held, valid, range(60, 120))

# %%
for name, other in [("GlyphNet", "random weights"), ("rotation", "contrastive"), ("random again", "random weights")]:
    print(f"{name} less {other}, all 60 runs: {tl.measure.paired_gap(scores[name], scores[other])}")
    for count in (3, 5, 10):
        by_mean, by_interval = tl.measure.alarm_rates(scores[name], scores[other], count)
        print(f"{count:5} seeds: alarms by the mean {by_mean:.2f}, by the interval {by_interval:.2f}")

# %% [markdown]
# **Explain.** GlyphNet's harm is so large that three seeds find it. Rotation is a little worse than contrast, and
# there a few seeds often miss. Where nothing is wrong, the mean is lower about every second time: a coin. The
# interval keeps false alarms rare. (All looks share 60 runs and one validation set: the rates are rough.)

# %% [markdown]
# ## What the last layers have forgotten
#
# GlyphNet's source task asked for the *sign*, and drew each in both ways: an umbrella is an umbrella, bright or dark.
# So its labels merged exactly what we now want to tell apart. Not to see a difference is **invariance**, and here it was
# the purpose of training. The small bodies never had to learn it:

# %%
share = {"GlyphNet": tl.worlds.PHOTO.polarity}
for task in ("labels", "rotation", "contrastive"):
    share[task] = tl.models.body_card(task)["recipe"]["style"]["polarity"]
print("share of source images with a bright sign:", share)

# %% [markdown]
# > **Predict.** A linear probe at each depth, 20 images of each state: where will it read the state, and where not?

# %%
states = {}
for name in ("GlyphNet", "rotation", "random weights"):
    states[name] = {depth: probed(name, unseen, test, range(5), depth) for depth in seen[name]}
tl.plots.by_depth(states, title="Open or closed? GlyphNet's last layers have forgotten", chance=0.5)

# %%
by_depth = states["GlyphNet"]
gap = tl.measure.paired_gap(by_depth["block2"], by_depth["block5"])
print(f"block2 less block5: {gap}: {gap.verdict}")
more = tl.measure.mean_interval(probed("GlyphNet", unseen, test, range(5), n=100))
print(f"block5 with 100 images of each state: {more}")

# %% [markdown]
# **Explain.** The state is plain in the first layers and nearly gone at the end, where even random weights keep more
# of it. The last line says how much of it five times the labels bring back; compare it with block2. There are two cures:
# **cut earlier**, and put the head where the state still is; or **fine-tune**, so that the last layers learn to keep it.
# All on the same 40 images, beside a network from scratch:


# %%
def tuned_on_doors(network, seed):
    mine = pool.subset(tl.transfer.draw_rows(pool.labels, 20, seed))
    options = {"rate": 3e-3, "seed": seed, "measure_at": None}  # None: look at the test images once, at the end
    return tl.transfer.fit(network, mine, test.subset(range(200)), steps=30, **options).accuracy[-1]


arms = {"head on block5": by_depth["block5"], "head on block2": by_depth["block2"], "all tuned": [], "from scratch": []}
for seed in tl.progress(range(5), "doors"):
    torch.manual_seed(seed)
    arms["all tuned"].append(tuned_on_doors(tl.models.GlyphNet.pretrained().with_new_head(2), seed))
    arms["from scratch"].append(tuned_on_doors(tl.models.GlyphNet(2), seed))
grey = {"from scratch": "baseline"}
tl.plots.bars(arms, title="The same 40 doors", x_label=guessing, chance=0.5, colours=grey)

# %%
for first, second in [("all tuned", "head on block5"), ("all tuned", "from scratch"), ("head on block2", "all tuned")]:
    gap = tl.measure.paired_gap(arms[first], arms[second])
    print(f"{first} over {second}: {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** Before you blame a target for being hard, probe the depths: it takes seconds, and tells a source that
# lacks something from a source that has thrown it away.

# %% [markdown]
# ## Cutting layers off
#
# A common sentence says: "removing layers lowers the number of parameters, *and so* the network overfits". Fewer
# parameters overfit *less*. What else is lost are features that were trained to work together. Two effects, so three
# arms, for each number n of layers kept, on 100 scans of handwriting:
#
# - **cut**: n pretrained layers and a head. Fewer parameters, features lost;
# - **fresh on top**: n pretrained layers, and new ones in the place of those removed. *All* parameters, features
#   lost;
# - **cut, from scratch**: the small network without a source. Fewer parameters, no features.
#
# "Cut" and "fresh on top" differ by parameters alone. First, how many are there?

# %%
parts = tl.transfer.parameters_by_part(tl.transfer.cut(tl.models.GlyphNet(), 6, 10))
for name, total in zip(parts, np.cumsum(list(parts.values())), strict=True):
    print(f"{name:7} {parts[name]:>8,} parameters, {total:>9,} up to here")

# %% [markdown]
# > **Predict.** With half of the blocks gone, most parameters are gone. What will the accuracy do, with pretrained
# > layers and without? First a small run of our own: three layers kept.


# %%
def scans(seed):
    """(100 images to train on, 200 to validate, 200 to test): which ones, the seed says."""
    data = tl.worlds.handwriting(size=16, seed=seed)
    return data.subset(range(500)).take(10), data.subset(range(500, 700)), data.subset(range(1000, 1200))


def three_layers(seed):
    train, _, test = scans(seed)
    torch.manual_seed(seed)
    source = tl.models.GlyphNet.pretrained()
    arms = tl.transfer.cut(source, 3, 10), tl.transfer.transplant(source, 3, 10)
    options = {"steps": 60, "rate": 3e-3, "seed": seed, "measure_at": None}
    return [tl.transfer.fit(arm, train, test, **options).accuracy[-1] for arm in arms]


small = np.array([three_layers(seed) for seed in tl.progress(range(3), "three layers")])
gap = tl.measure.paired_gap(small[:, 0], small[:, 1])
print(f"3 layers kept: cut less fresh on top: {gap}: {gap.verdict}")

# %% [markdown]
# The full experiment is stored, with its command:

# %%
full = tl.measure.stored("failures")
print(full)

# %%
kept = full.figures["cutting"]
layers = range(1, 7)
curves = {arm: np.array([found[str(n)]["test"] for n in layers]).T for arm, found in kept.items()}
tl.plots.curves(layers, curves, x_label="layers kept", title="100 scans: what is left when layers go")

# %%
for arm, found in kept.items():
    for n in layers:
        train, test_too = (np.mean(found[str(n)][part]) for part in ("train", "test"))
        whole = tl.measure.paired_gap(found[str(n)]["test"], found["6"]["test"])
        print(f"{arm:18} n = {n}: training {train:.2f}, test {test_too:.2f}, over n = 6 {whole}: {whole.verdict}")

# %%
for n in layers[:-1]:
    gap = tl.measure.paired_gap(kept["cut"][str(n)]["test"], kept["fresh on top"][str(n)]["test"])
    print(f"n = {n}: cut less fresh on top: {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** Look at the training column first. The whole network knows all its training images and errs on new
# ones: it overfits. Cut after one or two layers it does not even know its training images: it *underfits*, so the
# sentence has it the wrong way round.
#
# Then the two effects. "Cut" and "fresh on top" keep the same features and differ by parameters. With few layers
# kept, the missing ones are missed; with four or five there is nothing between the arms, although most parameters are
# gone. And against n = 6 both are *better* there: what helped is to leave the last features behind. On handwriting
# the last blocks of a sign reader are in the way, as with the doors. Without a source, nothing was worth cutting. So
# a cut is a choice about features, and validation makes it.

# %% [markdown] task="where_to_cut"
# Choose the cut. `accuracies` maps each depth, from the input on, to validated accuracies, one a seed; `parameters`
# maps it to the number of parameters *of that part*. A depth is good enough if its mean accuracy is at most
# `tolerance` below the best mean of all depths. Return a dict: `"depth"`, the first that is good enough, and
# `"parameters"`, how many are kept in all, the part at the cut included.


# %% exercise="where_to_cut"
def where_to_cut(accuracies, parameters, tolerance):
    """Two dicts by depth and a number. Returns a dict of the depth and the parameters kept."""
    ### BEGIN SOLUTION
    means = {depth: np.mean(scores) for depth, scores in accuracies.items()}
    kept = 0
    for depth, mean in means.items():
        kept += parameters[depth]
        if mean >= max(means.values()) - tolerance:
            return {"depth": depth, "parameters": kept}
    ### END SOLUTION


# %% check="where_to_cut"
tl.check.where_to_cut(where_to_cut)

# %% [markdown]
# **What results should you get?** With means of 0.70, 0.84, 0.80 and 0.85, 100 parameters in each part and a
# tolerance of 0.02: the second depth, 200 parameters.

# %% [markdown]
# ## A shortcut, and who pays for it
#
# A network is to tell cats from mice. In the 400 training images 95 % of the cats come by night (brighter than the
# ground) and 95 % of the mice by day. Night or day is a **shortcut**: it is nearly always right and has nothing to do
# with the task. So cows stand on grass and camels on sand (Beery et al., 2018).
#
# > **Predict.** On new images with the same habits the network will do well. And on a mouse by night?


# %%
pair = tl.worlds.EVERYDAY.only("🐱", "🐭")


def animals(seed):
    """By part: images and each one's group. Training has the shortcut; the test is balanced."""
    train, groups = tl.worlds.with_shortcut(pair, 200, agreement=0.95, size=28, seed=seed)
    extra, extra_groups = tl.worlds.with_shortcut(pair, 60, agreement=0.5, size=28, seed=100 + seed)
    test = tl.worlds.with_shortcut(pair, 150, agreement=0.5, size=28, seed=200 + seed)
    return (train, groups), (extra, extra_groups), test


def tuned_on(data, seed):
    torch.manual_seed(seed)
    network = tl.models.GlyphNet.pretrained().with_new_head(2)
    tl.transfer.fit(network, data, data.take(1), steps=30, rate=3e-3, seed=seed, measure_at=None)
    return network


# %%
def right(network, test):
    return tl.transfer.predict(network, test.images).labels == test.labels


sets = [animals(seed) for seed in range(5)]
biased = [tuned_on(sets[seed][0][0], seed) for seed in tl.progress(range(5), "biased")]
habits = [tl.worlds.with_shortcut(pair, 100, agreement=0.95, size=28, seed=300 + seed)[0] for seed in range(5)]
same_habits = [np.mean(right(network, data)) for network, data in zip(biased, habits, strict=True)]
print(f"on new images with the same habits: {tl.measure.mean_interval(same_habits)}")

# %%
_, _, (balanced, groups) = sets[0]
audit = tl.measure.audit_groups(right(biased[0], balanced), groups)
tl.plots.group_audit(audit, title="The audit of one network: who breaks the habit pays", chance=0.5)

# %% [markdown]
# **Explain.** With its own habits the network looks good, and most users would stop there. The audit draws as many
# images of each group, and two groups pay: those that break the habit. A cat by day is called a mouse because it is
# day. Compare the intervals, not the dots: where they are far apart, it is no accident of 75 images.

# %% [markdown] task="audit_by_group"
# Write the audit. `labels`, `predictions` and `groups` have one entry an example. Return a dict:
#
# - `"groups"`: group -> `(n, accuracy, low, high)`, where the ends are **Wilson's** (1927). With a share $p$ of $n$
#   and $z = 1.96$ they are $\left(p + \frac{z^2}{2n} \pm z \sqrt{\frac{p(1-p)}{n} + \frac{z^2}{4n^2}}\right) \Big/
#   \left(1 + \frac{z^2}{n}\right)$. Unlike the usual $p \pm z\sqrt{p(1-p)/n}$ they keep a width where all fail;
# - `"worst"`: the group of the lowest accuracy among those of at least `fewest` examples;
# - `"too_few"`: a list of the smaller ones. Nobody can judge them yet: say so, and collect more.


# %% exercise="audit_by_group"
def audit_by_group(labels, predictions, groups, fewest):
    """Two integer arrays and a list of words, each of length N, and a number. Returns a dict."""
    ### BEGIN SOLUTION
    right, groups, z = labels == predictions, np.array(groups), 1.96
    table = {}
    for group in sorted(set(groups.tolist())):
        n, p = int(np.sum(groups == group)), float(np.mean(right[groups == group]))
        centre, reach = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        table[group] = n, p, (centre - reach) / (1 + z**2 / n), (centre + reach) / (1 + z**2 / n)
    large = [group for group in table if table[group][0] >= fewest]
    too_few = [group for group in table if group not in large]
    return {"groups": table, "worst": min(large, key=lambda group: table[group][1]), "too_few": too_few}
    ### END SOLUTION


# %% check="audit_by_group"
tl.check.audit_by_group(audit_by_group)

# %%
# What results should you get? All of 3 wrong is no proof of 0 %:
print("Wilson's ends for 0 of 3: {:.2f} and {:.2f}".format(*tl.measure.wilson_interval(0, 3)))

# %% [markdown]
# ### Cures
#
# - **resampled**: the same images, but rare groups drawn as often as common ones (Idrissi et al., 2022);
# - **60 more of each**: the same with 120 newly collected images in which the habit is absent;
# - **new head**: the biased network's features, and a new head trained on those 120 images only (Kirichenko et al.,
#   2023);
# - **old features**: the same head on GlyphNet's own features, from *before* the biased data.
#
# > **Predict.** Where does the bias sit: in the head, or in the features? Which cures will tell?


# %%
def joined(*parts):
    (first, _), *_ = parts
    images, labels = (np.concatenate([getattr(data, name) for data, _ in parts]) for name in ("images", "labels"))
    return replace(first, images=images, labels=labels), np.concatenate([groups for _, groups in parts])


def evenly(data, groups, seed):
    return data.subset(tl.transfer.balanced_rows(groups, 400, seed))


# %%
def worst_groups(seed):
    """Cure -> (accuracy of the worst group, average) on the balanced test set."""
    train, extra, (test, groups) = sets[seed]
    arms = {"biased": biased[seed], "resampled": tuned_on(evenly(*train, seed), seed)}
    arms["60 more of each"] = tuned_on(evenly(*joined(train, extra), seed), seed)
    found = {name: right(network, test) for name, network in arms.items()}
    for name, network in {"new head": biased[seed], "old features": tl.models.GlyphNet.pretrained()}.items():
        x, z = (tl.transfer.predict(network, data.images).features for data in (extra[0], test))
        probe = tl.transfer.linear_probe(x, extra[0].labels, z, test.labels, strengths=(1.0,))
        found[name] = probe.predictions == test.labels
    audits = {name: tl.measure.audit_groups(ok, groups) for name, ok in found.items()}
    return {name: (audit.accuracy[audit.worst], audit.average) for name, audit in audits.items()}


# %%
cured = [worst_groups(seed) for seed in tl.progress(range(5), "cures")]
worst = {name: [one[name][0] for one in cured] for name in cured[0]}
where = "test accuracy of the worst of four groups (dashed: guessing)"
tl.plots.bars(
    worst, title="What each cure does for the worst group", x_label=where, chance=0.5, colours={"biased": "baseline"}
)

# %%
for name in list(worst)[1:]:
    gap = tl.measure.paired_gap(worst[name], worst["biased"])
    average = tl.measure.mean_interval([one[name][1] for one in cured])
    print(f"{name:16} over biased, worst group: {gap}: {gap.verdict}; balanced average {average.mean:.3f}")
for first, second in [("60 more of each", "resampled"), ("old features", "new head")]:
    gap = tl.measure.paired_gap(worst[first], worst[second])
    print(f"{first} over {second}: {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** Resampling lets the rare groups count, but it has only ten images of each and shows them again and
# again; the first of the last two lines says what new images of the rare kind add. The second compares the same head on
# two bodies: where it says *a gain*, a good part of the bias sits in the *features*, which the shortcut has bent, and it
# did not sit in the source. (The worst of four groups is a little low by luck alone, in every arm.) Kirichenko et al.
# find that a new head is often enough; here, with these features and 120 images, see for yourself.

# %% [markdown]
# ## Overfitting, and its cures one by one
#
# A network **overfits** when it fits what is accidental in its training images: training loss falls on, validation
# loss does not. Four cures are always recommended:
#
# - **augmentation**: show each image in a new random view each time;
# - **dropout**: set random features to 0 while training (Srivastava et al., 2014);
# - **weight decay**: pull the weights towards 0 at each step (Loshchilov and Hutter, 2019);
# - **early stopping**: keep the weights of the lowest validation loss (lesson 03).
#
# First the disease, small: 100 scans from scratch.

# %%
plain, no_cure = [], tl.transfer.Cures()
for seed in tl.progress(range(3), "overfitting"):
    torch.manual_seed(seed)
    run = tl.transfer.train_with_cures(tl.models.GlyphNet(10), *scans(seed), no_cure, steps=120, seed=seed)
    plain.append(run)
losses = [np.array([getattr(run, part) for run in plain]) for part in ("train_loss", "valid_loss")]
tl.plots.overfitting(plain[0].steps, *losses, title="Training loss falls on, validation loss does not follow")

# %% [markdown]
# Now one cure at a time. Each arm has the same first weights, the same images in the same order, and the same number
# of steps. (If you add all four at once, you never learn which of them did it.)
#
# > **Predict.** Order the four by what they will give. Which will give nothing?

# %%
cures = full.figures["cures"]
none = cures["nothing"]["test"]
gaps = {name: np.subtract(cures[name]["test"], none) for name in cures if name != "nothing"}
where = "test accuracy less that of no cure"
tl.plots.gaps(gaps, title="One cure at a time, at equal budget", x_label=where, helps="helps", hurts="hurts")

# %% [markdown]
# **Explain.** Weight decay, dropout and early stopping do nothing here that these runs could show: each is a tie.
# Early stopping finds little to stop: the rate falls to 0 by schedule, and the validation loss above has flattened by
# then. And augmentation, which everybody recommends, does *harm*. Why? Look at the loss on the training images
# themselves, at the end, and at the step whose weights were kept:

# %%
for name, found in cures.items():
    print(f"{name:15} training loss {np.mean(found['train_loss']):.2f}, step kept {np.mean(found['kept']):.0f}")

# %% [markdown]
# With augmentation the network has not finished learning: the task is harder, and the budget was made for the easy
# one. So an equal budget is part of a result: this one says "not at 120 steps", and not "never". Before you add a
# cure, ask whether there is time for it to work; and never add four at once, as the last arm did.
#
# ### Choosing by evidence
#
# Suppose a cure's mean is the best by a hair. It costs time, and a knob to tune. The **one-standard-error rule**
# (Hastie, Tibshirani and Friedman, 2009) takes the *simplest* recipe whose mean is at least
#
# $$\bar x_{\text{best}} - \frac{s_{\text{best}}}{\sqrt n}$$

# %% [markdown] task="choose_regulariser"
# Write the choice. `scores` maps each recipe to its validation accuracies, an array with one number a seed; the
# recipes stand in order, the simplest first. Return a dict: `"limit"`, the number above ($s$ divides by $n - 1$), and
# `"chosen"`, the name of the first recipe whose mean reaches it.


# %% exercise="choose_regulariser"
def choose_regulariser(scores):
    """A dict of arrays of shape (seeds,), the simplest first. Returns a dict of the limit and the name chosen."""
    ### BEGIN SOLUTION
    means = {name: values.mean() for name, values in scores.items()}
    best = scores[max(means, key=means.get)]
    limit = best.mean() - best.std(ddof=1) / np.sqrt(len(best))
    return {"limit": limit, "chosen": next(name for name in scores if means[name] >= limit)}
    ### END SOLUTION


# %% check="choose_regulariser"
tl.check.choose_regulariser(choose_regulariser)

# %%
# What results should you get? The limit for a best recipe with 0.80, 0.82 and 0.84:
print(f"{0.82 - np.std([0.80, 0.82, 0.84], ddof=1) / np.sqrt(3):.4f}")

# %% [markdown]
# ## Two hospitals
#
# A model reads the scans of its own hospital well. Another hospital has another device. Nothing in the task has
# changed; $P(X)$ has. We model three other devices for 20 everyday signs: one with a wrong **exposure** (contrast
# times 0.4, brightness plus 0.5), one with much **grain** and blur, and one that **drew the same as home**, our
# control.


# %%
home = tl.worlds.PHOTO.but(colour=0, polarity=1, contrast=0.5)


def device(name, seed):
    """Images of 20 signs as the device of this name sees them, 10 of each; 20 at home."""
    style = home.but(noise=1, blur=0.9) if name == "grain" else home
    data = tl.worlds.glyphs("everyday", 20 if name == "home" else 10, style=style, size=32, seed=seed)
    return replace(data, images=(0.4 * data.images + 127).astype(np.uint8)) if name == "exposure" else data


away = {name: device(name, 290) for name in ("like home", "exposure", "grain")}
tl.plots.strips({"home": device("like home", 90), **away}, title="One task, four devices")

# %% [markdown]
# Each away set is split: 100 images *without labels* to adapt, 100 to test. We measure three things: accuracy; the
# proxy A-distance to home (lesson 05), which needs no labels; and accuracy after batch norm has taken its statistics
# from the 100 unlabelled images.
#
# > **Predict.** Which device costs most? Which will new statistics repair?


# %%
def hospital(seed):
    """Device -> (accuracy, distance from home, accuracy with the device's own statistics)."""
    train, valid = device("home", seed), device("like home", 90 + seed)
    torch.manual_seed(seed)
    network = tl.models.GlyphNet.pretrained().with_new_head(20)
    tl.transfer.imprint_head(network, train)
    tl.transfer.fit(network, train, valid.take(1), steps=40, seed=seed, measure_at=None)
    images = {name: device(name, 290 + 10 * seed + number) for number, name in enumerate(away)}
    as_it_is = {name: tl.transfer.predict(network, data.images) for name, data in images.items()}
    at_home, rows = tl.transfer.predict(network, valid.images).features, {}
    for name, data in images.items():
        tl.transfer.predict(network, data.images[:100], own_statistics=True)
        own = tl.transfer.predict(network, data.images[100:])
        before, after = (np.mean(labels == data.labels[100:]) for labels in (as_it_is[name].labels[100:], own.labels))
        rows[name] = before, tl.measure.proxy_a_distance(at_home, as_it_is[name].features), after
    return rows


# %%
found = [hospital(seed) for seed in tl.progress(range(5), "hospitals")]
table = {name: np.array([one[name] for one in found]) for name in away}
ways = {"as it is": 0, "own statistics": 2}
bars = {f"{name}, {way}": table[name][:, column] for name in away for way, column in ways.items()}
tl.plots.bars(bars, title="The same weights on three devices", x_label=guessing, chance=0.05)

# %%
for name, numbers in table.items():
    gain = tl.measure.paired_gap(numbers[:, 2], numbers[:, 0])
    print(f"{name:10} distance from home {tl.measure.mean_interval(numbers[:, 1])}")
    print(f"{'':10} own statistics give {gain}: {gain.verdict}")

# %% [markdown]
# **Explain.** The control says what noise looks like: a distance near 0. Both other devices are noticed without a
# single label, and both cost accuracy. New statistics give back most of what exposure took, since a changed contrast
# and brightness *are* changed means and spreads. Grain hides the signs themselves, and new statistics give back
# little. And mind the order: the device that is
# farther away is not the one that stays worst. Zech et al. (2018) met all this with real chest X-rays.

# %% [markdown]
# ## Take away
#
# - Train the arm without a source. Decide on validation images, seed by seed, with an interval; report the test set
#   once.
# - High-level features keep what the source's labels asked for, and drop the rest. If the target needs the rest, cut
#   earlier or fine-tune.
# - Fewer parameters overfit less. What costs, when layers go, is what those layers knew.
# - An average over groups is not a result for each group. Audit with counts and intervals.
# - Add cures one at a time, at equal budget, and take the simplest that is as good.
# - A distance without labels tells that a domain has changed. Only labels tell what that costs.
#
# **Next:** lesson 11 takes all of this to text.
#
# ### Further reading
#
# - M. Rosenstein, Z. Marx, L. Kaelbling and T. Dietterich, *To Transfer or Not to Transfer*, NeurIPS Workshop 2005.
# - Z. Wang, Z. Dai, B. Póczos and J. Carbonell, *Characterizing and Avoiding Negative Transfer*, CVPR 2019.
# - H. Maennel et al., *What Do Neural Networks Learn When Trained With Random Labels?*, NeurIPS 2020.
# - J. Yosinski, J. Clune, Y. Bengio and H. Lipson, *How Transferable Are Features in Deep Neural Networks?*,
#   NeurIPS 2014.
# - S. Beery, G. Van Horn and P. Perona, *Recognition in Terra Incognita*, ECCV 2018.
# - B. Idrissi, M. Arjovsky, M. Pezeshki and D. Lopez-Paz, *Simple Data Balancing Achieves Competitive
#   Worst-Group-Accuracy*, CLeaR 2022.
# - P. Kirichenko, P. Izmailov and A. Wilson, *Last Layer Re-Training is Sufficient for Robustness to Spurious
#   Correlations*, ICLR 2023.
# - E. Wilson, *Probable Inference, the Law of Succession, and Statistical Inference*, JASA 1927.
# - N. Srivastava et al., *Dropout: A Simple Way to Prevent Neural Networks from Overfitting*, JMLR 2014.
# - I. Loshchilov and F. Hutter, *Decoupled Weight Decay Regularization*, ICLR 2019.
# - T. Hastie, R. Tibshirani and J. Friedman, *The Elements of Statistical Learning*, 2nd edition, Springer 2009.
# - J. Zech et al., *Variable Generalization Performance of a Deep Learning Model to Detect Pneumonia in Chest
#   Radiographs*, PLOS Medicine 2018.
