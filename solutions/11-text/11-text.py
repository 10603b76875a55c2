# %% [markdown]
# # Text: words, encoders, few labels
#
# **In about 75 minutes** you will be able to
#
# - say what a word vector knows, and where it has it from;
# - put a frozen text encoder under a classifier, and tell by a learning curve whether it was worth it;
# - fine-tune an encoder in stages, as ULMFiT does;
# - say what BERT, GPT and T5 each may see and learn to do, and choose among them.
#
# You need lessons 01 to 04; lesson 09 helps.

# %%
import warnings

import numpy as np
import torch

import tlcourse as tl

warnings.filterwarnings("ignore")  # fastai calls functions that PyTorch will drop one day

# %% [markdown]
# ## Source, target, and one switch
#
# Labelled text is dear, plain text is everywhere: your machine holds megabytes of English, the documentation inside its
# Python packages. The course's encoder has read that of torch, scipy, sympy, scikit-learn and pandas, without a label.
# The target is a package that it has **never** read, networkx, which is about graphs. Two questions about its paragraphs:
#
# - **intent**: what does the paragraph *do*? It describes a parameter, a result, an error, or it remarks, or refers.
# - **topic**: what is it *about*? Shortest paths, drawing, trees, ...
#
# To run the lesson on real intents or sentiment and a published encoder, change the next cell and no other. A table is
# any CSV file with columns `text` and `category`, such as BANKING77's questions of bank customers. An encoder is a name
# on the Hugging Face hub, which is downloaded once, or a folder.

# %%
INTENTS, TOPICS = "networkx", "networkx"  # or a table for each: "~/banking77/train.csv"
ENCODER = "tlcourse"  # or "distilbert/distilbert-base-uncased", or a folder with a published encoder


def task(kind):
    """(texts of which a few get labels, 30 texts of each class to test with)"""
    where = {"intent": INTENTS, "topic": TOPICS}[kind]
    if where.endswith(".csv"):
        data = tl.worlds.text_table(where)
        return data.only(data.classes[:10]).split(test_per_class=30)
    made = {"intent": tl.worlds.documentation_roles, "topic": tl.worlds.documentation_topics}[kind]
    return made(where).split(test_per_class=30)


for kind in ("intent", "topic"):
    pool, _ = task(kind)
    for text, label in zip(pool.texts[:4], pool.labels, strict=False):
        print(f"{kind}: {pool.classes[label]:15} {text[:84]}")

# %% [markdown]
# Sources and target are strictly apart: the course's code refuses to train on networkx, and no file of it was read. The
# language is shared; the subject and the labels are new. Where is this in lesson 04's map? Labels in the target, none in the source: the
# inductive side, as *self-taught learning*.
#
# What the encoder is, its **model card** tells:

# %%
card = tl.models.text_card()
print(f"{card['parameters']:,} weights, trained on {card['tokens']:,} tokens of {', '.join(card['versions'])}")
print(f"in {card['training_seconds']} s with `{card['command']}`")

# %% [markdown]
# ## What a word vector knows
#
# A **token** is a piece of text that gets a number of its own: here a word or a mark. To a **bag of words**, which counts
# them, tokens are just different: *colour* and *palette* have as little in common as *colour* and *error*. A **word vector** puts words
# that stand among the same neighbours at nearby places. Ours come from counting: how much more often than by chance do
# two words stand within five tokens of each other? A matrix factorisation compresses that table to 128 numbers a word
# (Levy and Goldberg, 2014). word2vec (Mikolov et al., 2013) does nearly this, with a network.
#
# > **Predict.** What are the nearest words of *column*? Of *image*? Of *left*: a direction, or something else?

# %%
words = tl.models.word_vectors()
for word in ("column", "image", "left", "error"):
    print(f"{word:8}", ", ".join(f"{near} {cosine:.2f}" for near, cosine in words.nearest(word, 6)))

# %%
groups = {
    "linear algebra": ["matrix", "eigenvalues", "vector", "transpose"],
    "errors": ["error", "exception", "warning", "invalid"],
    "text": ["string", "character", "encoding", "text"],
    "time": ["day", "month", "hours", "date"],
}
vectors = np.stack([words.vector(word) for members in groups.values() for word in members])
tl.plots.word_map(groups, vectors, title="Nobody told it what these words mean")

