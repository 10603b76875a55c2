# %% [markdown]
# # The types of transfer
#
# **In about 70 minutes** you will be able to
#
# - tell inductive, transductive and unsupervised transfer apart, by what differs and by who has labels;
# - say which type a real situation is, and why;
# - bridge two feature spaces that do not fit;
# - choose among four approaches: feature extraction, fine-tuning, domain adaptation, multitask.
#
# You need lessons 01 to 03.

# %%
from collections import Counter

import numpy as np
import torch
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_mutual_info_score
from torch import nn
from torch.nn.functional import cross_entropy

import tlcourse as tl

# %% [markdown]
# ## Three things can differ, and labels can be in two places
#
# Pan and Yang (2010) put three questions to every transfer. **What** is carried over: weights, features, examples?
# **How**: by which algorithm? And **when**: does it help, or hurt? Before them comes a plainer one: what do you have?
#
# Lesson 01 defined a domain, $\{\mathcal{X}, P(X)\}$, and a task, $\{\mathcal{Y}, P(Y \mid X)\}$. So
#
# - the **domains differ** if the inputs are of another kind, or are distributed otherwise;
# - the **tasks differ** if the labels mean something else, or the same input gets other labels.
#
# And **labels** may exist in the source, in the target, in both or in neither. A label is an answer from *outside* the
# inputs: a person gave it, or a program that drew the image knows it. What is made from the inputs themselves (a word
# hidden in a text, a turn given to an image) is **not** a label, even when a network is trained to guess it. Labels
# kept aside to *score* a method do not count either; only those that training sees.

# %%
tl.plots.types_of_transfer()

# %% [markdown]
# | type | tasks | domains | source labels | target labels |
# |---|---|---|---|---|
# | **inductive** | differ | same or not | some or none | **some** |
# | **transductive** | same | **differ** | **some** | none |
# | **unsupervised** | differ | same or not | none | none |
#
# - **Inductive** transfer: the tasks differ, whatever the domains, and *labelled target examples induce the new task*.
#   If the source has no labels, it is called **self-taught learning** (Raina and others, 2007).
# - **Transductive** transfer: one task in two domains, labels in the source only. The commonest case is **covariate
#   shift**: P(X) differs and P(Y | X) does not. **Sample selection bias** is one way to get it: the labelled examples
#   are no random draw from those that you care about, so their P(X) is another. A person's answer would be the same.
# - **Unsupervised** transfer: the tasks differ and *neither* side has labels. What is wanted needs none: groups,
#   directions, densities.
#
# Two sentences that you may meet are wrong. "Unsupervised transfer is for a target without labels": transductive transfer
# would be unsupervised too. "Pretraining without labels is unsupervised transfer": for a labelled target it is
# self-taught learning, on the *inductive* side.
#
# If neither domain nor task differs there is nothing to transfer: call it **none**. And the table has holes. Another
# task with labels in the source alone (often called *zero-shot*), or the same task with target labels (*supervised
# adaptation*; with two labelled domains, say), is in none of the three rows: call it **other**. The survey also draws
# a tree that asks for labels only, and puts target labels on the inductive side at once. We go by the table.

# %% [markdown] task="kind_of_transfer"
# Turn the table into a rule. Four facts come in, each True or False. Return `"inductive"`, `"transductive"` or
# `"unsupervised"`; `"none"` if neither domain nor task differs; `"other"` if something differs but no row fits. The
# check tries all sixteen combinations.


# %% exercise="kind_of_transfer"
def kind_of_transfer(same_domain, same_task, source_labels, target_labels):
    """Four truth values. Returns "inductive", "transductive", "unsupervised", "other" or "none"."""
    ### BEGIN SOLUTION
    if same_domain and same_task:
        return "none"
    if same_task:
        return "transductive" if source_labels and not target_labels else "other"
    if target_labels:
        return "inductive"
    return "other" if source_labels else "unsupervised"
    ### END SOLUTION


