# %% [markdown]
# # Sharing and self-supervision
#
# **In about 70 minutes** you will be able to
#
# - train one network for two tasks, and tell from their gradients whether they help each other or fight;
# - pretrain a network from images that nobody labelled, and say what such features are worth with 5, 10 and 100 labels;
# - judge clusters that were found without any label.
#
# You need lessons 01 to 04.

# %%
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import tlcourse as tl

# %% [markdown]
# ## Two tasks, one trunk
#
# So far one task came first and another after it. **Multitask learning** (Caruana, 1997) learns both at once. The
# network has a **trunk**, which both tasks share, and one **head** for each task. Every image goes through the trunk
# once; each head reads its own answer off the same features. So the trunk is taught by both tasks.
#
# Our story: a bus company scans handwritten line numbers. Only **three** scans of each digit have the digit written
# beside them. But for a thousand other scans the depot noted the *colour* of the bus. Five colours go round: lines
# ending in 0 or 5 are red, in 1 or 6 blue, and so on. The colour is the digit modulo 5. It does not name the digit, but
# whoever learns to tell colours must learn something about shapes.

# %% [markdown] task="two_heads"
# Write a function that makes such a network: an `nn.Module` whose `forward(images)` runs the trunk **once** and returns
# a pair of logits, first those of task one, then those of task two. Each head is one linear layer. Both must teach the
# trunk. (Define the class inside the function, and return an instance of it.)


# %% exercise="two_heads"
def two_heads(trunk, features, n_first, n_second):
    """A module from images to two outputs (N, n_first), (N, n_second); `trunk` gives features of shape (N, features)."""

    ### BEGIN SOLUTION
    class TwoHeads(nn.Module):
        def __init__(self):
            super().__init__()
            self.trunk = trunk
            self.first = nn.Linear(features, n_first)
            self.second = nn.Linear(features, n_second)

        def forward(self, images):
            shared = self.trunk(images)
            return self.first(shared), self.second(shared)

    return TwoHeads()
    ### END SOLUTION


# %% check="two_heads"
tl.check.two_heads(two_heads)

# %% [markdown]
# **What results should you get?** The shapes that the package's own network gives for eight images:

# %%
network = tl.transfer.TwoHeads(tl.transfer.small_trunk(32), 32, 10, 5)
print([tuple(logits.shape) for logits in network(torch.zeros(8, 3, 16, 16))])

# %% [markdown]
# ## One loss, with gaps
#
# The loss of the whole network is a weighted sum of the tasks' losses, $L = L_1 + w L_2$. In our data most images have a
# label for one task only. A missing label is written as -1, and must not count: neither as a class, nor in the number
# that a mean divides by.

# %% [markdown] task="joint_loss"
# Write the joint loss. Each task's loss is the mean cross-entropy over the images that have a label *for that task*; if
# none has, it is 0. Return the first loss plus `weight` times the second.


# %% exercise="joint_loss"
def joint_loss(first_logits, first_labels, second_logits, second_labels, weight):
    """The joint loss. Logits: (N, classes of the task). Labels: (N,), int64, -1 where there is none."""

    ### BEGIN SOLUTION
    def mean_loss(logits, labels):
        known = (labels != -1).sum().clamp(min=1)
        return F.cross_entropy(logits, labels, ignore_index=-1, reduction="sum") / known

    return mean_loss(first_logits, first_labels) + weight * mean_loss(second_logits, second_labels)
    ### END SOLUTION


# %% check="joint_loss"
tl.check.joint_loss(joint_loss)

# %% [markdown]
# **What results should you get?** A head that knows nothing gives equal logits. With ten classes and five, a weight of
# 0.5, and labels that are half missing:

# %%
gaps = torch.tensor([3, 1, -1, -1])
print(tl.transfer.joint_loss([torch.zeros(4, 10), torch.zeros(4, 5)], [gaps, gaps.flip(0)], [1, 0.5]))

# %% [markdown]
# ## When tasks help
#
# Three arms: digits alone, colours alone, and both jointly. They share the trunk's design, its first weights, the steps
# and the images: each batch is half digit scans and half colour scans, and an arm that leaves a task out gives its loss
# the weight 0.


# %%
SEEDS = range(10, 15)


