"""Where things lie in the arrays of the edge subdivision, and the smallest operations on them.

Vertex rows (float64 matrix ``rows``, also seen as float32 in ``row32``)
    EPS         residual of the row, in units of each column's scale
    AMP, SIZE   (float32, rounded up) amplification of the vertex; largest |value| / scale
    HEAD ..     x (d), carried units, values of the current stage
Beside them, per vertex
    signs (2 words)   bit k: neuron k of the block is positive; now, and in the block before
    fingerprint       the words of everything before this block, of all its zeros and walls
    zeros, faces      the neurons through the vertex, padded with -1; its domain face
Edge rows (one buffer seen as uint64 ``e64``, int32 ``e32`` and int16 ``e16``)
    e32[0:2] end vertices
    e64[BASE]         fingerprint before this block (one block behind until `stage.begin_block`), with zeros and walls
    e32[FACE]         domain face, with UP and KNOWN: whether its second end is the higher one
    e16[ZEROS ..]     zeros (d - 1), padded with -1, then their amplifications, padded with 1
A neuron of the block that is positive on an edge is positive at one of its ends and not negative at the other: so an
edge's own signs in the block are ``signs[a] | signs[b]``.

Cut records (one buffer ``c64``, ``c32``, ``c16``): what the vertex on the j-th edge that a neuron cuts tells others
    c64[0] sign word    floats 1..4: height and its error; change of height per change of the neuron, and its error
    c32[ENDS:] the ends of the edge before it was cut
    c16[OWN ..] zeros and amplifications of the edge (2 (d - 1)), then the amplification by the cut itself

Amplifications are stored as the upper half of a float32, rounded up.
"""

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from polyhedra.compiled import cached

EPS, HEAD = 0, 2
AMP, SIZE = 2, 3  # of row32
NOW, BEFORE = 0, 1
BASE, FACE, ZEROS = 1, 4, 10
UP_BIT = 29
UP, KNOWN, FACE_BITS = 1 << UP_BIT, 1 << 30, (1 << 29) - 1
SIGN, HEIGHT, HEIGHT_ERROR, RATE, RATE_ERROR, ENDS, OWN = 0, 1, 2, 3, 4, 10, 24
NEUTRAL = 0x3F80  # the amplification 1

CHUNK = 63
"""Edges in one chunk of a bucket."""

# what a block is about, and how far it is
(COLUMN, COLUMNS, COUNT, DIM, FIRST, LONGEST, TOLERANT) = range(7)
VERTICES, EDGES, NEURON, PHASE, CUTS, MADE, JOINED, NEXT_EDGE, CAPACITY, FOUND, SINGLE, BAD, FREE, FRESH = range(7, 21)
STATE = 21

UNIT = 2.0**-53
ONE = np.uint64(1)
TWO = np.uint64(2)
NONE = np.uint64(0)
BYTE = np.uint64(255)
EIGHT = np.uint64(8)

inner = njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)
inline = njit(error_model="numpy", inline="always", no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)
# this file is compiled into the functions of the others
entry = cached((__file__,), error_model="numpy", _nrt=False)  # without reference counts: nothing is allocated
maker = cached((__file__,), error_model="numpy")


class Vertices(NamedTuple):
    """The arrays that have one row per vertex."""

    rows: np.ndarray
    row32: np.ndarray
    signs: np.ndarray
    fingerprint: np.ndarray
    zeros: np.ndarray
    faces: np.ndarray


class Edges(NamedTuple):
    """The edge rows, seen in three ways."""

    e64: np.ndarray
    e32: np.ndarray
    e16: np.ndarray


class Buckets(NamedTuple):
    """For every neuron of a block the edges that it cuts next, in chunks ``pool[chunk] = (next chunk, edges ..)``."""

    pool: np.ndarray
    head: np.ndarray
    tail: np.ndarray
    fill: np.ndarray
    size: np.ndarray


