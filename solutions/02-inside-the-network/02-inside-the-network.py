# %% [markdown]
# # Inside the network
#
# **In about 60 minutes** you will be able to
#
# - say what a network's first, middle and last layers respond to;
# - ask every depth what it knows, with a linear probe;
# - say which layers transfer, and name two reasons why others do not;
# - prepare any image for a source model, and say what each mistake costs;
# - find a fault that makes a comparison unfair.
#
# You need lesson 01.

# %%
import numpy as np
import torch
from torch.nn import functional

import tlcourse as tl

# %%
network = tl.models.GlyphNet.pretrained()
torch.manual_seed(0)
untrained = tl.models.GlyphNet()
for name, part in network.named_children():
    print(f"{name:8} {sum(weights.numel() for weights in part.parameters()):>8,} weights")

# %% [markdown]
# GlyphNet is a chain. The **stem** is one convolution: it slides small patterns, its **filters**, over the image and
# notes how well each fits. Five **blocks** of two convolutions follow. Each filter's answer at every position is a
# **map**, also called a channel; one filter with its map is a **unit**. The head turns the averaged maps of `block5`
# into 150 scores. `untrained` is the same network with random weights: whatever it can do too was not learned.

# %% [markdown]
# ## What the first layer looks for
#
# The stem's filters are 5 x 5 pixels in three colours, so we can draw them as little pictures. Grey means "does not
# matter".
#
# > **Predict.** Nobody told the network what to look for. What will the filters look like: noise, letters, edges,
# > colours?

# %%
tl.plots.filters(network, title="The first layer after training, from grey to coloured")

# %%
tl.plots.filters(untrained, title="The first layer before training")

# %% [markdown]
# **Explain.** "Noise" is right before training. After it, many filters of the first rows hold bright beside dark:
# **edges**, in several directions. In the last row stand plain colours and borders between two. No letters: five pixels
# are too few. Networks trained on photos have such first layers, too (Yosinski et al. 2014): a first hint why transfer
# works.

# %% [markdown]
# ## One picture, depth by depth
#
# Deeper filters have more channels than three and cannot be drawn in colour. Instead we send one picture through and look
# at the maps: bright where a unit responds, each on its own scale.

# %%
pictographs = tl.worlds.glyphs("pictographs", 15, seed=5)
tl.plots.activations(network, pictographs, index=25)

# %% [markdown]
# The stem redraws the picture as edges. In the middle only certain strokes are left, at the end six by six cells. The
# network has given up *where* for *what*. But what do those cells stand for?

# %% [markdown]
# ## What excites a unit
#
# To learn what a unit means, show it many pictures and keep the patches to which it responds most (Zeiler and Fergus,
# 2014). We draw each as large as what the unit sees of the image, its **receptive field**.
#
# > **Predict.** Each row below is one unit with its eight favourite patches. In the stem, in `block2` and in `block5`:
# > what will the patches of a row have in common?

# %%
tl.plots.exciting_patches(network, pictographs)

# %% [markdown]
# **Explain.** In the stem a row shares an edge or a colour. In `block2` most rows share a *shape*, such as a loop or a
# corner, whatever the colour. In `block5` a row shares the *class*, or nearly: one thing, large or small, bright or dark.
# Edges, shapes, task: that is the order in which the network builds its features.
#
# But these units were picked, by the same rule at each depth: those whose favourites agree most in class. What of the
# others? For every unit take its ten favourite images. Which share belongs to the commonest class among them?

# %%
excited = tl.measure.excitement(network.body, pictographs)
agreement = {}
for depth, units in excited.items():
    shares = tl.measure.class_agreement(units, pictographs.labels)
    agreement[depth] = shares[~np.isnan(shares)]

# %%
tl.plots.bars(
    agreement,
    title="The deeper a unit, the more its favourite images agree in class",
    x_label="share of the commonest class (mean over units)",
    chance=tl.measure.chance_agreement(pictographs.labels),
)

# %% [markdown]
# The dashed line is what ten random images would give; the intervals are over the units of a layer. Early layers hardly
# know classes. The last two know them best, and even there a unit rarely stands for one class alone.

# %% [markdown]
# ## A probe at every depth
#
# Pictures persuade easily. A number is safer. Freeze the network, take the features after each part, and train a
# **linear probe** on them: a linear classifier that can only read off what is there already (Alain and Bengio, 2016). Its
# accuracy says how plainly the classes lie open at that depth. Maps differ in size, so we average each over a grid of
# 2 x 2 cells: 4 numbers a channel. The probe's penalty (`strengths`) is the same at every depth.

