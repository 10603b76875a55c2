"""Train GlyphNet, the course's own source model, and write its weights and model card.

With --task, train one of the three small bodies of lesson 06 instead (with labels, by rotation or by contrast), or the
text encoder and word vectors of lesson 11.

An interrupted training goes on where it stopped when the command is given again with the same options.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `tlcourse pretrain`."""
    parser.add_argument("--out", type=Path, default=Path("glyphnet"), help="folder for the results (%(default)s)")
    tasks = ("labels", "rotation", "contrastive", "text")
    parser.add_argument("--task", choices=tasks, help="train a small body of lesson 06 on this, or the text encoder")
    parser.add_argument("--images", type=_positive, help="images to learn from; fewer for a trial")
    parser.add_argument("--steps", type=int, help="batches that the text encoder learns from; fewer for a trial")
    parser.add_argument("--packages", nargs="+", help="packages that the text encoder reads; fewer for a trial")
    parser.add_argument("--seed", type=int, default=0, help="initial weights and images (%(default)s)")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 256:
        raise argparse.ArgumentTypeError(f"{text} is no number of images: give at least 256 images, one chunk")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Train, measure, write."""
    return _run_text(args) if args.task == "text" else _run_images(args)


def _run_text(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from tlcourse import storage
    from tlcourse.measure.text_card import write_text_card
    from tlcourse.models.text_pretrain import TextCorpus, TextProgress, TextRecipe, pretrain_text
    from tlcourse.models.text_vectors import count_vectors
    from tlcourse.worlds.text_docstrings import source_documents

    changes = {"steps": args.steps, "sources": tuple(args.packages) if args.packages else None}
    recipe = replace(TextRecipe(seed=args.seed), **{name: value for name, value in changes.items() if value})
    documents = source_documents(recipe.sources)
    storage.make_folder(args.out)
    console = Console()
    corpus = TextCorpus.of(documents, recipe.vocabulary, recipe.seed)
    console.print(f"{len(documents):,} documents, {len(corpus.train):,} tokens; counting which words stand together")
    mark = time.perf_counter()
    vectors = count_vectors(corpus.train, len(corpus.vocabulary), seed=recipe.seed)
    counting = time.perf_counter() - mark
    columns = (TextColumn("training"), BarColumn(), TextColumn("{task.completed:,} of {task.total:,} steps"))
    checkpoint = args.out / "training.pt"
    with Progress(*columns, TextColumn("{task.description}"), TimeElapsedColumn(), TimeRemainingColumn()) as bar:
        task = bar.add_task("", total=recipe.steps)

        def report(step: TextProgress) -> None:
            bar.update(task, completed=step.steps, description=f"loss {step.loss:.2f}")

        encoder, seconds = pretrain_text(corpus, recipe, vectors=vectors, checkpoint=checkpoint, report=report)
    facts = write_text_card(encoder, vectors, corpus, recipe, counting + seconds, args.out)
    checkpoint.unlink(missing_ok=True)
    console.print(f"perplexity {facts['perplexity']['sources']:.1f} on documents of the sources")
    console.print(f"the card: {args.out / 'TEXT_MODEL_CARD.md'}")
    return 0


def _run_images(args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from tlcourse import storage
    from tlcourse.measure.source_card import write_body_card, write_card
    from tlcourse.models.pretrain import Labels, Recipe, pretrain
    from tlcourse.models.pretrain import Progress as Step
    from tlcourse.transfer.self_supervision import body_recipe, objective

    recipe = replace(body_recipe(args.task) if args.task else Recipe(), seed=args.seed)
    recipe = recipe if args.images is None else replace(recipe, images=args.images)
    goal = objective(args.task) if args.task else Labels()
    storage.make_folder(args.out)
    checkpoint = args.out / "training.pt"
    console = Console()
    columns = (
        TextColumn("training"),
        BarColumn(),
        TextColumn("{task.completed:,} of {task.total:,} images  {task.description}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=recipe.images)

        def report(step: Step) -> None:
            text = f"loss {step.loss:.2f}, accuracy {step.accuracy:.2f}"
            bar.update(task, completed=step.images, total=step.total, description=text)

        network, seconds = pretrain(recipe, goal, checkpoint=checkpoint, report=report)
    if args.task:
        facts = write_body_card(network, args.task, recipe, seconds, args.out)
        checkpoint.unlink(missing_ok=True)
        console.print(f"frozen features {facts['frozen_10_a_class_everyday']['mean']:.3f}")
        console.print(f"the card: {args.out / f'body-{args.task}.json'}")
        return 0
    facts = write_card(network, recipe, seconds, args.out, report=console.print)
    checkpoint.unlink(missing_ok=True)
    source, frozen = facts["source_accuracy"], facts["frozen_10_a_class_everyday"]
    console.print(f"source accuracy {source['mean']:.3f}, frozen features {frozen['mean']:.3f}")
    console.print(f"the card: {args.out / 'MODEL_CARD.md'}")
    return 0