class Workspace(NamedTuple):
    """Per cut edge of the current neuron: its number, its record, the keys of its 2-faces; and a table of 2-faces.

    A slot of the table has the key, and an edge with the place of the zero that it left (0: it was met twice).
    """

    order: np.ndarray
    c64: np.ndarray
    floats: np.ndarray
    c32: np.ndarray
    c16: np.ndarray
    keys: np.ndarray
    slots: np.ndarray
    slots_flat: np.ndarray


class Names(NamedTuple):
    """Words of the hyperplanes and domain faces, and the covers of each face."""

    zero: np.ndarray
    positive: np.ndarray
    face: np.ndarray
    face_dim: np.ndarray
    cover_start: np.ndarray
    covers: np.ndarray


@intrinsic
def prefetch(typingctx, array, index):
    """Ask for the memory at ``array[index]`` (one dimension, contiguous)."""

    def codegen(context, builder, signature, arguments):
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        place = builder.bitcast(builder.gep(data, [arguments[1]]), cgutils.voidptr_t)
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [place, *(ir.Constant(number, value) for value in (0, 3, 1))])  # to read, keep, data
        return context.get_dummy_value()

    return types.void(array, index), codegen


@intrinsic
def lowest_bit(typingctx, word):
    """The index of the lowest set bit of a non-zero word."""

    def codegen(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), codegen


@inline
def widen(half):
    """The amplification behind 16 bits."""
    return np.float64(np.int32(np.int32(half) << np.int32(16)).view(np.float32))


@inline
def narrow(value):
    """16 bits for an amplification of at least 1, rounded up; too large a one becomes infinite."""
    bits = np.int32(np.float32(value * (1.0 + 2.0**-20)).view(np.int32))
    return np.int32((bits + np.int32(0xFFFF)) >> np.int32(16))


@inline
def up32(value):
    """A float32 not below a positive number."""
    return np.float32(value * (1.0 + 2.0**-22))


@inline
def bits_of(value):
    """The bits of a float, as a number: of absolute values (NaN has a sign too) in the same order, NaN above all.

    The largest of many is found many at a time in this form; of floats it is not, for the sake of NaN.
    """
    return np.float64(value).view(np.int64)


@inline
def float_of(bits):
    """The float with these bits."""
    return np.int64(bits).view(np.float64)


@inline
def larger(one, two):
    """The larger of two absolute values, NaN if one is: numba's `max` may lose it."""
    return float_of(max(bits_of(abs(one)), bits_of(abs(two))))


@inline
def word_sum(table, bits):
    """The sum of the words of all set bits; table[i, byte] holds the sums for byte i."""
    total = table[0, bits & BYTE] + table[1, (bits >> EIGHT) & BYTE]
    total += table[2, (bits >> np.uint64(16)) & BYTE] + table[3, (bits >> np.uint64(24)) & BYTE]
    bits >>= np.uint64(32)
    if bits != NONE:
        total += table[4, bits & BYTE] + table[5, (bits >> EIGHT) & BYTE]
        total += table[6, (bits >> np.uint64(16)) & BYTE] + table[7, bits >> np.uint64(24)]
    return total


@maker
def word_table(words):
    """The lookup table of `word_sum` for up to 64 words."""
    table = np.zeros((8, 256), np.uint64)
    for k in range(len(words)):
        i = k // 8
        bit = 1 << (k % 8)
        for byte in range(bit, 2 * bit):
            table[i, byte] = table[i, byte - bit] + words[k]
    return table


@inline
def put(index, cut, pool, head, tail, fill, size, state):
    """Put an edge into the bucket of the first neuron that cuts it, if one does."""
    if cut != NONE:
        k = lowest_bit(cut)
        at = fill[k]
        if at > CHUNK:
            chunk = state[FREE]
            if chunk >= 0:
                state[FREE] = pool[np.uintp(chunk), 0]
            else:
                chunk = state[FRESH]
                state[FRESH] = chunk + 1
            pool[np.uintp(chunk), 0] = -1
            if tail[k] >= 0:
                pool[np.uintp(tail[k]), 0] = chunk
            else:
                head[k] = chunk
            tail[k] = chunk
            at = 1
        pool[np.uintp(tail[k]), np.uintp(at)] = index
        fill[k] = at + 1
        size[k] += 1