# %% [markdown] task="probe_at_depth"
# Write the probe of one depth. You get the maps of training and test images, tensors of shape (N, C, H, W), and a
# scikit-learn `classifier` that has not been fitted.
#
# 1. Average the maps over a grid of `grid` x `grid` cells and make one row of features for each image.
# 2. Standardise each feature: subtract its mean, divide by its standard deviation. Features of different scale would
#    otherwise not be penalised alike. Take both numbers from the *training* images.
# 3. Fit the classifier, and return its accuracy on the test images, from 0 to 1.


# %% exercise="probe_at_depth"
def probe_at_depth(classifier, train_maps, train_labels, test_maps, test_labels, grid):
    """Maps of shape (N, C, H, W) and (M, C, H, W), labels of shape (N,) and (M,). Returns an accuracy."""
    ### BEGIN SOLUTION
    train = functional.adaptive_avg_pool2d(train_maps, grid).flatten(1).numpy()
    test = functional.adaptive_avg_pool2d(test_maps, grid).flatten(1).numpy()
    mean, std = train.mean(0), train.std(0)
    classifier.fit((train - mean) / std, train_labels)
    return classifier.score((test - mean) / std, test_labels)
    ### END SOLUTION


# %% check="probe_at_depth"
tl.check.probe_at_depth(probe_at_depth)

# %% [markdown]
# **What results should you get?** Below, the package's own function does the same at every depth, with 10 images a
# class of two target tasks: 20 everyday signs, which resemble the source, and handwritten digits, which do not. Guessing
# gives 0.05 for signs and 0.1 for digits.
#
# > **Predict.** Four curves over depth: which of them rise to the end? Which stop earlier?


# %%
def probes(train, test, network):
    features = [tl.measure.depth_features(network.body, data, grid=2) for data in (train, test)]
    labels = train.labels, test.labels
    return tl.measure.probe_depths(features[0], labels[0], features[1], labels[1], 10, range(5), strengths=(10.0,))


# %%
signs = tl.worlds.glyphs("everyday", 20, seed=1), tl.worlds.glyphs("everyday", 20, seed=99)
digits = tl.worlds.handwriting(size=32)
digits = digits.take(60), digits.take(50, skip=120)
signs_known, signs_random = probes(*signs, network), probes(*signs, untrained)
digits_known, digits_random = probes(*digits, network), probes(*digits, untrained)

# %%
tl.plots.by_depth(
    {
        "signs": signs_known,
        "digits": digits_known,
        "signs, random weights": signs_random,
        "digits, random weights": digits_random,
    },
    title="Linear probes, 10 images a class: signs gain up to the end, digits do not",
)


# %%
def gap(better, worse):
    found = tl.measure.paired_gap(better, worse)
    return f"{found.mean:+.3f}, 95 % interval {found.low:+.3f} to {found.high:+.3f}: {found.verdict}"


print("signs,  block5 less block4:", gap(signs_known["block5"], signs_known["block4"]))
print("digits, block3 less stem:  ", gap(digits_known["block3"], digits_known["stem"]))
print("digits, block5 less block3:", gap(digits_known["block5"], digits_known["block3"]))
print("digits, block3, trained less random:", gap(digits_known["block3"], digits_random["block3"]))

# %% [markdown]
# **Explain.** For the signs each part adds something: what separates pictographs separates other pictographs. For the
# digits nearly everything is there after the stem. The middle adds a little, the last blocks nothing more: they may have
# turned to the source task.
#
# Mind the random network. On digits it does well too: a high accuracy of a frozen layer alone proves no transfer. The
# lead over random weights does. On signs it stays near guessing: deeper layers have more channels, but more numbers
# alone do not help.
#
# Why are its stem and `block1` equal? A block adds what its convolutions find to what it was given, which takes a
# **shortcut** around them. In a fresh block they add nothing.
#
# So the depth to take features from is a choice. Lesson 08 makes it by validation.

