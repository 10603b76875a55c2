# %% [markdown]
# # Four scenarios: how much data, how similar?
#
# **In about 60 minutes** you will be able to
#
# - measure how similar a target is to the source, from images alone;
# - place a task in the grid of size and similarity, and say which strategy usually fits there;
# - find the border at which the winner changes, with an interval;
# - choose how many layers to freeze without touching the test images;
# - write a chooser that holds up on tasks it has not seen.
#
# You need lessons 02, 03 and 05.

# %%
import numpy as np
import torch

import tlcourse as tl

# %% [markdown]
# ## Two questions
#
# You have a pretrained network and a target task. Two questions decide how to use the one for the other. How many
# labelled images of each class do you have? And how similar is the target to the source? Each has two rough answers,
# which gives a 2 x 2 grid. Textbooks put one strategy into each cell:
#
# | | similar | different |
# |---|---|---|
# | **small** | frozen features | freeze the first layers, retrain the rest |
# | **large** | fine-tune all | train from scratch |
#
# It is a good table to start from. In this lesson you measure every cell of it, and see where it is right, where two
# strategies tie, and where the borders lie.
#
# The source is GlyphNet's: 150 pictographs. The similar target has 20 pictographs that it has never seen; the
# different one is real handwriting.


# %%
def everyday(per_class, seed):
    """The similar target: (training images, test images) of 20 new pictographs."""
    train = tl.worlds.glyphs("everyday", per_class, size=32, seed=5000 + seed)
    return train, tl.worlds.glyphs("everyday", 20, size=32, seed=9000 + seed)


def digits(per_class, seed):
    """The different target: scans of handwritten digits."""
    scans = tl.worlds.handwriting(size=32, seed=seed)
    return scans.take(per_class), scans.take(50, skip=120)


source = tl.worlds.glyphs("pictographs", 3, size=32, seed=7000)
targets = {"similar": everyday, "different": digits}
rows = {"source": source} | {name: draw(5, 0)[1] for name, draw in targets.items()}
tl.plots.strips(rows, title="One source, two targets")

# %% [markdown]
# ## How similar?
#
# Lesson 05 measured the distance of two domains by a classifier that has to tell them apart: the proxy A-distance, 0
# where it guesses and 2 where it is always right. Similarity is the other way round: $1 - \hat d_A / 2$, so that 1 means
# that nothing tells the two apart, and 0 that everything does.
#
# > **Predict.** Both targets have classes that the source lacks. Which gets a similarity near 0?

# %%
glyphnet = tl.models.GLYPHNET
body = tl.models.GlyphNet.pretrained().body


def features(data, body=body):
    return tl.transfer.frozen_features(body, data, mean=glyphnet.mean, std=glyphnet.std)


for name, draw in targets.items():
    distance = tl.measure.proxy_a_distance(features(source), features(draw(5, 0)[1]))
    print(f"{name}: proxy A-distance {distance:.2f}, similarity {1 - distance / 2:.2f}")

# %% [markdown]
# **Explain.** The network has seen pictographs that look like the new ones, on grounds of the same kind; only the
# classes are new. No source image looks like a scan. "Different" can also mean another *question* about like images; a
# distance of images does not see that, and lesson 10 shows what it costs.
#
# There are cheaper measures than a classifier. Here you write one.

# %% [markdown] task="measure_similarity"
# Write a measure of how alike two sets of features are: one number, and higher means more alike. Any measure passes
# that keeps these promises: it falls as the target moves away from the source; it does not depend on the unit of a
# feature (multiply one by 10 in both sets, and the value stays); it hardly changes with the number of rows; equal
# inputs give equal values. The two sets may have different numbers of rows, in no particular order.


# %% exercise="measure_similarity"
def measure_similarity(source, target):
    """Features of shape (N, F) and (M, F), numpy arrays. Returns a number: the higher, the more alike."""
    ### BEGIN SOLUTION
    gap = np.abs(target.mean(0) - source.mean(0)) / source.std(0)
    return -gap.mean()
    ### END SOLUTION


