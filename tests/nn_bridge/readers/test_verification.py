"""The comparison of a network with its source: finds differences, and takes no overflow for one."""

import numpy as np
import pytest

from nn_bridge.errors import NetworkError
from nn_bridge.network.network import Network
from nn_bridge.readers.verification import verify
from polyhedra.rounding import SINGLE_ROUNDOFF, UNIT_ROUNDOFF


def in_floats(weights, biases, kind=np.float64):
    """The chain of layers as a program would evaluate it, with warnings of numpy as errors of this test."""

    def run(x):
        values = x.astype(kind)
        for number, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            values = np.asarray(weight, kind) @ values + np.asarray(bias, kind)
            if number < len(weights) - 1:
                values = np.maximum(values, 0)
        return values

    return run


@pytest.mark.parametrize(
    ("weights", "biases", "compared"),
    [
        (
            [[[1e300, -1e300]], [[1e300]]],
            [[0.0], [0.0]],
            False,
        ),  # the product overflows at all points but very small ones
        (
            [[[1e308], [1e308]], [[1.0, -1.0]]],
            [[1e308, 1e308], [0.0]],
            False,
        ),  # the first sum overflows, the second is a NaN
        ([[[1.7e308]], [[5e-324]]], [[-1.7e308], [1e308]], False),
        ([[[1e-300]], [[1e-300]], [[1e300]], [[1e300]]], [[0.0], [0.0], [0.0], [0.0]], False),  # underflows
        ([[[3.0, 4.0]], [[2.0]]], [[1.0], [0.0]], True),
    ],
)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_right_networks_pass_at_both_ends_of_the_float_range(weights, biases, compared):
    network = Network.from_layers(weights, biases)
    # where floats can tell nothing, nothing is refused, and nothing is said to be compared
    assert verify(network, in_floats(weights, biases), unit=UNIT_ROUNDOFF) is compared


def test_a_source_that_overflows_in_single_precision_passes():
    weights, biases = [[[1e30]], [[1e30]]], [[0.0], [1.0]]
    network = Network.from_layers(weights, biases)
    assert verify(network, in_floats(weights, biases, np.float32), unit=SINGLE_ROUNDOFF)  # at very small points


def test_what_always_overflows_is_not_compared():
    weights, biases = [[[1.0]], [[1e300]], [[1e300]]], [[1.0], [1e300], [0.0]]
    network = Network.from_layers(weights, biases)
    assert verify(network, in_floats(weights, biases), unit=UNIT_ROUNDOFF) is False
    assert verify(network, lambda x: np.array([np.nan]), unit=UNIT_ROUNDOFF) is False


@pytest.mark.parametrize("factor", [1.0, 1e150, 1e-150, 1e200])
def test_a_wrong_network_is_found_where_floats_can_tell(factor):
    weights, biases = [[[factor, 1.0], [1.0, -factor]], [[1.0, 1.0]]], [[0.0, 1.0], [0.0]]
    wrong = [[[factor, 1.0], [1.0, -factor * (1 + 1e-9)]], [[1.0, 1.0 + 1e-9]]]
    network = Network.from_layers(wrong, biases)
    with pytest.raises(NetworkError, match="not the function of its source"):
        verify(network, in_floats(weights, biases), unit=UNIT_ROUNDOFF)


def test_a_constant_output_and_the_number_of_outputs():
    network = Network.from_layers([[[0, 0]]], [[2]])
    assert verify(network, lambda x: np.array([2.0]), unit=UNIT_ROUNDOFF)
    with pytest.raises(NetworkError, match="output 0 is 3"):
        verify(network, lambda x: np.array([3.0]), unit=UNIT_ROUNDOFF)
    with pytest.raises(NetworkError, match="2 outputs"):
        verify(network, lambda x: np.zeros(2), unit=UNIT_ROUNDOFF)