# %% [markdown]
# ## Which layers transfer
#
# Probes ask what lies open. Yosinski, Clune, Bengio and Lipson (2014) asked what can be *built upon*. Task A is the
# source, pictographs; task B the target, digits. First train a **base** network on B from scratch. Then keep the first
# *n* layers of a network, put fresh layers on top, and train those on B:
#
# - **selffer** network BnB: the kept layers come from the base itself;
# - **transfer** network AnB: the kept layers come from A;
# - a plus (BnB+, AnB+) says that the kept layers are **fine-tuned** with the others; without it they are frozen.
#
# The design tells two faults apart:
#
# - **co-adaptation**: neighbouring layers have learned to work together, and fresh upper layers do not find the
#   way back. Then BnB falls below the base;
# - **specificity**: the kept layers serve A and not B. Then AnB falls below BnB.
#
# > **Predict.** At n = 6 the whole body is kept, and without a plus only a linear head is trained. Which loses there
# > against the base, B6B or A6B? And does A6B+?


# %%
def transfer_runs(layers, arms):
    runs = []
    for seed in tl.progress(range(3), "seeds"):
        data = tl.worlds.handwriting(size=24, seed=seed)
        train, test = data.take(60), data.take(50, skip=120)
        runs.append(tl.transfer.layer_transfer(network, train, test, layers=layers, arms=arms, steps=60, seed=seed))
    base = np.array([accuracy for accuracy, _ in runs])
    return base, {arm: {n: np.array([found[arm][n] for _, found in runs]) for n in layers} for arm in arms}


# %%
base, kept = transfer_runs(layers=(6,), arms=("BnB", "AnB", "AnB+"))

# %%
print(f"base: {tl.measure.mean_interval(base)}")
print("B6B less base (co-adaptation):", gap(kept["BnB"][6], base))
print("A6B less B6B (specificity):   ", gap(kept["AnB"][6], kept["BnB"][6]))
print("A6B+ less A6B (fine-tuning):  ", gap(kept["AnB+"][6], kept["AnB"][6]))

# %% [markdown]
# That was a reduced run, and its number of steps was chosen after trying others. Trust the fuller one more: every *n*,
# all four arms, more images, steps and seeds. It is stored with its day and command:

# %%
full = tl.measure.stored("layer_transfer")
full_base = np.array(full.figures["base"])
arms = {arm: {int(n): np.array(runs) for n, runs in by_n.items()} for arm, by_n in full.figures["arms"].items()}
print(full)

# %%
tl.plots.layer_transfer(full_base, arms, title="Pictographs (A) to digits (B): the sixth layer, frozen, loses")

# %%
for n in range(1, 7):
    print(f"n = {n}  BnB less base (co-adaptation): {gap(arms['BnB'][n], full_base)}")
    print(f"       AnB less BnB (specificity):    {gap(arms['AnB'][n], arms['BnB'][n])}")
print("BnB+ less base at n = 6:", gap(arms["BnB+"][6], full_base))
print("AnB+ less base at n = 6:", gap(arms["AnB+"][6], full_base))

# %% [markdown]
# **Explain.** Read the ties. Fresh layers on the base's own cost nothing that these runs could show: no co-adaptation
# here. Yosinski and colleagues did see a dip, in the middle of a network with eight layers and 500 classes. Batch norm,
# shortcuts, or an easy task with little room below 1 may be why we see none; we do not test which.
#
# Specificity does appear, and only at the very end: five layers of A serve B as well as B's own do, the sixth does not.
# Fine-tuning takes that loss away. Do not make much of a tiny gain elsewhere: of a dozen 95 % intervals, one may well
# leave out 0 by accident.

# %% [markdown] task="which_layers_transfer"
# Write the function that reads such a table. `base` holds one accuracy a seed. `selffer` (BnB) and `transfer` (AnB) have
# one row a seed and one column a layer count: column 0 is n = 1. Take means over the seeds first. Return a dict:
#
# - `"co_adaptation"`: an array, for each n by how much selffer is *below* the base. Mind the sign: above, we printed
#   gains; here a loss is positive;
# - `"specificity"`: an array, for each n by how much transfer is below selffer;
# - `"transferable"`: how many layers, counted from the input, transfer. n is fine if mean transfer lies at most
#   `tolerance` below the mean base. Go up from n = 1 and stop at the first that is not fine; a later one does not count. 0 if
#   already n = 1 is not.


