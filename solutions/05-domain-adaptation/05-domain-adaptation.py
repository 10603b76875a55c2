# %% [markdown]
# # Domain adaptation: labels here, images there
#
# **In about 70 minutes** you will be able to
#
# - measure how far two domains are apart, without a single label;
# - adapt a network to a target that has no labels, in five ways, from one line to an adversary;
# - choose among adapted networks without labels, and know what that choice costs;
# - see the case coming in which adaptation does harm.
#
# You need lessons 01 to 04.

# %%
import numpy as np
import torch

import tlcourse as tl

# %% [markdown]
# ## Print is labelled, handwriting is not
#
# A post office has any number of printed digits with labels: it prints them itself. The handwritten digits on the
# envelopes come without labels. Task and label set are the same; the domain is another. Lesson 04 called this
# **transductive transfer**. Its usual assumption is **covariate shift**: $P(X)$ changes and $P(Y \mid X)$ does not. An
# image of a 7 is a 7 in both domains; it is only more likely in one.
#
# Our source is 1,000 rendered digits in the print style, our target 1,000 scans of real handwriting. The other 797 scans
# are the test set. *The labels of the 1,000 are never used*, not to train and not to choose.


# %%
def domains(style, seed):
    """(labelled source, target whose labels nobody reads, test)."""
    source = tl.worlds.glyphs("digits", 100, style=style, size=32, seed=100 + seed)
    scans = tl.worlds.handwriting(size=32, seed=seed)
    return source, scans.subset(range(1000)), scans.subset(range(1000, len(scans)))


source, target, test = domains("print", 0)
tl.plots.strips({"source: print": source, "target: scans": target}, title="One task, two domains")

# %% [markdown]
# ## How far apart?
#
# If no classifier can tell which domain an image is from, the domains are alike. That is the idea of the **proxy
# A-distance** (Ben-David et al., 2007). Train a classifier of the *domains* (labels: 0 source, 1 target; these we always
# have), take its error $\epsilon$ on held-out images, and compute
#
# $$\hat d_A = 2\,(1 - 2\,\epsilon)$$
#
# Perfect separation, $\epsilon = 0$, gives 2. Guessing, $\epsilon = 0.5$, gives 0.

# %% [markdown] task="proxy_distance"
# Write the proxy A-distance from the true domains of held-out images and a classifier's guesses. Do not clip: luck can
# push the error above one half, and then the number is a little below 0.


# %% exercise="proxy_distance"
def proxy_distance(domains, predictions):
    """Two arrays of 0 (source) and 1 (target), shape (n,): the truth, and what was guessed. Returns a number."""
    ### BEGIN SOLUTION
    error = np.mean(domains != predictions)
    return 2 * (1 - 2 * error)
    ### END SOLUTION


# %% check="proxy_distance"
tl.check.proxy_distance(proxy_distance)

# %% [markdown]
# **What results should you get?** One guess in four wrong gives 1.0.
#
# Now the walk: the style changes step by step from print to chalk. At each step we measure the distance to print, and how
# well a linear classifier trained on print does. Both look at frozen features of GlyphNet.
#
# > **Predict.** Where will accuracy begin to fall: when the distance leaves 0, or later?

# %%
glyphnet = tl.models.GLYPHNET


def features(images):
    body = tl.models.GlyphNet.pretrained().body
    return tl.transfer.frozen_features(body, images, mean=glyphnet.mean, std=glyphnet.std)


def shift(share, seed):
    """(distance from print, accuracy of print's classifier) for a style `share` of the way to chalk."""
    style = tl.worlds.PRINT.towards(tl.worlds.CHALK, share)
    here = tl.worlds.glyphs("digits", 30, style="print", size=32, seed=300 + seed)
    there = tl.worlds.glyphs("digits", 30, style=style, size=32, seed=400 + seed)
    x, z = features(here), features(there)
    distance = tl.measure.proxy_a_distance(x, z, seed=seed)
    return distance, tl.transfer.linear_probe(x, here.labels, z, there.labels).accuracy


