import torch
from torch import nn


def in_two_lines(model):
    model.encoder.requires_grad_(False)
    model.encoder.eval()


def one_by_one(model):
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith("head")
    for module in model.encoder.modules():
        module.training = False


def all_but_the_head_back(model):
    model.eval().requires_grad_(False)
    model.head.train().requires_grad_(True)
    return model


RIGHT = [in_two_lines, one_by_one, all_but_the_head_back]


def attribute(model):
    model.encoder.eval()
    model.encoder.requires_grad = False


def but_the_words(model):
    in_two_lines(model)
    model.encoder.words.requires_grad_(True)


def lstm_only(model):
    model.encoder.eval()
    model.encoder.lstm.requires_grad_(False)


def matrices_only(model):
    model.encoder.eval()
    for parameter in model.encoder.parameters():
        parameter.requires_grad = parameter.ndim < 2


def no_gradients(model):
    torch.set_grad_enabled(False)


def lstm_awake(model):
    in_two_lines(model)
    model.encoder.lstm.train()


def everything(model):
    model.requires_grad_(False)
    model.encoder.eval()


def all_asleep(model):
    model.encoder.requires_grad_(False)
    model.eval()


def zeroed(model):
    in_two_lines(model)
    for parameter in model.encoder.parameters():
        parameter.data.mul_(0.5)


def without_encoder(model):
    model.encoder = nn.Identity()


WRONG = {
    "nothing-frozen": attribute,
    "words-still-train": but_the_words,
    "part-left-out": lstm_only,
    "gradients-off-everywhere": no_gradients,
    "dropout-awake": lambda model: model.encoder.requires_grad_(False),
    "head-frozen": everything,
    "head-asleep": all_asleep,
    "other-features": zeroed,
    "does-not-run": without_encoder,
    "raises": lambda model: model.body.requires_grad_(False),
}