# %% check="measure_similarity"
tl.check.measure_similarity(measure_similarity)

# %% [markdown]
# **What results should you get?** With one feature, a source of mean 0 and spread 1, and a target of mean 2, the
# measure "minus the mean standardised gap" gives -2. Yours may use another scale.
#
# ## Four strategies
#
# - **Frozen features**: no layer of the body is trained; a linear probe on its features does the task (lesson 02).
# - **First layers frozen**: stem and two blocks stay as they are, three blocks and the head are trained.
# - **Fine-tune all**: every layer starts from GlyphNet's weights and is trained.
# - **From scratch**: the same architecture with random weights, and everything is trained.
#
# Textbooks also name three *ways to fine-tune*: use the pretrained network for its features only (the first), use its
# architecture only (the last), or train some layers and freeze the others (the second). They are the same choices.
#
# To be fair, the three that train share the images, their order, the steps, the normalisation and a new random head.
# Each has the better of two learning rates, found on a seed that is not used again. The probe needs no steps: its
# features are computed once.
#
# First the two small cells: 5 images a class, 40 steps, 5 seeds. The baseline is guessing: 0.05 for 20 pictographs, 0.10
# for 10 digits.
#
# > **Predict.** In which of the two cells will frozen features win? What will scratch reach with 100 pictographs?


# %%
def small_cell(draw):
    """Strategy -> one test accuracy a seed."""
    accuracies = {strategy: [] for strategy in tl.transfer.STRATEGIES}
    for seed in tl.progress(range(5)):
        train, test = draw(5, seed)
        for strategy, runs in accuracies.items():
            runs.append(tl.transfer.run_strategy(strategy, train, test, steps=40, seed=seed))
    return accuracies


small_similar = small_cell(everyday)

# %%
small_different = small_cell(digits)

# %%
cells = {"small, similar": small_similar, "small, different": small_different}
tl.plots.scenarios(cells, title="Small sets, 40 steps: one winner does not suit both")


# %%
def compare(cell, first, second):
    gap = tl.measure.paired_gap(cell[first], cell[second])
    print(f"{first} over {second}: {gap}: {gap.verdict}")


for name, cell in cells.items():
    print(name)
    compare(cell, "frozen features", "fine-tune all")
    compare(cell, "first layers frozen", "fine-tune all")

# %% [markdown]
# **Explain.** Read the verdicts, not the bars: is the sign the same in both cells? On new pictographs the features
# already separate the classes, and a few images can hardly improve them. A likely reason why training even does harm is
# the random head: while it still says nonsense, the body is bent to please it (lesson 13 measures that). On handwriting
# the features were made for something else, and there is more to gain. Scratch has to learn to see from these few images
# alone; compare its two bars with guessing.
#
# ## The whole grid
#
# The full grid takes more minutes than a lesson has, so it is stored, with its command. It has more steps, and two
# large cells of 100 images a class.

# %%
full = tl.measure.stored("scenarios")
print(full)

# %%
sweep = full.figures["sizes"]
grid = {
    f"{size}, {world}": sweep[world][number]
    for size, number in {"small": "5", "large": "100"}.items()
    for world in ("similar", "different")
}
tl.plots.scenarios(grid, title="The four scenarios: 5 and 100 images a class, 5 seeds")

# %%
for name, cell in grid.items():
    first, second = sorted(cell, key=lambda strategy: -np.mean(cell[strategy]))[:2]
    print(f"{name:17}", end=" ")
    compare(cell, first, second)

# %% [markdown]
# **Explain.** Each line compares the best two of a cell. Where the verdict is *a tie*, five seeds cannot say which of
# the two is better, and you may take the one that costs less. Compare with the textbook's table: one cell is won by
# its strategy, three end in ties. Two things to note: "first layers frozen" is never far behind, and no cell makes
# scratch the clear winner. We come back to that.
#
# ## The border of size
#
# A cell is a point; practice lies between. Take the gap between frozen features and fine-tuning, seed by seed, and let
# the set grow.
#
# > **Predict.** Sketch the two curves: frozen minus fine-tuned, for new pictographs and for handwriting, from 2 to 100
# > images a class. Which one passes zero first?