# %% [markdown]
# **Explain.** *Left* meets *right* far more than any direction: opposites share their neighbours, so a word vector cannot
# tell them apart, as it cannot tell *good* from *bad* reliably. It knows company, not truth. And each word has one
# vector, whatever sentence it stands in.
#
# What is that worth? Two texts without a common word:

# %%
pool, test = task("intent")
pair = ["Raises an exception for wrong weights", "Error if a value is invalid"]
bags, means = tl.transfer.bag_of_words(pair, pool.texts), words.mean(pair)


def cosine(x):
    return x[0] @ x[1] / np.prod(np.linalg.norm(x, axis=1))


print(f"similarity: bag of words {cosine(bags):.2f}, mean word vectors {cosine(means):.2f}")

# %% [markdown]
# ## An encoder reads in order
#
# An **encoder** gives each token a vector, its **state**, that depends on the text around it. Ours is an AWD-LSTM (Merity
# et al., 2018), a network that reads word by word and was trained to guess the next word; a model that does so is a
# **language model**. A classifier needs one vector a text, so states are **pooled**: their mean, say. Texts differ in
# length, and a batch is a rectangle. The rest is filled with **padding**, and an encoder gives states there too. They
# mean nothing, and must not be pooled.

# %% [markdown] task="pool_tokens"
# Write mean pooling. `states` has one vector a token, `mask` is True where a token stands and False on padding. Return
# for each text the mean over its own tokens. Padding may stand behind or in front.


# %% exercise="pool_tokens"
def pool_tokens(states, mask):
    """Torch tensors of shapes (N, T, F) and (N, T). Returns a tensor of shape (N, F)."""
    ### BEGIN SOLUTION
    inside = mask.unsqueeze(-1)
    return (states * inside).sum(1) / inside.sum(1)
    ### END SOLUTION


# %% check="pool_tokens"
tl.check.pool_tokens(pool_tokens)

# %%
# What results should you get?
states, mask = torch.tensor([[[1.0, 5.0], [3.0, 1.0], [9.0, 9.0]]]), torch.tensor([[True, True, False]])
print(tl.transfer.pool_tokens(states, mask))

# %% [markdown]
# How much does it matter? The same text, alone and in a batch with a long one:

# %%
reader = tl.models.TextEncoder.pretrained() if ENCODER == "tlcourse" else tl.models.published_encoder(ENCODER)
short, long = "Set the colour of the line.", "A text of many words. " * 8
with torch.no_grad():
    (alone, _), (states, mask) = reader.states([short]), reader.states([short, long])
pooled_ways = {"padding left out": tl.transfer.pool_tokens(states, mask)[0], "padding pooled": states[0].mean(0)}
for name, pooled in pooled_ways.items():
    print(f"{name:16} {torch.cosine_similarity(pooled, alone.mean(1)[0], dim=0):.3f} like the text alone")

# %% [markdown]
# ## Few labels: a curve, not a number
#
# Whether transfer pays depends on how many labels there are. So we draw a **curve over label counts**. Three rules make
# it fair. Every arm gets the same texts. Within one seed, the draw for 4 labels is a part of the draw for 8: else each
# point has another luck. And seeds draw differently, or the interval says nothing.

# %% [markdown] task="few_label_curve"
# Write the experiment. For each seed and each count draw that many rows of *each* class, call `score(rows)` once, and
# return the scores: one row a seed, one column a count, in the order given. Keep the three rules. `np.random.default_rng`
# takes a seed.


# %% exercise="few_label_curve"
def few_label_curve(labels, counts, seeds, score):
    """`labels`: integers, shape (N,); `score(rows)` takes positions in it. Returns shape (seeds, counts)."""
    ### BEGIN SOLUTION
    table = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        order = [rng.permutation(np.flatnonzero(labels == label)) for label in np.unique(labels)]
        table.append([score(np.concatenate([rows[:count] for rows in order])) for count in counts])
    return np.array(table)
    ### END SOLUTION


# %% check="few_label_curve"
tl.check.few_label_curve(few_label_curve)

