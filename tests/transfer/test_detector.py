"""A frozen backbone under torchvision's head: what trains, what stays, and that it finds things."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tlcourse.errors import DataError
from tlcourse.measure import detection_score
from tlcourse.models import GlyphNet
from tlcourse.transfer import Detector, detect, fit_detector, freeze
from tlcourse.worlds import EVERYDAY, scenes

KINDS = EVERYDAY.only(*"☂✈")


def frozen_detector() -> Detector:
    torch.manual_seed(0)
    body = GlyphNet.pretrained().body
    freeze(body)
    return Detector(len(KINDS), body)


def test_it_learns_to_find_and_the_backbone_stays() -> None:
    train, test = scenes(60, KINDS, seed=1), scenes(25, KINDS, seed=2)
    detector = frozen_detector()
    before = {name: value.clone() for name, value in detector.backbone.body.state_dict().items()}
    losses = fit_detector(detector, train, steps=50, rate=4e-3)
    assert len(losses) == 50 and np.mean(losses[-5:]) < 0.7 * losses[0]
    for name, value in detector.backbone.body.state_dict().items():
        assert torch.equal(value, before[name]), name
    found = detect(detector, test.images)
    assert len(found) == 25 and all((np.diff(one.scores) <= 0).all() for one in found)
    untrained = detect(frozen_detector(), test.images)
    scores = [detection_score(one, test.boxes, test.labels).at(0.5) for one in (found, untrained)]
    assert scores[0] > 0.4 > scores[1] + 0.2


def test_maps_of_a_frozen_body_give_what_the_whole_detector_gives() -> None:
    detector = frozen_detector().eval()
    images = scenes(3, KINDS, seed=3).images
    with torch.no_grad():
        whole = detector([torch.from_numpy(image).float() / 255 for image in images])
    for one, other in zip(detect(detector, images), whole, strict=True):
        assert len(one) == len(other["scores"])
        np.testing.assert_allclose(one.scores, other["scores"], atol=0.02)  # the maps may be bfloat16's


def test_a_body_that_is_not_frozen_trains() -> None:
    torch.manual_seed(0)
    detector = Detector(len(KINDS))
    before = detector.backbone.body[0][0].weight.clone()
    fit_detector(detector, scenes(8, KINDS, seed=4), steps=2, batch_size=4)
    assert not torch.equal(detector.backbone.body[0][0].weight, before)
    assert not detector.training


def test_scenes_that_teach_nothing_are_refused() -> None:
    with pytest.raises(DataError, match="cannot train a head of 2 classes"):
        fit_detector(frozen_detector(), scenes(3, KINDS, most_objects=0), steps=1)
    with pytest.raises(DataError, match="cannot train a head of 2 classes"):
        fit_detector(frozen_detector(), scenes(30, EVERYDAY.only(*"☂✈⚓"), seed=1), steps=1)