# %%
sizes = [2, 5, 20, 100]


def runs(world, strategy):
    """Accuracies of shape (seeds, sizes)."""
    return np.array([sweep[world][str(n)][strategy] for n in sizes]).T


gaps = {w: runs(w, "frozen features") - runs(w, "fine-tune all") for w in ("similar", "different")}
words = {"x_label": "training images of each class", "y_label": "frozen minus fine-tuned, test accuracy"}
sides = {"above": "frozen features win", "below": "fine-tuning wins"}
tl.plots.borders(sizes, gaps, title="The winner changes as the set grows", **words, **sides)

# %% [markdown]
# Where a curve passes zero the winner changes: a **border**. It comes from few seeds, so it is not sharp. The band
# around the curve has a lower and an upper edge; the nearest places on either side where an *edge* passes zero are the
# ends of the border's own interval. Edge or curve, the same function finds the place.

# %% [markdown] task="border_size"
# Write it: the size at which the gaps pass zero. Between two neighbouring sizes take the gap as a straight line over
# the *logarithm* of the size, since sizes grow by factors. If the gap passes zero more than once, return the first
# place; if never, return None. It may fall or rise through zero. No gap is exactly 0.


# %% exercise="border_size"
def border_size(sizes, gaps):
    """Two lists of numbers, sizes increasing. Returns the size at which the gap is 0, or None."""
    ### BEGIN SOLUTION
    for i in range(len(sizes) - 1):
        if gaps[i] * gaps[i + 1] < 0:
            share = gaps[i] / (gaps[i] - gaps[i + 1])
            return sizes[i] * (sizes[i + 1] / sizes[i]) ** share
    return None
    ### END SOLUTION


# %% check="border_size"
tl.check.border_size(border_size)

# %%
# What results should you get? A gap of 0.1 at 10 images and of -0.1 at 1,000:
print(f"the border is at {tl.measure.crossing_size([10, 1000], [0.1, -0.1]):.0f} images")
for world in gaps:
    found = tl.measure.border(sizes, runs(world, "frozen features"), runs(world, "fine-tune all"))
    print(f"{world}, in images a class: {found}")

# %% [markdown]
# **Explain.** "Small" and "large" are no fixed numbers. The border depends on the similarity: the less the features
# suit, the sooner fine-tuning pays, and it may pay at every size measured: then there is no border to find. Where an end
# is *open*, the interval reaches beyond those sizes, and all you may claim is a side.

# %% [markdown] written="explain_border" points=2
# **Explain one border.** Choose one of the two targets. In four to six sentences: give its border with the interval, or
# say that none was found and which side won; say what makes frozen features fall behind as the set grows, and what you would expect of the border if the network had seen ten times as
# many source images, or if fine-tuning had started from the probe's head in place of a random one. Say what you would
# measure to find out.
#
# ### BEGIN SOLUTION
# Half of the points: gives the border and its interval as printed, and claims no more than a side where an end is open
# or no border was found. Frozen features fall behind because they have a ceiling that labels cannot lift, while
# fine-tuning gains with each label. A better source lifts the features: the border moves to larger sets. A head from the
# probe takes away the bad start of fine-tuning: the border moves to smaller sets. Measure: the same sweep with that one
# thing changed, seeds shared, paired gaps, at sizes around the border.
# ### END SOLUTION

# %% [markdown]
# ## The border of similarity
#
# Now we hold the size at 10 images a class, with ten classes, and turn the other knob: from pictographs over foreign
# letters and digits to handwriting.
#
# > **Predict.** Will the gap fall steadily with distance?

# %%
walk = full.figures["similarity"]
distances = np.array([row["distance"] for row in walk]).T
gap = np.array([np.subtract(row["accuracy"]["frozen features"], row["accuracy"]["fine-tune all"]) for row in walk]).T
names = [row["task"] for row in walk]
title = "10 images a class: the gap against the distance"
tl.plots.similarity_walk(names, distances, gap, y_label=words["y_label"], title=title, **sides)

