"""Ways to fine-tune: what each trains, what it starts from, and what it leaves alone."""

import copy

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tlcourse.errors import CourseError
from tlcourse.measure import batch_norm_drift
from tlcourse.models import GlyphNet
from tlcourse.transfer import (
    TUNINGS,
    add_adapters,
    distillation_loss,
    features_of,
    interpolate,
    l2_sp,
    probe_head,
    small_student,
    soup,
    trainable_parameters,
    tune,
    tuned,
)
from tlcourse.worlds import EVERYDAY, glyphs

LETTERS = EVERYDAY.only(*EVERYDAY.characters[:4])


@pytest.fixture(scope="module")
def train():
    return glyphs(LETTERS, 8, style="chalk", size=24, seed=3, cache=False)


class TestTuned:
    @pytest.mark.parametrize("method", TUNINGS)
    def test_each_method_gives_a_network_for_the_target(self, train, method):
        made = tuned(method, train, steps=2)
        assert made.network(torch.zeros(2, 3, 24, 24)).shape == (2, 4)
        assert not made.network.training and made.seconds > 0 and made.trainable > 0

    def test_parameters_that_train(self, train):
        counts = {method: tuned(method, train, steps=0).trainable for method in TUNINGS}
        assert counts["linear probe"] == 4 * 192 + 4
        assert counts["linear probe"] < counts["adapters"] < counts["LoRA"] < counts["fine-tune all"] / 4
        assert counts["fine-tune all"] == counts["probe, fine-tune"] == counts["L2-SP"] == counts["interpolation"]

    def test_all_that_start_from_the_probe_are_the_probe_before_the_first_step(self, train):
        x = torch.from_numpy(train.images[:4]).float() / 64 - 2
        first = tuned("linear probe", train, steps=0).network(x)
        for method in ("probe, fine-tune", "L2-SP", "adapters", "LoRA", "interpolation"):
            assert torch.allclose(tuned(method, train, steps=0).network(x), first, atol=1e-4), method
        assert not torch.allclose(tuned("fine-tune all", train, steps=0).network(x), first, atol=1e-2)

    def test_the_statistics_of_the_source_stay(self, train):
        source = GlyphNet.pretrained().with_new_head(4)
        kept = tuned("fine-tune all", train, steps=3, rate=1e-2).network
        assert max(batch_norm_drift(source.state_dict(), kept.state_dict()).values()) == 0

    def test_interpolation_is_half_way(self, train):
        probe, end, middle = (
            tuned(method, train, steps=3).network.state_dict()
            for method in ("linear probe", "probe, fine-tune", "interpolation")
        )
        name = "block3.conv1.weight"
        assert torch.allclose(middle[name], (probe[name] + end[name]) / 2, atol=1e-5)

    def test_equal_seeds_give_equal_networks(self, train):
        states = [tuned("LoRA", train, steps=2, seed=5).network.state_dict() for _ in range(2)]
        assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())

    def test_an_unknown_method_is_refused(self, train):
        with pytest.raises(CourseError, match="Choose one of from scratch"):
            tuned("magic", train, steps=1)


class TestTune:
    def test_an_objective_may_know_the_rows(self, train):
        seen: list[torch.Tensor] = []

        def objective(logits, rows):
            seen.append(rows)
            return logits.square().mean()

        tune(small_student(4), train, steps=3, batch_size=16, objective=objective, keep_statistics=False)
        assert sorted(torch.cat(seen[:2]).tolist()) == list(range(32))

    def test_no_step_changes_nothing(self, train):
        network = GlyphNet(4)
        before = copy.deepcopy(network.state_dict())
        tune(network, train, steps=0, keep_statistics=False)
        assert all(torch.equal(tensor, network.state_dict()[name]) for name, tensor in before.items())

    def test_a_strong_penalty_holds_the_body(self, train):
        moves = []
        for strength in (0.0, 100.0):
            network = GlyphNet.pretrained().with_new_head(4)
            start = copy.deepcopy(network)
            tune(network, train, steps=4, penalty=l2_sp(network, start, strength))
            now, then = network.block3.conv1.weight, start.block3.conv1.weight
            moves.append(float((now - then).square().sum().detach()))
        assert moves[1] < 0.5 * moves[0]


class TestL2SP:
    def test_half_the_squared_distance_and_half_the_squared_head(self):
        start = nn.Sequential()
        start.add_module("body", nn.Linear(2, 2))
        start.add_module("head", nn.Linear(2, 1))
        network = copy.deepcopy(start)
        with torch.no_grad():
            network.body.weight += 1
            network.head.weight.fill_(2)
            network.head.bias.zero_()
        assert l2_sp(network, start, 3.0, beta=0.5)().item() == pytest.approx(3 / 2 * 4 + 0.5 / 2 * 8)

    def test_frozen_parameters_cost_nothing_and_get_no_gradient(self):
        network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
        start = copy.deepcopy(network)
        network[0].requires_grad_(False).weight.fill_(9)
        value = l2_sp(network, start, 1.0, new=("1",))()
        value.backward()
        assert value.item() == pytest.approx(0.005 * sum(p.square().sum().item() for p in network[1].parameters()))
        assert network[0].weight.grad is None

    def test_another_network_is_refused(self):
        with pytest.raises(CourseError, match=r"head\.weight"):
            l2_sp(GlyphNet(3), GlyphNet(4), new=())