# %% exercise="which_layers_transfer"
def which_layers_transfer(base, selffer, transfer, tolerance):
    """Arrays of shape (seeds,), (seeds, layers), (seeds, layers), and a number. Returns a dict of the three."""
    ### BEGIN SOLUTION
    own, other = selffer.mean(0), transfer.mean(0)
    n = 0
    while n < len(other) and other[n] >= base.mean() - tolerance:
        n += 1
    return {"co_adaptation": base.mean() - own, "specificity": own - other, "transferable": n}
    ### END SOLUTION


# %% check="which_layers_transfer"
tl.check.which_layers_transfer(which_layers_transfer)

# %% [markdown]
# **What results should you get?** With a base of 0.90, selffer 0.90, 0.85, 0.89 and transfer 0.91, 0.80, 0.89 (one seed),
# co-adaptation is 0.00, 0.05, 0.01, specificity -0.01, 0.05, 0.00, and with a tolerance of 0.02 one layer transfers.

# %% [markdown]
# ## What the input must look like
#
# A body was fitted to inputs of one kind. GlyphNet's were 48 x 48 pixels, red-green-blue, divided by 255, then
# normalised: 0.5 subtracted, divided by 0.25. You often read that the input *must have the training size*. Must it? The
# convolutions take any size, and the pooling averages whatever is left.
#
# We prepare the signs in several wrong ways and probe the last layer: with the same mistake in training and test, or with
# the mistake in the test alone, as happens when a model is put to use.
#
# > **Predict.** Order these by cost: not normalised; the statistics of another network (ImageNet's); blue and red
# > exchanged; images of 24 pixels; images of 96 pixels.


# %%
def features(data, mean=tl.models.GLYPH_MEAN, std=tl.models.GLYPH_STD, image_size=None):
    return tl.transfer.frozen_features(network.body, data, mean=mean, std=std, image_size=image_size)