# %% check="kind_of_transfer"
tl.check.kind_of_transfer(kind_of_transfer)

# %% [markdown]
# **What results should you get?** Lesson 01's pictographs to handwriting, `(False, False, True, True)`, are
# `"inductive"`. With the target's labels taken away, `(False, False, True, False)`, they are `"other"`.

# %% [markdown]
# ## Inductive: target labels induce the task
#
# Now we run each type: five seeds, and a baseline beside it. Two ways to describe an image serve throughout: GlyphNet's
# frozen **features**, learned on 150 labelled pictographs, and the raw **pixels**.


# %%
def features(data):
    """What GlyphNet's body says about each image, shape (N, 192)."""
    body = tl.models.GlyphNet.pretrained().body
    return tl.transfer.frozen_features(body, data, mean=tl.models.GLYPH_MEAN, std=tl.models.GLYPH_STD)


def pixels(data):
    """The image itself, grey, as numbers from 0 to 1: no transfer. Shape (N, height * width)."""
    return data.images.mean(axis=1).reshape(len(data), -1) / 255


# %%
seeds = range(5)


def probe(describe, train, test, seed):
    """Test accuracy of a linear classifier on a description of the images."""
    return tl.transfer.linear_probe(describe(train), train.labels, describe(test), test.labels, seed=seed).accuracy


def verdict(better, worse):
    """The paired difference of two arms, and what its interval lets us say."""
    gap = tl.measure.paired_gap(better, worse)
    word = "ahead" if gap.low > 0 else "behind" if gap.high < 0 else "a tie"
    return f"{gap.mean:+.2f}, 95 % interval {gap.low:+.2f} to {gap.high:+.2f}: {word}"


# %% [markdown]
# What if the target has no labels at all? Then GlyphNet can only answer in its own words. We show it handwritten zeros:

# %%
scans = tl.worlds.handwriting(size=32)
zeros, _ = tl.transfer.prepared(scans.subset(np.flatnonzero(scans.labels == 0)))
with torch.no_grad():
    guesses = tl.models.GlyphNet.pretrained().to(zeros.device)(zeros).argmax(dim=1).tolist()
print(Counter(tl.worlds.PICTOGRAPHS.characters[guess] for guess in guesses).most_common(5))

# %% [markdown]
# It has no word for zero. The new task has to be *induced*, and labelled target examples do that. We give three of each
# class, for two targets: everyday signs (drawn like the source) and handwriting.


# %%
def signs(seed, per_class=3):
    train = tl.worlds.glyphs("everyday", per_class, size=32, seed=seed)
    return train, tl.worlds.glyphs("everyday", 25, size=32, seed=100 + seed)


def written(seed, per_class=3):
    scans = tl.worlds.handwriting(size=32, seed=seed)
    return scans.take(per_class), scans.take(25, skip=120)


# %% [markdown]
# > **Predict.** Guessing gives 0.05 on the signs and 0.10 on the digits. On which of the two does transfer gain more
# > over raw pixels?

# %%
inductive = {}
for target, name in ((signs, "signs"), (written, "handwriting")):
    for describe in (features, pixels):
        runs = [probe(describe, *target(seed), seed) for seed in tl.progress(seeds, name)]
        inductive[f"{name}: {describe.__name__}"] = runs

# %%
colours = {name: "baseline" for name in inductive if "pixels" in name}
tl.plots.bars(inductive, title="Inductive: three target labels a class", colours=colours)

# %%
for name in ("signs", "handwriting"):
    print(f"{name}, features against pixels: {verdict(inductive[f'{name}: features'], inductive[f'{name}: pixels'])}")

# %% [markdown]
# **Explain.** Both are inductive: the label sets differ and the target has labels. Whether the domains differ plays no
# part in the name. The *gain* is another matter. The signs turn, fade and hide on busy grounds, where single pixels tell
# next to nothing. The scans are centred and clean, so pixels serve well by themselves, and less is left to win. That is
# the question *when*: ask first what the target can do without help.