# %%
for row, name in enumerate(names):
    found = tl.measure.paired_gap(*(walk[row]["accuracy"][arm] for arm in ("frozen features", "fine-tune all")))
    print(f"{name:18} frozen over fine-tuned: {found}: {found.verdict}")
print(f"rank agreement of distance and gap: {tl.measure.rank_agreement(distances.mean(0), gap.mean(0)):.2f}")

# %% [markdown]
# **Explain.** First the verdicts: where it says *a tie*, this size lies too near the border for so few seeds. Then the
# order. Rank agreement is Spearman's correlation; -1 would mean that every step away from the source costs frozen
# features some of their lead. The distance points the way, but it is not all: tasks differ in how hard they are, too, and
# an easy one can be solved by any strategy. So a similarity is a hint for the first try, not a proof.
#
# ## Large and different: is scratch the right choice?
#
# The table says *from scratch*. He, Girshick and Dollár (2019) trained detectors on COCO, which is large, from ImageNet
# weights and from random ones, and watched them for as long as it took.
#
# > **Predict.** Handwriting, 100 images a class. Where is each curve after 30 steps? And at the end?

# %%
long = full.figures["long"]
curves = {"pretrained": long["accuracy"]["fine-tune all"], "scratch": long["accuracy"]["from scratch"]}
title = "Large and different: pretraining shortens the way"
curves = {name: np.array(found) for name, found in curves.items()}
tl.plots.curves(long["steps"], curves, x_label="training steps", title=title, chance=0.1)

# %%
end = tl.measure.paired_gap(curves["pretrained"][:, -1], curves["scratch"][:, -1])
print(f"at the end, pretrained over scratch: {end}: {end.verdict}")
for name, found in curves.items():
    steps = [tl.measure.amount_to_reach(long["steps"], run, 0.95) for run in found]
    print(f"{name}: steps to an accuracy of 0.95: {', '.join(f'{s:.0f}' if s else 'never' for s in steps)}")

# %% [markdown]
# **Explain.** Look at the last verdict and at the steps. Their finding was: with enough data and steps scratch catches
# up, and no more; what pretraining saves is the way there. So the fourth cell reads better as "scratch *will do*". It
# is the right choice when nothing fits your input, such as another number of channels, or when no licence does.
#
# ## What is in the weights, what in the architecture?
#
# "Architecture only" is a way to use a pretrained network: copy its plan and train it afresh. What is a plan worth
# before any training? A probe on a body with *random* weights tells.
#
# > **Predict.** Handwriting, 5 images a class. Guessing gives 0.10. And a probe on random features?


# %%
def probed(seed, body):
    train, test = digits(5, seed)
    return tl.transfer.linear_probe(features(train, body), train.labels, features(test, body), test.labels).accuracy


random_bodies = []
for seed in range(5):
    torch.manual_seed(seed)
    random_bodies.append(tl.models.GlyphNet().body.eval())
arms = {
    "pretrained body": [probed(seed, body) for seed in range(5)],
    "random body": [probed(seed, random_bodies[seed]) for seed in range(5)],
}
tl.plots.bars(arms, title="A plan alone is worth something", chance=0.1)

# %% [markdown]
# **Explain.** Convolutions compare neighbouring pixels and pooling forgets the place, whatever the weights. That helps
# with images before anything is learned. The rest of the bar is what the source has taught.
#
# And between "features only" and "fine-tune all" lies the number of frozen layers, $k$: 0 freezes nothing, 6 the whole
# body. Two of them you have trained already: "fine-tune all" is $k = 0$, "first layers frozen" $k = 3$.
#
# > **Predict.** On handwriting, which $k$ will be best with 5 images a class? Layers 1 and 2 see edges, 5 and 6 whole
# > pictographs.