# %% [markdown]
# **What results should you get?** A table of `len(seeds)` rows; on average its numbers rise from left to right.
#
# Now five arms with the same draws, tokeniser and classifier (logistic regression). The **bag of words** is weighted by how
# rare a word is in the target's texts (**TF-IDF**). Then the mean of the word vectors; the encoder's states, pooled; these
# two side by side; and as a control the encoder with random weights. Ten draws of labels, one test set.
#
# > **Predict.** For the *intent* of a paragraph: which arm leads with one label a class? Which with 32?


# %%
def scaled(features, pool, test):
    """Features of pool and test, scaled by the pool, whose labels play no part."""
    here, there = features(pool.texts), features(test.texts)
    return tl.transfer.standardised_by(here, here), tl.transfer.standardised_by(there, here)


def arms(pool, test):
    """Name -> (features of the pool, features of the test texts)"""
    torch.manual_seed(0)
    untrained = tl.models.TextEncoder(tl.models.text_vocabulary())
    made = {"bag of words": [tl.transfer.bag_of_words(data.texts, pool.texts) for data in (pool, test)]}
    made["word vectors"] = scaled(words.mean, pool, test)
    made["encoder"] = scaled(lambda texts: tl.transfer.text_features(reader, texts), pool, test)
    made["both"] = [np.hstack(p) / 2**0.5 for p in zip(made["encoder"], made["word vectors"], strict=True)]
    made["random encoder"] = scaled(lambda texts: tl.transfer.text_features(untrained, texts), pool, test)
    return made


# %%
COUNTS, SEEDS = (1, 2, 4, 8, 16, 32), range(10)


def curves(kind):
    """Name -> accuracies, one row a draw and one column a count"""
    pool, test = task(kind)
    ends = pool.labels, test.labels
    return {
        name: tl.transfer.few_label_accuracies(x, ends[0], z, ends[1], COUNTS, SEEDS)
        for name, (x, z) in tl.progress(arms(pool, test).items(), kind)
    }


# %%
intent = curves("intent")
chance = 1 / len(test.classes)
tl.plots.by_labels(COUNTS, intent, chance=chance, title="What does the paragraph do?")