# %% [markdown]
# ## Transductive: one task, two domains
#
# Now we read handwriting without a single label of it. We have printed digits, labelled by the program that drew them.
# The task is the same, ten digits. P(X) is another.

# %%
printed = tl.worlds.glyphs("digits", 2, size=32, seed=1)
rows = {"source, labelled": printed, "target, no labels": tl.worlds.handwriting(size=32, seed=1)}
tl.plots.strips(rows, title="One task, two domains")

# %% [markdown]
# The baseline trains on the source and hopes. The other arm may also *look* at 500 unlabelled scans. **CORAL** (Sun, Feng
# and Saenko, 2016) moves and stretches the source's features until they have the target's mean and covariance. A linear
# classifier then learns from these **aligned** features, with the source's labels.


# %%
def transductive(seed):
    """Test accuracy on handwriting of (source alone, source aligned to the target by CORAL)."""
    source = tl.worlds.glyphs("digits", 30, size=32, seed=seed)
    unlabelled = tl.worlds.handwriting(size=32, seed=seed).subset(range(500))
    test = written(seed)[1]
    x, x_test = features(source), features(test)
    aligned = tl.transfer.coral(x, features(unlabelled))
    return [tl.transfer.linear_probe(v, source.labels, x_test, test.labels, seed=seed).accuracy for v in (x, aligned)]


# %% [markdown]
# > **Predict.** Three labels a class gave the handwriting bar above. How far will 300 labelled digits of *another*
# > domain come, as they are? And aligned?

# %%
source_only, aligned = np.array([transductive(seed) for seed in tl.progress(seeds, "transductive")]).T
arms = {"source only": source_only, "source aligned (CORAL)": aligned}
shown = {**arms, "30 target labels, for comparison": inductive["handwriting: features"]}
colours = {"source only": "baseline", "30 target labels, for comparison": "fourth"}
tl.plots.bars(shown, title="Transductive: no target label", chance=0.1, colours=colours)

# %%
print("aligned against source only:", verdict(aligned, source_only))
print("30 target labels against aligned:", verdict(inductive["handwriting: features"], aligned))

# %% [markdown]
# **Explain.** A classifier learned on one P(X) is asked about another. Unlabelled target images say *how* P(X) has moved,
# and alignment uses that. They never say which digit is which; the last line tells what thirty labels would have bought.
# Lesson 05 is all about this type.

# %% [markdown]
# ## Unsupervised: no label anywhere
#
# Eighty chalk digits, not one label. What we can do is sort them into ten **groups** that look alike (k-means). Raw
# pixels are a poor measure of alike: a few broad directions, such as "more chalk", drown the rest.
#
# The source is 1,500 pictographs *without* their names. From them we learn 20 directions in which images vary, and how
# much (**PCA**); **whitening** then gives each direction the same weight. The source task is to describe pictographs,
# ours to group digits: the tasks differ, and no label takes part.
#
# We score with labels that no method has seen: **adjusted mutual information** is 1 if the groups are the classes and
# about 0 for groups made at random (Vinh, Epps and Bailey, 2010).


# %%
def group_score(x, labels, seed):
    groups = KMeans(10, n_init=5, random_state=seed).fit_predict(x)
    return adjusted_mutual_info_score(labels, groups)


def whitened(images):
    """Twenty directions learned from images without labels."""
    return PCA(20, whiten=True, random_state=0).fit(pixels(images))


def unlabelled_source(seed):
    return tl.worlds.glyphs("pictographs", 10, size=32, seed=seed)


# %%
def unsupervised(seed):
    """Scores of three ways to describe 80 digits before they are grouped."""
    target = tl.worlds.glyphs("digits", 8, style="chalk", size=32, seed=500 + seed)
    x = pixels(target)
    views = (x, whitened(target).transform(x), whitened(unlabelled_source(seed)).transform(x))
    return [group_score(view, target.labels, seed) for view in views]


# %% [markdown]
# > **Predict.** Whitening can be learned from the 80 digits themselves, too. Will the pictographs serve better, although
# > they show something else?

