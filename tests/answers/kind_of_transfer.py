import numpy as np


def in_order(same_domain, same_task, source_labels, target_labels):
    if same_domain and same_task:
        return "none"
    if not same_task and target_labels:
        return "inductive"
    if same_task and source_labels and not target_labels:
        return "transductive"
    if not same_task and not source_labels:
        return "unsupervised"
    return "other"


def nested(same_domain, same_task, source_labels, target_labels):
    if same_task:
        if same_domain:
            return "none"
        return "transductive" if (source_labels, target_labels) == (True, False) else "other"
    if target_labels:
        return "inductive"
    return "other" if source_labels else "unsupervised"


def by_table(same_domain, same_task, source_labels, target_labels):
    if same_task:
        by_labels = {(True, False): "transductive"}
        return "none" if same_domain else by_labels.get((source_labels, target_labels), "other")
    return {(False, False): "unsupervised", (True, False): "other"}.get((source_labels, target_labels), "inductive")


def capitals(same_domain, same_task, source_labels, target_labels):
    return in_order(same_domain, same_task, source_labels, target_labels).capitalize()


def with_numpy(same_domain, same_task, source_labels, target_labels):
    rows = [
        same_domain and same_task,
        not same_task and target_labels,
        same_task and source_labels and not target_labels,
        not same_task and not source_labels,
    ]
    return np.select(rows, ["none", "inductive", "transductive", "unsupervised"], "other")


def but(applies, value):
    """Right, except that `value` is returned where `applies(same_domain, same_task, source_labels, target_labels)`."""
    return lambda *facts: value if applies(*facts) else in_order(*facts)


def without_none(same_domain, same_task, source_labels, target_labels):
    return in_order(False, same_task, source_labels, target_labels)


def by_task_alone(same_domain, same_task, source_labels, target_labels):
    if same_domain and same_task:
        return "none"
    return "transductive" if same_task else "inductive"


def by_labels_alone(same_domain, same_task, source_labels, target_labels):
    if target_labels:
        return "inductive"
    return "transductive" if source_labels else "unsupervised"


def figure_of_the_survey(same_domain, same_task, source_labels, target_labels):
    if same_domain and same_task:
        return "none"
    if target_labels:
        return "inductive"
    return in_order(same_domain, same_task, source_labels, target_labels)


def no_target_label(same_domain, same_task, source_labels, target_labels):
    if same_domain and same_task:
        return "none"
    return in_order(same_domain, same_task, source_labels, target_labels) if target_labels else "unsupervised"


def or_instead_of_and(same_domain, same_task, source_labels, target_labels):
    if same_domain or same_task:
        return "none"
    return in_order(same_domain, same_task, source_labels, target_labels)


def any_other_domain(same_domain, same_task, source_labels, target_labels):
    if not same_domain:
        return "transductive"
    return in_order(same_domain, same_task, source_labels, target_labels)


def the_three_types(same_domain, same_task, source_labels, target_labels):
    if same_task:
        return "transductive"
    return "inductive" if target_labels else "unsupervised"


RIGHT = [in_order, nested, by_table, capitals, with_numpy]

WRONG = {
    "unsupervised-without-target-labels": no_target_label,
    "labels-ignored": by_task_alone,
    "task-decides-alone": but(lambda d, t, s, g: not t, "inductive"),
    "no-difference": without_none,
    "none-object": but(lambda d, t, s, g: d and t, None),
    "either-is-enough": or_instead_of_and,
    "self-taught": but(lambda d, t, s, g: not t and not s, "unsupervised"),
    "zero-shot": but(lambda d, t, s, g: not t and s and not g, "transductive"),
    "other-domain-is-transductive": any_other_domain,
    "transductive-with-target-labels": but(lambda d, t, s, g: t and not d, "transductive"),
    "target-labels-decide": figure_of_the_survey,
    "no-labels-same-task": but(lambda d, t, s, g: not s and not g and not (d and t), "unsupervised"),
    "transductive-without-source-labels": but(lambda d, t, s, g: t and not d and not g, "transductive"),
    "domain-and-task-swapped": lambda d, t, s, g: in_order(t, d, s, g),
    "sides-swapped": lambda d, t, s, g: in_order(d, t, g, s),
    "inductive-in-one-domain": but(lambda d, t, s, g: not t and g and not d, "other"),
    "inductive-in-two-domains": but(lambda d, t, s, g: not t and g and d, "other"),
    "three-types-only": lambda *facts: in_order(*facts).replace("other", "inductive"),
    "not-a-kind": lambda *facts: in_order(*facts).replace("other", "supervised adaptation"),
    "word-never-returned": the_three_types,
    "kind-differs": but(lambda d, t, s, g: not t and d and not s and not g, "other"),
    "returns-nothing": lambda *facts: None,
}
