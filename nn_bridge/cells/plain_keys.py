"""The loops of the core for numbering maps and pairing facets, in plain Python: the same arrays in and out.

It runs where no compiler was found, and it is the twin with which tests compare the core's loops of the same names.
"""

from __future__ import annotations

import numpy as np

from polyhedra.arrays import Integers, Words


def pack(patterns: Words, rows: Integers, zeros: Words, columns: Integers, places: Integers, keys: Words) -> None:
    """Pack the sign vectors of faces into keys.

    Parameters
    ----------
    patterns : uint64 array of shape (leaves, stages * words)
    rows : integer array of shape (faces,)
        The leaf of each face.
    zeros : uint64 array of shape (faces, pieces and words of walls)
        The units, then walls, that vanish on each face.
    columns : integer array of shape (pieces,)
        The column of ``patterns`` that each word of ``zeros`` is about.
    places : integer array of shape (2 * pieces + words of walls,)
        Where the positive bits of each piece begin in a key, then the zero bits of each word of ``zeros``.
    keys : uint64 array of shape (faces, width)
        Zero before; receives the keys.
    """
    positive, place = patterns[rows][:, columns] & ~zeros[:, : len(columns)], places.tolist()
    for k, (on, off) in enumerate(zip(positive.tolist(), zeros.tolist(), strict=True)):
        value = 0
        for bits, begin in zip((*on, *off), place, strict=True):
            value |= bits << begin
        keys[k] = np.frombuffer(value.to_bytes(8 * keys.shape[1], "little"), np.uint64)


def relevant(patterns: Words, read: Words, by_output: Words, result: Words) -> None:
    """The active units from which a path of active units leads to an output.

    Parameters
    ----------
    patterns : uint64 array of shape (leaves, stages * words)
    read : uint64 array of shape (stages, 64 * words, stages * words)
        For each stage and unit of it the units of later stages that read it.
    by_output : uint64 array of shape (stages * words,)
        The units that outputs read.
    result : uint64 array, the shape of ``patterns``
        Receives the relevant units.
    """
    stages, units, _ = read.shape
    words = units // 64
    result[:] = 0
    for stage in reversed(range(stages)):
        own = slice(stage * words, (stage + 1) * words)
        reaching = np.broadcast_to(by_output[own], (len(patterns), words)).copy()
        for unit in range(units):
            readers = read[stage, unit]
            if readers.any():
                hit = (result & readers).any(axis=1)
                reaching[hit, unit // 64] |= np.uint64(1 << unit % 64)
        result[:, own] = patterns[:, own] & reaching


def unlike(patterns: Words, first: Words, labels: Integers, read: Words, by_output: Words, found: Integers) -> int:
    """List in ``found`` the patterns whose relevant units are not those of ``first[label]``; returns how many."""
    rows, firsts = np.empty_like(patterns), np.empty_like(patterns)
    relevant(patterns, read, by_output, rows)
    relevant(first[labels], read, by_output, firsts)
    places = np.flatnonzero((rows != firsts).any(axis=1))
    found[: len(places)] = places
    return len(places)


def number(
    rows: Words,
    keys: Words,
    bearer: Integers,
    state: Integers,
    numbers: Integers,
    fresh: Integers,
    done: tuple[int, int],
) -> tuple[int, int]:
    """Number rows in the order in which they first come, in a hash table; stops where it is half full.

    ``state`` holds the slots that are taken and the next number.  Returns how many rows are done, and how many numbers
    are new.
    """
    at, new = done
    for k in range(at, len(rows)):
        if 2 * int(state[0]) >= len(bearer):
            return k, new
        slot = _slot_of(rows[k], keys, bearer)
        if bearer[slot] < 0:
            keys[slot], bearer[slot] = rows[k], state[1]
            fresh[new] = k
            new += 1
            state += 1
        numbers[k] = bearer[slot]
    return len(rows), new


def rehash(keys: Words, bearer: Integers, larger_keys: Words, larger_bearer: Integers) -> None:
    """Move the entries of a hash table into a larger one."""
    for k in np.flatnonzero(bearer >= 0).tolist():
        slot = _slot_of(keys[k], larger_keys, larger_bearer)
        larger_keys[slot], larger_bearer[slot] = keys[k], bearer[k]


def _slot_of(row: Words, keys: Words, bearer: Integers) -> int:
    """The slot of a row, or the free one where it belongs."""
    slot = hash(row.tobytes()) % len(bearer)
    while bearer[slot] >= 0 and not np.array_equal(keys[slot], row):
        slot = (slot + 1) % len(bearer)
    return slot
