"""Domain adaptation: labelled source, unlabelled target."""

from tlcourse.transfer.adaptation.adversarial import (
    DomainClassifier,
    adversarial_strength,
    conditional_features,
    gradient_reversal,
)
from tlcourse.transfer.adaptation.alignment import coral, coral_loss, mmd
from tlcourse.transfer.adaptation.ensemble import ensemble_probabilities
from tlcourse.transfer.adaptation.training import METHODS, Prediction, adapt, predict
from tlcourse.transfer.adaptation.weighting import effective_size, importance_weights

__all__ = [
    "METHODS",
    "DomainClassifier",
    "Prediction",
    "adapt",
    "adversarial_strength",
    "conditional_features",
    "coral",
    "coral_loss",
    "effective_size",
    "ensemble_probabilities",
    "gradient_reversal",
    "importance_weights",
    "mmd",
    "predict",
]