# %%
for place, count in enumerate(COUNTS):
    gap = tl.measure.paired_gap(intent["both"][:, place], intent["bag of words"][:, place])
    print(f"{count:2} labels a class: both over bag of words {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** With a label or two a class, the bag of words has seen only a few words, and most test texts hold none of
# them. What was pretrained knows that *integer* and *float* keep the same company. Each further label tells the bag of
# words more; the features stay what they are. Look for the count where the gap becomes a tie. It says how many labels
# pretraining was worth. The random encoder is better than chance: mixing words at random loses some of them, not all.
#
# > **Predict.** The same texts, the same arms, and the other question: which *topic*? Will the order be the same?

# %%
topic = curves("topic")
topic_pool, topic_test = task("topic")
tl.plots.by_labels(COUNTS, topic, chance=1 / len(topic_test.classes), title="What is the paragraph about?")

# %% [markdown]
# The bag of words wins at every count where there is a gap at all. Why? A topic hangs on a few words. Which are they, and
# does the encoder know them?

# %%
known = tl.models.text_vocabulary()
for name, found in tl.transfer.telling_words(topic_pool).items():
    print(f"{name:15}", ", ".join(word if word in known else f"{word.upper()} (unknown)" for word in found))

# %% [markdown]
# **Explain.** Words in capitals are not among those that the source taught: for the encoder they are all one word,
# *unknown*. Where the telling words are the target's own, features of a foreign source cannot lead. A likely second reason:
# a mean over a paragraph drowns a single keyword, which a bag of words picks out. *What a text does* hangs on common words
# and their order, and that transfers; *what it is about* hangs on its own words. A larger encoder reads words in pieces
# (**subwords**) and knows many more subjects; the switch lets you see what that changes. Run the baseline in any case.

# %% [markdown]
# ## ULMFiT: fine-tune in stages
#
# ULMFiT (Howard and Ruder, 2018) made fine-tuning work for text. Its three stages:
#
# 1. train a language model on much plain text (done: it ships with the course);
# 2. let it **read on** in the target's texts, still guessing next words; no label is needed;
# 3. put a classifier on top and fine-tune with three precautions: **gradual unfreezing** (the head first, then one layer
#    more at a time), **discriminative rates** (each layer's rate 2.6 times lower than that of the layer above), and
#    **slanted triangular rates**, below.
#
# Stage 2 first. **Perplexity** is the number of equally likely words between which a language model hesitates.
#
# > **Predict.** Sixty steps of reading networkx: by how much does its perplexity on held-out paragraphs fall?

# %%
pool, test = task("intent")
encoder = tl.models.TextEncoder.pretrained()
reading = tl.models.read_on(encoder, pool.texts, steps=60)
row = np.concatenate([encoder.vocabulary.numbers(text) for text in test.texts])
for name, model in {"before": encoder, "after": reading}.items():
    print(
        f"{name:7} perplexity {tl.models.perplexity(model, row):.0f}; it goes on:",
        model.continue_text("If the graph", 8),
    )

# %% [markdown]
# Stage 3 begins with the encoder frozen. fastai's `freeze()` stops its weights. For features that stay the same, one more
# thing must sleep: **dropout**, which sets numbers to 0 at random in training mode, and stands inside LSTMs too.

# %% [markdown] task="freeze_encoder"
# `model` has an `encoder` and a `head`. Change it in place: no weight of the encoder may be updated, and the same text must
# get the same features each time; the head goes on training, with its own dropout. Your function is called once an epoch,
# after `model.train()`.


# %% exercise="freeze_encoder"
def freeze_encoder(model):
    """A module with the parts `encoder` and `head`. Changes it in place."""
    ### BEGIN SOLUTION
    model.encoder.requires_grad_(False)
    model.encoder.eval()
    ### END SOLUTION


# %% check="freeze_encoder"
tl.check.freeze_encoder(freeze_encoder)

# %% [markdown]
# **What results should you get?** No parameter of the encoder asks for a gradient, and its dropout layers are in evaluation
# mode.
#
# A fresh head sends wild gradients at first, and a rate that is high for long erases what was learned. Slanted triangular
# rates rise fast and fall slowly. With $T$ steps, a share $cut\_frac$ of them rising, and a $ratio$ between highest and
# lowest rate:
#
# $$cut = \lfloor T \cdot cut\_frac \rfloor, \qquad p = \begin{cases} t / cut & t < cut \\ 1 - \frac{t - cut}{cut \cdot (1 / cut\_frac - 1)} & \text{otherwise} \end{cases}, \qquad \eta_t = \eta_{max} \cdot \frac{1 + p \cdot (ratio - 1)}{ratio}$$

# %% [markdown] task="slanted_rate"
# Write the rate of step `t`, for `t` from 0 to `T`. `peak` is $\eta_{max}$. In the checks `T * cut_frac` is a whole number.


# %% exercise="slanted_rate"
def slanted_rate(t, T, cut_frac, ratio, peak):
    """The learning rate of step `t` of `T`: a number."""
    ### BEGIN SOLUTION
    cut = int(T * cut_frac)
    p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / cut_frac - 1))
    return peak * (1 + p * (ratio - 1)) / ratio
    ### END SOLUTION


# %% check="slanted_rate"
tl.check.slanted_rate(slanted_rate)

# %% [markdown]
# **What results should you get?** With 100 steps, a share of 0.1 and a peak of 0.01: the peak at step 10, and a `ratio`-th of
# it at both ends. The whole schedule of three precautions, for our four parameter groups:

# %%
EPOCHS, PER_EPOCH, PEAK = (4, 2, 2, 8), 5, 0.02  # passes over the texts in each stage
groups, rates = ("words", "first LSTM", "second LSTM", "head"), [[] for _ in range(4)]
for stage, epochs in enumerate(EPOCHS):
    steps = epochs * PER_EPOCH
    frozen = 0 if stage == len(EPOCHS) - 1 else 3 - stage
    for step in range(steps):
        top = tl.transfer.discriminative_rates(tl.transfer.slanted_triangular(step, steps, PEAK / 2**stage), 4)
        for group in range(4):
            rates[group].append(top[group] if group >= frozen else 0)

# %%
shown = dict(zip(groups, rates, strict=True))
tl.plots.schedule(range(len(rates[0])), shown, title="Gradual unfreezing with slanted, discriminative rates")