def scans(seed):
    """Normalised training and test scans of 16 px with their digits, and which digits are written beside them."""
    data = tl.worlds.handwriting(size=16, seed=seed)
    train, test = data.take(100), data.take(40, skip=120)
    known = np.isin(np.arange(len(train)), [np.flatnonzero(train.labels == c)[:3] for c in range(10)])
    return *tl.transfer.prepared(train), *tl.transfer.prepared(test), torch.from_numpy(known)


def bus_lines(seed):
    """The digit where it is known, the colour elsewhere; for the test both."""
    x, digit, test_x, test_digit, known = scans(seed)
    labels = torch.where(known, digit, -1), torch.where(known, -1, digit % 5)
    return x, labels, test_x, (test_digit, test_digit % 5)


# %%
ARMS = {"together": (1.0, 1.0), "first alone": (1.0, 0.0), "second alone": (0.0, 1.0)}


def train_arm(problem, weights, seed, features, n_second):
    """Train on `problem(seed)`. Returns (accuracy of task one, of task two) and the gradients' cosines."""
    x, labels, test_x, test_labels = problem(seed)
    torch.manual_seed(seed)
    network = tl.transfer.TwoHeads(tl.transfer.small_trunk(features), features, 10, n_second).to(x.device)
    history = tl.transfer.fit_two_heads(network, x, labels, weights=weights, steps=150, seed=seed)
    return tl.transfer.task_accuracies(network, test_x, test_labels), history


def compare(problem, features, n_second):
    """Accuracies of shape (seeds, 2) for each arm, and the cosines of the joint one, shape (seeds, measurements)."""
    runs = {
        arm: [train_arm(problem, weights, seed, features, n_second) for seed in tl.progress(SEEDS, arm)]
        for arm, weights in ARMS.items()
    }
    cosines = np.array([history.cosine for _, history in runs["together"]])
    return {arm: np.array([accuracy for accuracy, _ in ran]) for arm, ran in runs.items()}, cosines


# %% [markdown]
# > **Predict.** Will the thousand colours help to read digits? Will the thirty digits help to tell colours?

# %%
buses, bus_cosines = compare(bus_lines, features=32, n_second=5)
for arm, column, task in (("first alone", 0, "digit"), ("second alone", 1, "colour")):
    print(f"{task:7} alone {buses[arm][:, column].mean():.2f}, together {buses['together'][:, column].mean():.2f}")


# %%
def gains(accuracies, first, second):
    """Together minus alone, seed by seed, for each task."""
    together = accuracies["together"]
    return {
        first: together[:, 0] - accuracies["first alone"][:, 0],
        second: together[:, 1] - accuracies["second alone"][:, 1],
    }