# %%
raw, own, transferred = np.array([unsupervised(seed) for seed in tl.progress(seeds, "unsupervised")]).T
groups = {"raw pixels": raw, "whitened by the target": own, "whitened by the source": transferred}
colours = {"raw pixels": "baseline", "whitened by the target": "baseline"}
tl.plots.bars(groups, title="Unsupervised: groups of digits", x_label="adjusted mutual information", colours=colours)

# %%
print("source against raw pixels:", verdict(transferred, raw))
print("source against the target's own:", verdict(transferred, own))

# %% [markdown]
# **Explain.** Eighty images are few to learn from how images vary; 1,500 of something else can tell more. GlyphNet's
# features would not have made it unsupervised transfer: they were learned with names.
#
# Now one change: three labels a class for the target, and the very same whitening.


# %%
def self_taught(seed):
    """Test accuracy with three labels a class on (source whitening, raw pixels)."""
    draw = {"style": "chalk", "size": 32}
    train, test = (
        tl.worlds.glyphs("digits", 3, seed=seed, **draw),
        tl.worlds.glyphs("digits", 25, seed=900 + seed, **draw),
    )
    eye = whitened(unlabelled_source(seed))
    return [probe(view, train, test, seed) for view in (lambda data: eye.transform(pixels(data)), pixels)]


taught, alone = np.array([self_taught(seed) for seed in seeds]).T
print(f"self-taught {taught.mean():.2f}, raw pixels {alone.mean():.2f}")
print("self-taught against raw pixels:", verdict(taught, alone))

# %% [markdown]
# **Explain.** The same pretraining without labels; but now target labels induce the task: *self-taught learning*,
# inductive. The type depends on the whole arrangement, not on how the source was learned.

# %% [markdown] task="classify_situations"
# `"inductive"`, `"transductive"`, `"unsupervised"` or `"none"`? Find the four facts first. The check explains every
# choice, right or wrong.
#
# - **a**: A network trained on a million named photographs is trained further to grade eye disease; doctors have graded
#   2,000 scans.
# - **b**: A game draws streets and labels every pixel as car, road or person. The network shall find the same on camera
#   pictures of a town; of these there are many, none labelled.
# - **c**: A network fills hidden words in ten million reviews. Then it learns complaint or praise from 500 reviews that
#   the staff have marked.
# - **d**: A network learns to guess how pictures of one telescope were turned. Its features sort another telescope's
#   pictures into groups; no astronomer has named anything.
# - **e**: Words are recognised in studio recordings with transcripts. Wanted: the same words in a noisy factory, of which
#   there are recordings without transcripts.
# - **f**: Photos of wildlife cameras are labelled with the species. On 300 of the same cameras' photos a second team has
#   labelled what the animal *does*; that is wanted now.
# - **g**: Praise or complaint, learned from labelled book reviews, is wanted for reviews of kitchen appliances. Thousands
#   of those exist; nobody has labelled one.
# - **h**: Volunteers, mostly young, said whether they smoke. The answer is to be predicted for everyone in a register,
#   old and young, from the same facts about them. Nobody else was asked.
# - **i**: A program found groups among a large shop's customers by itself. These help to find the groups, other ones, of
#   a small new shop's customers, whom nobody has sorted.
# - **j**: To 16,000 labelled photos of one camera you add 4,000 more, drawn at random from the same camera and labelled
#   with the same classes.
# - **k**: A network learns from labelled scans. It is used on tomorrow's: the same machine, the same kind of patients, the
#   same question, no labels yet.
# - **l**: A network fills gaps in a million heartbeats that nobody has looked at. Then it learns to name rhythms from 40
#   labelled heartbeats each, out of the same records.