# %% [markdown]
# fastai has all parts: `text_classifier_learner` builds the AWD-LSTM with a head on concat-pooled states, `freeze_to` thaws
# groups, and a `ParamScheduler` sets one rate a group. Our `tl.models.text_learner` puts the course's encoder and its
# tokeniser into it, where fastai would download its own and ask for spaCy.
#
# Eight labels a class; each arm has the same texts, and for now half as many passes over them as in the figure:
#
# > **Predict.** Order them: ULMFiT, the same network from scratch, logistic regression on frozen features.

# %%
SEEDS_TUNED, HALF = range(3), [epochs // 2 for epochs in EPOCHS]


def tuned(encoder, fit):
    """Test accuracies, one a seed."""
    accuracies = []
    for seed in tl.progress(SEEDS_TUNED):
        learn = tl.models.text_learner(pool.few(8, seed), test, encoder, batch_size=8, seed=seed)
        fit(learn)
        with learn.no_bar(), learn.no_logging():
            accuracies.append(learn.validate()[1])
    return accuracies


def from_scratch(learn):
    tl.transfer.fit_slanted(learn, sum(HALF), peak=0.01, factor=1)


# %%
fine = {"ULMFiT": tuned(reading, lambda learn: tl.transfer.ulmfit(learn, HALF, PEAK))}

# %%
fine["from scratch"] = tuned(None, from_scratch)
fine["frozen features"] = intent["both"][: len(SEEDS_TUNED), COUNTS.index(8)]
grey = {"from scratch": "baseline"}
tl.plots.bars(fine, chance=chance, title="Eight labels a class, few passes, three seeds", colours=grey)

# %% [markdown]
# Three seeds are few. The full experiment has five, all passes, 8 and 32 labels a class, and takes ULMFiT's precautions away
# one at a time (the last but one has neither gradual unfreezing nor discriminative rates):

# %%
full = tl.measure.stored("text")
print(full)
stored_arms = full.figures
for name in stored_arms:
    many = {count: tl.measure.mean_interval(stored_arms[name][count]) for count in ("8", "32")}
    print(f"{name:27} 8 labels {many['8']}; 32 labels {many['32']}")

# %%
pairs = [("ULMFiT", "from scratch"), ("one rate for all", "from scratch"), ("ULMFiT", "without reading on")]
pairs += [("ULMFiT", "without gradual unfreezing"), ("ULMFiT", "one rate for all"), ("ULMFiT", "frozen features")]
for better, worse in pairs:
    for count in ("8", "32"):
        gap = tl.measure.paired_gap(stored_arms[better][count], stored_arms[worse][count])
        print(f"{count:>2} labels, {better} over {worse}: {gap}: {gap.verdict}")

# %% [markdown]
# **Explain.** Read the lines in two steps. Was *pretraining* worth it? Compare with *from scratch*, most of all where everything
# was fine-tuned at one rate. Did the *precautions* help? Where a line says a tie or a loss, they did not, here. They were made
# to protect what a large source knows, 100 million words in the paper. A likely reason for ours: a small encoder of another
# subject has less to protect and more to learn, and low rates keep it from learning. A precaution is a hypothesis: switch it
# off, and look. And the simplest arm, a linear classifier on frozen features (states of the encoder that has read on, and
# word vectors), costs a second; beat it before you tune.
#
# ## BERT, GPT, T5: who may see whom
#
# Published language models are **transformers** (Vaswani et al., 2017). In place of reading word by word, each token's state
# takes in other tokens directly, by weights that it computes itself: **attention**. Three families differ in what a token
# may see, and in what is guessed in pretraining. The first needs no training to be seen: change one token of a network with
# random weights, and look which outputs change.
#
# > **Predict.** To continue a text, which tokens must a network not see while it learns?

# %%
panels = {"BERT: an encoder": tl.transfer.who_sees_whom("bert"), "GPT: a decoder": tl.transfer.who_sees_whom("gpt")}
panels["T5: encoder and decoder"] = tl.transfer.who_sees_whom("t5")
tl.plots.who_sees_whom(panels, title="Dark: changing this token changes that output")

# %% [markdown]
# | | sees | pretrained to | used to |
# |---|---|---|---|
# | **BERT** (Devlin et al., 2019) | the whole text | fill in words that were masked, 15 in 100 | read: classify, search, mark names |
# | **GPT** (Radford et al., 2018) | what came before | guess the next word | write: continue, answer |
# | **T5** (Raffel et al., 2020) | the whole input, and what it has written | fill in masked stretches, as text | turn text into text: translate, summarise |
#
# **Explain.** A network that sees the next word has nothing to guess. So GPT looks back only, and can write; BERT looks both
# ways, reads better for its size, and cannot simply go on writing. T5 has one of each. Our LSTM is GPT's kin: it guesses next
# words, and you saw it continue a text.
#
# Translation is T5's trade. Ours in small: an encoder and a decoder of two layers each, from random weights, learn the numbers
# up to 999 from English to French. French makes it a task: 74 is *soixante quatorze*, sixty-fourteen, and 97 is
# *quatre vingt dix sept*. The test numbers are not among those learned from. The baseline has a dictionary, and goes word by
# word.

# %%
learned, unseen = tl.worlds.number_names(seed=0)
translator = tl.transfer.train_translator(learned, steps=200)
english, french = zip(*unseen, strict=True)
wrote = {"encoder and decoder": translator.translate(english)}
wrote["word by word"] = [tl.transfer.word_by_word(learned, text) for text in english]

# %%
for name, texts in wrote.items():
    right = sum(text == wanted for text, wanted in zip(texts, french, strict=True))
    low, high = tl.measure.wilson_interval(right, len(french))
    print(f"{name:20} {right} of {len(french)} exactly right, a share in [{low:.2f}, {high:.2f}] at 95 %")
print(f"a translator of {sum(weights.numel() for weights in translator.parameters()):,} weights")
for text in ("seventy four", "nine hundred ninety seven"):
    print(f"{text}: {translator.translate([text])[0]}; word by word: {tl.transfer.word_by_word(learned, text)}")

# %% [markdown]
# **What this cannot show.** Offline we have the structure and the objectives, not what comes of billions of words: BERT's
# knowledge of the world, GPT's of how to answer, T5's of real languages. That is in published weights. Give names from the
# Hugging Face hub, or folders, in the next cell (it needs `pip install 'tlcourse[text]'`). The smallest T5 has 60 million
# weights; compare with the number above.

# %%
BERT, GPT, T5 = None, None, None  # "google-bert/bert-base-uncased", "openai-community/gpt2", "google-t5/t5-small"
if BERT:
    print(tl.models.fill_mask(BERT, "The layers of the network are [MASK]."))
if GPT:
    print(tl.models.continue_text(GPT, "Transfer learning means"))
if T5:
    print(tl.models.rewrite(T5, "translate English to German: The weights are frozen."))

# %% [markdown]
# ## Take away
#
# - Word vectors know which words keep company: near is not the same as alike, and opposites are near.
# - Pool token states without the padding, and freeze dropout along with the weights.
# - Draw a curve over label counts, with the same draws for each arm. Pretrained features lead where labels are few and common
#   words decide; a bag of words leads where the target's own words decide. Always run it.
# - ULMFiT: read on without labels, then thaw from the top, with low rates below. Test each precaution; try frozen first.
# - BERT reads, GPT writes, T5 turns text into text; the masks say why.
#
# **Next:** lesson 12 turns sound into images, and meets costly errors.
#
# ### Further reading
#
# - J. Howard and S. Ruder, *Universal Language Model Fine-tuning for Text Classification*, ACL 2018.
# - S. Merity, N. Keskar and R. Socher, *Regularizing and Optimizing LSTM Language Models*, ICLR 2018.
# - T. Mikolov et al., *Distributed Representations of Words and Phrases and their Compositionality*, NeurIPS 2013.
# - O. Levy and Y. Goldberg, *Neural Word Embedding as Implicit Matrix Factorization*, NeurIPS 2014.
# - A. Vaswani et al., *Attention Is All You Need*, NeurIPS 2017.
# - J. Devlin, M.-W. Chang, K. Lee and K. Toutanova, *BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding*, NAACL 2019.
# - A. Radford, K. Narasimhan, T. Salimans and I. Sutskever, *Improving Language Understanding by Generative Pre-Training*, 2018.
# - C. Raffel et al., *Exploring the Limits of Transfer Learning with a Unified Text-to-Text Transformer*, JMLR 2020.
# - I. Casanueva et al., *Efficient Intent Detection with Dual Sentence Encoders*, NLP4ConvAI 2020 (BANKING77).
