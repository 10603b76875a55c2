# %% [markdown]
# # Sound, medicine, driving
#
# **In about 80 minutes** you will be able to
#
# - turn sound into an image and give it to an image model;
# - test on speakers that the model never heard;
# - choose a threshold for what is rare and costly to miss, and see it break on another scanner;
# - put a detection head on a frozen backbone, and judge it by IoU and average precision.
#
# You need lessons 01 to 05.

# %%
from dataclasses import replace

import numpy as np
import torch
from IPython.display import Audio

import tlcourse as tl

# %% [markdown]
# ## Sound is an image
#
# A recording is one number after another: air pressure, here 8,000 times a second. An image model cannot read that.
# But cut it into short overlapping pieces and ask of each how much power it has at each frequency (a Fourier
# transform), and you have an image: time to the right, frequency upwards, power as brightness. This is a
# **spectrogram**.
#
# Two habits of the ear go into it. We hear steps of pitch nearly as ratios, so frequencies are gathered into bands,
# equally far apart on the **mel** scale:
#
# $$\text{mel}(f) = 2595 \log_{10}(1 + f / 700)$$
#
# And we hear loudness as ratios too, so power is given in **decibels**, $10 \log_{10}$ of it.
#
# Our recordings are made on this machine. A throat gives pulses or hiss; the mouth, a tube (the **tract**), lets some
# frequencies pass best: its **formants**. Where they lie makes the vowel. But the shorter the tube, the higher *all*
# of them. A speaker here is a tube's length, a pitch, a share of breath, a pace.

# %%
man = tl.worlds.Speaker("a man", tract=17.5, pitch=105)
child = tl.worlds.Speaker("a child", tract=12.5, pitch=260)
voices = tl.worlds.spoken("words", 1, [man, child])
words, (see, eye) = voices.classes, (0, 7)
shown = {"a man: see": see, "a man: eye": eye, "a child: eye": len(words) + eye}
waves = {name: voices.waves[row] for name, row in shown.items()}
tl.plots.spectrograms(waves, voices.rate, title="Two words, two speakers")

# %%
Audio(voices.waves[eye], rate=voices.rate)

# %% [markdown]
# The stripes are overtones of the voice; where they are brightest, there is a formant. In "see" a hiss stands high up,
# before the vowel. The child says "eye" with everything moved up.

# %% [markdown] task="log_mel"
# Write it yourself. `wave` has n samples, `rate` of them a second.
#
# 1. Windows of 256 samples start every 128; only those wholly inside the wave count. Multiply each by
#    `np.hanning(256)`.
# 2. Power: the squared magnitude of its Fourier transform (`np.fft.rfft`, 129 numbers).
# 3. 20 triangular filters. Their 22 edges lie equally far apart *in mel*, from 0 Hz to half the rate;
#    `tl.worlds.triangles(edges, 256, rate)` takes them in Hz and gives an array of shape (20, 129). Multiply.
# 4. Raise what is below 1e-10 to 1e-10. Decibels.
#
# Return shape (20, windows), the lowest band first.


# %% exercise="log_mel"
def log_mel(wave, rate):
    """`wave`: shape (n,); `rate`: samples a second. Returns decibels, shape (20, windows)."""
    ### BEGIN SOLUTION
    mel = np.linspace(0, 2595 * np.log10(1 + rate / 2 / 700), 22)
    filters = tl.worlds.triangles(700 * (10 ** (mel / 2595) - 1), 256, rate)
    pieces = [wave[start : start + 256] * np.hanning(256) for start in range(0, len(wave) - 255, 128)]
    power = np.abs(np.fft.rfft(pieces)) ** 2
    return 10 * np.log10(np.maximum(filters @ power.T, 1e-10))
    ### END SOLUTION


# %% check="log_mel"
tl.check.log_mel(log_mel)

# %%
# What results should you get? The package has finer windows and bands; silence has the same floor.
loudest = tl.worlds.log_mel(waves["a man: eye"]).max()
print(f"silence: {tl.worlds.log_mel(np.zeros(1024)).max():.0f} dB; a vowel: up to {loudest:.0f} dB")

# %% [markdown]
# Now 16 words go into a model that has never heard a sound: GlyphNet, trained on pictographs. Its body stays frozen;
# a linear classifier reads its features. Training has four men with three takes of each word. **Known speakers** are
# the same four, with other takes. We read the body in two ways:
#
# - **whole body, averaged** over the image, as for photos. A cat is a cat wherever it sits;
# - **first half, places kept**: six parts from low to high and three from early to late, each averaged alone.
#
# The baselines: the second way with random weights, and raw pixels.
#
# > **Predict.** Guessing gives 1 in 16. Which of the four will be best, and why?