# %% exercise="classify_situations"
def classify_situations():
    """Returns {"a": "inductive" or "transductive" or "unsupervised" or "none", ..., "l": ...}."""
    ### BEGIN SOLUTION
    inductive, transductive, unsupervised, none = "acfl", "begh", "di", "jk"
    answers = dict.fromkeys(inductive, "inductive") | dict.fromkeys(transductive, "transductive")
    return answers | dict.fromkeys(unsupervised, "unsupervised") | dict.fromkeys(none, "none")
    ### END SOLUTION


# %% check="classify_situations"
tl.check.classify_situations(classify_situations)

# %% [markdown]
# **What results should you get?** Four are inductive, four transductive, two unsupervised, two none.
# ## Two feature spaces that do not fit
#
# So far source and target had the same kind of input, the same $\mathcal{X}$: **homogeneous** transfer. Where the spaces
# differ, transfer is **heterogeneous**: texts in two languages, images and sounds, or, here, GlyphNet's colour images and
# a scanner that writes 64 numbers from 0 (no ink) to 16.

# %%
numbers = np.arange(128).reshape(2, 64) % 17
try:
    tl.models.GlyphNet.pretrained()(torch.tensor(numbers).float())
except RuntimeError as error:
    print("GlyphNet refuses:", str(error)[:90])

# %% [markdown]
# It takes a **bridge**: a map from one space into the other, or from both into a third. It may be learned (from pairs,
# such as texts with their translations) or, as here, made by hand.

# %% [markdown] task="scans_to_images"
# Build the bridge. Each row of `scans` is an 8 x 8 image, row after row, of numbers from 0 to 16. Make of each a uint8
# image of shape (3, 32, 32): every number fills a block of 4 x 4 pixels, the three channels are equal, and 0 to 16 becomes
# 0 to 255 (round as you like).


# %% exercise="scans_to_images"
def scans_to_images(scans):
    """`scans`: float array of shape (N, 64), 0 to 16. Returns uint8 images of shape (N, 3, 32, 32)."""
    ### BEGIN SOLUTION
    grey = scans.reshape(-1, 8, 8) * (255 / 16)
    large = grey.repeat(4, axis=1).repeat(4, axis=2)
    return np.repeat(large[:, None], 3, axis=1).astype(np.uint8)
    ### END SOLUTION


# %% check="scans_to_images"
tl.check.scans_to_images(scans_to_images)

# %% [markdown]
# **What results should you get?** A scan of sixteens becomes a white image, all 255; an 8 becomes a block of 127 or 128.
#
# `tl.worlds.handwriting` has such a bridge inside (with smooth edges). We leave out one part at a time: the size, then the
# brightness.
#
# > **Predict.** Is a bridge that lacks one part still better than the 64 numbers alone, without GlyphNet?


