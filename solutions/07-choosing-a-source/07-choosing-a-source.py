# %% [markdown]
# # Choosing a source
#
# **In about 75 minutes** you will be able to
#
# - develop a source model of your own: choose its task, beat a naive baseline, ship it, reuse it, tune it;
# - use a published one: read what it needs, and bring weights over from another library;
# - score candidate sources in seconds, before any fine-tuning, and say how far such a score can be trusted.
#
# You need lessons 01 to 03.

# %%
import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.dummy import DummyClassifier
from sklearn.neighbors import NearestCentroid

import tlcourse as tl

# %% [markdown]
# ## Two ways to a source
#
# Transfer begins with a choice: *from what?* There are two approaches.
#
# - **Develop a model.** Choose a related task with much data, train a model on it, reuse its body, tune it.
# - **Use a pretrained model.** Choose one that others have published, reuse it, tune it.
#
# Our target: Greek letters in chalk, 24 classes with **five** labelled images each. Two source tasks are at hand, both
# with as many labelled images as we like: Latin capitals in print, and Latin capitals in chalk.

# %%
SIZE = 24  # pixels a side


def drawn(alphabet, per_class, style, seed):
    return tl.worlds.glyphs(alphabet, per_class, style=style, size=SIZE, seed=seed)


# %%
pool, test = drawn("greek", 20, "chalk", 720), drawn("greek", 20, "chalk", 721)
candidates = {"target: Greek, chalk": pool} | {
    f"source: Latin, {style}": drawn("latin", 100, style, 730) for style in ("print", "chalk")
}
tl.plots.strips(candidates, title="One target, two source tasks")

# %% [markdown]
# > **Predict.** In both sources the classes are not the target's. Which will serve better, and why?
#
# ## Develop: first beat something naive
#
# A source model must have learned something. Against what do we judge that? A **naive baseline** is a rule that anyone
# has in a minute: always say the commonest class (the *majority*), or the class whose mean image is nearest. A network
# that does not beat it has features worth nothing, and its loss curve will not tell you.

# %% [markdown] task="beat_the_baseline"
# You get images of eight signs, moved and turned, 40 of each class, with their labels. Name the test images, so that
# your accuracy is at least **0.10** above the nearest mean image's. Any way is right: train a small network
# (`tl.transfer.small_trunk`, `fit_tensors`), or reuse a source (`tl.transfer.frozen_features`). Take no longer than some
# seconds.


# %% exercise="beat_the_baseline"
def beat_the_baseline(images, labels, test_images):
    """uint8 images (N, 3, 24, 24), labels 0 to 7 (N,), test images (M, 3, 24, 24). Returns M labels."""

    ### BEGIN SOLUTION
    def features(pixels):
        body = tl.models.GlyphNet.pretrained().body
        mean, std = tl.models.GLYPH_MEAN, tl.models.GLYPH_STD
        return tl.transfer.frozen_features(body, pixels, mean=mean, std=std, cache=False)

    x, z = features(images), features(test_images)
    return tl.transfer.linear_probe(x, labels, z, np.zeros(len(z)), strengths=(1.0,)).predictions
    ### END SOLUTION


# %% check="beat_the_baseline"
tl.check.beat_the_baseline(beat_the_baseline)

# %% [markdown]
# **What results should you get?** A majority has 1 in 8; the check prints what the nearest mean image has. Frozen features
# or a small network get clearly beyond both.
#
# Now our own source, trained here on 100 images of each Latin capital in chalk, and judged on others.


# %%
def trained(data, held_out):
    """GlyphNet from random weights on a source task: the network, and its accuracy on held-out images."""
    torch.manual_seed(0)
    network = tl.models.GlyphNet(len(data.classes))
    history = tl.transfer.fit(network, data, held_out, steps=120, batch_size=64, rate=3e-3, measure_at=None)
    return network, history.accuracy[-1]


# %%
latin, latin_test = candidates["source: Latin, chalk"], drawn("latin", 20, "chalk", 731)
network, skill = trained(latin, latin_test)

# %%
x, z = (data.images.reshape(len(data), -1) / 255 for data in (latin, latin_test))
for name, rule in {"majority": DummyClassifier(), "nearest mean image": NearestCentroid()}.items():
    print(f"{name:20} {rule.fit(x, latin.labels).score(z, latin_test.labels):.2f}")
