import torch
import torch.nn.functional as F


def with_kl_div(student, teacher, labels, temperature, share):
    told = F.log_softmax(teacher.detach() / temperature, dim=1)
    said = F.log_softmax(student / temperature, dim=1)
    soft = F.kl_div(said, told, reduction="batchmean", log_target=True)
    return share * temperature**2 * soft + (1 - share) * F.cross_entropy(student, labels)


def by_hand(student, teacher, labels, temperature, share):
    with torch.no_grad():
        p = torch.softmax(teacher / temperature, 1)
    q = torch.log_softmax(student / temperature, 1)
    soft = (p * (p.log() - q)).sum(1).mean()
    picked = student.log_softmax(1)[torch.arange(len(labels)), labels]
    return share * temperature * temperature * soft - (1 - share) * picked.mean()


def through_cross_entropy(student, teacher, labels, temperature, share):
    """A divergence is a cross-entropy less an entropy."""
    p = (teacher.data / temperature).softmax(1)
    entropy = torch.special.entr(p).sum(1).mean()
    soft = F.cross_entropy(student / temperature, p) - entropy
    return torch.lerp(F.cross_entropy(student, labels), temperature**2 * soft, share)


RIGHT = [with_kl_div, by_hand, through_cross_entropy]


def log_q(student, temperature):
    return F.log_softmax(student / temperature, dim=1)


def p_of(teacher, temperature):
    return F.softmax(teacher.detach() / temperature, dim=1)


def right_soft(s, t, temperature):
    return F.kl_div(log_q(s, temperature), p_of(t, temperature), reduction="batchmean")


def of(soft=right_soft, factor=lambda t: t**2, hard=lambda s, y, t: F.cross_entropy(s, y), shares=lambda h: (h, 1 - h)):
    """The loss with another part."""

    def answer(student, teacher, labels, temperature, share):
        first, second = shares(share)
        return first * factor(temperature) * soft(student, teacher, temperature) + second * hard(
            student, labels, temperature
        )

    return answer


def kl(student_t=lambda t: t, teacher_t=lambda t: t, reduction="batchmean"):
    return lambda s, t, temperature: F.kl_div(
        log_q(s, student_t(temperature)), p_of(t, teacher_t(temperature)), reduction=reduction
    )


def turned(s, t, temperature):
    p, q = p_of(t, temperature), p_of(t, temperature).log() * 0 + log_q(s, temperature).exp()
    return (q * (q.log() - p.log())).sum(1).mean()


def teacher_free(s, t, temperature):
    return F.kl_div(log_q(s, temperature), F.softmax(t / temperature, 1), reduction="batchmean")


WRONG = {
    "temperature-not-squared": of(factor=lambda t: 1),
    "temperature-once": of(factor=lambda t: t),
    "divided-by-temperature": of(factor=lambda t: t**-2),
    "divergence-turned-round": of(turned),
    "student-not-softened": of(kl(student_t=lambda t: 1)),
    "teacher-not-softened": of(kl(teacher_t=lambda t: 1)),
    "no-temperature": of(kl(lambda t: 1, lambda t: 1)),
    "multiplied-by-temperature": of(kl(lambda t: 1 / t, lambda t: 1 / t)),
    "labels-softened": of(hard=lambda s, y, t: F.cross_entropy(s / t, y)),
    "shares-exchanged": of(shares=lambda share: (1 - share, share)),
    "labels-unused": of(shares=lambda share: (share, 0)),
    "labels-in-full": of(shares=lambda share: (share, 1)),
    "factor-on-both": of(hard=lambda s, y, t: t**2 * F.cross_entropy(s, y)),
    "mean-over-classes": of(kl(reduction="mean")),
    "sum-over-images": of(kl(reduction="sum")),
    "cross-entropy-for-divergence": of(
        lambda s, t, temperature: F.cross_entropy(s / temperature, p_of(t, temperature))
    ),
    "student-without-logarithm": of(
        lambda s, t, temperature: F.kl_div(log_q(s, temperature).exp(), p_of(t, temperature), reduction="batchmean")
    ),
    "student-without-softmax": of(
        lambda s, t, temperature: F.kl_div(s / temperature, p_of(t, temperature), reduction="batchmean")
    ),
    "logits-compared": of(lambda s, t, temperature: F.mse_loss(s / temperature, t.detach() / temperature)),
    "sign": of(lambda s, t, temperature: -right_soft(s, t, temperature)),
    "teacher-learns": of(teacher_free),
    "detached": of(
        lambda s, t, temperature: right_soft(s, t, temperature).data, hard=lambda s, y, t: F.cross_entropy(s.data, y)
    ),
    "gradient": of(hard=lambda s, y, t: F.cross_entropy(s.detach(), y)),
    "distillation-differs": of(factor=lambda t: t**3),
    "not-one-number": of(
        lambda s, t, temperature: F.kl_div(log_q(s, temperature), p_of(t, temperature), reduction="none")
    ),
    "raises": of(lambda s, t, temperature: F.kl_div(log_q(s, temperature), p_of(t, temperature), reduction="batch")),
}