# %%
SPOKEN = None  # or a folder of wav files named word_speaker_take.wav, such as spoken digits
NETWORK, WEIGHTS, SIZE = "glyphnet", "DEFAULT", None  # or "mobilenet_v2", a local weight file or "DEFAULT", 96
source = tl.models.source_model(NETWORK)
folder = None if SPOKEN is None else tl.worlds.sound_folder(SPOKEN)
SEEDS = range(5 if folder is None else len(np.unique(folder.speakers)))  # of a folder, each speaker is new once

# %%
MEN, CHILDREN = (15.5, 18), (12, 14.5)  # lengths of tracts, cm


def recordings(seed):
    """What to train on, and the groups to test on, by name."""
    if folder is not None:
        return left_out(folder, seed)
    four = tl.worlds.speakers(4, seed=100 + seed, tract=MEN)
    groups = {"train": (3, four), "known speakers": (2, four)}
    groups["new men"] = (1, tl.worlds.speakers(8, seed=200 + seed, tract=MEN))
    groups["new children"] = (1, tl.worlds.speakers(8, seed=300 + seed, tract=CHILDREN))
    each = enumerate(groups.items())
    return {name: tl.worlds.spoken("words", takes, cast, seed=10 * seed + i) for i, (name, (takes, cast)) in each}


# %%
def left_out(sounds, seed):
    """The same of a folder: one of its speakers is new."""
    names = np.unique(sounds.speakers)
    new = sounds.speakers == names[seed]
    others = np.flatnonzero(~new)
    rows = {"train": others[::2], "known speakers": others[1::2], "new speaker": np.flatnonzero(new)}
    return {name: sounds.subset(chosen) for name, chosen in rows.items()}


# %%
torch.manual_seed(0)
whole, random_body = source.body(WEIGHTS), source.body(None)