print(f"{'our network':20} {skill:.2f}")

# %% [markdown]
# It is no good to anyone while it lives in this notebook. **Shipping** a source means weights in a file that runs no code
# when it is read, and the facts that a user needs: input size, statistics, what it was trained on. Then we read it
# back and compare outputs.

# %%
facts = {"data": latin.name, "style": "chalk", "image_size": SIZE, "mean": tl.models.GLYPH_MEAN, "skill": skill}
with tempfile.TemporaryDirectory() as folder:
    file = tl.models.save_safetensors(network, Path(folder) / "latin-chalk.safetensors", facts, half=False)
    size, state = file.stat().st_size / 1e6, tl.models.load_state(file)

# %%
again = tl.models.GlyphNet(26).eval()
tl.models.load_into(again, state)
pixels = tl.transfer.normalised(latin_test.images[:8])
with torch.no_grad():
    gap = (again.to(pixels.device)(pixels) - network(pixels)).abs().max().item()
print(f"{size:.1f} MB; outputs differ by at most {gap:g}")

# %% [markdown]
# ## Reuse it, tune it
#
# Three arms on Greek in chalk, five seeds, each with five images a class: our source **tuned** (fine-tuned as a whole,
# 30 steps); **reused** (frozen, a linear probe on its features); and the same network from **scratch**, with twice the
# steps.


# %%
def tuned(body, train, seed, steps=30):
    """Test accuracy after fine-tuning a copy of a source's body under a new head; None starts from random weights."""
    torch.manual_seed(seed)
    network = tl.models.GlyphNet(len(train.classes))
    if body is not None:
        network.body.load_state_dict(body.state_dict())
    tl.transfer.imprint_head(network, train)  # the head starts from the classes' mean features
    options = {"rate": 3e-3, "seed": seed, "measure_at": None}  # None: look at the test images once, at the end
    return tl.transfer.fit(network, train, test, steps=steps, **options).accuracy[-1]


def few(seed):
    return pool.subset(tl.transfer.draw_rows(pool.labels, 5, seed))


def features(body, data):
    return tl.transfer.frozen_features(body, data, mean=tl.models.GLYPH_MEAN, std=tl.models.GLYPH_STD)


# %%
SEEDS = range(5)
body = network.body
x, z = features(body, pool), features(body, test)
arms = {
    "scratch, 60 steps": [tuned(None, few(seed), seed, 60) for seed in tl.progress(SEEDS, "scratch")],
    "reused, frozen": tl.transfer.probe_seeds(x, pool.labels, z, test.labels, 5, SEEDS, strengths=(1.0,)),
    "tuned, 30 steps": [tuned(body, few(seed), seed) for seed in tl.progress(SEEDS, "tuned")],
}
chance = 1 / len(pool.classes)
title = "Greek in chalk, from a small source of our own (dashed: guessing)"
tl.plots.bars(arms, title=title, chance=chance, colours={"scratch, 60 steps": "baseline"})

