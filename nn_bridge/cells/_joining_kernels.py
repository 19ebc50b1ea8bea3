"""The compiled inner loop of gluing: cells that carry the same key of a face, found in a hash table and united.

A key is a row of 64-bit words.  The table has a power of two of slots: ``keys[slot]`` and ``bearer[slot]``, the leaf
that brought the key, or -1 for an empty slot.  Collisions go to the next slot; keys are compared in full.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import int64, uint64

from nn_bridge.cells._kernels import popcount
from polyhedra.compiled import cached

_MIX_1, _MIX_2 = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


@cached()
def find(parent: Any, node: Any) -> Any:
    """The representative of a node, with path halving."""
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@cached()
def slot_of(key: Any, slots: Any) -> Any:
    """The slot at which the search for a key begins."""
    mixed = uint64(0)
    for c in range(key.shape[0]):
        mixed = (mixed ^ key[c]) * _MIX_1
        mixed ^= mixed >> uint64(29)
    mixed *= _MIX_2
    return int64((mixed ^ (mixed >> uint64(32))) & uint64(slots - 1))


@cached()
def rehash(keys: Any, bearer: Any, new_keys: Any, new_bearer: Any) -> None:
    """Move all keys to a larger, empty table."""
    slots = new_bearer.shape[0]
    for old in range(bearer.shape[0]):
        if bearer[old] >= 0:
            slot = slot_of(keys[old], slots)
            while new_bearer[slot] >= 0:
                slot = (slot + 1) & (slots - 1)
            new_keys[slot] = keys[old]
            new_bearer[slot] = bearer[old]


@cached()
def pack(patterns: Any, rows: Any, zeros: Any, columns: Any, places: Any, keys: Any) -> None:
    """Pack the sign vectors of faces: the units that are positive, then the units and walls that vanish.

    Parameters
    ----------
    patterns : uint64, shape (leaves, words)
    rows : int64, shape (faces,)
        The leaf of each face.
    zeros : uint64, shape (faces, pieces)
    columns : int64, shape (pieces of units,)
        The words of the patterns that are in use.
    places : int64, shape (pieces of units + pieces,)
        The bit of the key where each piece begins.
    keys : uint64, shape (faces, width)
        The result; zero before.
    """
    units = columns.shape[0]
    width = keys.shape[1]
    for k in range(rows.shape[0]):
        for piece in range(places.shape[0]):
            if piece < units:
                word = patterns[rows[k], columns[piece]] & ~zeros[k, piece]
            else:
                word = zeros[k, piece - units]
            column = places[piece] >> 6
            shift = uint64(places[piece] & 63)
            keys[k, column] |= word << shift
            if shift != uint64(0) and column + 1 < width:
                keys[k, column + 1] |= word >> (uint64(64) - shift)


@cached()
def number(rows: Any, keys: Any, bearer: Any, state: Any, numbers: Any, fresh: Any, begin: Any) -> Any:
    """Number rows: equal ones equally, in the order in which they first come.

    Parameters
    ----------
    rows : uint64, shape (n, words)
    keys, bearer : the table
        The bearer of a row is its number.
    state : int64, shape (2,)
        How many rows the table has, and the next number.
    numbers : int64, shape (n,)
        The result.
    fresh : int64, shape (n,)
        For each new number, in turn, where it first comes.
    begin : tuple of two ints
        How many rows were worked in and how many numbers were new before the table had to grow.

    Returns
    -------
    tuple of two ints
        The same now.
    """
    slots = bearer.shape[0]
    new = begin[1]
    for i in range(begin[0], rows.shape[0]):
        if 5 * (state[0] + 1) > 4 * slots:
            return i, new
        slot = slot_of(rows[i], slots)
        while bearer[slot] >= 0:
            equal = True
            for c in range(rows.shape[1]):
                if keys[slot, c] != rows[i, c]:
                    equal = False
                    break
            if equal:
                break
            slot = (slot + 1) & (slots - 1)
        if bearer[slot] < 0:
            keys[slot] = rows[i]
            bearer[slot] = state[1]
            fresh[new] = i
            new += 1
            state[0] += 1
            state[1] += 1
        numbers[i] = bearer[slot]
    return rows.shape[0], new


@cached()
def relevant(patterns: Any, read: Any, by_output: Any, result: Any) -> None:
    """The active units from which a path of active units leads to an output, pattern by pattern.

    Parameters
    ----------
    patterns : uint64, shape (leaves, stages * words)
    read : uint64, shape (stages, 64 * words, stages * words)
        For each unit of a stage the units that read it.
    by_output : uint64, shape (stages * words,)
        The units that an output reads.
    result : uint64, shape (leaves, stages * words)
    """
    stages = read.shape[0]
    columns = by_output.shape[0]
    words = columns // stages
    for k in range(patterns.shape[0]):
        for column in range(columns - 1, -1, -1):
            found = patterns[k, column] & by_output[column]
            stage = column // words
            later = (stage + 1) * words
            left = patterns[k, column] & ~found if later < columns else uint64(0)
            while left != uint64(0):
                lowest = left & (~left + uint64(1))
                left ^= lowest
                unit = 64 * (column - stage * words) + popcount(lowest - uint64(1))
                for c in range(later, columns):
                    if read[stage, unit, c] & result[k, c] != uint64(0):
                        found |= lowest
                        break
            result[k, column] = found


@cached()
def different(rows: Any, first: Any, labels: Any, found: Any) -> Any:
    """List in ``found`` the rows that are not what their label has in ``first``; returns how many."""
    count = 0
    for k in range(rows.shape[0]):
        for c in range(rows.shape[1]):
            if rows[k, c] != first[labels[k], c]:
                found[count] = k
                count += 1
                break
    return count


@cached()
def remove(keys: Any, bearer: Any, slot: Any) -> None:
    """Empty a slot and close the gap, so that no later search ends too early."""
    slots = bearer.shape[0]
    hole = slot
    bearer[hole] = -1
    probe = (hole + 1) & (slots - 1)
    while bearer[probe] >= 0:
        home = slot_of(keys[probe], slots)
        # the key may move into the hole unless its home lies cyclically in (hole, probe]
        if ((probe - home) & (slots - 1)) >= ((probe - hole) & (slots - 1)):
            keys[hole] = keys[probe]
            bearer[hole] = bearer[probe]
            bearer[probe] = -1
            hole = probe
        probe = (probe + 1) & (slots - 1)


@cached()
def join(
    faces: Any, leaf: Any, label: Any, pairs: Any, key: Any, keys: Any, bearer: Any, seen: Any, parent: Any, begin: Any
) -> Any:
    """Unite the leaves of one label that bear equal keys.

    Parameters
    ----------
    faces : uint64, shape (faces, words)
        The keys.
    leaf : int64, shape (faces,)
        The leaf of each face.
    label : int64, shape (leaves,)
        The number of each leaf's affine map.
    pairs : bool
        A key comes at most twice and is dropped the second time; else the label is one more word of the key, which
        stays.
    key : uint64, shape (words of a key,)
        Scratch.
    keys, bearer : the table
    seen : int64, shape (1,)
        The number of keys in the table.
    parent : int64, shape (leaves,)
        The forest of united leaves.
    begin : int
        The face to begin with.

    Returns
    -------
    int
        The number of faces worked in; less than ``len(faces)`` when the table must grow first.
    """
    slots = bearer.shape[0]
    words = faces.shape[1]
    for f in range(begin, faces.shape[0]):
        if 5 * (seen[0] + 1) > 4 * slots:
            return f
        own = leaf[f]
        for c in range(words):
            key[c] = faces[f, c]
        if not pairs:
            key[words] = uint64(label[own])
        slot = slot_of(key, slots)
        while bearer[slot] >= 0:
            equal = True
            for c in range(key.shape[0]):
                if keys[slot, c] != key[c]:
                    equal = False
                    break
            if equal:
                break
            slot = (slot + 1) & (slots - 1)
        other = bearer[slot]
        if other < 0:
            for c in range(key.shape[0]):
                keys[slot, c] = key[c]
            bearer[slot] = own
            seen[0] += 1
            continue
        if label[other] == label[own]:
            a = find(parent, own)
            b = find(parent, other)
            if a != b:
                parent[max(a, b)] = min(a, b)
        if pairs:
            remove(keys, bearer, slot)
            seen[0] -= 1
    return faces.shape[0]