for task, gain in gains(buses, "digit", "colour").items():
    gap = tl.measure.mean_interval(gain)
    print(f"{task:7} {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** A task with few labels borrows from one with many. Thirty scans cannot show all the ways in which people
# write a 7; a thousand others can, even if nobody says that they are sevens. The other way round there is little to
# borrow: what could thirty labels add to a thousand?
#
# We chose this pair of tasks, and the next one, because in trials they showed the effect; the seeds here are others than
# in those trials.

# %% [markdown]
# ## When tasks fight
#
# Now every scan has both labels, and is turned by a random quarter turn. Task one: the digit, *whatever* the turn. Task
# two: the turn, *whatever* the digit. One task needs exactly what the other must ignore. We also make room scarce: the
# trunk hands over **four** numbers for an image.
#
# > **Predict.** Together or alone: which is better now, and for which task?


# %%
def turned_scans(seed):
    """Scans in a random quarter turn: the digit and the turn of each."""
    x, digit, test_x, test_digit, _ = scans(seed)
    draw = torch.Generator().manual_seed(seed)
    (x, turn), (test_x, test_turn) = tl.transfer.rotated(x, draw), tl.transfer.rotated(test_x, draw)
    return x, (digit, turn), test_x, (test_digit, test_turn)


turns, turn_cosines = compare(turned_scans, features=4, n_second=4)

# %%
tl.plots.gaps(
    {
        **gains(buses, "digit, with colours", "colour, with digits"),
        **gains(turns, "digit, with turns", "turn, with digits"),
    },
    title="What sharing a trunk does to each task",
    x_label="test accuracy together minus alone (5 seeds)",
    helps="sharing helps",
    hurts="sharing hurts",
)

# %% [markdown]
# **Explain.** Four numbers have to serve both heads, and neither task gets what it had alone. This is **negative
# transfer** between tasks. A grey dot's interval covers zero: call that a tie.
#
# Can we see the fight while it goes on? Each task's loss has a gradient for the trunk's weights: the direction in which
# the task would like to change them. If $g_1$ and $g_2$ point apart, a step for one raises the loss of the other. Their
# cosine $\frac{g_1 \cdot g_2}{\lVert g_1 \rVert \lVert g_2 \rVert}$ says so; below zero the tasks **conflict** (Du et
# al., 2018; Yu et al., 2020).

# %%
steps = np.arange(0, 150, 10)
tl.plots.conflict(
    steps, {"digit + colour": bus_cosines, "digit + turn": turn_cosines}, title="Do the tasks pull the same way?"
)

# %% [markdown]
# **Explain.** Compare where the two curves lie, and how sure each is. What to do about a fight: a wider trunk, another
# weight, separate networks, or *gradient surgery*, which removes from each gradient the part that points against the
# other.

# %% [markdown]
# ## Learning from images alone
#
# The second idea needs no labels at all. **Self-supervised learning** sets a task whose answer is in the image itself,
# a *pretext task*, and keeps the body that learns to solve it.
#
# - **Rotation** (Gidaris et al., 2018): turn each image by 0, 90, 180 and 270 degrees; the network says by how much.
# - **Contrastive learning** (SimCLR; Chen et al., 2020): show two altered **views** of each image; each view must find
#   its partner among all views of the batch.
#
# In Pan and Yang's terms this is *self-taught learning*, on the **inductive** side, as soon as labelled target data
# follow. Many texts call it unsupervised transfer; that name is for problems in which neither domain has labels.
#
# Here are signs in two styles: quiet **flyers** and harder **posters**; and two views of each poster.

# %%
flyers, signs = (
    tl.worlds.glyphs("pictographs", 1, style=style, size=32) for style in (tl.transfer.FLYER, tl.transfer.POSTER)
)
draw = torch.Generator().manual_seed(0)


def view(data):
    pixels = (tl.transfer.augmented(data.tensors()[0], draw) * 255).byte().numpy()
    return tl.worlds.LabelledImages(pixels, data.labels, data.classes, "a view")


rows = {"flyer": flyers, "poster": signs, "view one": view(signs), "view two": view(signs)}
tl.plots.strips(rows, title="What must stay the same?")

# %% [markdown]
# The choice of views *is* the teaching: the network learns to ignore what differs between them. Crops and small turns:
# a sign stays that sign. Other colours: if colours stayed, they alone would give the partner away, and no shape would
# be learned. There is no mirror image among the views, because ↖ and ↗ are two signs.

# %% [markdown] task="contrastive_loss"
# Write the loss of SimCLR, called NT-Xent. You get the network's outputs for the first and the second views of N images.
# Of the 2N views together, view $i$ with partner $j$ has the loss
#
# $$-\log \frac{\exp(s_{ij} / T)}{\sum_{k \neq i} \exp(s_{ik} / T)}$$
#
# where $s$ is the cosine similarity, $T$ the temperature, and $k$ runs over all other views, on both sides. Return the
# mean over all 2N views.


# %% exercise="contrastive_loss"
def contrastive_loss(first, second, temperature):
    """The mean loss over 2N views; `first` and `second` have shape (N, D), and row i of both shows image i."""
    ### BEGIN SOLUTION
    n = len(first)
    views = F.normalize(torch.cat([first, second]), dim=1)
    logits = views @ views.T / temperature
    logits.fill_diagonal_(-torch.inf)
    partners = torch.arange(2 * n).roll(n)
    return F.cross_entropy(logits, partners)
    ### END SOLUTION


# %% check="contrastive_loss"
tl.check.contrastive_loss(contrastive_loss)

# %% [markdown]
# **What results should you get?** Two images whose views agree perfectly and have nothing in common with the other
# image: $\log(1 + 2 / e)$ at $T = 1$.

# %%
print(f"{tl.transfer.nt_xent(torch.eye(2), torch.eye(2), temperature=1.0):.4f}  {np.log(1 + 2 / np.e):.4f}")

# %% [markdown]
# Now a short pretraining, live, on 6,144 small images that nobody labelled. A batch has 64 images, so each view looks for
# its partner among 127 others.
#
# > **Predict.** What would guessing give, in loss and in accuracy?

# %%
_, reports = tl.transfer.pretrain_briefly("contrastive", images=6144)
for name, part in {"first": reports[:4], "last": reports[-4:]}.items():
    loss, found = np.mean([[report.loss, report.accuracy] for report in part], axis=0)
    print(f"{name:5} 1,024 images: loss {loss:.2f}, partner found {found:.3f}")
print(f"guessing          : loss {np.log(127):.2f}, partner found {1 / 127:.3f}")

# %% [markdown]
# Seconds do not take it far. So three bodies ship with the course, pretrained on the same drawn images of the 150
# pictographs: with **labels**, by **rotation**, by **contrast**. All follow the same **curriculum** (Bengio et al.,
# 2009): flyers first, then step by step to posters. Each image is drawn once, but the tasks use it differently: labels
# see it once, contrast in two views, rotation in four turns. So they do not compute equally long.

# %%
for task in ("labels", "contrastive", "rotation"):
    card = tl.models.body_card(task)
    print(f"{card['command']}: {card['training_seconds']} s")

# %% [markdown]
# ## What is it worth?
#
# The judge is a linear probe on frozen features, on the twenty everyday things, none of which is among the pictographs.
# Three baselines: the whole network trained from **scratch** on the labelled images alone; frozen features of a body with
# **random** weights; and the **pixels** themselves (grey, 16 x 16).

# %%
torch.manual_seed(0)
BODIES = {task: tl.models.pretrained_body(task) for task in ("labels", "contrastive", "rotation")}
BODIES["random"] = tl.models.GlyphNet().body


def features(data):
    """name -> features of shape (N, F), for every body and for the pixels."""
    found = {name: tl.transfer.frozen_features(body, data, mean=MEAN, std=STD) for name, body in BODIES.items()}
    grey = data.images.mean(1).reshape(-1, 16, 2, 16, 2).mean((2, 4))
    return {**found, "pixels": grey.reshape(len(data), -1) / 255}


MEAN, STD = tl.models.GLYPH_MEAN, tl.models.GLYPH_STD
pool = tl.worlds.glyphs("everyday", 150, style=tl.transfer.POSTER, size=32, seed=660)
test = tl.worlds.glyphs("everyday", 50, style=tl.transfer.POSTER, size=32, seed=661)
pool_features, test_features = features(pool), features(test)

# %% [markdown]
# Training from scratch takes minutes, so its accuracies are stored: five seeds for each number of labels, on the very
# images that the probes get, with a learning rate chosen on a sixth seed. Here is one of these runs live, cut short.

# %%
STORED = tl.measure.stored("self_supervision")
print(STORED)
few_images = pool.subset(tl.transfer.draw_rows(pool.labels, 5, seed=0))
torch.manual_seed(0)
run = STORED.figures["scratch"]["5"]
history = tl.transfer.fit(tl.models.GlyphNet(20), few_images, test, steps=100, rate=run["rate"], seed=0)
print(f"live, 100 steps: {history.accuracy[-1]:.3f}; stored, {run['steps']} steps: {run['end'][0]:.3f}")

# %% [markdown]
# Was scratch trained for long enough? Half of the steps against all of them:

# %%
for count, run in STORED.figures["scratch"].items():
    half, end = (tl.measure.mean_interval(run[when]) for when in ("half", "end"))
    print(f"scratch, {count:>3} a class: after half of the {run['steps']} steps {half.mean:.3f}, at the end {end}")

# %% [markdown]
# > **Predict.** Order them at 5 labels a class: labels, contrastive, rotation, scratch, random, pixels. Which arm will
# > have gained most at 100?


# %%
def probed(name, per_class):
    """Accuracies of five draws of `per_class` labels."""
    x, test_x = pool_features[name], test_features[name]
    return tl.transfer.probe_seeds(x, pool.labels, test_x, test.labels, per_class, range(5), strengths=PENALTIES)


COUNTS, PENALTIES = (5, 10, 100), (1.0, 10.0)
few = {name: [probed(name, count) for count in COUNTS[:2]] for name in tl.progress(list(pool_features), "few labels")}

# %%
many = {name: probed(name, COUNTS[2]) for name in tl.progress(list(pool_features), "100 labels a class")}
by_source = {name: np.array([*few[name], many[name]]).T for name in few}
by_source["scratch"] = np.array([STORED.figures["scratch"][str(count)]["end"] for count in COUNTS]).T

# %%
ORDER = ("labels", "scratch", "contrastive", "rotation", "random", "pixels")
ordered = {name: by_source[name] for name in ORDER}
tl.plots.by_labels(COUNTS, ordered, title="Frozen features with a probe, against scratch", chance=1 / 20)

# %%
for arm in ("contrastive", "rotation"):
    for rival in ("scratch", "pixels"):
        for column, count in enumerate(COUNTS):
            gap = tl.measure.paired_gap(by_source[arm][:, column], by_source[rival][:, column])
            print(f"{count:>3} labels a class, {arm} minus {rival:7} {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** With few labels, frozen features beat scratch even where no label taught them: their body has seen tens of
# thousands of images. (More steps help scratch a little, see above; the gap is wider.) With 100 labels a class it turns
# round: 2,000 images suffice for the whole network to learn this very task, while a probe must make do with features
# made for another. Then one would fine-tune the body, as in lesson 03, instead of freezing it.
#
# Of the two pretext tasks, contrast asks for what the probe needs: tell signs apart, whatever the view. And mind the
# pixels: bright signs in small images are easy for them, and features are worth their training only where they do
# better. Those of rotation do not, here.
#
# The intervals cover which labels were drawn. They do not cover other pretrainings: each body was trained once.

# %% [markdown]
# ## A pretext task must be learnable
#
# Photos have an up and a down: sky, legs, wheels. Pictographs have no such common cue: ↖ turned *is* another arrow. To
# name a turn, a network must know each of 150 signs by heart. How it is taught then decides. We pretrained by rotation in
# three ways, on small images, with three seeds each, and asked for the turn of fresh flyers and posters. In the third
# way a batch holds one random turn of each image, of four times as many images, so that the network sees as many
# pictures.
#
# > **Predict.** Which way learns best: flyers first or posters at once? All four turns of an image, or one?

# %%
for way, ends in STORED.figures["rotation"].items():
    print(way)
    for style, values in ends.items():
        print(f"   turn of fresh {style}s named right: {tl.measure.mean_interval(values)}")
print("guessing: 0.25")

# %% [markdown]
# **Explain.** Compare each line with guessing. Signs, network and number of pictures are the same; only their order and
# their company in the batch differ. The order matters most. Flyers look alike from image to image, so the four turns of a
# sign can be learned one sign after another, and each step towards posters changes little. And where all four turns of
# one image lie side by side, colour, size and place cancel: nothing but the turn sets them apart. As long as the loss of
# a pretext task stays at that of guessing ($\ln 4$ here), its features are worth little. So look at it before you trust
# them.
#
# Does the shipped body still know turns? A linear probe on its frozen features says so, beside the two other bodies.


# %%
def turned(seed):
    data = tl.worlds.glyphs("pictographs", 10, style=tl.transfer.POSTER, size=32, seed=seed)
    images, turn = tl.transfer.rotated(torch.from_numpy(data.images), torch.Generator().manual_seed(seed))
    return images.numpy(), turn.numpy()


(train_x, train_turn), (test_x, test_turn) = turned(680), turned(681)
for task in ("labels", "contrastive", "rotation"):
    x, test_of = (tl.transfer.frozen_features(BODIES[task], images, mean=MEAN, std=STD) for images in (train_x, test_x))
    turn_runs = tl.transfer.probe_seeds(x, train_turn, test_of, test_turn, 100, range(5), strengths=(1.0,))
    print(f"{task:12} names the turn: {tl.measure.mean_interval(turn_runs)}")

# %% [markdown]
# **Explain.** The question is the rotation body's own. The two others were never asked, and their frozen features know
# hardly more than guessing would: a body need not keep what its task does not ask for.

# %% [markdown]
# ## No labels at all
#
# Suppose that not even five labels exist. **Clustering** puts images into groups by their features; we use k-means with
# twenty groups. In Pan and Yang's sense this is unsupervised transfer if the source had no labels either. Labels then
# serve for one thing only: to judge.

# %% [markdown] task="cluster_score"
# Clusters have numbers, not names: cluster 0 may be the cats. Write the **clustering accuracy**: give each cluster one
# class, no class twice, so that as many images as possible are right; return their share. There are as many clusters as
# classes, both numbered from 0. `linear_sum_assignment(table, maximize=True)` finds the best matching of the rows of a
# table to its columns (the Hungarian method; Kuhn, 1955).

# %%
from scipy.optimize import linear_sum_assignment


# %% exercise="cluster_score"
def cluster_score(clusters, labels):
    """The clustering accuracy, from 0 to 1, of two integer arrays of shape (N,)."""
    ### BEGIN SOLUTION
    table = np.zeros((max(clusters) + 1, max(labels) + 1), int)
    np.add.at(table, (clusters, labels), 1)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return table[rows, columns].sum() / len(labels)
    ### END SOLUTION


# %% check="cluster_score"
tl.check.cluster_score(cluster_score)

# %% [markdown]
# **What results should you get?** For eight images, of which one is in the wrong cluster:

# %%
print(tl.measure.cluster_accuracy(np.array([1, 1, 1, 0, 0, 2, 2, 2]), np.array([0, 0, 0, 1, 1, 1, 2, 2])))

# %% [markdown]
# Two other measures are common. **NMI**, normalised mutual information, asks how much the cluster tells of the class.
# **ARI**, the adjusted Rand index, asks on how many *pairs* both agree, with 0 for random clusters.
#
# > **Predict.** Which features fall into clusters that match the classes?


# %%
def clustered(seed):
    """name -> score of k-means on fresh images of the everyday things."""
    data = tl.worlds.glyphs("everyday", 30, style=tl.transfer.POSTER, size=32, seed=700 + seed)
    found = {name: tl.measure.find_clusters(x, 20, seed) for name, x in features(data).items()}
    return {name: tl.measure.cluster_score(clusters, data.labels) for name, clusters in found.items()}


scores = [clustered(seed) for seed in tl.progress(range(5), "clusters")]

# %%
tl.plots.bars(
    {name: [score[name].accuracy for score in scores] for name in scores[0]},
    title="Twenty clusters found without a label",
    x_label="clustering accuracy (5 seeds; dashed: one of twenty)",
    chance=1 / 20,
)

# %%
for name in scores[0]:
    nmi, ari = (tl.measure.mean_interval([getattr(s[name], measure) for s in scores]) for measure in ("nmi", "ari"))
    print(f"{name:12} NMI {nmi.mean:.2f} ± {nmi.half_width:.2f}   ARI {ari.mean:.2f} ± {ari.half_width:.2f}")

# %%
shown = {name: test_features[name] for name in ("labels", "contrastive", "random")}
tl.plots.feature_maps(shown, test, title="Eight classes in the plane of their two widest directions")

# %% [markdown]
# **Explain.** Compare each map with its bar. Note that random clusters get an NMI above zero and an ARI of about zero:
# with many small clusters some agreement comes for free. And compare clusters with probes: a probe may stretch and turn
# the features, k-means has to take them as they lie.

# %% [markdown]
# ## Take away
#
# - Two heads on one trunk: a task with few labels gains from a related one with many.
# - Tasks can fight: for room, or because one needs what the other must ignore. The cosine of their gradients shows it.
#   Always measure against each task alone.
# - Missing labels count nowhere, not even in the number below a mean.
# - Pretraining needs no labels, but it needs a pretext task that can be learned from the images at hand; look at its own
#   loss before you trust the features. Views say what is to be ignored.
# - Frozen features can be clustered without labels; to judge clusters, match them one to one.
#
# ## Further reading
#
# - R. Caruana (1997), "Multitask Learning".
# - Y. Du et al. (2018), "Adapting Auxiliary Losses Using Gradient Similarity".
# - T. Yu et al. (2020), "Gradient Surgery for Multi-Task Learning".
# - Y. Bengio, J. Louradour, R. Collobert, J. Weston (2009), "Curriculum Learning".
# - S. Gidaris, P. Singh, N. Komodakis (2018), "Unsupervised Representation Learning by Predicting Image Rotations".
# - T. Chen, S. Kornblith, M. Norouzi, G. Hinton (2020), "A Simple Framework for Contrastive Learning of Visual
#   Representations".
# - R. Raina, A. Battle, H. Lee, B. Packer, A. Ng (2007), "Self-taught Learning: Transfer Learning from Unlabeled Data".
