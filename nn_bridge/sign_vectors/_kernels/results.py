"""What is read off a finished 1-skeleton: its arrays, the number of cells, the polygons of a surface."""

import numpy as np

from nn_bridge.sign_vectors._kernels.layout import (
    AMP,
    BASE,
    EPS,
    FACE,
    FACE_BITS,
    HEAD,
    KNOWN,
    NOW,
    TWO,
    UP,
    ZEROS,
    entry,
    maker,
    prefetch,
    up32,
    word_sum,
)

AHEAD = 16  # turns between asking for memory and using it


@entry
def copy_vertices(rows, row32, unit, points, error):
    """The coordinates of all vertices, and a bound on the error of each."""
    for v in range(len(points)):
        for q in range(points.shape[1]):
            points[v, q] = rows[v, HEAD + q]
        error[v] = up32(rows[v, EPS] * row32[v, AMP] * unit)


@entry
def copy_edges(edges, signs, signs_flat, table, ends, zeros, faces, up, words):
    """The columns of all edge rows; the last block's signs are added to the fingerprints."""
    e64, e32, e16 = edges.e64, edges.e32, edges.e16
    count = len(ends)
    for i in range(count):
        soon = min(i + AHEAD, count - 1)
        prefetch(signs_flat, TWO * np.uintp(e32[soon, 0]))
        prefetch(signs_flat, TWO * np.uintp(e32[soon, 1]))
        a = np.uintp(e32[i, 0])
        b = np.uintp(e32[i, 1])
        ends[i, 0] = a
        ends[i, 1] = b
        marks = e32[i, FACE]
        faces[i] = marks & FACE_BITS
        up[i] = (1 if marks & UP else 0) if marks & KNOWN else 2
        words[i] = e64[i, BASE] + word_sum(table, signs[a, NOW] | signs[b, NOW])
        for q in range(zeros.shape[1]):
            zeros[i, q] = e16[i, ZEROS + q]


@maker
def count_by_lowest_vertex(axes, upwards, edge_ends, edge_zeros, vertex_zeros):
    """The sum over vertices of the cells of which each is the lowest; ``upwards``: is an edge's second end higher?

    ``axes`` has one number per dimension, or is empty (as in `cut.cut_block`).
    """
    vertices = len(vertex_zeros)
    d = len(axes) if len(axes) else vertex_zeros.shape[1]
    upward = np.zeros((vertices, d), np.uint8)
    blocked = np.zeros(vertices, np.bool_)
    total = np.zeros(vertices, np.int32)
    for v in range(np.uintp(vertices)):
        for q in range(np.uintp(d)):
            total[v] += vertex_zeros[v, q]
    for i in range(np.uintp(len(edge_ends))):
        # no branches: which way an edge goes and what it leaves can't be foreseen
        second_higher = upwards[i] != 0
        a = edge_ends[i, 0]
        b = edge_ends[i, 1]
        low = np.uintp(a if second_higher else b)
        high = np.uintp(b if second_higher else a)
        edge_total = np.int32(0)
        for q in range(np.uintp(d - 1)):
            edge_total += edge_zeros[i, q]
        # padding with -1 makes the sums differ by the number of the neuron left, or by -1 towards a larger wall face
        left = total[low] - edge_total
        for q in range(np.uintp(d)):
            upward[low, q] += vertex_zeros[low, q] == left
        blocked[high] |= total[high] == edge_total - np.int32(1)
    cells = 0
    for v in range(vertices):
        if not blocked[v]:
            ways = 1
            for q in range(d):
                if vertex_zeros[v, q] >= 0:
                    ways *= np.int64(upward[v, q])
            cells += ways
    return cells


@maker
def walk_polygons(start, sides, members):
    """Order the sides of polygons into cycles of vertices.

    Polygon i has the sides ``sides[start[i] : start[i + 1]]`` (pairs of vertices) in any order; its vertices are
    written to the same places of ``members``.  Returns the number of polygons that do not close.
    """
    broken = 0
    for i in range(len(start) - 1):
        low = start[i]
        high = start[i + 1]
        used = np.zeros(high - low, np.bool_)
        current = sides[low, 1]
        members[low] = sides[low, 0]
        used[0] = True
        for place in range(low + 1, high):
            members[place] = current
            found = False
            for j in range(low, high):
                if not used[j - low]:
                    if sides[j, 0] == current:
                        current = sides[j, 1]
                        found = True
                    elif sides[j, 1] == current:
                        current = sides[j, 0]
                        found = True
                    if found:
                        used[j - low] = True
                        break
            if not found:
                break
        if current != members[low] or high - low < 3:
            broken += 1
    return broken
