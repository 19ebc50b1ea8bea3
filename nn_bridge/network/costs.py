"""What products of exact matrices cost, in entries of a file's budget, and in which of two ways they are faster.

A product is a sum of products for each entry, or a product of dense integer matrices over common denominators.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from flint import fmpq, fmpz

Terms = Mapping[int, fmpq]
"""The linear part of one entry: weights by variable, without zeros; variables are the inputs, then the units."""

SUM = 2
"""The entries that a product in a sum costs, with its digits counted."""

PRODUCTS = 200
"""Products of two machine words in a product of dense matrices that take as long as an entry."""

_DENSE_WORK = 50_000  # products of two words from which a product of matrices is faster than sums
_SMALL_WORK = 1000  # products that are not worth a look at their length
_LONGEST = 4096  # bits of the common denominator, and of a numerator, with which dense matrices are multiplied


def product_cost(inner: Sequence[Terms], rows: Sequence[Terms]) -> tuple[bool, int]:
    """Whether a product of dense matrices is faster than sums of products, and the entries that the faster way costs.

    Parameters
    ----------
    inner, rows : sequences of sparse rows
        Entry ``i`` of the result is the sum of ``rows[i][j] * inner[j]``.
    """
    work = sum(len(inner[j]) for row in rows for j in row)
    if work < _SMALL_WORK:
        return False, SUM * work
    reads = {j for row in rows for j in row}
    variables = {v for j in reads for v in inner[j]}
    left, right = length(row.values() for row in rows), length(inner[j].values() for j in reads)
    if not (left and right):
        return False, SUM * work  # the digits are counted apart
    products, pairs = len(rows) * len(reads) * len(variables), words(left, right)
    sparse = all(len(inner[j]) <= 1 for j in reads) or 4 * work <= products
    if sparse or work * pairs < _DENSE_WORK:
        return False, (SUM + ((left + right) // 128) ** 2 // PRODUCTS) * work
    return True, len(rows) * len(variables) + products * (pairs + 2) // PRODUCTS


def words(left: int, right: int) -> int:
    """The products of machine words in a product of two numbers of so many bits."""
    return (left // 64 + 1) * (right // 64 + 1)


def bits(value: fmpq) -> int:
    """The length of a fraction."""
    return int(value.p.bit_length() + value.q.bit_length())


def length(rows: Iterable[Iterable[fmpq]]) -> int:
    """The bits of the numerators of a matrix over its common denominator, at most; 0 where one of them is very long."""
    denominators: set[fmpz] = set()
    longest = 1
    for row in rows:
        for value in row:
            longest = max(longest, value.p.bit_length())
            denominators.add(value.q)
        if longest > _LONGEST:
            return 0
    common = fmpz(1)
    for denominator in denominators:
        common = common.lcm(denominator)
        if common.bit_length() > _LONGEST:
            return 0
    return int(longest + common.bit_length())
