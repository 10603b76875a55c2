"""Tasks that an image sets about itself, against their papers' formulas."""

from __future__ import annotations

import math

import pytest
import torch

from tlcourse.errors import CourseError
from tlcourse.models.pretrain import Recipe, pretrain
from tlcourse.transfer import augmented, body_recipe, nt_xent, objective, pretrain_briefly, rotated


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class TestContrastiveLoss:
    """NT-Xent of SimCLR, equation 1."""

    def test_by_hand(self) -> None:
        loss = nt_xent(torch.eye(2), torch.eye(2), temperature=1.0)
        assert loss.item() == pytest.approx(math.log(1 + 2 / math.e), abs=1e-6)

    def test_the_formula_term_by_term(self) -> None:
        first, second, t = torch.randn(5, 7), torch.randn(5, 7), 0.3
        views = torch.cat([first, second]).double()
        total = 0.0
        for i in range(10):
            similar = [torch.cosine_similarity(views[i], views[k], dim=0).item() / t for k in range(10)]
            below = sum(math.exp(s) for k, s in enumerate(similar) if k != i)
            total -= math.log(math.exp(similar[(i + 5) % 10]) / below)
        assert nt_xent(first, second, t).item() == pytest.approx(total / 10, rel=1e-5)

    def test_as_a_well_known_library_has_it(self) -> None:
        losses = pytest.importorskip("pytorch_metric_learning.losses", reason="needs pytorch-metric-learning")
        first, second = torch.randn(16, 8), torch.randn(16, 8)
        for t in (0.1, 0.5):
            theirs = losses.SelfSupervisedLoss(losses.NTXentLoss(temperature=t))(first, second)
            assert torch.isclose(nt_xent(first, second, t), theirs, rtol=1e-4)

    def test_length_does_not_matter_and_agreement_pays(self) -> None:
        first = torch.randn(6, 4)
        assert torch.isclose(nt_xent(first, first), nt_xent(3 * first, 0.1 * first), rtol=1e-5)
        assert nt_xent(first, first) < nt_xent(first, first.roll(1, 0))


class TestViews:
    """What the network gets to see."""

    def test_rotations_are_what_their_labels_say(self) -> None:
        images = torch.rand(40, 3, 6, 6)
        turned, turns = rotated(images, draw())
        assert set(turns.tolist()) == {0, 1, 2, 3}
        for image, result, turn in zip(images, turned, turns.tolist(), strict=True):
            assert torch.equal(torch.rot90(image, turn, dims=(1, 2)), result)

    def test_a_view_has_the_images_shape_and_range(self) -> None:
        images = torch.rand(20, 3, 16, 16)
        view = augmented(images, draw())
        assert view.shape == images.shape and view.min() >= 0 and view.max() <= 1
        assert not torch.allclose(view, augmented(images, draw(1)))
        assert torch.equal(view, augmented(images, draw()))


class TestObjectives:
    """The same loop for each."""

    @pytest.mark.parametrize(("task", "outputs"), [("labels", 150), ("rotation", 4), ("contrastive", 64)])
    def test_a_step_of_each(self, task: str, outputs: int) -> None:
        recipe = Recipe(images=256, image_size=16, batch_size=128, style=body_recipe(task).style)
        losses: list[float] = []
        network, seconds = pretrain(recipe, objective(task), report=lambda step: losses.append(step.loss))
        assert network(torch.zeros(2, 3, 16, 16)).shape == (2, outputs)
        assert len(losses) == 1 and math.isfinite(losses[0]) and seconds > 0

    @pytest.mark.parametrize("task", ["rotation", "contrastive"])
    def test_labels_are_not_looked_at(self, task: str) -> None:
        images, goal = torch.rand(8, 3, 8, 8), objective(task)
        one = goal.examples(images, torch.zeros(8, dtype=torch.int64), draw())
        other = goal.examples(images, torch.arange(8), draw())
        assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))

    def test_rotation_shows_all_four_turns_of_each_image(self) -> None:
        images = torch.rand(5, 3, 6, 6)
        shown, turns = objective("rotation").examples(images, torch.zeros(5, dtype=torch.int64), draw())
        assert torch.bincount(turns).tolist() == [5, 5, 5, 5]
        for row, (image, turn) in enumerate(zip(shown, turns.tolist(), strict=True)):
            assert torch.equal(image, torch.rot90(images[row % 5], turn, dims=(1, 2)))

    def test_the_contrastive_objective_is_nt_xent(self) -> None:
        outputs = torch.randn(12, 5)
        logits, partners = objective("contrastive").logits(outputs, torch.arange(12))
        loss = torch.nn.functional.cross_entropy(logits, partners)
        assert torch.isclose(loss, nt_xent(outputs[:6], outputs[6:], temperature=0.2))

    def test_all_bodies_see_the_same_images(self) -> None:
        recipes = [body_recipe(task) for task in ("labels", "rotation", "contrastive")]
        assert len({(r.images, r.seed, r.image_size, r.style, r.first_style) for r in recipes}) == 1

    def test_an_unknown_task(self) -> None:
        with pytest.raises(CourseError, match="no pretraining task 'jigsaw'"):
            objective("jigsaw")

    def test_a_brief_pretraining_reports_every_chunk(self) -> None:
        body, reports = pretrain_briefly("contrastive", images=512)
        assert [report.images for report in reports] == [256, 512]
        assert body(torch.zeros(1, 3, 32, 32)).shape == (1, 192, 4, 4) and not body.training