# %%
def frozen_first(k, seed):
    torch.manual_seed(seed)
    train, test = digits(5, seed)
    network = tl.models.GlyphNet.pretrained().with_new_head(10)
    return tl.transfer.retrain(network, k, train, test, steps=40, rate=1e-3, seed=seed)


by_k = {"k = 0": small_different["fine-tune all"], "k = 3": small_different["first layers frozen"]}
by_k["k = 6"] = [frozen_first(6, seed) for seed in range(5)]
tl.plots.bars(by_k, title="Handwriting, 5 a class: how many layers to freeze", chance=0.1)

# %% [markdown]
# **Explain.** Neighbouring bars often tie: the choice of $k$ is broad, and the ends matter most. (At $k = 6$ the head is
# trained by the same 40 steps from a random start; it is no probe, and falls behind one.) This figure looks at test
# images, though. To *choose* $k$ you may only use the training images: hold some out, again and again.

# %% [markdown] task="choose_frozen"
# Choose $k$ by validation. `score(k, fit_rows, held_rows)` trains a network with the first $k$ layers frozen on the
# training images `fit_rows` and gives its accuracy on `held_rows`. Split the rows at least 3 times, with every class in
# both parts; score all candidates on the same splits; return the $k$ with the highest mean. Among equals return the
# largest: it trains least.


# %% exercise="choose_frozen"
def choose_frozen(labels, candidates, score):
    """`labels`: of the training images, shape (N,). `candidates`: some k, increasing. Returns one of them."""
    ### BEGIN SOLUTION
    from sklearn.model_selection import StratifiedKFold

    splits = list(StratifiedKFold(4, shuffle=True, random_state=0).split(labels, labels))
    means = {k: np.mean([score(k, fit, held) for fit, held in splits]) for k in candidates}
    return max(candidates, key=lambda k: (means[k], k))
    ### END SOLUTION


# %% check="choose_frozen"
tl.check.choose_frozen(choose_frozen)

# %% [markdown]
# **What results should you get?** A $k$ that is best on one split only must not win.
#
# ## The same on real photos
#
# Do the borders of a small world say anything about yours? Here are the four strategies with a SqueezeNet and its
# ImageNet weights, on photos of hands that sign digits and on MNIST's scans, at 96 pixels and for 40 steps. Nothing
# downloads: the result is stored, and its command says how to run it on your own folder. Guessing gives 0.10.
#
# > **Predict.** ImageNet holds a million photos. Will frozen features win with 5 photos a class? With 40?

# %%
real = tl.measure.stored("scenarios_real")
print(real)

# %%
photos = real.figures["cells"]
tl.plots.scenarios(photos, title="ImageNet weights on real images")

# %%
for name, cell in photos.items():
    print(name)
    compare(cell, "frozen features", "fine-tune all")
    compare(cell, "fine-tune all", "from scratch")

# %% [markdown]
# **Explain.** Look at the gaps that seem large and yet are ties: three seeds, few steps, and a network without batch norm,
# which is harder to train, make wide intervals. Only a verdict that is no tie says something about ImageNet and hands;
# compare it with the glyph world's. A border belongs to a *budget*, too: with more steps it may lie elsewhere, and the
# command lets you find out.
#
# ## A chooser
#
# Now put it into a function. To choose well one must say what a point of accuracy is worth: half a point for a
# thousand times the computing may be no bargain. So there is a **price**, subtracted from the accuracy. Training the
# whole network pays all of it, the upper half pays half, frozen features pay nothing.
#
# What does training gain over frozen features, before the price?

# %%
share = full.figures["share"]
for world, far in full.figures["distance"].items():
    print(f"{world}: similarity {1 - np.mean(far) / 2:.2f}")
    for n in sizes:
        mean = {name: np.mean(found) for name, found in sweep[world][str(n)].items()}
        gains = {name: f"{mean[name] - mean['frozen features']:+.3f}" for name in tl.transfer.STRATEGIES[1:]}
        print(f"  {n:3} a class: frozen {mean['frozen features']:.3f}, and", gains)

