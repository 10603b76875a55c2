# %% [markdown]
# # Start here
#
# **In about 15 minutes** you will know how a lesson of this course works, what your machine brings, and the small world
# of pictures in which most experiments take place. You will also pass your first check.
#
# You need some Python: functions, lists, a little numpy. You need no GPU, no account and no network.

# %% [markdown]
# ## How to work through a lesson
#
# A lesson is a notebook: text, and cells of code that you run from top to bottom. Click into a cell and press
# **Shift + Enter** to run it.
#
# Each section asks one question and answers it with an experiment, in three moves:
#
# 1. **Predict.** Before you run an experiment, commit to a guess. Say it aloud or write it down.
# 2. **Run.** The results are computed on your machine, now.
# 3. **Explain.** Compare the result with your guess, in your own words, before you read ours.
#
# Every lesson opens with the same line:

# %%
import tlcourse as tl

# %% [markdown]
# ## Your machine
#
# A **neural network** is a function with very many adjustable numbers, its **weights**. **Training** adjusts them, a
# little at a time, until the function does what the examples show. That is arithmetic, and a lot of it. How long a cell
# takes depends on what does the arithmetic: a **processor** (CPU) with a few cores, or a **graphics processor** (GPU)
# with thousands of small ones. *Memory* must hold the images and the network at once. *Precision* is the number format:
# `float32` stores a number in 32 bits, `bfloat16` in 16, which is faster where the processor knows it.

# %%
tl.machine()

# %% [markdown]
# Every lesson is made to run in minutes on two cores. If the lesson finds a GPU it uses it, and you change nothing. If
# something looks wrong here, run `tlcourse doctor` in a terminal: it examines the installation and names a cure for
# each fault.

# %% [markdown]
# ## The glyph world, in one picture
#
# Real photo collections take gigabytes and hours. So the course draws its own world from the fonts that come with
# matplotlib: hundreds of small pictures, called **glyphs**, in random colours, sizes, angles and lighting, some partly
# hidden, some blurred. It is small enough for a laptop. Beside the drawings stands something real: digits that 13
# people wrote by hand.

# %%
domains = {
    "150 pictographs": tl.worlds.glyphs("pictographs", 1).subset(range(0, 150, 10)),
    "20 everyday things": tl.worlds.glyphs("everyday", 1, seed=1),
    "Georgian letters": tl.worlds.glyphs("georgian", 1, seed=2),
    "digits, printed": tl.worlds.glyphs("digits", 2, style="print"),
    "digits, handwritten": tl.worlds.handwriting(seed=3),
}
tl.plots.strips(domains, title="Five sets of pictures: four drawn, one real")

# %% [markdown]
# Look at the first two rows. They show different things in the *same* style. The last two show the *same* things,
# digits, in different styles. These are the two ways in which one problem can differ from another, and lesson 01 gives
# them names.
#
# How a set looks is decided by a handful of named knobs: texture, colour, pose, blur, noise and more. Turning them
# moves one set of pictures towards another.
#
# > **Predict.** Here is a walk from one look to another. Will any two neighbouring rows look like different worlds?

# %%
tl.plots.style_walk(tl.worlds.PHOTO, tl.worlds.PRINT)

# %% [markdown]
# **Explain.** What is shown stays the same; only the look changes, step by step. Each row is close to the next, and yet
# the ends have little in common. Later lessons measure what such a distance costs. In a live notebook the next cell
# gives you a slider for another walk, from chalk on a board, so that you can stop anywhere on the way.

# %%
tl.plots.explore_styles(tl.worlds.CHALK, tl.worlds.PHOTO)

# %% [markdown]
# ## One image is a block of numbers
#
# An image here is an array of three layers, red, green and blue, each 48 pixels high and wide. What it shows is its
# **class**, umbrella say, and the number of the class is its **label**. We ask for two images of each everyday thing:

# %%
things = tl.worlds.glyphs("everyday", 2)
things

# %%
first_image, first_label = things.images[0], things.labels[0]
print(first_image.shape, first_image.dtype, "->", first_label, things.classes[first_label])

# %% [markdown]
# The same request gives the same images on every machine, because all randomness starts from a **seed**, a number that
# fixes what a random generator draws. Ask for `seed=1` and you get other images of the same things.

# %%
tl.plots.sheet(tl.worlds.glyphs("everyday", 3, seed=1), rows=3, columns=10)

# %% [markdown]
# ## Your first exercise
#
# **Accuracy** is the share of images that are named right, from 0 to 1. On its own an accuracy says little: 0.5 is
# poor for two classes and splendid for a thousand. What it must be compared with is a **baseline**: what a simpler
# method reaches. The simplest baseline is a blind guess.

# %% [markdown] task="chance_accuracy"
# Write a function that takes the number of classes, all equally common, and returns the accuracy that blind guessing
# reaches in the long run. Replace the line under `YOUR CODE HERE`, run the cell, then run the check below it.