def first_half(body):
    return torch.nn.Sequential(body[: len(body) // 2], torch.nn.AdaptiveAvgPool2d((6, 3)), torch.nn.Flatten())


# %%
half = first_half(whole)


def features(images, body=half):
    return tl.transfer.frozen_features(body, images, mean=source.mean, std=source.std, image_size=SIZE)


readers = {
    "first half, places kept": features,
    "whole body, averaged": lambda images: features(images, whole),
    "first half, random weights": lambda images: features(images, first_half(random_body)),
    "raw pixels": lambda images: images.images[:, 0].reshape(len(images), -1) / 255,
}


# %%
def classifier(x, labels):
    return tl.transfer.linear_head(x, labels, labels.max() + 1, strengths=(10.0,))


def share_right(head, x, labels):
    return np.mean((x @ head.weight.T + head.bias).argmax(1) == labels)


# %%
sounds = [recordings(seed) for seed in tl.progress(SEEDS, "speaking")]
seen = [{name: tl.worlds.spectrogram_images(part) for name, part in groups.items()} for groups in sounds]


def heard(reader):
    """{group: accuracies, one a seed} of a classifier on `reader(spectrograms)`."""
    runs = []
    for mine in seen:
        head = classifier(reader(mine["train"]), mine["train"].labels)
        runs.append({name: share_right(head, reader(test), test.labels) for name, test in mine.items()})
    return {name: [run[name] for run in runs] for name in seen[0] if name != "train"}


# %%
found = {name: heard(reader) for name, reader in tl.progress(list(readers.items()), "listening")}
known = {name: groups["known speakers"] for name, groups in found.items()}
chance = 1 / len(seen[0]["train"].classes)
grey = dict.fromkeys(list(readers)[2:], "baseline")
tl.plots.bars(known, title="Known speakers, new takes (dashed: guessing)", chance=chance, colours=grey)

# %%
ours = found["first half, places kept"]
for name in list(readers)[1:]:
    gap = tl.measure.paired_gap(ours["known speakers"], known[name])
    print(f"first half, places kept over {name}: {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** A network that never heard a sound beats raw pixels: edges and stripes are what a spectrogram is made
# of. Not all of that is owed to pictographs, as the random weights show. Averaging over the whole image suits a cat;
# in a spectrogram, height *is* the message. An interval that covers 0 tells no two readers apart.
#
# ## A new speaker
#
# In use, somebody else will speak: eight **new men**, and eight **children** with shorter tracts than any in the
# training set.
#
# > **Predict.** All say the same words. What will new men cost, and what children?

# %%
by_group = dict(ours)
by_group |= {f"{name}, raw pixels": runs for name, runs in found["raw pixels"].items()}
grey = {name: "baseline" for name in by_group if "raw" in name}
tl.plots.bars(by_group, title="Who speaks is part of the domain (dashed: guessing)", chance=chance, colours=grey)

# %%
for name in list(ours)[1:]:
    gap = tl.measure.paired_gap(ours[name], ours["known speakers"])
    print(f"{name} over known speakers: {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** The words mean the same; the inputs have moved, as in lesson 05. New men are spread over the same
# lengths as the four, children are not. Compare the last blue bar with the last grey one: keeping places also keeps
# the places of *men's* formants. A score from known speakers promises too much, and one from new speakers holds for
# speakers like those. So split by speaker.

# %% [markdown] task="speaker_folds"
# Files are named `word_speaker_take.wav`, such as `7_anna_0.wav`. Let each speaker in turn be the new one. Return a
# dict from each speaker's name to a pair: the files to train on (all by others), and the files to test on (all by
# this speaker). Give the names as you got them; their order does not matter.


# %% exercise="speaker_folds"
def speaker_folds(files):
    """A list of file names. Returns {speaker: (training files, test files)}."""
    ### BEGIN SOLUTION
    by = {file: file.split("_")[1] for file in files}
    return {
        who: ([file for file in files if by[file] != who], [file for file in files if by[file] == who])
        for who in set(by.values())
    }
    ### END SOLUTION


# %% check="speaker_folds"
tl.check.speaker_folds(speaker_folds)

# %% [markdown]
# **What results should you get?** Two speakers with three files each give two folds, with three files on each side.
#
# Can training be mended? All arms below have as many spectrograms: each recording once as it is, and once more
#
# - **repeated**, which adds nothing;
# - **striped**: a band of frequencies and a stretch of time wiped out (SpecAugment; Park et al., 2019);
# - **warped**: mel bands moved by a random factor, as another tract would (Jaitly and Hinton, 2013);
# - **replayed** faster or slower, which moves the pitch too (Ko et al., 2015);
#
# and two that need new recordings: **more takes** by the same four men, and **eight speakers** of all lengths.
#
# > **Predict.** Which will help most with the hardest group, the last one of the figure above?

# %%
SPREAD = np.log(1.33)  # factors from 0.75 to 1.33


def second_views(seed):
    """{way: another spectrogram of each training recording}"""
    sound, plain = sounds[seed]["train"], seen[seed]["train"]
    warps, speeds = np.exp(np.random.default_rng(seed).uniform(-SPREAD, SPREAD, (2, len(sound))))
    return {
        "repeated": plain,
        "striped": tl.worlds.spec_augmented(plain, seed=seed),
        "warped": tl.worlds.spectrogram_images(sound, warps=warps),
        "replayed": tl.worlds.spectrogram_images(tl.worlds.played_at(sound, speeds)),
    }


# %%
def new_recordings(seed):
    """{way: features and labels}, as many spectrograms as a training set and its second view."""
    men, all_kinds = (tl.worlds.speakers(n, seed=100 + seed, tract=t) for n, t in ((4, MEN), (8, (12, 18))))
    made = {"more takes": tl.worlds.spoken("words", 6, men, seed=10 * seed + 8)}
    made["eight speakers"] = tl.worlds.spoken("words", 3, all_kinds, seed=10 * seed + 9)
    return {way: (features(tl.worlds.spectrogram_images(sound)), sound.labels) for way, sound in made.items()}


# %%
def cured(seed):
    """{way: accuracy on the hardest group}"""
    plain, hardest = seen[seed]["train"], list(seen[seed].values())[-1]
    x, labels = features(plain), np.tile(plain.labels, 2)
    ways = {way: (np.concatenate([x, features(view)]), labels) for way, view in second_views(seed).items()}
    if folder is None:
        ways |= new_recordings(seed)
    z = features(hardest)
    return {way: share_right(classifier(*training), z, hardest.labels) for way, training in ways.items()}


cures = [cured(seed) for seed in tl.progress(SEEDS, "cures")]

# %%
arms = {way: [one[way] for one in cures] for way in cures[0]}
title = f"{list(ours)[-1].capitalize()}: what the same number of spectrograms can do"
tl.plots.bars(arms, title=title, chance=chance, colours={"repeated": "baseline"})

# %%
for way in list(arms)[1:]:
    gap = tl.measure.paired_gap(arms[way], arms["repeated"])
    print(f"{way:14} over repeated: {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** The same number of recordings, some of them by people more like the missing ones, does most. Of the
# free views, any that gains breaks a habit: to lean on exact places. Stripes know nothing of tracts; compare them
# with the warps, which do.
#
# ## And real speech?
#
# The same on recordings of spoken digits by four people, each left out once, with GlyphNet and with a MobileNetV2
# that knows ImageNet. The result is stored, since it needs a download. One more cure joins: **levelled**, each band
# less its mean over the recording, which takes a microphone's colour away.
#
# > **Predict.** Will the order of the readers be the same? And the cures?

# %%
real = tl.measure.stored("spoken")
print(real)

# %%
arms = {name: ways["new speaker"] for name, ways in real.figures.items()}
grey = {name: "baseline" for name in arms if "random" in name or "raw" in name}
tl.plots.bars(arms, title="Spoken digits by a new speaker", chance=0.1, colours=grey)

# %%
for name, ways in real.figures.items():
    for way in sorted(set(ways) - {"new speaker"}):
        gap = tl.measure.paired_gap(ways[way], ways["new speaker"])
        print(f"{name}: {way} over new speaker: {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** Places matter more still, in both networks. Known speakers are far easier than new ones for every
# reader, so the split decides what you report. Read the cures' lines: four people tell little, and people differ in
# more than the length of a tube. A cure is worth what it does on your data.

# %% [markdown]
# ## Medicine: rare, and costly to miss
#
# Tissue is screened for a **lesion**, a faint bright blob. One patient in twenty has one: these are the **positives**. A
# miss may cost a life, a false alarm costs a second look. The scans are drawn, so that we can put the *same patients* on a
# second scanner: less contrast, more blur, a letter burnt into the corner. The next cell also takes MedMNIST's files (Yang
# et al., 2023; mind which class is the illness).

# %%
MEDICAL = None  # or "pneumoniamnist" (downloaded), or an .npz file of MedMNIST's with two classes

without_letter = replace(tl.worlds.SECOND_SCANNER, marker="")
if MEDICAL is None:
    train, valid, test = (tl.worlds.scans(2000, seed=seed) for seed in (1, 2, 3))
    moved, moved_valid = (tl.worlds.scans(2000, seed=seed, scanner=tl.worlds.SECOND_SCANNER) for seed in (3, 4))
    bare = tl.worlds.scans(2000, seed=3, scanner=without_letter)
else:
    train, valid, test = (tl.worlds.medmnist(MEDICAL, part) for part in ("train", "val", "test"))
    moved, moved_valid = tl.worlds.rescanned(test), tl.worlds.rescanned(valid)
    bare = tl.worlds.rescanned(test, without_letter)

# %%
shown = [(name, data, label) for label in (0, 1) for name, data in (("scanner 1", test), ("scanner 2", moved))]
rows = {f"{name}, {data.classes[label]}": data.subset(data.labels == label) for name, data, label in shown}
tl.plots.strips(rows, columns=10, title="The same patients on two scanners")

# %% [markdown]
# The model: GlyphNet's first layers, frozen, and a linear head; the other arm has random weights. The **score** of a scan
# is the logit of a lesion: 0 means a probability of one half. Two shares count. **Sensitivity**: how many of the
# positives are flagged? **Specificity**: how many of the healthy are left in peace?
#
# > **Predict.** What accuracy has a model that calls everybody healthy? Will GlyphNet, flagging scores from 0 on, beat it?


# %%
def scan_features(data, pretrained=True):
    torch.manual_seed(0)
    body = (tl.models.GlyphNet.pretrained() if pretrained else tl.models.GlyphNet()).body[:4]
    if not pretrained:  # random layers have seen no image: give their batch norms some
        tl.transfer.refresh_batch_norm(body, tl.transfer.normalised(train.images[:500]))
    return tl.transfer.frozen_features(body, data, mean=tl.models.GLYPH_MEAN, std=tl.models.GLYPH_STD)


def scores(x, labels, *others):
    """Logits of a lesion for each of the others' features, from a linear head trained on x."""
    head = tl.transfer.linear_head(x, labels, 2, strengths=(1.0,))
    weight, bias = head.weight[1] - head.weight[0], head.bias[1] - head.bias[0]
    return [z @ weight + bias for z in others]


# %%
parts = [scan_features(data) for data in (train, valid, test, moved, moved_valid, bare)]
on_valid, on_test, on_moved, on_moved_valid, on_bare = scores(parts[0], train.labels, *parts[1:])
print("everybody healthy:", tl.measure.screening(np.full(len(test), -1), test.labels, 0))
print("GlyphNet, from 0: ", tl.measure.screening(on_test, test.labels, 0))

# %% [markdown]
# **Explain.** Whoever calls everybody healthy is right 19 times in 20 and finds nobody. The two accuracies hardly
# differ, the sensitivities do: with rare positives, accuracy counts the healthy.
#
# ### Say first what you can bear
#
# Our clinic can look twice at one healthy patient in ten: it *requires* a specificity of 0.90. Then the threshold is the
# lowest that keeps this promise on **validation** scans. What it is worth, the test scans say, with Wilson's interval
# (lesson 10). First both arms, on five draws of half of the training scans:

# %%
random = [scan_features(data, pretrained=False) for data in (train, valid, test)]


def found_at(x, x_valid, x_test, seed):
    """Sensitivity on the test scans, at the threshold with a specificity of 0.90 on validation."""
    half = np.random.default_rng(seed).permutation(len(train))[: len(train) // 2]
    s_valid, s_test = scores(x[half], train.labels[half], x_valid, x_test)
    threshold = tl.measure.threshold_at_specificity(s_valid, valid.labels, 0.90)
    return tl.measure.screening(s_test, test.labels, threshold).sensitivity


ours, scratch = ([found_at(*x, seed) for seed in range(5)] for x in (parts[:3], random))
gap = tl.measure.paired_gap(ours, scratch)
print(f"GlyphNet finds {np.mean(ours):.2f}, random weights {np.mean(scratch):.2f}; gap {gap}: {gap.verdict}")

# %% [markdown]
# > **Predict.** The threshold comes from scanner 1. The same patients on scanner 2: what becomes of the two shares?

# %%
threshold = tl.measure.threshold_at_specificity(on_valid, valid.labels, 0.90)
curves = {"scanner 1": (on_test, test.labels), "scanner 2": (on_moved, moved.labels)}
tl.plots.screening_curves(curves, threshold=threshold, title="One threshold, two scanners")

# %%
anew = tl.measure.threshold_at_specificity(on_moved_valid, moved_valid.labels, 0.90)
print("scanner 1:", tl.measure.screening(on_test, test.labels, threshold))
print("scanner 2:", tl.measure.screening(on_moved, moved.labels, threshold))
print("scanner 2 without its letter:", tl.measure.screening(on_bare, bare.labels, threshold))
print("scanner 2, threshold of its own:", tl.measure.screening(on_moved, moved.labels, anew))

# %% [markdown]
# **Explain.** The left curve (**ROC**) shows every trade of sensitivity against specificity; its area is how often a
# positive outranks a healthy scan. The right one shows **precision**, the share of the flagged that are ill. It depends
# on how rare the illness is, the ROC does not. On scanner 2 the *ranking* suffers, and the *threshold* breaks: its dot
# has slid along the curve. The letter lifts everybody's score, and healthy people are called back. Without it
# the dot slides the other way: contrast and blur lower the scores, and the misses, which nobody hears of, grow.
#
# A new threshold keeps the promise again. No new lesion was needed: specificity asks for healthy scans alone, and those
# are plentiful. What the ranking has lost stays lost.
#
# ### Can a probability be believed?
#
# Of scans called "0.30", 30 % should be ill: that is **calibration**. Its error (ECE) is the mean gap between the two,
# over 15 bins of probability.

# %%
says = {"scanner 1": on_test, "scanner 2": on_moved, "always the share of the training set": None}
for name, s in says.items():
    p = np.full(len(test), train.labels.mean()) if s is None else 1 / (1 + np.exp(-s))
    trust = tl.measure.reliability(p, test.labels)
    print(f"{name}: mean probability {p.mean():.3f}, truly ill {test.labels.mean():.3f}, ECE {trust.error:.3f}")

# %% [markdown]
# **Explain.** On its own scanner the head promises about what comes true, on the other it does not. And a small ECE is
# not enough: who always states the same share is calibrated, and finds nobody. Lesson 14 mends probabilities.

# %% [markdown] task="screening_threshold"
# Another clinic *requires a sensitivity*. A scan is flagged if its score is the threshold **or higher**. Choose the
# highest threshold that flags at least `required` (such as 0.9) of the positives (label 1) among the validation scores.
# Many scores are equal. Then measure on the test scores. Return a dict of `"threshold"`, `"sensitivity"` and
# `"specificity"`.


# %% exercise="screening_threshold"
def screening_threshold(valid_scores, valid_labels, test_scores, test_labels, required):
    """Four arrays, labels 0 or 1, and a share. Returns a dict of threshold, sensitivity and specificity."""
    ### BEGIN SOLUTION
    positives = np.sort(valid_scores[valid_labels == 1])[::-1]
    needed = int(np.ceil(required * len(positives) - 1e-9))  # 1e-9: 0.7 * 10 is a little above 7
    threshold = positives[needed - 1]
    flagged = test_scores >= threshold
    sensitivity, specificity = flagged[test_labels == 1].mean(), 1 - flagged[test_labels == 0].mean()
    return {"threshold": threshold, "sensitivity": sensitivity, "specificity": specificity}
    ### END SOLUTION


# %% check="screening_threshold"
tl.check.screening_threshold(screening_threshold)

# %% [markdown]
# **What results should you get?** Positives with 0.9, 0.6, 0.6 and 0.2 on validation, and a required 0.5: threshold 0.6.

# %% [markdown]
# ## Detection: what, and where
#
# A **detector** draws a **box** around each object (left, top, right, bottom, in pixels) and names it. Ours looks for five
# kinds; what else lies about is clutter.

# %%
kinds = tl.worlds.EVERYDAY.only(*"☂☎⚓✈🐱")
hunt = tl.worlds.scenes(60, kinds, seed=100)
tl.plots.detections(hunt, title="Find these, and nothing else")

# %% [markdown]
# A classifier's **backbone** gives a map: for a scene of 96 pixels, GlyphNet's last layer has 12 x 12 cells with 192
# features each, one cell every 8 pixels (its **stride**). A **detection head** reads every cell. That of FCOS (Tian et
# al., 2019; we take torchvision's) says: a logit for each class, each with a sigmoid of its own, and the distances from
# the cell's centre to the four edges of its object.

# %% [markdown] task="read_head"
# Turn maps into boxes. `logits` has shape (classes, h, w); `distances` (4, h, w): left, top, right, bottom, *in strides*.
# Row 0, column 0 is the image's upper left cell; the image is h times w strides. Keep every cell *and class* with a
# sigmoid of `least` or more. Return a dict: `"boxes"` (left, top, right, bottom in pixels, clipped to the image),
# `"scores"` and `"labels"`, the highest score first.


# %% exercise="read_head"
def read_head(logits, distances, stride, least):
    """Arrays of shape (classes, h, w) and (4, h, w), two numbers. Returns a dict of boxes, scores and labels."""
    ### BEGIN SOLUTION
    scores = 1 / (1 + np.exp(-logits))
    labels, rows, columns = np.nonzero(scores >= least)
    order = np.argsort(-scores[labels, rows, columns])
    labels, rows, columns = labels[order], rows[order], columns[order]
    x, y = (columns + 0.5) * stride, (rows + 0.5) * stride
    left, top, right, bottom = stride * distances[:, rows, columns]
    boxes = np.stack([x - left, y - top, x + right, y + bottom], axis=1)
    height, width = stride * logits.shape[1], stride * logits.shape[2]
    boxes = boxes.clip(0, [width, height, width, height])
    return {"boxes": boxes, "scores": scores[labels, rows, columns], "labels": labels}
    ### END SOLUTION


# %% check="read_head"
tl.check.read_head(read_head)

# %% [markdown]
# **What results should you get?** Distances of 1 at row 0, column 1, with a stride of 8: the box 4, 0, 20, 12.
#
# ### When is a box right?
#
# The **IoU** of two boxes is the area they share, divided by the area they cover together. A box is right if its IoU with
# an object of its class is large enough, 0.5 say, and each object can be found once.

# %% [markdown] task="find_matches"
# Boxes and truths (rows of left, top, right, bottom) of one class and one scene. Return a dict: `"iou"`, one row for each
# box, one column for each truth; and `"match"`, for each box the index of its truth or -1. The box with the highest
# score chooses first. It takes, of the truths *not yet taken*, the one of the largest IoU, if that is `overlap` or more. A
# scene may have no truth at all.


# %% exercise="find_matches"
def find_matches(boxes, scores, truths, overlap):
    """Arrays of shape (n, 4), (n,) and (m, 4), and a number. Returns a dict of iou and match."""
    ### BEGIN SOLUTION
    sides = np.minimum(boxes[:, None, 2:], truths[None, :, 2:]) - np.maximum(boxes[:, None, :2], truths[None, :, :2])
    shared = sides.clip(0).prod(axis=2)
    area, true_area = ((one[:, 2:] - one[:, :2]).prod(axis=1) for one in (boxes, truths))
    iou = shared / (area[:, None] + true_area[None, :] - shared)
    match, taken = np.full(len(boxes), -1), np.zeros(len(truths), bool)
    for box in np.argsort(-scores):
        free = np.where(taken, -1, iou[box])
        if len(free) and free.max() >= overlap:
            match[box] = free.argmax()
            taken[match[box]] = True
    return {"iou": iou, "match": match}
    ### END SOLUTION


# %% check="find_matches"
tl.check.find_matches(find_matches)

# %% [markdown]
# **What results should you get?** The boxes (0, 0, 4, 4) and (2, 0, 6, 4) have an IoU of 1/3.
#
# **Average precision** (AP): sort the boxes of all scenes by score and walk down; at each share of objects found, note the
# share of boxes that were right; average. AP50 asks for an IoU of 0.5 and averages over classes; COCO's **mAP** averages
# over ten IoUs up to 0.95, too.
#
# Now the same head on two frozen backbones: GlyphNet, and random weights. Scenes, their order, steps and rate are the
# same.
#
# > **Predict.** GlyphNet never saw a scene, a box, or one of these five kinds. Will its map say *where*?


# %%
def detector(pretrained, train, seed):
    """A head trained for 36 steps on a frozen backbone; what it finds in `hunt`; and its score there."""
    torch.manual_seed(seed)
    body = (tl.models.GlyphNet.pretrained() if pretrained else tl.models.GlyphNet()).body
    if not pretrained:
        tl.transfer.refresh_batch_norm(body, tl.transfer.normalised(train.images))
    tl.transfer.freeze(body)
    model = tl.transfer.Detector(len(kinds), body)
    tl.transfer.fit_detector(model, train, steps=36, rate=8e-3, seed=seed)
    found = tl.transfer.detect(model, hunt.images)
    return model, found, tl.measure.detection_score(found, hunt.boxes, hunt.labels)


# %%
runs = []
for seed in tl.progress(range(3), "detectors"):
    train = tl.worlds.scenes(120, kinds, seed=seed)
    runs.append([detector(pretrained, train, seed) for pretrained in (True, False)])
model, found, _ = runs[0][0]
tl.plots.detections(hunt, found, title="Found by a head on frozen GlyphNet (orange: wrong)")

# %%
trainable, frozen = (sum(p.numel() for p in model.parameters() if p.requires_grad == on) for on in (True, False))
print(f"parameters: {trainable:,} train, {frozen:,} are frozen")
ap = {name: [run[i][2].at(0.5) for run in runs] for i, name in enumerate(("GlyphNet", "random weights"))}
for name, values in ap.items():
    print(f"{name:14} AP50 {tl.measure.mean_interval(values)}")
gap = tl.measure.paired_gap(ap["GlyphNet"], ap["random weights"])
print(f"gap {gap}: {gap.verdict}")

# %% [markdown]
# With more steps, and two arms that train everything (stored):

# %%
full = tl.measure.stored("detection")
print(full)
bars = {name: arm["AP50"] for name, arm in full.figures.items()}
grey = {name: "baseline" for name in bars if "random" in name}
tl.plots.bars(bars, title="AP50 under the same head", x_label="AP50 on test scenes", colours=grey)

# %%
for name, arm in full.figures.items():
    gap = tl.measure.paired_gap(bars["frozen, pretrained"], arm["AP50"])
    words = "" if name == "frozen, pretrained" else f", frozen GlyphNet over it {gap}: {gap.verdict}"
    print(f"{name:18} {arm['seconds']:4.0f} s a run, mAP {np.mean(arm['mAP']):.2f}{words}")

# %% [markdown]
# **Explain.** A classifier throws position away at its very end, when it averages over the cells. The map below still
# has it, so a small head can say *what* and *where* from features learned on single signs. From a random map the same
# head finds next to nothing in these steps. Training everything gains a little more, in more time.
# Look at the orange boxes and at white ones without blue, too: what did it
# miss, and what did it take for what?

# %% [markdown]
# ## Driving
#
# A car meets road signs in all weathers, but most photos are taken on fine days. We draw 16 signs. **Fog** takes
# light away and adds the air's own (Koschmieder, 1924), **rain** blurs, dulls and streaks, **night** leaves little
# light and a camera's grain; each at a strength from 0 to 1.

# %%
signs = tl.worlds.signs(1, seed=0)
rows = {"clear": signs}
rows |= {f"{kind}, {s:g}": tl.worlds.weathered(signs, kind, s) for kind in tl.worlds.WEATHERS for s in (0.4, 0.8)}
tl.plots.strips(rows, columns=16, title="16 signs in fog, in rain and at night")

# %% [markdown]
# Again a linear classifier on GlyphNet's frozen features, from 12 images of each sign, each seen twice: **clear
# only**, the same again; **all weathers**, once more in a weather drawn at random, at a random strength; **without
# rain**, the same from fog and night alone.
#
# > **Predict.** Which weather costs most? Will training without rain help in rain? What does it all cost on a clear
# > day?


# %%
def sign_features(images):
    body = tl.models.GlyphNet.pretrained().body
    return tl.transfer.frozen_features(body, images, mean=tl.models.GLYPH_MEAN, std=tl.models.GLYPH_STD)


def trained_ways(seed):
    """{way: classifier}, each from as many images."""
    plain = tl.worlds.signs(12, seed=300 + seed)
    again = {"clear only": plain, "all weathers": tl.worlds.any_weather(plain, seed=seed)}
    again["without rain"] = tl.worlds.any_weather(plain, seed=seed, kinds=("fog", "night"))
    x, labels = sign_features(plain), np.tile(plain.labels, 2)
    return {way: classifier(np.concatenate([x, sign_features(view)]), labels) for way, view in again.items()}


# %%
STRENGTHS = (0.0, 0.5, 0.8, 1.0)


def tested(ways, test, kind, strength, seed):
    """Accuracy of each way in one weather."""
    z = sign_features(tl.worlds.weathered(test, kind, strength, seed=seed))
    return [share_right(head, z, test.labels) for head in ways.values()]


def drive(seed):
    """Accuracies, shape (weathers, strengths, ways)."""
    ways, test = trained_ways(seed), tl.worlds.signs(8, seed=400 + seed)
    return [[tested(ways, test, kind, s, seed) for s in STRENGTHS] for kind in tl.worlds.WEATHERS]


# %%
runs = np.array([drive(seed) for seed in tl.progress(range(5), "driving")])
WAYS = ("clear only", "all weathers", "without rain")
by_way = {
    kind: dict(zip(WAYS, runs[:, row].transpose(2, 0, 1), strict=True)) for row, kind in enumerate(tl.worlds.WEATHERS)
}
tl.plots.by_weather(STRENGTHS, by_way, title="Accuracy by weather and strength (dashed: guessing)", chance=1 / 16)

# %%
places = {"a clear day": ("fog", 0), "fog of 0.8": ("fog", 2), "rain of 0.8": ("rain", 2), "night of 1": ("night", 3)}
for place, (kind, point) in places.items():
    for way in WAYS[1:]:
        gap = tl.measure.paired_gap(by_way[kind][way][:, point], by_way[kind]["clear only"][:, point])
        print(f"{place:12} {way} over clear only: {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** Training in weather helps where the weather is strong; the first two lines say what it costs on a clear
# day. In rain, compare the way that saw rain with the one that did not; in fog and at night, the latter has spent
# more of its images. At the right ends accuracy stays low whatever was trained: what the camera did not catch, no
# training brings back.

# %% [markdown]
# ## Take away
#
# - A log-mel spectrogram makes sound an image, and an image model's frozen features read it. Split by speaker, and
#   ask whether the test speakers are like your users.
# - With rare positives, report sensitivity and specificity, with intervals. Say what you require, choose the
#   threshold on validation data, measure on test data. Another scanner can break it; healthy scans alone set a
#   specificity anew.
# - A head on a frozen backbone can find objects. A box is right by IoU and matching, a detector is judged by AP.
# - Measure by condition and strength, not one average. Train on the conditions that you expect.
#
# **Next:** lesson 13 fine-tunes with few parameters.
#
# ### Further reading
#
# - D. Park et al., "SpecAugment: A Simple Data Augmentation Method for Automatic Speech Recognition",
#   Interspeech 2019.
# - N. Jaitly and G. Hinton, "Vocal Tract Length Perturbation (VTLP) improves speech recognition", ICML Workshop 2013.
# - T. Ko, V. Peddinti, D. Povey and S. Khudanpur, "Audio augmentation for speech recognition", Interspeech 2015.
# - J. A. Hanley and B. J. McNeil, "The meaning and use of the area under a receiver operating characteristic (ROC)
#   curve", 1982.
# - J. Yang et al., "MedMNIST v2: a large-scale lightweight benchmark for 2D and 3D biomedical image
#   classification", 2023.
# - Z. Tian, C. Shen, H. Chen and T. He, "FCOS: Fully Convolutional One-Stage Object Detection", 2019.
# - T.-Y. Lin et al., "Microsoft COCO: Common Objects in Context", 2014.
# - D. Hendrycks and T. Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations",
#   ICLR 2019.
