"""Numbers and words of the edge subdivision in plain Python, for the twins of its compiled loops."""

import math

import numpy as np

UNIT = 2.0**-53
HEAD, LANES, CHUNK, NEUTRAL = 2, 4, 63, 0x3F80
UP_BIT, UP, KNOWN, FACE_BITS = 29, 1 << 29, 1 << 30, (1 << 29) - 1
MIX, WORD = 0x9E3779B97F4A7C15, (1 << 64) - 1
TILE, INFINITY = 32, math.inf
FLOOR, SMALLEST_SCALE, SUMMED = 1e-250, 1e-260, 1 + 1e-9


def widen(half):
    return float(np.array([int(half) << 16], dtype=np.int32).view(np.float32)[0])


def narrow(value):
    bits = int(np.array([value * (1 + 2.0**-20)]).astype(np.float32).view(np.int32)[0])
    return int(np.array((bits + 0xFFFF) >> 16).astype(np.int16))


def up32(value):
    return np.array([value * (1 + 2.0**-22)]).astype(np.float32)[0]


def larger(one, two):
    """The larger absolute value; NaN if one is."""
    return math.nan if math.isnan(one) or math.isnan(two) else max(abs(one), abs(two))


def word_sum(table, bits):
    return sum(int(table[i, (bits >> 8 * i) & 255]) for i in range(8)) & WORD


def lowest_bit(word):
    return (word & -word).bit_length() - 1


def positive_bits(values):
    return sum(1 << k for k, value in enumerate(values) if value > 0)