# %%
for better, worse in [("tuned, 30 steps", "scratch, 60 steps"), ("tuned, 30 steps", "reused, frozen")]:
    gap = tl.measure.paired_gap(arms[better], arms[worse])
    print(f"{better} over {worse}: {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** Even twice the steps on the target alone do not make up for a source whose letters are *not* in the
# target. (The source had steps of its own, too; they are paid once, and serve every target after this one.) A likely
# reason: strokes in chalk look alike in both alphabets. Tuning then moves the features to the new letters; the second
# line says whether that pays. The intervals cover the draw of Greek images, not the source: we trained only one.
#
# ## Use: the zoo
#
# More often you take what others have trained. `tl.models.source_model(name)` is one way in to all of them, with published
# weights or a local file; a folder or a name such as `"facebook/convnext-tiny-224"` brings a model of Hugging Face.
# Nothing is downloaded here: this table reads architectures only.

# %%
for name in tl.models.source_models():
    if tl.models.source_model(name).library == "transformers":
        continue  # loading that library takes seconds, and its ResNet-50 is one more ResNet-50
    card = tl.models.zoo_card(name)
    mean = ", ".join(f"{value:.2f}" for value in card["mean"])
    print(f"{name:19} {card['parameters'] / 1e6:6.1f} M  {card['image_size']:3} px  mean {mean}  {card['library']}")

# %% [markdown]
# VGG (Simonyan and Zisserman, 2015) is a plain stack; most of its weights lie in its head, which you throw away. ResNet
# (He et al., 2016) adds shortcuts, Inception (Szegedy et al., 2016) filters of several sizes side by side, Xception
# (Chollet, 2017) and MobileNet (Sandler et al., 2018) cheap depthwise filters; EfficientNet (Tan and Le, 2019) scales
# depth, width and resolution together. ViT (Dosovitskiy et al., 2021) cuts the image into patches and has no
# convolution after that; ConvNeXt (Liu et al., 2022) answers it with convolutions. Read two columns before you use one:
# **size** and **statistics** must be the source's, not yours (lesson 02).
#
# **Text has sources too.** A *word embedding* (word2vec, GloVe) is a table with one vector a word, the same in every
# sentence: small, quick, and blind to "not good". An encoder such as BERT (Devlin et al., 2019) gives each word a vector
# that depends on its sentence; it is to text what a ResNet is to photos. We measure none of this here; lesson 11 does,
# against mere counts of words.
#
# ## Weights from another library
#
# A good source may live in Keras (TensorFlow). Its arrays hold what you need, under other **names** and in other
# **layouts**:
#
# | Keras | shape | PyTorch | shape |
# |---|---|---|---|
# | convolution `kernel` | height, width, in, out | `weight` | out, in, height, width |
# | dense `kernel` | in, out | `weight` | out, in |
# | `bias` | out | `bias` | out |
# | batch norm `gamma`, `beta` | channels | `weight`, `bias` | channels |
# | `moving_mean`, `moving_variance` | channels | `running_mean`, `running_var` | channels |
#
# (The other road is ONNX, a format for whole computations: `tf2onnx` writes such a file and ONNX Runtime runs it, for
# features or to compare outputs. To fine-tune in PyTorch you still want the arrays in PyTorch's layers.)

# %% [markdown] task="foreign_state"
# `arrays` maps names such as `"conv2d_1/kernel"` to numpy arrays, in no order. `layers` says which PyTorch layer is meant:
# `{"conv2d_1": "conv2", ...}`. Return a dict of torch tensors under PyTorch's names, fit for `load_state_dict`. The
# check loads it and compares the network's **outputs** with Keras's. The batch norms in that network have Keras's
# epsilon already; leave the variances as they are.


# %% exercise="foreign_state"
def foreign_state(arrays, layers):
    """Arrays by Keras's names, and Keras layer -> PyTorch layer. Returns a state dict."""
    ### BEGIN SOLUTION
    parts = {"kernel": "weight", "gamma": "weight", "beta": "bias", "bias": "bias"}
    parts |= {"moving_mean": "running_mean", "moving_variance": "running_var"}
    state = {}
    for name, array in arrays.items():
        layer, part = name.split("/")
        turned = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array.T
        state[f"{layers[layer]}.{parts[part]}"] = torch.from_numpy(turned.copy())
    return state
    ### END SOLUTION


# %% check="foreign_state"
tl.check.foreign_state(foreign_state)

# %% [markdown]
# **What results should you get?** Outputs that agree to about 1e-6. Now a real file, made by Keras: a network for
# digits, and what Keras itself says of 100 images. Two traps more. After a **flatten**, Keras runs through a map channels
# last, PyTorch channels first, so that a dense layer's rows must be sorted anew. And **"same" padding** with a stride of
# 2 adds its pixel at the end, where PyTorch's `padding=1` adds one on both sides.
#
# > **Predict.** One pixel of padding is wrong. Will it show in the outputs? In the accuracy?

# %%
digits, ours = tl.models.keras_digits(), tl.models.keras_digits_network()
names = {"conv1": "conv1", "bn1": "norm1", "depth2": "depthwise", "bn2": "norm2", "point2": "pointwise"}
names["scores"] = "head"
state = tl.models.convert_keras(digits.arrays, ours, names, flattened={"scores": digits.flattened})
tl.models.load_into(ours, state)
images = torch.from_numpy(digits.images.transpose(0, 3, 1, 2).copy())


def against_keras(network):
    with torch.no_grad():
        outputs = network.eval()(images).numpy()
    return np.abs(outputs - digits.outputs).max(), np.mean(outputs.argmax(1) == digits.labels)


# %%
padded_right = against_keras(ours)
ours.pad1 = ours.pad2 = torch.nn.ZeroPad2d((1, 0, 1, 0))  # what a stride of 2 sees of PyTorch's padding=1
for name, (gap, right) in {'"same" padding': padded_right, "padding=1": against_keras(ours)}.items():
    print(f"{name:14} outputs differ by at most {gap:.1e}, accuracy {right:.2f}")

# %% [markdown]
# **Explain.** In both lines every name and shape is in order and nothing raises. Yet each stride of 2 looks at other
# pixels, and a dense layer on a flattened map has one weight for each place: a shift hands it the neighbour's value.
# Accuracy gives this one away. A slighter mistake, such as another epsilon, may leave it as it is; outputs compared with
# outputs show both.
#
# ## Which one? Score before you tune
#
# A zoo has hundreds of candidates. To fine-tune all is out of the question, so people score them on the labelled
# target images, without training a body:
#
# - **LEEP** (Nguyen et al., 2020) asks whether the source's *classes* say something about the target's labels. Let
#   $\theta(x)_z$ be the source model's probability for its own class $z$. Of the joint table
#   $P(y, z) = \frac{1}{N} \sum_{i: y_i = y} \theta(x_i)_z$ take $P(y \mid z)$, then
#   $$\text{LEEP} = \frac{1}{N} \sum_i \log \sum_z P(y_i \mid z)\,\theta(x_i)_z$$
# - **LogME** (You et al., 2021): how probable are the labels under a Bayesian linear model of the frozen features? The
#   weights are integrated out and the two noise levels chosen for the largest probability. No split is needed.
# - **H-score** (Bao et al., 2019): how much of the features' variation lies between classes,
#   $\operatorname{tr}(C^{-1} C_{\text{between}})$; and a **shrunk** one, whose $C$ is an estimate for few images.
# - a **linear probe**, with folds of the labelled images held out;
# - **domain distance**: minus the proxy A-distance of lesson 05 between source and target images;
# - the baseline: **source accuracy**, how good the source is at its own task.

# %% [markdown] task="leep"
# Write LEEP. Some source class may have probability 0 for every image; it adds nothing to the sum.


# %% exercise="leep"
def leep(probabilities, labels):
    """The source's probabilities, shape (N, Z), and the target's labels 0 to C - 1, shape (N,). Returns a number."""
    ### BEGIN SOLUTION
    joint = np.eye(labels.max() + 1)[labels].T @ probabilities / len(labels)
    marginal = joint.sum(0)
    given = joint / np.where(marginal > 0, marginal, 1)
    return np.log((given[labels] * probabilities).sum(1)).mean()
    ### END SOLUTION


# %% check="leep"
tl.check.leep(leep)

# %%
# What results should you get?
print(f"source classes that tell all: {tl.measure.leep(np.eye(2)[[0, 1, 0, 1]], [0, 1, 0, 1]):.3f}")
print(f"source classes that tell nothing: {tl.measure.leep(np.full((4, 2), 0.5), [0, 1, 0, 1]):.3f}")

# %% [markdown]
# Six candidates for Greek in chalk: our own source; one in print, trained now with as many images and steps; GlyphNet; a
# network with random weights; and two bodies of lesson 06, which come without a head. LEEP needs one.

# %%
print_network, print_skill = trained(candidates["source: Latin, print"], drawn("latin", 20, "print", 731))
torch.manual_seed(0)
whole = {"Latin, chalk": network, "Latin, print": print_network}
whole |= {"GlyphNet": tl.models.GlyphNet.pretrained(), "random": tl.models.GlyphNet()}
SOURCES = {name: model.body for name, model in whole.items()}
SOURCES |= {task: tl.models.pretrained_body(task) for task in ("contrastive", "rotation")}
print(f"on their own tasks: Latin, chalk {skill:.2f}; Latin, print {print_skill:.2f}")

# %% [markdown] task="rank_sources"
# Scores tie, and scores fail. Write the ranking: `sources` maps names to sources, and `score(source)` gives a number, the
# higher the better, or NaN, or raises an error. Return a dict from each name to its **rank**: 1 is the best. Equal
# scores share the best rank that they take up, and the next one follows after a gap (1, 2, 2, 4). A source whose score is
# NaN or raises gets **None**; minus infinity is a valid score. Ask for each score once: some take minutes.


# %% exercise="rank_sources"
def rank_sources(sources, score):
    """`sources`: name -> source; `score(source)`: a number, NaN, or an error. Returns name -> rank or None."""
    ### BEGIN SOLUTION
    found = {}
    for name, source in sources.items():
        try:
            found[name] = score(source)
        except Exception:
            found[name] = None
        if found[name] is not None and np.isnan(found[name]):
            found[name] = None
    known = [value for value in found.values() if value is not None]
    return {name: None if v is None else 1 + sum(other > v for other in known) for name, v in found.items()}
    ### END SOLUTION


# %% check="rank_sources"
tl.check.rank_sources(rank_sources)

# %% [markdown]
# **What results should you get?** Scores of -1, -2, -2 and NaN give the ranks 1, 2, 2 and None.
#
# > **Predict.** Order the six for Greek in chalk, before you see scores or accuracies.


# %%
def own_leep(name, data):
    """LEEP of a source that has its own head, else NaN."""
    if name not in whole:
        return np.nan
    pixels = tl.transfer.normalised(data.images)
    with torch.no_grad():
        own = whole[name].to(pixels.device).eval()(pixels).softmax(1).cpu().numpy()
    return tl.measure.leep(own, data.labels)


# %%
train = few(0)
said = {}
for name, body in SOURCES.items():
    x = features(body, train)
    both = [tl.measure.h_score(x, train.labels, shrunk=shrunk) for shrunk in (False, True)]
    said[name] = dict(zip(("H-score", "H-score, shrunk"), both, strict=True))
    said[name] |= {"LogME": tl.measure.logme(x, train.labels), "LEEP": own_leep(name, train)}

# %%
truth = {"Latin, chalk": arms["tuned, 30 steps"][:3]}
for name in tl.progress([name for name in SOURCES if name not in truth], "fine-tuning"):
    truth[name] = [tuned(SOURCES[name], few(seed), seed) for seed in range(3)]

# %%
columns = {score: [said[name][score] for name in SOURCES] for score in ("LogME", "H-score, shrunk", "H-score")}
tuned_to = [np.mean(truth[name]) for name in SOURCES]
title = "Six sources for Greek in chalk (ringed: the score's choice)"
tl.plots.validators(columns, tuned_to, title=title, x_label="score")

# %%
for name in SOURCES:
    row = ", ".join(f"{score} {value:.3f}" for score, value in said[name].items())
    print(f"{name:13} fine-tuned {tl.measure.mean_interval(truth[name])}; {row}")
print(f"images and features: {x.shape}")

# %% [markdown]
# **Explain.** Your first guess, print or chalk, is answered in the table. Now look at the plain H-score: it is the same
# for all six, so it chooses none. The last line says why: with fewer images than features a linear rule separates
# anything, and every body gets the highest value there is, the number of classes minus 1. The shrunk one mends that. And
# where LEEP says nan, it is not bad news; it is no news.
#
# ## Can a score be trusted?
#
# Six sources and one target are an anecdote. The full experiment has eight sources and six targets, 48 pairs, each
# fine-tuned in five seeds with the better of two learning rates.

# %%
full = tl.measure.stored("sources")
print(full)
pairs, names = full.figures["pairs"], list(full.figures["sources"])
outcomes = np.array([[pairs[target][name]["accuracies"] for name in names] for target in pairs])
tl.plots.source_grid(outcomes.mean(-1), list(pairs), names, title="Fine-tuned accuracy (framed: best of each target)")

# %% [markdown]
# No source wins everywhere, though one comes near. For each score we take **Kendall's tau** between its order of the
# sources and the true one, within each target: 1 is the same order, 0 chance, -1 the reverse. The interval is a
# *bootstrap*: targets, sources and seeds are drawn anew 2,000 times, since all three might have been others.
#
# > **Predict.** Which of the seven will be no better than chance?


# %%
def told(score, chosen=names):
    return np.array([[pairs[target][name]["scores"][score] for name in chosen] for target in pairs])


all_scores = ("LogME", "linear probe", "H-score, shrunk", "LEEP", "domain distance", "H-score", "source accuracy")
trust = {score: tl.measure.ranking_agreement(told(score), outcomes) for score in all_scores}
tl.plots.agreements(trust, title="How well each score ordered eight sources (48 pairs)")

# %% [markdown]
# Two of the eight are easy: everybody sees that random weights are bad, and a score that knows GlyphNet looks clever.
# Without the two:

# %%
middle = [name for name in names if name not in ("GlyphNet", "random weights")]
kept = outcomes[:, [names.index(name) for name in middle]]
for score in all_scores:
    order = tl.measure.ranking_agreement(told(score, middle), kept)
    print(f"{score:16} tau {order}")

# %% [markdown]
# And what does a choice cost? **Regret** is the best source's accuracy minus that of the source with the highest score;
# one number a target. What a score *saves* is the difference to a source drawn blindly.

# %%
means = outcomes.mean(-1)
blind = [tl.measure.regret(np.zeros(len(names)), row) for row in means]
costs = {score: [tl.measure.regret(*both) for both in zip(told(score), means, strict=True)] for score in all_scores}
print(f"a blind choice   regret {np.mean(blind):.3f}, worst {max(blind):.3f}")
for score, cost in costs.items():
    saved = tl.measure.paired_gap(blind, cost)
    print(f"{score:16} regret {np.mean(cost):.3f}, worst {max(cost):.3f}; saved {saved}: {saved.verdict}")

# %%
for score in ("source accuracy", "domain distance"):
    chosen = [" or ".join(np.array(names)[row == row.max()]) for row in told(score)]
    print(f"{score} chooses, over the six targets: {'; '.join(dict.fromkeys(chosen))}")

# %% [markdown]
# **Explain.** Compare the last two lines with the framed cells of the grid. A source that is good at its own task need not
# be a good source. Domain distance is taken in each body's *own* features: features that see little see no difference
# either, so it may choose random weights. What works asks how well the target's **labels** can be told from what the
# frozen body gives: probe, LogME and the shrunk H-score from its features, LEEP from its classes alone. LEEP costs one
# pass, and cannot judge a body without a head.
#
# Mind what this does not show. One design of network, of one size; small images; few labels. The intervals are wide: these
# data do not say which of the good scores is best. Agostinelli et al. (2022) found on larger zoos that rankings of
# *scores* change with the setting. So: score, keep the best two or three, and fine-tune those.

# %% [markdown]
# ## Take away
#
# - Develop a source where you have a related task with much data; use a published one where somebody had more.
# - First beat a naive baseline. A source with no skill has no features to lend.
# - Choose a source by domain *and* task. Skill at its own task says little.
# - Foreign weights: names, layouts, padding, epsilon. Compare outputs with outputs.
# - Score candidates with labels: a linear probe or LogME. Count failures as unknown. Then fine-tune the best few.
#
# **Next:** lesson 08 asks *how* to reuse the source, by the target's size and likeness.
#
# ### Further reading
#
# - C. Nguyen, T. Hassner, M. Seeger and C. Archambeau, *LEEP: A New Measure to Evaluate Transferability of Learned Representations*, ICML 2020.
# - K. You, Y. Liu, J. Wang and M. Long, *LogME: Practical Assessment of Pre-trained Models for Transfer Learning*, ICML 2021.
# - Y. Bao et al., *An Information-Theoretic Approach to Transferability in Task Transfer Learning*, ICIP 2019.
# - S. Ibrahim, N. Ponomareva and R. Mazumder, *Newer is not always better: Rethinking transferability metrics, their peculiarities, stability and performance*, ECML PKDD 2022.
# - A. Agostinelli et al., *How stable are Transferability Metrics evaluations?*, ECCV 2022.
# - S. Kornblith, J. Shlens and Q. Le, *Do Better ImageNet Models Transfer Better?*, CVPR 2019.
# - J. Devlin, M.-W. Chang, K. Lee and K. Toutanova, *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding*, NAACL 2019.