# %% exercise="chance_accuracy"
def chance_accuracy(n_classes):
    """The expected accuracy of a blind guess among n_classes equally common classes, from 0 to 1."""
    ### BEGIN SOLUTION
    return 1 / n_classes
    ### END SOLUTION


# %% check="chance_accuracy"
tl.check.chance_accuracy(chance_accuracy)

# %% [markdown]
# **What results should you get?** A green bar and a tick. Anything else names what is wrong and what to try next.
#
# Now break it on purpose: change your function so that it returns `100 / n_classes`, run it, and run the check again.
# Read how the message names the mistake. Then mend it.
#
# If you are stuck on an exercise, ask for a hint. Hints open one at a time, from a nudge to nearly the answer. They cost
# nothing. (The shown result keeps three numbers for an instructor: how often you ran the check, how many minutes passed
# from the first run to the one that was right, and how many hints were open. They tell which exercises are hard, and earn
# or cost no points.) Remove the `#` below and run the cell, twice if you like:

# %%
# tl.hint("chance_accuracy")

# %% [markdown]
# ## A first look at what this course is about
#
# With the package comes a small neural network, **GlyphNet**. It was trained, at some expense, to tell the 150
# pictographs apart. None of the 20 everyday signs is among those 150, though some have a relative there: other scissors,
# another telephone, a single note. We now show GlyphNet **one** labelled image of each sign, and then ask it to name many
# new ones.
#
# We leave the network as it is. It turns each image into a list of numbers, its **features**. On top we fit a
# **classifier**, a simple function that goes from features to a class. To see what GlyphNet's training is worth, we do
# exactly the same with a twin of GlyphNet whose weights are random.
#
# > **Predict.** Guessing reaches 0.05. What will the untrained twin reach from one image of each? What will GlyphNet?

# %%
import torch


def accuracy_from_one_image_each(network, seed):
    train, test = tl.worlds.glyphs("everyday", 1, seed=seed), tl.worlds.glyphs("everyday", 20, seed=100)
    stats = {"mean": tl.models.GLYPH_MEAN, "std": tl.models.GLYPH_STD}
    known, new = (tl.transfer.frozen_features(network.body, images, **stats) for images in (train, test))
    return tl.transfer.linear_probe(known, train.labels, new, test.labels).accuracy


# %%
trained, untrained = [], []
for seed in range(5):
    torch.manual_seed(seed)
    untrained.append(accuracy_from_one_image_each(tl.models.GlyphNet(), seed))
    trained.append(accuracy_from_one_image_each(tl.models.GlyphNet.pretrained(), seed))

# %%
tl.plots.bars(
    {"GlyphNet": trained, "its untrained twin": untrained},
    chance=1 / 20,
    colours={"its untrained twin": "scratch"},
    title="One labelled image of each of 20 new signs",
)

# %% [markdown]
# **Explain.** Both networks have the same design, got the same 20 images and the same classifier. The bars are means of
# five repetitions, each with other training images (and, for the twin, other random weights). The thin lines are 95 %
# intervals, which say how sure each mean is; lesson 01 explains them. The dashed line is what guessing gives, the number
# of your exercise.
#
# What differs is only what GlyphNet learned on other signs. It carries over. That is **transfer learning**, and the rest
# of the course asks when it happens, why, how to get the most of it, and when it fails.

# %% [markdown]
# ## Saving, progress, submitting
#
# - **Save** with Ctrl + S (Cmd + S on a Mac). You work on your own copy of each lesson; an update of the course never
#   overwrites it. `tlcourse reset 00` gives you a clean copy and keeps the old one beside it.
# - **Progress** is kept in a small file on this machine and is sent nowhere. `tlcourse check` followed by a notebook's
#   name runs that notebook from top to bottom and prints how each exercise stands.
# - **Before you hand in** a lesson, choose *Kernel > Restart Kernel and Run All Cells*. A notebook that only works in the
#   order in which you happened to click is a common way to lose points. Then submit the file as your instructor asks.
# - The check cells are locked. If one is changed by accident, grading restores it.

# %% [markdown]
# ## Take away
#
# - Predict, run, explain: guess first, and every number is computed on your machine.
# - A check names the mistake; hints open one at a time.
# - An accuracy means something beside a baseline, and a comparison means something with an interval.
# - The glyph world is small, offline, and has knobs for how far two sets of pictures lie apart.
#
# **Next:** lesson 01 says what transfer learning is, precisely, and measures what it saves.
#
# ### Further reading
#
# - S. J. Pan and Q. Yang, *A Survey on Transfer Learning*, IEEE Transactions on Knowledge and Data Engineering, 2010.
# - J. D. Hunter, *Matplotlib: A 2D Graphics Environment*, Computing in Science & Engineering, 2007.
