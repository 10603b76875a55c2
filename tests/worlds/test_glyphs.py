"""The glyph world: the same for everyone, knobs that all do something, a cache that can be trusted, data for fastai."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import fields
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from tlcourse import storage
from tlcourse.errors import DataError, StorageError
from tlcourse.models.glyphnet import GLYPH_MEAN, GLYPH_STD
from tlcourse.worlds import (
    ALPHABETS,
    CHALK,
    EVERYDAY,
    HELD_OUT,
    NIGHT,
    PHOTO,
    PICTOGRAPHS,
    PRINT,
    STYLES,
    Style,
    alphabet,
    fonts,
    glyph_world,
    glyphs,
)
from tlcourse.worlds.fonts import glyph_mask
from tlcourse.worlds.glyph_world import stream
from tlcourse.worlds.images import LabelledImages

SPLITS = {"source": PICTOGRAPHS, "everyday": EVERYDAY, "held out": HELD_OUT}
KNOBS = [knob.name for knob in fields(Style)]


def drawn(classes: str = "everyday", per_class: int = 2, **options: object) -> np.ndarray:
    """Freshly rendered images, no cache in the way."""
    return glyphs(classes, per_class, cache=False, **options).images  # type: ignore[arg-type]


class TestDeterminism:
    """Equal arguments, equal bytes."""

    def test_two_calls(self) -> None:
        assert np.array_equal(drawn(), drawn())

    def test_any_number_of_threads(self) -> None:
        before = torch.get_num_threads()
        try:
            torch.set_num_threads(1)
            alone = drawn("pictographs")
            torch.set_num_threads(2)
            assert np.array_equal(alone, drawn("pictographs"))
        finally:
            torch.set_num_threads(before)

    def test_another_process(self) -> None:
        code = (
            "import hashlib; from tlcourse.worlds import glyphs;"
            "print(hashlib.sha256(glyphs('latin', 1, style='night', cache=False).images.tobytes()).hexdigest())"
        )
        theirs = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
        assert theirs == hashlib.sha256(drawn("latin", 1, style="night").tobytes()).hexdigest()

    def test_the_state_of_the_global_generators_plays_no_part(self) -> None:
        ours = drawn(per_class=1)
        torch.manual_seed(1)
        np.random.seed(1)
        assert np.array_equal(ours, drawn(per_class=1))

    @pytest.mark.parametrize("fewer", [1, 7, 13])
    def test_a_smaller_set_is_the_start_of_a_larger(self, fewer: int) -> None:
        assert np.array_equal(drawn(per_class=14)[: 20 * fewer], drawn(per_class=fewer))

    def test_other_seeds_other_images(self) -> None:
        sets = [drawn(per_class=1, seed=seed) for seed in range(4)]
        assert not any(np.array_equal(a, b) for a, b in combinations(sets, 2))

    def test_no_image_comes_twice(self) -> None:
        images = np.concatenate([drawn(per_class=15), drawn(per_class=15, seed=1)])
        assert len({image.tobytes() for image in images}) == len(images)

    def test_a_stream_goes_on_where_it_is_told_to(self) -> None:
        chunks = stream("everyday", seed=3)
        first, second = next(chunks), next(chunks)
        again = next(stream("everyday", seed=3, start=1))
        assert first[0].shape == (256, 3, 48, 48) and first[1].dtype == np.int64
        assert np.array_equal(second[0], again[0]) and np.array_equal(second[1], again[1])
        assert np.array_equal(np.concatenate([first[0], second[0]])[:300], drawn(per_class=15, seed=3))

    def test_the_classes_come_in_turn(self) -> None:
        data = glyphs("everyday", 3, cache=False)
        assert data.labels.tolist() == list(range(20)) * 3
        assert data.classes[0] == "umbrella" and len(data.classes) == 20


class TestAlphabets:
    """The fixed splits."""

    def test_the_splits_have_their_sizes(self) -> None:
        assert {name: len(letters) for name, letters in SPLITS.items()} == {
            "source": 150,
            "everyday": 20,
            "held out": 114,
        }

    def test_no_character_is_in_two_splits_or_twice_in_one(self) -> None:
        everything = [character for letters in SPLITS.values() for character in letters.characters]
        assert len(set(everything)) == len(everything)

    def test_no_two_pictographs_look_alike(self) -> None:
        characters = [character for letters in SPLITS.values() for character in letters.characters]
        masks = np.stack([glyph_mask(character).ravel() for character in characters]).astype(float)
        likeness = np.corrcoef(masks)
        np.fill_diagonal(likeness, 0)
        first, second = np.unravel_index(likeness.argmax(), likeness.shape)
        assert likeness.max() < 0.76, (characters[first], characters[second])

    @pytest.mark.parametrize("name", ALPHABETS)
    def test_every_character_renders_in_every_font(self, name: str) -> None:
        letters = ALPHABETS[name]
        for font in letters.fonts:
            for character in letters.characters:
                assert glyph_mask(character, font).max() > 200, (character, font)
        assert len(glyphs(name, 1, cache=False)) == len(letters) == len(set(letters.classes))

    def test_an_alphabet_can_be_narrowed(self) -> None:
        two = EVERYDAY.only("☃", "☂")
        assert glyphs(two, 1, cache=False).classes == ("snowman", "umbrella")
        with pytest.raises(DataError, match="no ♔"):
            EVERYDAY.only("☃", "♔")

    def test_an_unknown_alphabet_is_answered_with_near_names(self) -> None:
        with pytest.raises(DataError, match="no alphabet called 'pictograph'") as caught:
            glyphs("pictograph")
        assert "pictographs" in caught.value.cure
        with pytest.raises(DataError) as caught:
            alphabet("zzz")
        assert all(name in caught.value.cure for name in ALPHABETS)

    @pytest.mark.parametrize(("per_class", "size"), [(0, 48), (-1, 48), (1, 7), (1, 1000)])
    def test_a_set_that_cannot_be_drawn(self, per_class: int, size: int) -> None:
        with pytest.raises(DataError, match="cannot be drawn"):
            glyphs("everyday", per_class, size=size)


class TestFonts:
    """Masks, and what happens when matplotlib is not whole."""

    @pytest.fixture
    def no_fonts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
        for cached in (fonts._face, glyph_mask):
            cached.cache_clear()
        monkeypatch.setattr(matplotlib, "get_data_path", lambda: str(tmp_path))
        yield
        for cached in (fonts._face, glyph_mask):
            cached.cache_clear()

    def test_a_missing_font_is_told_with_its_cure(self, no_fonts: None) -> None:
        with pytest.raises(DataError, match=r"DejaVuSans\.ttf is missing") as caught:
            glyphs("everyday", 1, cache=False)
        assert "pip install --force-reinstall --no-deps matplotlib" in caught.value.cure

    def test_a_character_that_a_font_lacks(self) -> None:
        with pytest.raises(DataError, match="cmr10 has no character"):
            glyph_mask("🐱", "cmr10")

    def test_a_character_without_ink(self) -> None:
        with pytest.raises(DataError, match="is blank"):
            glyph_mask(" ")

    def test_a_mask_is_centred_and_cannot_be_written_to(self) -> None:
        mask = glyph_mask("☃")
        rows, columns = np.nonzero(mask)
        assert mask.shape == (64, 64) and max(np.ptp(rows), np.ptp(columns)) + 1 == 50
        assert abs(rows.min() - (63 - rows.max())) <= 1 and abs(columns.min() - (63 - columns.max())) <= 1
        with pytest.raises(ValueError, match="read-only"):
            mask[0, 0] = 1


class TestStyle:
    """The knobs."""

    @pytest.mark.parametrize("knob", KNOBS)
    def test_every_knob_changes_the_images(self, knob: str) -> None:
        low, high = (drawn(per_class=1, style=PHOTO.but(**{knob: value})).astype(float) for value in (0, 1))
        assert np.abs(low - high).mean() > 1, "hardly a pixel moved"

    @pytest.mark.parametrize("knob", KNOBS)
    @pytest.mark.parametrize("value", [-0.01, 1.01, float("nan"), float("inf")])
    def test_a_knob_out_of_range(self, knob: str, value: float) -> None:
        with pytest.raises(DataError, match=f"knob {knob} is") as caught:
            PHOTO.but(**{knob: value})
        assert "from 0 to 1" in caught.value.cure

    def test_the_ends_of_a_walk_are_the_styles_themselves(self) -> None:
        assert PHOTO.towards(CHALK, 0) == PHOTO and PHOTO.towards(CHALK, 1) == CHALK

    @given(share=st.floats(0, 1), ends=st.permutations(list(STYLES.values())))
    def test_every_step_of_a_walk_is_a_style_between_its_ends(self, share: float, ends: list[Style]) -> None:
        start, end = ends[:2]
        style = start.towards(end, share)
        for knob in KNOBS:
            low, high = sorted((getattr(start, knob), getattr(end, knob)))
            assert low - 1e-9 <= getattr(style, knob) <= high + 1e-9

    def test_print_is_black_on_white_and_chalk_the_reverse(self) -> None:
        paper, board = (drawn(per_class=1, style=style) for style in (PRINT, CHALK))
        assert np.median(paper) > 170 > 85 > np.median(board)
        assert np.array_equal(paper[:, 0], paper[:, 1]), "print has no colour"

    @pytest.mark.parametrize(("name", "style"), STYLES.items())
    def test_a_style_by_name(self, name: str, style: Style) -> None:
        assert np.array_equal(drawn(per_class=1, style=name), drawn(per_class=1, style=style))

    def test_an_unknown_style_is_answered_with_the_names(self) -> None:
        with pytest.raises(DataError, match="no style called 'foto'") as caught:
            glyphs(style="foto")
        assert all(name in caught.value.cure for name in STYLES)
        assert NIGHT != PHOTO

    def test_another_size(self) -> None:
        assert drawn(per_class=1, size=96).shape == (20, 3, 96, 96)


class TestCache:
    """Rendered once, read ever after."""

    @pytest.fixture
    def renderings(self, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        """Grows by one with every set that is rendered."""
        made: list[int] = []
        real = glyph_world._render_set

        def counted(letters, style, size, seed, n):  # type: ignore[no-untyped-def]
            made.append(n)
            return real(letters, style, size, seed, n)

        monkeypatch.setattr(glyph_world, "_render_set", counted)
        return made

    @staticmethod
    def files() -> list[Path]:
        return sorted((storage.cache_dir() / "glyphs").glob("*.npy"))

    def test_the_second_call_reads_the_file(self, renderings: list[int]) -> None:
        first, second = glyphs(per_class=1), glyphs(per_class=1)
        assert np.array_equal(first.images, second.images) and renderings == [20]
        assert np.array_equal(first.images, drawn(per_class=1))

    def test_any_other_argument_is_another_file(self) -> None:
        for options in ({}, {"seed": 1}, {"size": 32}, {"style": "print"}, {"classes": "digits"}, {"per_class": 2}):
            glyphs(**{"per_class": 1, **options})  # type: ignore[arg-type]
        assert len(self.files()) == 6

    def test_nothing_is_kept_unless_wanted(self) -> None:
        drawn(per_class=1)
        assert not storage.cache_dir().exists()

    @pytest.mark.parametrize(
        "damage",
        [
            lambda data: b"",
            lambda data: data[: len(data) // 2],
            lambda data: b"rubbish",
            lambda data: b"PK\x03\x04" + data,
            lambda data: data.replace(b"'descr': '|u1'", b"'descr': '|u1("),
            lambda data: data.replace(b"(20, 3", b"(10, 6"),
        ],
        ids=["empty", "cut short", "rubbish", "looks like a zip", "broken header", "another shape"],
    )
    def test_a_damaged_file_is_rendered_again(self, renderings: list[int], damage) -> None:  # type: ignore[no-untyped-def]
        good = glyphs(per_class=1).images
        (file,) = self.files()
        whole = file.read_bytes()
        file.write_bytes(damage(whole))
        assert np.array_equal(glyphs(per_class=1).images, good)
        assert renderings == [20, 20] and file.read_bytes() == whole

    def test_the_folder_can_be_moved(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TLCOURSE_CACHE", str(tmp_path / "elsewhere"))
        glyphs(per_class=1)
        assert len(list((tmp_path / "elsewhere" / "glyphs").glob("*.npy"))) == 1

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").write_text("not a folder")
        monkeypatch.setenv("TLCOURSE_CACHE", str(tmp_path / "file"))
        with pytest.raises(StorageError, match="a file stands where a folder is needed") as caught:
            glyphs(per_class=1)
        assert "TLCOURSE_CACHE" in caught.value.cure

    def test_two_processes_fill_it_at_once(self) -> None:
        code = (
            "import hashlib, sys; from tlcourse.worlds import glyphs, render; print('ready', flush=True);"
            "sys.stdin.readline();"
            "print(hashlib.sha256(glyphs('everyday', 20).images.tobytes()).hexdigest())"
        )
        both = [
            subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        for process in both:
            assert process.stdout and process.stdout.readline() == "ready\n"
        for process in both:
            assert process.stdin
            process.stdin.write("go\n")
            process.stdin.flush()
        digests = {process.communicate(timeout=60)[0].strip() for process in both}
        assert digests == {hashlib.sha256(drawn(per_class=20).tobytes()).hexdigest()}
        assert len(self.files()) == 1
        assert not list(storage.cache_dir().rglob("*.part"))


class TestLabelledImages:
    """What every picture world returns."""

    def test_shapes_and_types_are_checked(self) -> None:
        images, labels = np.zeros((4, 3, 8, 8), np.uint8), np.zeros(4, np.int64)
        for wrong in (images.astype(float), images[:, :1], images[0]):
            with pytest.raises(DataError, match="must be uint8 of shape"):
                LabelledImages(wrong, labels, ("a",), "test")
        with pytest.raises(DataError, match="4 images but labels of shape"):
            LabelledImages(images, labels[:3], ("a",), "test")

    def test_it_says_what_it_is(self) -> None:
        assert repr(glyphs("everyday", 2, cache=False)) == "20 everyday things: 40 images of 20 classes, 48 x 48 px"

    def test_take_and_skip_share_no_image(self) -> None:
        data = glyphs("everyday", 5, cache=False)
        train, test = data.take(3), data.take(2, skip=3)
        assert len(train) == 60 and len(test) == 40
        assert np.bincount(train.labels).tolist() == [3] * 20
        pixels = [{image.tobytes() for image in part.images} for part in (train, test)]
        assert not pixels[0] & pixels[1] and len(pixels[0] | pixels[1]) == 100

    @pytest.mark.parametrize(("per_class", "skip"), [(6, 0), (3, 3)])
    def test_more_than_there_are(self, per_class: int, skip: int) -> None:
        with pytest.raises(DataError, match="class 'umbrella' has 5 images, not the 6 asked for"):
            glyphs("everyday", 5, cache=False).take(per_class, skip=skip)

    def test_a_subset_keeps_the_order_asked_for(self) -> None:
        data = glyphs("everyday", 1, cache=False)
        assert data.subset([7, 2]).labels.tolist() == [7, 2]

    def test_in_a_pytorch_loader(self) -> None:
        data = glyphs("everyday", 2, cache=False)
        images, labels = next(iter(DataLoader(data.dataset(), batch_size=40)))  # type: ignore[var-annotated]
        assert images.dtype == torch.float32 and labels.tolist() == data.labels.tolist()
        assert torch.equal(images, data.tensors()[0]) and images.max() <= 1
        inverted = data.dataset(transform=lambda image: 1 - image)
        assert torch.equal(inverted[0][0], 1 - images[0])  # type: ignore[index]

    def test_fastai_batches_are_normalised_as_asked(self) -> None:
        data = glyphs("everyday", 2, cache=False)
        plain = data.dataloaders(data, batch_size=40)
        normal = data.dataloaders(data, batch_size=40, mean=GLYPH_MEAN, std=GLYPH_STD)
        raw, batch = (loaders.valid.one_batch()[0].cpu() for loaders in (plain, normal))
        assert torch.equal(raw.as_subclass(torch.Tensor), data.tensors()[0])
        torch.testing.assert_close(batch.as_subclass(torch.Tensor), (data.tensors()[0] - 0.5) / 0.25)
        assert plain.c == 20 and plain.vocab[1] == "snowman"

    def test_the_seed_orders_fastai_batches(self) -> None:
        data = glyphs("everyday", 2, cache=False)
        orders = [data.dataloaders(data, batch_size=8, seed=seed).one_batch()[1].tolist() for seed in (0, 0, 1)]
        assert orders[0] == orders[1] != orders[2]

    def test_validation_with_other_classes(self) -> None:
        with pytest.raises(DataError, match="have different classes"):
            glyphs("everyday", 1, cache=False).dataloaders(glyphs("digits", 1, cache=False))

    def test_a_learner_on_them_can_be_exported(self, tmp_path: Path) -> None:
        from fastai.learner import Learner
        from fastai.losses import CrossEntropyLossFlat
        from torch import nn

        data = glyphs("everyday", 1, size=8, cache=False)
        model = nn.Sequential(nn.Flatten(), nn.Linear(192, 20))
        learner = Learner(data.dataloaders(data), model, loss_func=CrossEntropyLossFlat(), path=tmp_path)
        learner.export("learner.pkl")
        assert (tmp_path / "learner.pkl").stat().st_size < 200_000, "the images went along"
        assert len(learner.dls.train_ds) == 20