ways = {
    "right": features,
    "left in [0, 1]": lambda data: features(data, mean=(0, 0, 0), std=(1, 1, 1)),
    "left in 0 to 255": lambda data: features(data, mean=(0, 0, 0), std=(1 / 255,) * 3),
    "ImageNet's mean, std": lambda data: features(data, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "blue and red exchanged": lambda data: features(tl.measure.channels_swapped(data)),
}

# %%
for side in (24, 32, 64, 96):
    ways[f"{side} px"] = lambda data, side=side: features(tl.measure.resized(data, side))
ways["24 px, enlarged to 48"] = lambda data: features(tl.measure.resized(data, 24), image_size=48)
ways["96 px, reduced to 48"] = lambda data: features(tl.measure.resized(data, 96), image_size=48)

# %%
costs = tl.measure.input_costs(ways, *signs, per_class=10, seeds=range(5), strengths=(10.0,))

# %%
tl.plots.input_costs(costs, title="What a wrong input costs: 20 everyday signs, 10 images a class", chance=0.05)

# %%
for way, (both, _) in list(costs.items())[1:]:
    print(f"{way:23} same in both, less right: {gap(both, costs['right'][0])}")

# %% [markdown]
# **Explain.**
#
# - **Size**: nothing fails at 24, 64 or 96 pixels: the input need not have the training size. But a filter that knows
#   strokes of two pixels meets strokes of one or of four. Scaled back to 48, the small and the large image recover
#   most of what they lost. What must match is the **scale** of things, not the size of the array.
# - **Statistics**: without normalisation the values lie in a range that the filters never met. ImageNet's statistics
#   are near to ours, which is luck: see how little they cost.
# - **Where**: a probe that saw the same distortion in training repairs a part. In the test alone, a mistake that costs
#   much costs more.
# - **Channel order**: does it cost anything?

# %% [markdown]
# ## Why the channel order costs nothing, until it does
#
# GlyphNet's pictographs had random colours. So we build a task where *only* colour counts: handwriting in red or blue
# ink, and the label is the ink.
#
# > **Predict.** A probe for the ink's colour: at which depth will it be best? Then exchange red and blue in the test
# > images alone. What accuracy follows at the stem?

# %%
ink = tl.measure.in_ink(digits[0], seed=1), tl.measure.in_ink(digits[1], seed=2)
tl.plots.strips({"ink": ink[1], "exchanged": tl.measure.channels_swapped(ink[1])}, title="Red or blue?")

# %%
tl.plots.by_depth(
    {
        "right": probes(*ink, network),
        "exchanged in the test": probes(ink[0], tl.measure.channels_swapped(ink[1]), network),
        "right, random weights": probes(*ink, untrained),
    },
    title="Red or blue ink, read off each depth",
    chance=0.5,
)

# %% [markdown]
# **Explain.** The stem sees the ink perfectly, so exchanged channels turn every answer into its opposite: far worse than
# chance. Towards the last block both curves come close to chance: GlyphNet has learned to *ignore* colour, for on its
# source task colour said nothing. The random network still knows it: training removed it. A network trained on photos
# may well use colour; then the order matters at every depth. Features keep what the source task asked for. What it did
# not ask for may be gone.

# %% [markdown] task="prepare_input"
# Write the preparation that gets all of it right, for one image from a file: an array of bytes of shape (H, W, 3), or
# (H, W) if it is grey.
#
# - `channels` is `"RGB"`, `"BGR"` or `"grey"`; the network wants red, green, blue. Give a grey image three equal channels.
# - Scale the whole image, as floats, to `size` x `size` with `functional.interpolate`, bilinear, with `antialias=True`.
# - `mean` and `std` hold three numbers each, for values from 0 to 1, in the order red, green, blue.
#
# Return floats of shape (1, 3, size, size): a batch of one.


# %% exercise="prepare_input"
def prepare_input(image, channels, size, mean, std):
    """Bytes of shape (H, W, 3) or (H, W) -> normalised floats of shape (1, 3, size, size)."""
    ### BEGIN SOLUTION
    if channels == "grey":
        image = np.repeat(image[:, :, None], 3, axis=2)
    if channels == "BGR":
        image = image[:, :, ::-1]
    x = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
    x = functional.interpolate(x, (size, size), mode="bilinear", antialias=True)
    return (x - torch.tensor(mean).view(1, 3, 1, 1)) / torch.tensor(std).view(1, 3, 1, 1)
    ### END SOLUTION


# %% check="prepare_input"
tl.check.prepare_input(prepare_input)

# %% [markdown]
# **What results should you get?** A white image, with mean 0.5 and std 0.25, becomes 2 everywhere; a black one becomes -2.

# %% [markdown]
# ## A comparison with a bug
#
# A colleague reports: "With transfer we beat training from scratch by a wide margin." Ten examples of each digit, the
# same steps and rate for both arms, heads that begin at the class means (`imprint_head`). The experiment again:


# %%
def run(start, seed, mean=tl.models.GLYPH_MEAN, std=tl.models.GLYPH_STD, rate=1e-3):
    data = tl.worlds.handwriting(size=24, seed=seed)
    train, test = data.take(10), data.take(30, skip=120)
    torch.manual_seed(seed)
    model = start().with_new_head(10)
    tl.transfer.imprint_head(model, train, mean, std)
    return tl.transfer.fit(model, train, test, steps=40, rate=rate, seed=seed, mean=mean, std=std).accuracy[-1]


# %%
transfer = [run(tl.models.GlyphNet.pretrained, seed) for seed in tl.progress(range(5), "transfer")]
reported = [run(tl.models.GlyphNet, seed, (0, 0, 0), (1, 1, 1)) for seed in tl.progress(range(5), "scratch")]
print("transfer less scratch, as reported:", gap(transfer, reported))

# %% [markdown]
# > **Predict.** Two arms should differ in one thing alone. Do these? How would you find out, without reading the code?
#
# Look at what *reaches* the networks, as `fit` prepares it.

# %%
few = tl.worlds.handwriting(size=24).take(1)
fed = {"transfer": tl.transfer.prepared(few), "scratch": tl.transfer.prepared(few, (0, 0, 0), (1, 1, 1))}
for name, (x, _) in fed.items():
    print(f"{name:9} mean {x.mean():+.2f}  deviation {x.std():.2f}  from {x.min():+.2f} to {x.max():+.2f}")

# %% [markdown]
# The scratch arm was never normalised. It happens without anybody meaning it. **fastai**, the library of lesson 03,
# normalises in its `vision_learner` if it loads pretrained weights whose statistics it knows. Ask for
# `pretrained=False`, and see which steps a batch goes through:

# %%
import warnings

warnings.filterwarnings("ignore", category=FutureWarning)  # fastai calls a function that PyTorch will drop one day
from fastai.vision.learner import vision_learner
from torchvision.models import resnet18

# %%
data = digits[0].dataloaders(digits[1])
theirs = vision_learner(data, resnet18, pretrained=False, n_out=10, loss_func=functional.cross_entropy)
ours = tl.models.vision_learner(data, "glyphnet", None)  # None: no pretrained weights here either
for name, learner in {"fastai": theirs, "tlcourse": ours}.items():
    print(f"{name:8}", *(type(step).__name__ for step in learner.dls.after_batch.fs))

# %% [markdown]
# fastai turns bytes into floats, without a word about the rest. The course's `vision_learner` normalises every arm.
#
# Mind what does *not* show the fault: the transfer arm, which is right, has a mean far from 0. Mean 0 and deviation 1 are
# true of the source's own images only, and these are darker.

# %% [markdown] task="find_the_bug"
# Write the test that was needed. `batches` maps the name of each arm to what its network received, an array of
# shape (N, 3, H, W). `pixels` are those same images as bytes, `mean` and `std` the source model's statistics for values
# from 0 to 1. Return a list of the names of all arms that did *not* receive rightly normalised images. Batches went
# through half precision (16 bits, about three digits), so allow differences up to 0.05.


# %% exercise="find_the_bug"
def find_the_bug(batches, pixels, mean, std):
    """Returns the names of the arms that were not fed as the source model expects; an empty list if all were."""
    ### BEGIN SOLUTION
    wanted = (pixels / 255 - np.reshape(mean, (1, 3, 1, 1))) / np.reshape(std, (1, 3, 1, 1))
    return [name for name, batch in batches.items() if not np.allclose(batch, wanted, atol=0.05)]
    ### END SOLUTION


# %% check="find_the_bug"
tl.check.find_the_bug(find_the_bug)

# %% [markdown]
# **What results should you get?** For the colleague's two arms: `["scratch"]`. And here is the fair comparison.

# %%
scratch = [run(tl.models.GlyphNet, seed) for seed in tl.progress(range(5), "scratch")]
print("normalisation gives scratch:  ", gap(scratch, reported))
print("transfer less scratch, fairly:", gap(transfer, scratch))

# %% [markdown]
# The first line is what the fault added to the reported lead. The second belongs to transfer, at *this* rate.
#
# > **Predict.** Scratch begins further away. Train both at ten times the rate: whom will it help more?

# %%
starts = {"transfer": tl.models.GlyphNet.pretrained, "scratch": tl.models.GlyphNet}
fast = {name: [run(start, seed, rate=1e-2) for seed in tl.progress(range(5), name)] for name, start in starts.items()}
print("the rate gives transfer:      ", gap(fast["transfer"], transfer))
print("the rate gives scratch:       ", gap(fast["scratch"], scratch))
print("transfer less scratch now:    ", gap(fast["transfer"], fast["scratch"]))

# %% [markdown]
# **Explain.** Compare the three leads. The reported one held the missing normalisation, and a rate too low for the arm
# that had further to go. The last line is nearer to what transfer gives. Before you believe a gap, print a batch of each
# arm, and give each arm a rate that suits it, chosen on validation images as in lesson 03.

# %% [markdown]
# ## Take away
#
# - First layers see edges and colours, middle layers shapes, last layers the source task.
# - A probe at every depth says where a target task lies open: at the end for one like the source, earlier for another.
#   Compare with random weights.
# - Yosinski's design parts two causes: co-adaptation (BnB below the base) and specificity (AnB below BnB). Here only the
#   last layer was too specific, and fine-tuning mended it.
# - The size of the input may differ; the scale of things, the range and the statistics must match.
# - Features keep what the source task asked for. GlyphNet has forgotten colour.
# - Feed all arms alike, check it on a batch, and let no arm alone have a good rate.
#
# **Next:** lesson 03 does a transfer by hand, in six steps.
#
# ### Further reading
#
# - J. Yosinski, J. Clune, Y. Bengio and H. Lipson, *How transferable are features in deep neural networks?*, NeurIPS 2014.
# - M. D. Zeiler and R. Fergus, *Visualizing and Understanding Convolutional Networks*, ECCV 2014.
# - G. Alain and Y. Bengio, *Understanding intermediate layers using linear classifier probes*, arXiv 2016.
# - C. Olah, A. Mordvintsev and L. Schubert, *Feature Visualization*, Distill 2017.
# - H. Touvron, A. Vedaldi, M. Douze and H. Jégou, *Fixing the train-test resolution discrepancy*, NeurIPS 2019.
