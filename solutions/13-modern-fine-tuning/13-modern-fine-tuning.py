# %% [markdown]
# # Modern fine-tuning
#
# **In about 80 minutes** you will be able to
#
# - say what fine-tuning does to features, and measure it inside and outside the target's domain;
# - train a network through few parameters, with adapters and LoRA, and merge these without a trace;
# - hold a network to its start, average two networks, and teach a small one by a large one;
# - compare such methods at equal budget, by accuracy, parameters and time.
#
# You need lessons 02, 03 and 05.

# %%
import copy
import functools
import importlib.util

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import tlcourse as tl

# %% [markdown]
# ## Good at home, lost abroad
#
# Lesson 08 asked *whether* to fine-tune. Now we ask how, and for a harder case: all labels come from one domain, and the
# network will be used in another too. Images that look like the labelled ones are **in domain**; the same classes in another
# look are **out of domain**.
#
# Ours: 20 everyday things, ten labelled images of each, in chalk on a board. Out of domain they look like photos: coloured,
# textured, turned. No such image has a label. Yet the source network, GlyphNet, learned its 150 *other* signs from
# just such images. It knows how to look at them, as long as nobody makes it forget.

# %%
SIZE, STEPS = 32, 60


def drawn(style, per_class, seed):
    return tl.worlds.glyphs("everyday", per_class, style=style, size=SIZE, seed=seed)


# %%
rows = {"labels: chalk": drawn("chalk", 10, 5000), "in domain: chalk": drawn("chalk", 20, 9000)}
rows["out of domain: photo"] = drawn("photo", 20, 9000)
tl.plots.strips(rows, title="The same classes in two looks; labels in one of them")

# %% [markdown]
# Here are three ways to begin. A **linear probe** leaves the body alone and fits a head to its features. **Fine-tune all** puts a
# random head on it and trains everything. **Probe, fine-tune** (LP-FT) starts that same training from the probe's head.
#
# The rules for every method here: the same images in the same order, 60 steps of 32 images, no augmentation, one
# normalisation, batch norm in the source's statistics (from scratch: its own), and the best of three learning rates by validation images *in
# domain*, on seeds that no result uses. (A probe has three penalties instead, and cross-validation.) Nobody may look out
# of domain.

# %%
full = tl.measure.stored("tuning")
best = full.figures["chosen"]
for method, options in best.items():
    print(f"{method:18} rate {options.get('rate', '-')}")

# %% [markdown]
# > **Predict.** The two fine-tunings differ in the first values of the head, and each has its own best rate. Order the three
# > by accuracy in domain. Then out of domain.


# %%
def examined(network, seed):
    """Accuracy and the shift of the features, in and out of domain."""
    found = {}
    for where, style in (("in", "chalk"), ("out", "photo")):
        test = drawn(style, 20, 9000 + seed)
        found[where] = tl.transfer.accuracy(network, *tl.transfer.prepared(test))
        after = tl.transfer.features_of(network, test)
        found[f"shift {where}"] = tl.measure.feature_shift(before(style, seed), after)
    return found


@functools.cache
def before(style, seed):
    """The source's features of the test images."""
    return tl.transfer.features_of(source, drawn(style, 20, 9000 + seed))


# %%
SEEDS = range(3)
source, networks, live = tl.models.GlyphNet.pretrained(), {}, {}
for method in ("linear probe", "fine-tune all", "probe, fine-tune"):
    made = [
        tl.transfer.tuned(method, drawn("chalk", 10, 5000 + seed), steps=STEPS, seed=seed, **best[method]).network
        for seed in tl.progress(SEEDS, method)
    ]
    networks[method], live[method] = made, [examined(*both) for both in zip(made, SEEDS, strict=True)]


# %%
def told(name, runs):
    home, abroad = (tl.measure.mean_interval([run[where] for run in runs]) for where in ("in", "out"))
    print(f"{name:18} in domain {home}; out {abroad}")


for method, runs in live.items():
    told(method, runs)

# %% [markdown]
# That is a short run. The whole, with more seeds, is stored; from here on it stands beside each live run.

# %%
methods = full.figures["methods"]
print(full)
for where in ("in", "out"):
    gap = tl.measure.paired_gap(methods["probe, fine-tune"][where], methods["fine-tune all"][where])
    print(f"{where} of domain, LP-FT over fine-tune all: {gap}: {gap.verdict}")

