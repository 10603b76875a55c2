import numpy as np
import torch


class Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -ctx.strength * gradient, None


class Saving(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.save_for_backward(torch.tensor(strength))
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        (strength,) = ctx.saved_tensors
        return gradient.neg() * strength, None


def as_a_function(x, strength):
    return Reversal.apply(x, strength)


def in_one_line(x, strength):
    return (1 + strength) * x.detach() - strength * x


def detached_difference(x, strength):
    turned = -strength * x
    return turned + (x - turned).detach()


def with_a_hook(x, strength):
    y = x.view_as(x)
    y.register_hook(lambda gradient: -strength * gradient)
    return y


RIGHT = [as_a_function, Saving.apply, in_one_line, detached_difference, with_a_hook]


def custom(change_values, change_gradient):
    """Forward and backward as given, each a function of (tensor, strength)."""

    class Layer(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, strength):
            ctx.strength = strength
            return change_values(x, strength)

        @staticmethod
        def backward(ctx, gradient):
            return change_gradient(gradient, ctx.strength), None

    return lambda x, strength: Layer.apply(x, strength)


def backward_with(change_gradient):
    return custom(lambda x, s: x.view_as(x), change_gradient)


class OneGradient(Reversal):
    @staticmethod
    def backward(ctx, gradient):
        return -ctx.strength * gradient


class ForgotTheStrength(Reversal):
    @staticmethod
    def forward(ctx, x, strength):
        return x.view_as(x)


def hook_on_the_input(x, strength):
    x.register_hook(lambda gradient: -strength * gradient)
    return x


WRONG = {
    "values-times-minus-strength": lambda x, strength: -strength * x,
    "values-negated": custom(lambda x, s: -x, lambda g, s: -s * g),
    "values-times-strength": custom(lambda x, s: s * x, lambda g, s: -s * g),
    "detached-part-too-small": lambda x, strength: x.detach() - strength * x,
    "values-differs": lambda x, strength: x + 1,
    "no-gradient": lambda x, strength: x.detach(),
    "gradient-unchanged": lambda x, strength: x,
    "strength-ignored": lambda x, strength: 2 * x.detach() - x,
    "not-reversed": backward_with(lambda g, s: s * g),
    "reversed-twice": lambda x, strength: Reversal.apply(Reversal.apply(x, strength), strength),
    "strength-twice": lambda x, strength: Reversal.apply(Reversal.apply(x, strength), -strength),
    "strength-divides": backward_with(lambda g, s: -g / s),
    "one-too-much": lambda x, strength: x + strength * x.detach() - strength * x,
    "input-changed": hook_on_the_input,
    "backward-raises": lambda x, strength: (OneGradient if x.ndim > 1 else ForgotTheStrength).apply(x, strength),
    "not-a-tensor": lambda x, strength: Reversal,
    "leaves-torch": lambda x, strength: torch.from_numpy(np.array(x.numpy())),
    "gradient-reversal-differs": backward_with(lambda g, s: -s * g.abs()),
}
