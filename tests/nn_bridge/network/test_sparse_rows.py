"""Long rows that are mostly zero: they behave like tuples, and networks that hold them are the same networks."""

import hashlib
import json
import pickle

import pytest
from flint import fmpq

from nn_bridge.network.network import AffineStage, Network
from nn_bridge.network.sparse_row import SparseRow, entries, is_zero, normal_row, row_of

DENSE = tuple(fmpq(7 * j, 3) if j % 500 == 1 else fmpq(0) for j in range(2000))
ROW = row_of(2000, entries(DENSE))


def test_a_sparse_row_is_the_tuple_of_its_entries():
    assert isinstance(ROW, SparseRow)
    assert ROW == DENSE
    assert hash(ROW) == hash(DENSE)
    assert tuple(ROW) == DENSE
    assert [ROW[j] for j in (0, 1, 501, -1, -499)] == [DENSE[j] for j in (0, 1, 501, -1, -499)]
    assert ROW[1:600] == DENSE[1:600]
    assert ROW + (fmpq(1),) == (*DENSE, fmpq(1))
    assert (fmpq(1),) + ROW == (fmpq(1), *DENSE)
    assert list(entries(ROW)) == list(entries(DENSE))
    assert pickle.loads(pickle.dumps(ROW)) == ROW
    with pytest.raises(IndexError):
        ROW[2000]


def test_the_form_of_a_row_depends_on_its_entries_alone():
    assert normal_row(DENSE) == ROW
    assert isinstance(normal_row(DENSE), SparseRow)
    assert normal_row(ROW) is ROW
    assert isinstance(normal_row(SparseRow(3, (1,), (fmpq(1),))), tuple)
    full = tuple(fmpq(1) for _ in range(2000))
    assert normal_row(full) is full
    assert is_zero(row_of(2000, ()))


def test_networks_with_sparse_rows():
    stage = AffineStage(((0, (DENSE, tuple(reversed(DENSE)))),), (fmpq(0), fmpq(-1)))
    output = AffineStage(((1, ((fmpq(1), fmpq(2)),)),), (fmpq(0),))
    network = Network(2000, (stage,), output)
    assert network == Network.from_layers([[DENSE, DENSE[::-1]], [[1, 2]]], [[0, -1], [0]])
    assert all(isinstance(row, SparseRow) for row in network.stages[0].block(0))
    x = [fmpq(j % 7 - 3) for j in range(2000)]
    first = sum((w * v for w, v in zip(DENSE, x, strict=True)), fmpq(0))
    second = sum((w * v for w, v in zip(DENSE[::-1], x, strict=True)), fmpq(-1))
    assert network.evaluate(x) == (max(first, 0) + 2 * max(second, 0),)
    assert abs(network.evaluate_float([list(map(float, x))])[0, 0] - float(network.evaluate(x)[0])) < 1e-6
    text = json.dumps(network.normal_form(), separators=(",", ":")).encode()
    assert network.digest() == hashlib.sha256(text).hexdigest()
    line = network.restrict_to([[v] for v in x], [0] * 2000)
    assert line.evaluate([1]) == network.evaluate(x)
    assert line.stages[0].block(0) == ((first,), (second + 1,))
    assert network.round(1).stages[0].block(0)[0][1] == fmpq(5, 2)  # 7/3
    assert network.affine_forms(((True, False),))[1][0] == (*DENSE, fmpq(0))


def test_a_pooling_layer_of_an_image_is_read_and_engines_say_that_it_is_too_large():
    torch = pytest.importorskip("torch", reason="needs the extra [torch]")
    from nn_bridge.errors import NetworkError
    from nn_bridge.readers import read_network

    pool = torch.nn.MaxPool2d(2)
    network = read_network(pool, (32, 27, 27))
    assert network.hidden == (5408, 5408, 5408)
    x = torch.randn(1, 32, 27, 27, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert list(map(float, network.evaluate(x.flatten().tolist()))) == pool(x).flatten().tolist()
    with pytest.raises(NetworkError, match="more than the 100,000,000 that engines take"):
        network.affine_forms(())