# %% [markdown]
# ## Feature distortion
#
# Why should the head's first values matter? A random head sends a large and senseless gradient down into the body, and
# the body moves to suit *it*. Kumar et al. (2022) call this **feature distortion**. The features of training images are
# moved to where the head wants them; those of other images end up somewhere, and the head never saw them there.
#
# We measure it on test images. The **shift** is the root mean square distance between features before and after, in units
# of their spread before. And **CKA** (centred kernel alignment; Kornblith et al., 2019) is 1 where two sets of features
# agree up to turning and scaling.

# %%
shown = ("fine-tune all", "probe, fine-tune", "L2-SP", "adapters", "LoRA", "interpolation")
moved = {method: (methods[method]["shift in"], methods[method]["shift out"]) for method in shown}
tl.plots.shifts(moved, x_label="shift of the features (spreads)", title="How far each method moves features")

# %%
for method in shown:
    home, abroad = (np.mean(methods[method][f"cka {where}"]) for where in ("in", "out"))
    here = f"; live shift out {np.mean([run['shift out'] for run in live[method]]):.2f}" if method in live else ""
    print(f"{method:18} CKA in {home:.2f}, out {abroad:.2f}{here}")

# %% [markdown]
# **Explain.** From a random head the features move much farther than from the probe's, in both domains, and CKA says that
# it is no mere turning. So far the textbook. One thing differs: the paper finds that features of in-domain images move more
# than those of others. Here that is plain for "fine-tune all"; in the other methods both move about alike. A likely
# reason: our small body sends chalk and photo through the same filters. Move these for the one, and you move the other.
#
# Why did nobody notice? These are the three rates of two methods, on the seeds by which we chose:

# %%
for method in ("fine-tune all", "probe, fine-tune"):
    for option in full.figures["tries"][method]:
        home, abroad = np.mean(option["validation"]), np.mean(option["out"])
        print(f"{method:18} rate {option['rate']:<7g} in domain {home:.3f}, out {abroad:.3f}")

# %% [markdown]
# **Explain.** In domain the rates of a method lie close together, and a validation set picks the highest number by a
# hair. Out of domain they lie far apart: the gentlest rate loses least. *Validation in domain is blind to this.* (The right
# column chose nothing. It only shows what could not be seen.) And at every rate, the probe's head loses less.
#
# ## Hold on to the start: L2-SP
#
# Weight decay pulls weights to zero, a place without meaning for a pretrained network. **L2-SP** (Li et al., 2018) pulls
# the body's weights $w$ to where they started, $w_0$, and only the new head's weights $v$ to zero:
# $$\frac{\alpha}{2} \lVert w - w_0 \rVert^2 + \frac{\beta}{2} \lVert v \rVert^2$$

# %% [markdown] task="l2_sp_penalty"
# Write the penalty. `start` is a copy of the network's state dict before training; it holds buffers too, and the head's
# random start. The head's parameters have names that begin with `head`. Return a tensor that an optimiser can learn from.


# %% exercise="l2_sp_penalty"
def l2_sp_penalty(network, start, alpha, beta):
    """`start`: name -> tensor before training. Returns a scalar tensor."""
    ### BEGIN SOLUTION
    near = small = 0
    for name, parameter in network.named_parameters():
        if name.startswith("head"):
            small = small + parameter.square().sum()
        else:
            near = near + (parameter - start[name]).square().sum()
    return alpha / 2 * near + beta / 2 * small
    ### END SOLUTION


# %% check="l2_sp_penalty"
tl.check.l2_sp_penalty(l2_sp_penalty)

# %% [markdown]
# **What results should you get?** A network at its start pays for its head alone; a step away costs more.

# %%
network = tl.models.GlyphNet.pretrained().with_new_head(20)
penalty = tl.transfer.l2_sp(network, copy.deepcopy(network), strength=0.1, beta=0.01)
head = sum(p.square().sum() for p in network.head.parameters()).item()
print(f"at the start {penalty():.4f}, the head's part {0.01 / 2 * head:.4f}")
with torch.no_grad():
    network.stem[0].weight.add_(0.1)
print(f"after a step {penalty():.4f}")

