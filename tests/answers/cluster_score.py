from itertools import permutations

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, confusion_matrix, normalized_mutual_info_score


def table_of(clusters, labels):
    return np.array([[np.sum((clusters == i) & (labels == j)) for j in np.unique(labels)] for i in np.unique(clusters)])


def hungarian(clusters, labels):
    table = table_of(clusters, labels)
    return table[linear_sum_assignment(table, maximize=True)].sum() / len(labels)


def renamed(clusters, labels):
    _, columns = linear_sum_assignment(-confusion_matrix(clusters, labels))
    return np.mean(columns[clusters] == labels)


def every_permutation(clusters, labels):
    k = max(clusters) + 1
    return max(float(np.mean(np.array(names)[clusters] == labels)) for names in permutations(range(k)))


RIGHT = [hungarian, renamed, every_permutation]


def greedy(clusters, labels):
    table = table_of(clusters, labels).astype(float)
    right = 0
    for row in table:
        best = row.argmax()
        right += row[best]
        table[:, best] = -1
    return right / len(labels)


def greedy_by_size(clusters, labels):
    table = table_of(clusters, labels)
    right = 0
    while table.size and table.shape[0]:
        row, column = np.unravel_index(table.argmax(), table.shape)
        right += table[row, column]
        table = np.delete(np.delete(table, row, 0), column, 1)
    return right / len(labels)


def recall(clusters, labels):
    table = table_of(clusters, labels)
    rows, columns = linear_sum_assignment(table, maximize=True)
    return np.mean(table[rows, columns] / table.sum(0)[columns])


def worst(clusters, labels):
    table = table_of(clusters, labels)
    return table[linear_sum_assignment(table)].sum() / len(labels)


WRONG = {
    "not-matched": lambda clusters, labels: np.mean(clusters == labels),
    "purity": lambda clusters, labels: table_of(clusters, labels).max(1).sum() / len(labels),
    "inverse-purity": lambda clusters, labels: table_of(clusters, labels).max(0).sum() / len(labels),
    "greedy": greedy,
    "greedy-by-size": greedy_by_size,
    "worst-matching": worst,
    "mean-over-classes": recall,
    "percent": lambda clusters, labels: 100 * hungarian(clusters, labels),
    "count": lambda clusters, labels: hungarian(clusters, labels) * len(labels),
    "error-rate": lambda clusters, labels: 1 - hungarian(clusters, labels),
    "nmi": lambda clusters, labels: normalized_mutual_info_score(labels, clusters),
    "ari": lambda clusters, labels: adjusted_rand_score(labels, clusters),
    "cluster-score-rounded": lambda clusters, labels: round(hungarian(clusters, labels), 2),
    "cluster-score-differs": lambda clusters, labels: 0.123,
}