# %%
shares = (0, 0.1, 0.25, 0.5, 0.75, 1)
walk = np.array([[shift(share, seed) for share in shares] for seed in tl.progress(range(5))])
tl.plots.shift(shares, walk[..., 0], walk[..., 1], x_label="share of the way to chalk", title="From print to chalk")

# %% [markdown]
# **Explain.** The distance is the more sensitive of the two: it climbs at the first step, while the classes can still be
# told apart. A distance is a warning, not a verdict. And how far is real handwriting?

# %%
distance = tl.measure.proxy_a_distance(features(source), features(target))
probe = tl.transfer.linear_probe(features(source), source.labels, features(test), test.labels)
print(f"print to handwriting: distance {distance:.2f}, accuracy of print's classifier {probe.accuracy:.2f}")

# %% [markdown]
# ## Source only, and one line that changes it
#
# The baseline is **source only**: train on print, use on handwriting. Each network starts from GlyphNet, with its stem
# and first three blocks frozen, and takes 60 steps. Of the target, `adapt` is given the images alone. It has no argument
# for their labels.


# %%
def trained(source, target, method=None, seed=0, **options):
    """GlyphNet with a new head, after 60 steps on the labelled source; of the target it sees images."""
    torch.manual_seed(seed)
    network = tl.models.GlyphNet.pretrained().with_new_head(10)
    tl.transfer.imprint_head(network, source)
    tl.transfer.adapt(network, source, target.images, method, steps=60, seed=seed, **options)
    return network


def accuracy(network, test):
    return float(np.mean(tl.transfer.predict(network, test.images).labels == test.labels))


# %% [markdown]
# There is a quick thing to try before any new loss. Batch norm subtracts a mean and divides by a spread, which it has
# stored while it saw the source. Handwriting has other means and spreads. So we let the very same network take its
# statistics from the target's images (Li et al., 2018). No weight changes, and no label is needed:
# `predict(..., own_statistics=True)` does it.
#
# > **Predict.** Guessing gives 0.10. What will source only reach on handwriting? And the same weights with the target's
# > statistics?

# %%
with_target, with_source = [], []
for seed in tl.progress(range(5), "source only"):
    source, target, test = domains("print", seed)
    network = trained(source, target, seed=seed)
    with_target.append(accuracy(network, test))  # `adapt` leaves the target's statistics
    tl.transfer.predict(network, source.images, own_statistics=True)
    with_source.append(accuracy(network, test))
arms = {"source only": with_source, "target statistics": with_target}
tl.plots.bars(arms, title="Print to handwriting: the same weights, other statistics", chance=0.1)

# %% [markdown]
# **Explain.** On print these networks are nearly perfect; on handwriting they are hardly better than guessing. Print is
# dark on bright and the scans are bright on dark. So the stored means are off, in every layer. Mending them is the
# cheapest adaptation there is, and every method below includes it.

# %% [markdown]
# ## Let some examples count more
#
# Under covariate shift, the error on the target is a *weighted* error on the source (Shimodaira, 2000). The weight of an
# example is how much more likely the target makes it, the **density ratio**:
#
# $$w(x) = \frac{p_t(x)}{p_s(x)} = \frac{p(t \mid x)}{p(s \mid x)} \cdot \frac{n_s}{n_t}$$
#
# The right-hand side is Bayes' rule. It needs only a domain classifier, as above: its probability $p(t \mid x)$ that $x$
# is from the target, with $p(s \mid x) = 1 - p(t \mid x)$, and the numbers $n_s$, $n_t$ of images it was trained on.

# %% [markdown] task="importance_weights"
# Write the weights of the source examples from the domain classifier's probabilities. Return the ratio itself: no
# scaling, no clipping.


# %% exercise="importance_weights"
def importance_weights(p_target, n_source, n_target):
    """`p_target`: for each source example, p(target | x), shape (n_source,). Returns its weights, shape (n_source,)."""
    ### BEGIN SOLUTION
    return p_target / (1 - p_target) * n_source / n_target
    ### END SOLUTION


# %% check="importance_weights"
tl.check.importance_weights(importance_weights)

# %% [markdown]
# **What results should you get?** With $p(t \mid x) = 0.5$ and as many source as target examples the weight is 1.
#
# Here is the case that weights are made for, Shimodaira's own. The truth is a curve, the model a straight line, and the
# target covers a part of the source only. Where the domains *overlap*, weights make the line fit what will matter.