# %% [markdown]
# ## Train little: adapters and LoRA
#
# Whoever serves many tasks with one large network does not want a copy of it for each. Two ways to train few parameters
# and keep the network itself frozen:
#
# - An **adapter** (Houlsby et al., 2019) is a small bottleneck between layers: $x + U\,\text{relu}(D x)$. With $U$ at zero it
#   starts as the identity. Ours are 1 x 1 convolutions, 16 channels wide, behind each residual block.
# - **LoRA** (Hu et al., 2021) stands *beside* a layer $W$ and adds an update of low rank $r$:
#   $$W x + \frac{\alpha}{r} B A x,\quad A: r \times \text{inputs},\quad B: \text{outputs} \times r$$
#   $B$ starts at zero. There is nothing bent between $A$ and $B$, so the update can be **merged**: $W + \frac{\alpha}{r} BA$
#   is one ordinary layer again, and serving it costs nothing extra. An adapter cannot do that.

# %% [markdown] task="lora_layer"
# Write LoRA for a linear layer: return an `nn.Module` that freezes the given layer and computes the formula, with
# $A$ and $B$ the only parameters that train. It starts as the layer that it got. Its method `merged()` returns a new,
# plain `nn.Linear` with the same outputs, and changes nothing in the module itself.


# %% exercise="lora_layer"
def lora_layer(linear, rank, alpha):
    """An `nn.Linear` with a bias, the rank r and alpha. Returns a module with a method `merged()`."""

    ### BEGIN SOLUTION
    class LoRA(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.scale = linear.requires_grad_(False), alpha / rank
            self.a = nn.Linear(linear.in_features, rank, bias=False)
            self.b = nn.Linear(rank, linear.out_features, bias=False)
            nn.init.zeros_(self.b.weight)

        def forward(self, x):
            return self.linear(x) + self.scale * self.b(self.a(x))

        def merged(self):
            whole = copy.deepcopy(self.linear)
            whole.weight += (self.scale * self.b.weight @ self.a.weight).detach()
            return whole

    return LoRA()
    ### END SOLUTION


# %% check="lora_layer"
tl.check.lora_layer(lora_layer)

# %% [markdown] task="count_trainable"
# Papers on such methods report how many parameters **train**. Count them: each number that an optimiser may change, a
# parameter that two layers share once, nothing that is frozen, and no buffers.


# %% exercise="count_trainable"
def count_trainable(network):
    """Any `nn.Module`. Returns an integer."""
    ### BEGIN SOLUTION
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    ### END SOLUTION


# %% check="count_trainable"
tl.check.count_trainable(count_trainable)

# %% [markdown]
# **What results should you get?** For GlyphNet with a head of 20, adapters of width 16, LoRA of rank 4 beside each
# convolution:

# %%
kinds = {"whole": lambda n: n, "adapters": tl.transfer.add_adapters, "LoRA": tl.transfer.add_lora}
for name, change in kinds.items():
    network = change(tl.models.GlyphNet.pretrained().with_new_head(20))
    print(f"{name:9} {tl.transfer.trainable_parameters(network):9,} train")

# %% [markdown]
# Now train one, and merge it: the layers, their names and the outputs are as before LoRA came.

# %%
train, pixels = drawn("chalk", 10, 5000), tl.transfer.normalised(drawn("chalk", 2, 9000).images)
lora = tl.transfer.tuned("LoRA", train, steps=STEPS, **best["LoRA"]).network
with torch.no_grad():
    outputs, names = lora(pixels), len(lora.state_dict())
    merged = tl.transfer.merge_lora(lora)
    gap = (merged(pixels) - outputs).abs().max() / outputs.abs().max()
print(f"{names} tensors, then {len(merged.state_dict())}; outputs differ by {gap:.0e} of the largest")

# %% [markdown]
# For language models there is a library for this, Hugging Face's **peft**: it knows the layers' names of published
# models, saves the updates alone, and has many variants. On our network it makes the same layers:

# %%
if importlib.util.find_spec("peft"):
    theirs = tl.transfer.peft_lora(tl.models.GlyphNet.pretrained().with_new_head(20))
    print(f"peft: {tl.transfer.trainable_parameters(theirs):,} train")
else:
    print("peft is not installed; it comes with pip install 'tlcourse[text]'")

# %% [markdown]
# ## Half-way: interpolating weights
#
# Fine-tuning from the probe draws a path in weight space. **WiSE-FT** (Wortsman et al., 2022) takes a point on the straight
# line between its two ends: $(1 - s)\,\theta_{\text{probe}} + s\,\theta_{\text{tuned}}$. One network, no training, and no
# extra cost to run. Why networks in between should work at all is not obvious: they do where both ends lie in one basin of
# the loss, which a common start makes likely.

# %% [markdown] task="interpolate_weights"
# Write it for two state dicts. `share` 0 gives `start`, 1 gives `end`. Every floating tensor is averaged, running statistics
# too; what counts in whole numbers is taken from `end`. Return a new dict, and leave the two as they are.


# %% exercise="interpolate_weights"
def interpolate_weights(start, end, share):
    """Two state dicts of one network and a share from 0 to 1. Returns a state dict."""
    ### BEGIN SOLUTION
    return {
        name: torch.lerp(tensor, end[name], share) if tensor.is_floating_point() else end[name].clone()
        for name, tensor in start.items()
    }
    ### END SOLUTION


# %% check="interpolate_weights"
tl.check.interpolate_weights(interpolate_weights)

# %% [markdown]
# **What results should you get?** Half-way between 0 and 1 it is a half; a counter stays whole. Now the line
# itself.
#
# > **Predict.** Draw two curves over $s$, one for each domain. Where is each highest?

# %%
ends = {"w": torch.zeros(2), "n": torch.tensor(3)}, {"w": torch.ones(2), "n": torch.tensor(8)}
print(tl.transfer.interpolate(*ends, 0.5))

# %%
line = full.figures["path"]
curves = {"in domain": np.array(line["in"]), "out of domain": np.array(line["out"])}
x_label = "share of the fine-tuned network"
tl.plots.curves(line["share"], curves, x_label=x_label, title="From the probe to the fine-tuned network")

# %%
middle = []
for seed, (probe, tuned) in enumerate(zip(networks["linear probe"], networks["probe, fine-tune"], strict=True)):
    between = copy.deepcopy(tuned)
    between.load_state_dict(tl.transfer.interpolate(probe.state_dict(), tuned.state_dict(), 0.5))
    middle.append(examined(between, seed))
told("live, half-way", middle)
told("live, end", live["probe, fine-tune"])

# %% [markdown]
# **Explain.** In domain accuracy climbs all the way, most of it in the first half; out of domain it turns down before the
# end. So a point in between has most of the gain and little of the loss. Half-way is the paper's advice where nothing out of domain may be
# looked at, and it is what we fixed beforehand. Mind the top of the lower curve: we see it on test images, and nobody may
# choose by those.
#
# ## All in one plane
#
# Everything from here on starts from the probe, except where it says otherwise. A **soup** (Wortsman et al., 2022) is the
# mean of the networks of all three rates: no rate need be chosen, three are paid for.
#
# > **Predict.** Which three would you put on a shortlist for out of domain? And does training few parameters save time?

# %%
chosen = [*tl.transfer.TUNINGS, "soup"]
colours = dict.fromkeys(("from scratch",), "baseline") | dict.fromkeys(("linear probe", "adapters", "LoRA"), "third")
colours |= dict.fromkeys(("interpolation", "soup"), "fourth")
tl.plots.tuning_plane(
    {method: methods[method]["out"] for method in chosen},
    {method: int(methods[method]["trainable"][0]) for method in chosen},
    {method: methods[method]["seconds"] for method in chosen},
    title="Out of domain, at equal budget",
    colours=colours,
)

# %%
print(f"{'method':18} {'trains':>8}  in domain     out of domain  CPU sec  source")
for method in chosen:
    row = methods[method]
    home, abroad = (tl.measure.mean_interval(row[where]) for where in ("in", "out"))
    knows = f"{np.mean(row['remembered']):.2f}" if "remembered" in row else "-"
    both = f"{home.mean:.3f} ±{home.half_width:.3f}  {abroad.mean:.3f} ±{abroad.half_width:.3f}"
    print(f"{method:18} {row['trainable'][0]:8,.0f}  {both}  {np.mean(row['seconds']):6.1f}  {knows:>6}")

# %%
for method in chosen[3:]:
    gap = tl.measure.paired_gap(methods[method]["out"], methods["fine-tune all"]["out"])
    over = tl.measure.paired_gap(methods[method]["out"], methods["linear probe"]["out"])
    print(f"{method:18} out of domain over fine-tune all: {gap.verdict}; over the probe: {over.verdict}")

# %% [markdown]
# **Explain.** In domain every tuned network beats the probe, and they lie within a few hundredths of each other. Out of domain
# they do not, and all but one *lose* against the probe, which trained least. The one that does not is half-way. The soup
# pays three times and gets less: one of its three, that of the highest rate, was bad by itself, as the rates above showed.
#
# Now time. Adapters are cheaper; LoRA hardly is. Frozen weights save their own gradients, but the error still travels back
# through every layer, and beside each convolution stand two new ones. What few parameters surely save is storage, and an
# optimiser's memory.
#
# The last column is accuracy on the *source* task, under its old head. Fine-tuned from a random head, the network has
# forgotten it. (It was never high here: GlyphNet learned at 48 px, and lesson 02 said what another size costs. Some tuned
# networks even do better than the untouched one, for they have met this size.)
#
# And the start? The methods for few parameters were published with a random head. Here are both starts:

# %%
for method in ("L2-SP", "adapters", "LoRA"):
    gap = tl.measure.paired_gap(methods[method]["out"], methods[f"{method}, new head"]["out"])
    moved = [np.mean(methods[name]["shift out"]) for name in (method, f"{method}, new head")]
    print(
        f"{method:9} out of domain, probe over random head: {gap}: {gap.verdict}; shift {moved[0]:.2f}, {moved[1]:.2f}"
    )

# %% [markdown]
# **Explain.** Few parameters are no protection by themselves. LoRA under a random head moves the features farther, and
# loses more out of domain. "Parameter-efficient" says how much is stored, not how far it may go; the start decides more.
# (The rates were chosen for the start from the probe; another choice might narrow these gaps.)
#
# ## Into a smaller network: distillation
#
# A phone may not carry the network at all. In **distillation** (Hinton et al., 2015) a small *student* learns from a trained
# *teacher*: not its first choice alone but all its probabilities. That a cat looks rather like a mouse and not at all like
# scissors is knowledge that no label holds. A **temperature** $T$ above 1 makes such small probabilities visible. With
# logits $z_s$ of the student, $z_t$ of the teacher, labels $y$ and a share $\lambda$:
# $$\lambda\,T^2\,\text{KL}\big(\text{softmax}(z_t / T)\,\big\Vert\,\text{softmax}(z_s / T)\big) + (1 - \lambda)\,\text{CE}(z_s, y)$$
# KL, the Kullback-Leibler divergence $\sum_c p_c (\log p_c - \log q_c)$, is 0 where the two agree; CE is the cross-entropy.
# Dividing by $T$ shrinks the gradient of the first part by about $T^2$, and the factor in front undoes that.

# %% [markdown] task="distillation_loss"
# Write the loss, averaged over the images. The student learns from it; the teacher must not.


# %% exercise="distillation_loss"
def distillation_loss(student, teacher, labels, temperature, share):
    """Logits of shape (N, C), labels (N,), T, and the teacher's share. Returns a scalar tensor."""
    ### BEGIN SOLUTION
    told = F.log_softmax(teacher.detach() / temperature, dim=1)
    said = F.log_softmax(student / temperature, dim=1)
    soft = F.kl_div(said, told, reduction="batchmean", log_target=True)
    return share * temperature**2 * soft + (1 - share) * F.cross_entropy(student, labels)
    ### END SOLUTION


# %% check="distillation_loss"
tl.check.distillation_loss(distillation_loss)

# %% [markdown]
# **What results should you get?** A student that agrees with its teacher pays for the labels alone.

# %%
logits, labels = torch.tensor([[2.0, 0.0], [0.0, 1.0]]), torch.tensor([0, 1])
agreed = tl.transfer.distillation_loss(logits, logits, labels, share=0.75)
print(f"{agreed:.4f} {0.25 * F.cross_entropy(logits, labels):.4f}")

# %% [markdown]
# Our teacher is the network of LP-FT, the student has four convolutions and random weights. Three lessons of equal
# length: from the **labels**; from the **teacher**, on the same images; from the teacher on **more images**, five times as
# many, in chalk, without labels. (That third arm has more data than the others, and needs a teacher to make use of it.)
# Each has again the best of three rates.
#
# > **Predict.** Which of the two steps is the larger? Will any student keep what the teacher knows out of domain?


# %%
def taught(teacher, data, seed, share, rate):
    """A student taught by the teacher's logits, and by the labels for the rest."""
    torch.manual_seed(seed)
    student, labels = tl.transfer.small_student(20), torch.from_numpy(data.labels)
    with torch.no_grad():
        said = teacher(tl.transfer.normalised(data.images)).float()

    def objective(logits, rows):
        y = labels.to(said.device)[rows]
        return tl.transfer.distillation_loss(logits, said[rows], y, share=share)

    settings = {"steps": 200, "rate": rate, "seed": seed, "keep_statistics": False}
    tl.transfer.tune(student, data, objective=objective, **settings)
    return student


# %%
for name, share, per_class, first in (("labels", 0, 10, 5000), ("teacher, more images", 1, 50, 6000)):
    runs = []
    rate = full.figures["student rates"][name]["rate"]
    for seed in tl.progress(SEEDS, name):
        data = drawn("chalk", per_class, first + seed)
        student = taught(networks["probe, fine-tune"][seed], data, seed, share, rate)
        test = drawn("chalk", 20, 9000 + seed)
        runs.append(tl.transfer.accuracy(student, *tl.transfer.prepared(test)))
    print(f"live, {name:21} in domain {tl.measure.mean_interval(runs)}")

# %%
students = full.figures["students"]
arms = {f"student: {name}": row["in"] for name, row in students.items()}
arms["teacher"] = methods["probe, fine-tune"]["in"]
sizes = [row["trainable"][0] for row in (students["labels"], methods["probe, fine-tune"])]
title = f"A student of {sizes[0]:,.0f} parameters, a teacher of {sizes[1]:,.0f}"
tl.plots.bars(arms, title=title, x_label="accuracy in domain", chance=1 / 20)

# %%
for name, row in students.items():
    gap = tl.measure.paired_gap(row["in"], students["labels"]["in"])
    versus = "" if name == "labels" else f"; in domain over labels {gap}: {gap.verdict}"
    print(f"{name:21} out of domain {np.mean(row['out']):.3f}{versus}")

# %%
for name, options in full.figures["student tries"].items():
    print(f"{name:21}", {option["rate"]: round(np.mean(option["validation"]).item(), 3) for option in options})

# %% [markdown]
# **Explain.** On the same images five seeds show no gap between labels and teacher. On more images they do: a teacher can
# speak about any image of the domain, and no label is needed. The last three lines are a warning. They are the rates'
# validation accuracies, and at the lower rates the teacher's students do *worse* than that of the labels. With one rate for
# all, you could "show" that distillation harms. (All three chose the highest rate: a wider grid might find more.)
#
# Out of domain no student is of use. It never had the source's features, and answers about chalk do not carry them over.
#
# ## Take away
#
# - Labels in one domain, use in another: validation in domain does not see the damage. Measure features and, where you can,
#   accuracy out of domain.
# - A random head distorts features. Probe first, then fine-tune.
# - Interpolate between probe and end: no training, one network.
# - LoRA and adapters save storage and optimiser memory; compare their *time* before you claim it. LoRA merges.
# - Count what trains: shared once, frozen and buffers not at all.
# - Distil on unlabelled images if you have them.
#
# **Next:** lesson 14 takes one network and ships it.
#
# ### Further reading
#
# - A. Kumar, A. Raghunathan, R. Jones, T. Ma and P. Liang, *Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution*, ICLR 2022.
# - X. Li, Y. Grandvalet and F. Davoine, *Explicit Inductive Bias for Transfer Learning with Convolutional Networks*, ICML 2018.
# - N. Houlsby et al., *Parameter-Efficient Transfer Learning for NLP*, ICML 2019.
# - S.-A. Rebuffi, H. Bilen and A. Vedaldi, *Efficient Parametrization of Multi-domain Deep Neural Networks*, CVPR 2018.
# - E. Hu et al., *LoRA: Low-Rank Adaptation of Large Language Models*, 2021.
# - M. Wortsman et al., *Robust Fine-Tuning of Zero-Shot Models*, CVPR 2022.
# - M. Wortsman et al., *Model Soups: Averaging Weights of Multiple Fine-Tuned Models Improves Accuracy without Increasing Inference Time*, ICML 2022.
# - G. Hinton, O. Vinyals and J. Dean, *Distilling the Knowledge in a Neural Network*, 2015.
# - S. Kornblith, M. Norouzi, H. Lee and G. Hinton, *Similarity of Neural Network Representations Revisited*, ICML 2019.