class TestAdapters:
    def test_a_network_starts_as_it_was(self):
        source, x = GlyphNet.pretrained(), torch.randn(2, 3, 24, 24)
        before = source(x)
        assert torch.equal(add_adapters(source, 3)(x), before)

    def test_they_and_the_head_are_all_that_trains(self):
        network = add_adapters(GlyphNet(4), 3)
        free = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
        assert all(".down." in name or ".up." in name or name.startswith("head") for name in free)
        assert trainable_parameters(network) < 10_000

    def test_what_has_no_place_for_them_is_refused(self):
        with pytest.raises(CourseError, match="no residual block"):
            add_adapters(nn.Sequential(nn.Linear(2, 2)))
        with pytest.raises(CourseError, match="width 0"):
            add_adapters(GlyphNet(), 0)


class TestAverages:
    def states(self):
        return [GlyphNet(3).state_dict() for _ in range(2)]

    def test_ends_and_middle(self):
        start, end = self.states()
        start["stem.1.num_batches_tracked"].fill_(4)
        end["stem.1.num_batches_tracked"].fill_(7)
        assert torch.equal(interpolate(start, end, 0)["stem.0.weight"], start["stem.0.weight"])
        assert torch.equal(interpolate(start, end, 1)["stem.0.weight"], end["stem.0.weight"])
        middle = interpolate(start, end, 0.25)
        assert torch.allclose(middle["head.bias"], 0.75 * start["head.bias"] + 0.25 * end["head.bias"])
        assert middle["stem.1.num_batches_tracked"] == 7
        GlyphNet(3).load_state_dict(middle)

    def test_a_soup_of_two_is_the_middle(self):
        start, end = self.states()
        mixed, middle = soup([start, end]), interpolate(start, end, 0.5)
        assert all(torch.allclose(mixed[name], middle[name]) for name in mixed if "num_batches" not in name)

    def test_other_networks_are_refused(self):
        with pytest.raises(CourseError, match="different networks"):
            interpolate(GlyphNet(3).state_dict(), GlyphNet(4).state_dict(), 0.5)
        with pytest.raises(CourseError, match="no network"):
            soup([])


class TestDistillation:
    LOGITS = torch.tensor([[2.0, 0.0, -1.0], [0.5, 1.0, 0.0]])
    LABELS = torch.tensor([0, 1])

    def test_a_student_that_agrees_is_left_with_the_labels(self):
        loss = distillation_loss(self.LOGITS, self.LOGITS, self.LABELS, share=0.75)
        assert loss.item() == pytest.approx(0.25 * F.cross_entropy(self.LOGITS, self.LABELS).item(), abs=1e-6)

    def test_the_divergence_of_softened_probabilities(self):
        teacher = self.LOGITS.flip(1)
        p, q = (F.softmax(logits / 3, dim=1) for logits in (teacher, self.LOGITS))
        expected = 9 * (p * (p / q).log()).sum(1).mean()
        loss = distillation_loss(self.LOGITS, teacher, self.LABELS, temperature=3, share=1)
        assert loss.item() == pytest.approx(expected.item(), abs=1e-5)

    def test_the_teacher_learns_nothing(self):
        teacher, student = self.LOGITS.clone().requires_grad_(), self.LOGITS.flip(1).clone().requires_grad_()
        distillation_loss(student, teacher, self.LABELS).backward()
        assert teacher.grad is None and student.grad.abs().sum() > 0

    @pytest.mark.parametrize("wrong", [{"temperature": 0}, {"share": 1.5}])
    def test_what_is_no_distillation_is_refused(self, wrong):
        with pytest.raises(CourseError, match="no distillation"):
            distillation_loss(self.LOGITS, self.LOGITS, self.LABELS, **wrong)


def test_a_student_is_small():
    assert trainable_parameters(small_student(20)) < 0.05 * trainable_parameters(GlyphNet(20))


def test_a_parameter_counts_once_and_a_frozen_one_not():
    shared = nn.Linear(3, 3)
    network = nn.Sequential(shared, nn.BatchNorm1d(3), shared, nn.Linear(3, 2).requires_grad_(False))
    assert trainable_parameters(network) == 12 + 6


def test_the_probe_as_a_head_names_the_training_images(train):
    network = GlyphNet.pretrained().with_new_head(4)
    probe_head(network, train)
    features = features_of(network, train)
    assert features.shape == (32, 192)
    scores = features @ network.head.weight.detach().cpu().numpy().T + network.head.bias.detach().cpu().numpy()
    assert np.mean(scores.argmax(1) == train.labels) > 0.9