# %%
def bridged(seed, size=32, dim=1):
    """Train and test scans as images of `size` pixels, their brightness divided by `dim`."""
    scans = tl.worlds.handwriting(size=size, seed=seed)
    dimmed = tl.worlds.LabelledImages(scans.images // dim, scans.labels, scans.classes, scans.name)
    return dimmed.take(3), dimmed.take(25, skip=120)


bridges = {
    "64 numbers, no bridge": [probe(pixels, *bridged(seed, size=8), seed) for seed in seeds],
    "bridge without enlarging": [probe(features, *bridged(seed, size=8), seed) for seed in seeds],
    "bridge without brightness": [probe(features, *bridged(seed, dim=16), seed) for seed in seeds],
    "whole bridge": [probe(features, *bridged(seed), seed) for seed in seeds],
}

# %%
colours = {"64 numbers, no bridge": "baseline"}
tl.plots.bars(bridges, title="Scans to GlyphNet: what the bridge is worth", chance=0.1, colours=colours)

# %%
for name in list(bridges)[1:]:
    print(f"{name} against the 64 numbers: {verdict(bridges[name], bridges['64 numbers, no bridge'])}")

# %% [markdown]
# **Explain.** The network takes all three kinds of image; none raises an error. But what it knows is of use only if the
# target arrives in the form in which the source was learned: scale and brightness are part of the bridge.

# %% [markdown]
# ## Four approaches
#
# The type says what you *have*. The approach says what you *do*:
#
# - **Feature extraction**: the body stays frozen; a new head learns on its features. For features that fit already, or a
#   body that cannot change, or whose features are computed once for many uses.
# - **Fine-tuning**: the body's weights are trained further on target labels. For features that do not fit well enough,
#   and enough labels and time to change them.
# - **Domain adaptation**: source labels and unlabelled target inputs train together, for one task in two domains with no
#   target labels.
# - **Multitask**: several tasks with labels at the same time share one **trunk**, each with its own head, and are learned
#   together (Caruana, 1997).
#
# All four can serve one target: our handwriting. Feature extraction and domain adaptation have run above. Fine-tuning
# gets the same 30 labels, and so does its baseline, the same network from scratch.


# %%
def trained(start, seed):
    train, test = written(seed)
    torch.manual_seed(seed)
    network = start().with_new_head(10)
    return tl.transfer.fit(network, train, test, steps=60, rate=3e-3, seed=seed).accuracy[-1]


tuned = [trained(tl.models.GlyphNet.pretrained, seed) for seed in tl.progress(seeds, "fine-tuning")]

# %%
scratch = [trained(tl.models.GlyphNet, seed) for seed in tl.progress(seeds, "scratch")]

# %% [markdown]
# For multitask we ask a second question: is the digit **odd**? Suppose that 600 further scans have this answer and no
# other. The trunk is one hidden layer on GlyphNet's frozen features; it serves two heads, and their losses are added. The
# baseline leaves the second loss out. These runs are cheap, so we take twenty seeds.


# %%
def standardised(seed):
    """Features of 30 scans labelled by digit, of 600 labelled odd or even, and of the test scans."""
    scans = tl.worlds.handwriting(size=32, seed=seed)
    sets = scans.take(3), scans.take(60, skip=20), scans.take(25, skip=120)
    described = [features(data) for data in sets]
    centre, spread = described[1].mean(axis=0), described[1].std(axis=0) + 0.01
    scaled = [torch.tensor((x - centre) / spread) for x in described]
    return list(zip(scaled, [torch.tensor(data.labels) for data in sets], strict=True))


# %%
def two_heads(data, seed, weight):
    """Test accuracy of the digit head; `weight` is that of the second loss, 0 for a single task."""
    (x, digit), (x_more, more), (x_test, truth) = data
    torch.manual_seed(seed)
    trunk = nn.Sequential(nn.Linear(192, 64), nn.ReLU())
    digit_head, odd_head = nn.Linear(64, 10), nn.Linear(64, 2)
    network = nn.ModuleList([trunk, digit_head, odd_head])
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    for _ in range(150):
        loss = cross_entropy(digit_head(trunk(x)), digit)
        loss = loss + weight * cross_entropy(odd_head(trunk(x_more)), more % 2)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return (digit_head(trunk(x_test)).argmax(dim=1) == truth).float().mean().item()


# %%
pairs = []
for seed in tl.progress(range(20), "multitask"):
    data = standardised(seed)
    pairs.append([two_heads(data, seed, weight) for weight in (0, 1)])
one_task, two_tasks = np.array(pairs).T

# %% [markdown]
# > **Predict.** Order these: scratch, feature extraction, fine-tuning, domain adaptation, multitask. Which two can an
# > interval not tell apart?

# %%
approaches = {
    "scratch": scratch,
    "domain adaptation, no target label": aligned,
    "feature extraction": inductive["handwriting: features"],
    "fine-tuning": tuned,
    "multitask: two heads": two_tasks,
    "one head, its baseline": one_task,
}
colours = {"scratch": "scratch", "one head, its baseline": "baseline"}
tl.plots.bars(approaches, title="Four approaches, one target: handwriting", chance=0.1, colours=colours)

# %%
print("domain adaptation against source:   ", verdict(aligned, source_only))
print("feature extraction against scratch: ", verdict(approaches["feature extraction"], scratch))
print("fine-tuning against scratch:        ", verdict(tuned, scratch))
print("fine-tuning against feature extr.:  ", verdict(tuned, approaches["feature extraction"]))
print("multitask against one head:         ", verdict(two_tasks, one_task))

# %% [markdown]
# **Explain.** The bars are no league table: the arms had different things. Domain adaptation saw no target label, multitask
# 600 extra answers. The lines compare fair pairs. "A tie" means that these runs show no difference, not that there is
# none. And fine-tuning against frozen features is settled for *this* target only; lesson 08 draws the map.

# %% [markdown] task="choose_approach"
# `"feature extraction"`, `"fine-tuning"`, `"domain adaptation"` or `"multitask"`? In each case something rules out the
# others.
#
# - **a**: A phone shall know your four mugs from four photos of each. The network's body is burned into its chip.
# - **b**: Machine parts are to be named on photos. Labels exist for computer drawings of the same parts; of photos there
#   are thousands, none labelled.
# - **c**: On 50,000 frames both the lane and the weather are labelled. One pass through one network shall name both, and
#   you may train all of it.
# - **d**: 20,000 satellite pictures are labelled by the use of land. A probe on frozen features levels off below what is
#   needed; a GPU is free for the night.
# - **e**: A clinic's new scanner gives paler pictures. The question is the old one; only the old scanner's pictures are
#   labelled.
# - **f**: A library will put new questions to its five million photos, one by one over years, each with labels for some of
#   them. Every classifier must be trained in seconds.
# - **g**: A shop has labels for three related questions about the same buyers. It begins today, with random weights, and
#   wants one network that answers all three.
# - **h**: A law firm has 50,000 labelled letters and a language model whose weights may all be changed. A probe on frozen
#   features misses the firm's terms.


# %% exercise="choose_approach"
def choose_approach():
    """Returns {"a": one of the four names, ..., "h": ...}."""
    ### BEGIN SOLUTION
    answers = dict.fromkeys("af", "feature extraction") | dict.fromkeys("dh", "fine-tuning")
    return answers | dict.fromkeys("be", "domain adaptation") | dict.fromkeys("cg", "multitask")
    ### END SOLUTION


# %% check="choose_approach"
tl.check.choose_approach(choose_approach)

# %% [markdown]
# **What results should you get?** Each approach twice.

# %% [markdown]
# ## Take away
#
# - Ask in this order: does anything differ? Does the task? Where are the labels?
# - Inductive: other tasks, target labels. Transductive: one task, two domains, source labels only. Unsupervised: other
#   tasks, no labels at all.
# - Pretraining without labels for a labelled target is self-taught learning: inductive.
# - Covariate shift is another P(X) with the same P(Y | X); sample selection bias is one cause.
# - Heterogeneous transfer needs a bridge, and every part of it counts.
# - The type says what you have; feature extraction, fine-tuning, domain adaptation and multitask are what you do.
#
# **Next:** lesson 05 goes deep into the transductive type.
#
# ### Further reading
#
# - S. J. Pan and Q. Yang, *A Survey on Transfer Learning*, IEEE Transactions on Knowledge and Data Engineering, 2010.
# - R. Raina, A. Battle, H. Lee, B. Packer and A. Y. Ng, *Self-taught Learning: Transfer Learning from Unlabeled Data*,
#   ICML 2007.
# - W. Dai, Q. Yang, G.-R. Xue and Y. Yu, *Self-taught Clustering*, ICML 2008.
# - H. Shimodaira, *Improving Predictive Inference under Covariate Shift by Weighting the Log-Likelihood Function*,
#   Journal of Statistical Planning and Inference, 2000.
# - B. Sun, J. Feng and K. Saenko, *Return of Frustratingly Easy Domain Adaptation*, AAAI 2016.
# - R. Caruana, *Multitask Learning*, Machine Learning, 1997.
# - N. X. Vinh, J. Epps and J. Bailey, *Information Theoretic Measures for Clusterings Comparison*, Journal of Machine
#   Learning Research, 2010.
