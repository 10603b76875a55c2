import numpy as np
import torch

import tlcourse as tl


def mel_edges(rate, count=22, top=0.5):
    mel = np.linspace(0, 2595 * np.log10(1 + top * rate / 700), count)
    return 700 * (10 ** (mel / 2595) - 1)


def spectra(wave, window=None, hop=128):
    """Shape (windows, 129), complex."""
    window = np.hanning(256) if window is None else window
    return np.fft.rfft([wave[start : start + 256] * window for start in range(0, len(wave) - 255, hop)])


def decibels(bands):
    return 10 * np.log10(np.maximum(bands, 1e-10))


def step_by_step(wave, rate):
    filters = tl.worlds.triangles(mel_edges(rate), 256, rate)
    return decibels(filters @ (np.abs(spectra(wave)) ** 2).T)


def in_torch(wave, rate):
    top = 1127 * np.log(1 + rate / 2 / 700)
    edges = 700 * (np.exp(np.linspace(0, top, 22) / 1127) - 1)
    filters = torch.from_numpy(tl.worlds.triangles(edges, 256, rate)).float()
    sound, window = torch.from_numpy(wave).float(), torch.hann_window(256)
    spectrum = torch.stft(sound, 256, 128, window=window, center=False, return_complex=True)
    return 10 * torch.log10((filters @ spectrum.abs().square()).clamp(min=1e-10))


def own_triangles(wave, rate):
    edges, bins = mel_edges(rate), np.arange(129) * rate / 256
    rows = []
    for left, middle, right in zip(edges[:-2], edges[1:-1], edges[2:], strict=True):
        rows.append(np.clip(np.minimum((bins - left) / (middle - left), (right - bins) / (right - middle)), 0, None))
    count = 1 + (len(wave) - 256) // 128
    columns = []
    for index in range(count):
        spectrum = np.fft.fft(np.hanning(256) * wave[128 * index : 128 * index + 256])[:129]
        columns.append(np.array(rows) @ (spectrum.real**2 + spectrum.imag**2))
    return (10 * np.log10(np.array(columns).T + 1e-10)).tolist()


def with_the_package(wave, rate):
    pieces = np.lib.stride_tricks.sliding_window_view(wave, 256)[::128] * np.hanning(256)
    filters = tl.worlds.mel_filters(20, 256, rate)
    power = np.abs(np.fft.rfft(pieces, axis=1)) ** 2
    return 20 * np.log10(np.sqrt(np.maximum(power @ filters.T, 1e-10))).T


RIGHT = [step_by_step, in_torch, own_triangles, with_the_package]


def pipeline(
    edges=mel_edges,
    window=None,
    hop=128,
    pad=lambda wave: wave,
    power=lambda s: np.abs(s) ** 2,
    out=decibels,
    area=False,
):
    """A way from wave to bands with some steps exchanged."""

    def answer(wave, rate):
        at = edges(rate)
        filters = tl.worlds.triangles(at, 256, rate)
        if area:
            filters *= (2 / (at[2:] - at[:-2]))[:, None]
        return out(filters @ power(spectra(pad(wave), window, hop)).T)

    return answer


def slaney(rate):
    """Through Slaney's scale, as librosa does by default."""
    top = 15 + np.log(rate / 2000) * 27 / np.log(6.4)
    mel = np.linspace(0, top, 22)
    return np.where(mel < 15, 200 / 3 * mel, 1000 * 6.4 ** ((mel - 15) / 27))


def mixed(rate):
    return 700 * (10 ** (np.linspace(0, 2595 * np.log(1 + rate / 1400), 22) / 2595) - 1)


def one_missing(rate):
    return 700 * 10 ** (np.linspace(2595 * np.log10(1 / 700), 2595 * np.log10(rate / 1400), 22) / 2595)


def in_thousands(rate):
    return 1000 * (10 ** (np.linspace(0, np.log10(1 + rate / 2000), 22)) - 1)


def filled(wave):
    return np.pad(wave, (0, -(len(wave) - 256) % 128))


def early(wave, rate):
    filters = tl.worlds.triangles(mel_edges(rate), 256, rate)
    return filters @ decibels(np.abs(spectra(wave)) ** 2).T


def floor_first(wave, rate):
    filters = tl.worlds.triangles(mel_edges(rate), 256, rate)
    return 10 * np.log10(filters @ np.maximum(np.abs(spectra(wave)) ** 2, 1e-10).T)


WRONG = {
    "magnitude": pipeline(power=np.abs),
    "log-before-filter": early,
    "no-floor": pipeline(out=lambda bands: 10 * np.log10(bands)),
    "floor-before-filter": floor_first,
    "other-floor": pipeline(out=lambda bands: 10 * np.log10(np.maximum(bands, 1e-8))),
    "twenty-for-ten": pipeline(out=lambda bands: 2 * decibels(bands)),
    "natural-logarithm": pipeline(out=lambda bands: 10 * np.log(np.maximum(bands, 1e-10))),
    "bare-natural-logarithm": pipeline(out=lambda bands: np.log(np.maximum(bands, 1e-10))),
    "bel": pipeline(out=lambda bands: np.log10(np.maximum(bands, 1e-10))),
    "no-logarithm": pipeline(out=lambda bands: bands),
    "no-window": pipeline(window=np.ones(256)),
    "hamming": pipeline(window=np.hamming(256)),
    "hop-is-window": pipeline(hop=256),
    "hop-too-short": pipeline(hop=64),
    "padded": pipeline(pad=lambda wave: np.pad(wave, 128, mode="reflect")),
    "last-window-padded": pipeline(pad=filled),
    "edges-in-hertz": pipeline(lambda rate: np.linspace(0, rate / 2, 22)),
    "whole-rate": pipeline(lambda rate: mel_edges(rate, top=1)),
    "rate-ignored": pipeline(lambda rate: mel_edges(8000)),
    "edges-forgotten": pipeline(lambda rate: mel_edges(rate, 20)),
    "slaney-mel": pipeline(slaney),
    "mel-by-thousand": pipeline(in_thousands),
    "mel-logarithms-mixed": pipeline(mixed),
    "mel-one-outside": pipeline(one_missing),
    "area-normalised": pipeline(area=True),
    "divided-by-n": pipeline(power=lambda s: np.abs(s) ** 2 / 256),
    "relative-to-peak": pipeline(out=lambda bands: decibels(bands) - decibels(bands).max()),
    "transposed": pipeline(out=lambda bands: decibels(bands).T),
    "upside-down": pipeline(out=lambda bands: decibels(bands)[::-1]),
    "two-mistakes": pipeline(power=np.abs, hop=256),
    "no-spectrogram": lambda wave, rate: step_by_step(wave, rate).ravel(),
    "wrong-shape": lambda wave, rate: step_by_step(wave, rate)[:, 1:],
    "log-mel-differs": lambda wave, rate: step_by_step(wave, rate) + 3,
    "raises": lambda wave, rate: spectra(wave) @ tl.worlds.triangles(mel_edges(rate), 256, rate),
}