# %%
def bent(seed):
    """A curve, a sample of the source, and one of the target, which is narrower and lies further left."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(0.5, 0.5, 100), rng.normal(0, 0.3, 100)
    return x, x**3 - x + rng.normal(0, 0.3, 100), z, z**3 - z + rng.normal(0, 0.3, 100)


def line_errors(seed):
    """Mean squared error on the target of the plain line and of the weighted one."""
    x, y, z, truth = bent(seed)
    weights = tl.transfer.importance_weights(x[:, None], z[:, None])
    lines = [np.polyfit(x, y, 1), np.polyfit(x, y, 1, w=np.sqrt(weights))]  # polyfit squares its weights
    return [np.mean((np.polyval(line, z) - truth) ** 2) for line in lines]


# %%
x, y, z, truth = bent(0)
weights = tl.transfer.importance_weights(x[:, None], z[:, None])
ends = np.array([-0.7, 1.6])
plain, weighted = np.polyfit(x, y, 1), np.polyfit(x, y, 1, w=np.sqrt(weights))
fits = {"plain fit": (ends, np.polyval(plain, ends)), "weighted fit": (ends, np.polyval(weighted, ends))}
tl.plots.weighted_fit((x, y), (z, truth), weights, fits, title="Weights move the line to where the target is")

# %%
errors = np.array([line_errors(seed) for seed in range(20)])
saved = tl.measure.paired_gap(errors[:, 0], errors[:, 1])
print(f"the weighted line lowers the target's squared error by {saved}: {saved.verdict}")

# %% [markdown]
# > **Predict.** And for digits, where the domain classifier is nearly always right? How many of the 1,000 printed digits
# > will carry the weight? (The **effective size** of a weighted sample is the number of equal examples it is worth.)

# %%
weights = tl.transfer.importance_weights(features(source), features(target))
print(f"effective size: {tl.transfer.effective_size(weights):.0f} of {len(weights):,} examples")

# %% [markdown]
# **Explain.** Hardly any printed digit looks like handwriting, so a few outliers get nearly all the weight. Weights can
# choose among source examples. They cannot move them. The results further down show what that is worth here.

# %% [markdown]
# ## Move the features: CORAL and MMD
#
# If no source image looks like the target, we can train the body until the *features* do. Each step then lowers two
# things: the classification loss on the source, and a penalty on the difference between the domains' features.
#
# **CORAL** (Sun and Saenko, 2016) compares the covariance matrices $C_s$ and $C_t$ of the $F$ features:
#
# $$L_{\text{CORAL}} = \frac{1}{4F^2}\,\lVert C_s - C_t \rVert_F^2$$
#
# where $\lVert \cdot \rVert_F^2$ is the sum of all squared entries, and covariances divide by $n - 1$.

# %% [markdown] task="coral_loss"
# Write the CORAL loss of two batches of features. Use torch all the way: the body learns through this number.


# %% exercise="coral_loss"
def coral_loss(source, target):
    """Features of shape (N, F) and (M, F), torch tensors. Returns a scalar tensor that gradients flow through."""
    ### BEGIN SOLUTION
    gap = torch.cov(source.T) - torch.cov(target.T)
    return gap.square().sum() / (4 * source.shape[1] ** 2)
    ### END SOLUTION


# %% check="coral_loss"
tl.check.coral_loss(coral_loss)

# %%
# What results should you get?
corners = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
print(f"a square and one twice as large: {tl.transfer.coral_loss(corners, 2 * corners):.4f}")

# %% [markdown]
# Equal covariances do not make equal distributions. The **maximum mean discrepancy** (MMD; Gretton et al., 2012) goes
# further. With a **kernel** $k(x, y)$, a similarity that is 1 for equal points and falls with distance, it asks whether
# points are as similar across the domains as within them:
#
# $$\text{MMD}^2 = \overline{k(s, s')} + \overline{k(t, t')} - 2\,\overline{k(s, t)}$$
#
# Bars are means over pairs. It is 0 for equal distributions only.
#
# We run MMD here; CORAL's turn comes with the full table below.
#
# > **Predict.** Will it add something to target statistics?


# %%
def run(method):
    """Accuracy on handwriting, one number a seed."""
    ends = []
    for seed in tl.progress(range(5), method):
        source, target, test = domains("print", seed)
        ends.append(accuracy(trained(source, target, method, seed), test))
    return ends


with_mmd = run("mmd")
gap = tl.measure.paired_gap(with_mmd, with_target)
print(f"MMD over target statistics: {gap}: {gap.verdict}")

# %% [markdown]
# ## Let an adversary judge
#
# Instead of choosing a distance, train one. In **domain-adversarial training** (DANN; Ganin and Lempitsky, 2015) a small
# domain classifier sits on the features and learns to tell the domains apart. The body learns the opposite: to give
# features that it cannot tell apart. One loss serves both, because of a layer between them that does nothing on the way
# forward and flips the gradient on the way back, times a strength $\lambda$:
#
# $$R(x) = x, \qquad \frac{dR}{dx} = -\lambda I$$

# %% [markdown] task="gradient_reversal"
# Write this layer as a function. Its values are those of `x`; the gradient that arrives is multiplied by `-strength`.
# There are at least two ways: a `torch.autograd.Function`, or one line with `x.detach()`.


# %% exercise="gradient_reversal"
def gradient_reversal(x, strength):
    """A torch tensor of any shape. Returns the same values; the gradient is multiplied by -strength on its way back."""
    ### BEGIN SOLUTION
    return x.detach() * (1 + strength) - strength * x
    ### END SOLUTION


# %% check="gradient_reversal"
tl.check.gradient_reversal(gradient_reversal)

# %%
# What results should you get? The slope of 3x is 3; reversed with strength 0.5 it is
x = torch.tensor(2.0, requires_grad=True)
(3 * tl.transfer.gradient_reversal(x, 0.5)).backward()
print(f"value {tl.transfer.gradient_reversal(x, 0.5).item():g}, gradient {x.grad:g}")

# %% [markdown]
# DANN has a weakness. Domains can look alike while the target's 3s lie on the source's 8s: nothing in the loss forbids
# it. **CDAN** (Long et al., 2018) shows the classifier each feature times each class probability, so that the domains
# have to agree class by class.

# %%
with_cdan = run("cdan")

# %%
arms = {"source only": with_source, "target statistics": with_target, "MMD": with_mmd, "CDAN": with_cdan}
tl.plots.bars(arms, title="60 steps, 5 seeds: every arm has the same images", chance=0.1)

# %% [markdown]
# **Explain.** Sixty steps fit into a lesson; the features are still moving when they end. The full experiment has 200,
# and more arms. *Instance weighting* is source only with weights. An *ensemble over source styles* trains one network
# for each of four styles, with a quarter of the images and of the steps each, and averages their probabilities; beside
# it stands the mean of its members, *one style*.

# %%
full = tl.measure.stored("adaptation")
print(full)

# %%
usual = {"target statistics": 0, "CORAL": 100, "DANN": 0.3, "CDAN": 0.3, "MMD": 10}
rows = full.figures["rows"]
table = dict(full.figures["plain"])
for arm, strength in usual.items():
    table[arm] = [row["accuracy"] for row in rows if (row["arm"], row["strength"]) == (arm, strength)]
table["one style"] = table["one style, target statistics"]
table["ensemble over styles"] = table["ensemble over styles, target statistics"]
shown = ["source only", "instance weighting", "one style", "ensemble over styles", *usual]
tl.plots.bars({name: table[name] for name in shown}, title="200 steps, 5 seeds", chance=0.1)

# %%
for first, second in [
    ("instance weighting", "source only"),
    ("ensemble over styles", "one style"),
    ("CORAL", "target statistics"),
    ("MMD", "CORAL"),
    ("CDAN", "DANN"),
    ("MMD", "CDAN"),
]:
    gap = tl.measure.paired_gap(table[first], table[second])
    print(f"{first} over {second}: {gap.mean:+.3f} [{gap.low:.3f}, {gap.high:.3f}]: {gap.verdict}")

# %% [markdown]
# Read the gaps, not the bars: some leaders are ties. One thing more: each method's strength here is the default of
# `adapt`, and that was found in trials which looked at this target's labels. So the bars flatter. Further down we choose
# without labels, and that number is the honest one.
#
# What has MMD done? Here are the features before and after, drawn as digits. (The labels are for your eyes; the network
# never saw the orange ones.)

# %%
source, target, test = domains("print", 0)
panels = {}
for name, method in {"target statistics": None, "MMD": "mmd"}.items():
    network = trained(source, target, method)
    on_target = tl.transfer.predict(network, test.images[:150]).features
    on_source = tl.transfer.predict(network, source.images[:150], own_statistics=True).features
    panels[name] = (on_source, on_target)
    print(f"{name}: proxy A-distance {tl.measure.proxy_a_distance(on_source, on_target):.2f}")
tl.plots.domain_map(panels, (source.labels[:150], test.labels[:150]), title="Do equal digits meet?")

# %% [markdown]
# ## Choosing without labels
#
# Every method has a strength. Which is best? On labelled target images you could look it up, but there are none. Reading
# the test set to choose is the commonest way to fool oneself in this field. A **validator** is a score that needs no
# target label:
#
# - **entropy**: are the predictions certain? (Minus the mean entropy. A network that calls everything a 3 is certain, too.)
# - **information**: certain about each image, *and* using all classes (Shi and Sha, 2012);
# - **neighbourhood**: do images lie in dense groups? (Saito et al., 2021);
# - **source weighted**: accuracy on held-out *source* images, weighted as above (Sugiyama et al., 2007).
#
# The second is $H(\bar p) - \overline{H(p)}$: the entropy of the mean prediction minus the mean entropy of the single
# ones, with $H(p) = -\sum_c p_c \ln p_c$ and $0 \ln 0 = 0$.

# %% [markdown] task="label_free_score"
# Write the information score of an array of predictions, in nats (natural logarithms). Mind exact zeros.


# %% exercise="label_free_score"
def label_free_score(probabilities):
    """`probabilities`: shape (N, C), each row sums to 1. Returns a number; higher is better."""

    ### BEGIN SOLUTION
    def entropy(p):
        return -np.sum(p * np.log(np.where(p > 0, p, 1)), axis=-1)

    return entropy(probabilities.mean(0)) - entropy(probabilities).mean()
    ### END SOLUTION


# %% check="label_free_score"
tl.check.label_free_score(label_free_score)

# %%
# What results should you get?
print(f"certain, and both classes used: {tl.measure.information_score(np.eye(2)):.3f}")
print(f"certain, but always the same:   {tl.measure.information_score(np.array([[1.0, 0], [1, 0]])):.3f}")

# %% [markdown]
# The full experiment ran 13 settings (method and strength) for each seed. We ask of each validator: does it put the
# settings in the right order, and how much accuracy does its choice lose against the best one? That loss is its **regret**.
#
# > **Predict.** Which validator will choose best? Which will be useless?

# %%
first = [row for row in rows if row["seed"] == 0]
names = list(first[0]["scores"])[:4]
scores = {name: [row["scores"][name] for row in first] for name in names}
truth = [row["accuracy"] for row in first]
tl.plots.validators(scores, truth, title="13 networks of one seed: score against truth (ringed: the choice)")


# %%
def over_seeds(measure, name):
    """The interval over seeds of how well a validator chose."""
    values = []
    for seed in range(5):
        mine = [row for row in rows if row["seed"] == seed]
        values.append(measure([row["scores"][name] for row in mine], [row["accuracy"] for row in mine]))
    return tl.measure.mean_interval(values)


for name in names:
    print(f"{name:16} rank agreement {over_seeds(tl.measure.rank_agreement, name)}")
    print(f"{'':16} regret         {over_seeds(tl.measure.regret, name)}")


# %%
def chosen(name):
    """Accuracy, one number a seed, of the setting that a validator chose."""
    best = [max((row for row in rows if row["seed"] == seed), key=lambda row: row["scores"][name]) for seed in range(5)]
    return [row["accuracy"] for row in best]


arms = {f"chosen by {name}": chosen(name) for name in names[:3]}
arms = {"source only": table["source only"], **arms}
tl.plots.bars(arms, title="No target label anywhere: training and choice", chance=0.1)

# %% [markdown]
# **Explain.** Where all networks name every printed digit right, source accuracy cannot tell them apart, weighted or not:
# its regret is that of a blind choice. The others cost a few points of accuracy, though they order the settings badly:
# they know a good network from a ruined one, and little more. Report which validator chose, and what it chose; never the
# best number of the table.

# %% [markdown]
# ## When adaptation hurts
#
# Every method here makes the *whole* source look like the *whole* target. That is wrong when the classes come in other
# proportions: $P(Y)$ changes, which is called **label shift**. Suppose the envelopes of one day hold only 3s, 5s and 8s.
# Our source is now chalk, which is near to handwriting, and holds all ten digits.
#
# > **Predict.** Will target statistics and MMD still help?


# %%
def only(data, digits=(3, 5, 8)):
    return data.subset(np.flatnonzero(np.isin(data.labels, digits)))


harm = {"source only": [], "target statistics": [], "MMD": []}
for seed in tl.progress(range(5), "label shift"):
    source, target, test = domains("chalk", seed)
    target, test = only(target), only(test)
    harm["MMD"].append(accuracy(trained(source, target, "mmd", seed), test))
    network = trained(source, target, None, seed)
    harm["target statistics"].append(accuracy(network, test))
    tl.transfer.predict(network, source.images, own_statistics=True)
    harm["source only"].append(accuracy(network, test))

# %%
tl.plots.bars(harm, title="A target with three of ten digits: adaptation against source only", chance=1 / 10)

# %%
for name in ("target statistics", "MMD"):
    gap = tl.measure.paired_gap(harm[name], harm["source only"])
    print(f"{name} over source only: {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** To make three digits look like ten, some 8s must become 0s. Zhao et al. (2019) prove it: when the label
# proportions differ, features that match perfectly *force* errors. It is negative transfer, made by the cure. So before
# you adapt, ask what the target holds; and keep source only in the table, as the arm to beat.

# %% [markdown]
# ## Take away
#
# - Domain adaptation needs labels in the source and images in the target. The same network, training and choice must do
#   without target labels, or the number you report is not the one you will see.
# - Measure the distance first. Then try batch norm's statistics: they are free.
# - Weights need overlap. Alignment (CORAL, MMD) and adversaries (DANN, CDAN) move the features instead.
# - Validators protect you from ruined networks. They do not find the best one.
# - Alignment assumes that classes come in the same proportions. If not, it hurts.
#
# **Next:** lesson 06 shares one trunk between tasks, and learns features with no labels at all.
#
# ### Further reading
#
# - S. Ben-David, J. Blitzer, K. Crammer and F. Pereira, *Analysis of Representations for Domain Adaptation*, NeurIPS 2006.
# - H. Shimodaira, *Improving Predictive Inference under Covariate Shift*, Journal of Statistical Planning and Inference, 2000.
# - Y. Li, N. Wang, J. Shi, X. Hou and J. Liu, *Adaptive Batch Normalization for Practical Domain Adaptation*, Pattern Recognition, 2018.
# - B. Sun and K. Saenko, *Deep CORAL: Correlation Alignment for Deep Domain Adaptation*, ECCV Workshops 2016.
# - A. Gretton, K. Borgwardt, M. Rasch, B. Schölkopf and A. Smola, *A Kernel Two-Sample Test*, JMLR 2012.
# - Y. Ganin and V. Lempitsky, *Unsupervised Domain Adaptation by Backpropagation*, ICML 2015.
# - M. Long, Z. Cao, J. Wang and M. Jordan, *Conditional Adversarial Domain Adaptation*, NeurIPS 2018.
# - K. Saito et al., *Tune It the Right Way: Unsupervised Validation of Domain Adaptation via Soft Neighborhood Density*, ICCV 2021.
# - H. Zhao, R. Tachet des Combes, K. Zhang and G. Gordon, *On Learning Invariant Representations for Domain Adaptation*, ICML 2019.