# %% [markdown]
# How good is a chooser? Its **regret** on a task is what its choice is worth less than the best one (lesson 05). The
# baseline is a *constant* chooser: always the same strategy. (Scratch is left out of the figure: the table says why.)
#
# > **Predict.** Which constant loses least on these eight tasks at a price of 0.02? And at 0.2?


# %%
def regrets(chosen, price):
    """What a constant chooser loses on each task above."""
    worths = [
        [np.mean(sweep[w][str(n)][name]) - share[name] * price for name in tl.transfer.STRATEGIES]
        for w in sweep
        for n in sizes
    ]
    return [tl.measure.regret([name == chosen for name in tl.transfer.STRATEGIES], worth) for worth in worths]


constant = {f"{s}, price {p}": regrets(s, p) for p in (0.02, 0.2) for s in tl.transfer.STRATEGIES[:3]}
title = "What a constant chooser loses: mean over eight tasks"
tl.plots.bars(constant, title=title, x_label="regret (0: always the best)")

# %% [markdown]
# **Explain.** "First layers frozen" is a good habit while training is cheap, and a costly one when it is dear. No
# constant is good at both. (The intervals here are over tasks, not over seeds; that one reaches below 0 is the formula's
# doing, no regret does.)

# %% [markdown] task="choose_strategy"
# Write a chooser. It is told the number of labelled images of each class, the similarity $1 - \hat d_A / 2$, and the
# price, and returns the name of a strategy: `"frozen features"`, `"first layers frozen"`, `"fine-tune all"` or `"from
# scratch"`. It is judged at prices near 0.01 and near 0.2. On tasks that this lesson does not show (other alphabets, other
# styles, another question about handwriting) its mean regret may be 0.015 at most; on each task of the table 0.025. No
# constant chooser reaches that, and none that looks at the price alone.


# %% exercise="choose_strategy"
def choose_strategy(n_per_class, similarity, price):
    """A number of images, a similarity from 0 to 1, a price in accuracy. Returns one of `tl.transfer.STRATEGIES`."""
    ### BEGIN SOLUTION
    few_and_similar = n_per_class < 6 and similarity > 0.4
    gain = 0.0 if few_and_similar else 0.04
    return "first layers frozen" if gain > price / 2 else "frozen features"
    ### END SOLUTION


# %% check="choose_strategy"
tl.check.choose_strategy(choose_strategy)

# %% [markdown]
# **What results should you get?** A rule of two or three lines passes. If yours loses much, the check names the task on
# which it lost most. Do not tune the rule until it fits an unseen one: it is one of many, and others are asked when it
# counts.
#
# ## Take away
#
# - Size and similarity say what to try first. The grid holds as a tendency, and ties are common: then take the cheapest.
# - Frozen features cost one pass through the network. Whatever else you do, measure them first.
# - "Small" has no fixed number: the border lies at larger sets where the target is more similar.
# - Large and different: scratch catches up; pretraining saves the way there.
# - Choose $k$, the rate and the strategy on held-out *training* images, over several splits.
#
# **Next:** lesson 09 does it with fastai, and joins two strategies: first the probe, then fine-tuning.
#
# ### Further reading
#
# - J. Yosinski, J. Clune, Y. Bengio and H. Lipson, *How transferable are features in deep neural networks?*, NeurIPS 2014.
# - S. Kornblith, J. Shlens and Q. Le, *Do Better ImageNet Models Transfer Better?*, CVPR 2019.
# - K. He, R. Girshick and P. Dollár, *Rethinking ImageNet Pre-training*, ICCV 2019.
# - M. Raghu, C. Zhang, J. Kleinberg and S. Bengio, *Transfusion: Understanding Transfer Learning for Medical Imaging*, NeurIPS 2019.
# - X. Zhai et al., *A Large-scale Study of Representation Learning with the Visual Task Adaptation Benchmark*, arXiv 2019.
# - S. Ben-David, J. Blitzer, K. Crammer and F. Pereira, *Analysis of Representations for Domain Adaptation*, NeurIPS 2006.
