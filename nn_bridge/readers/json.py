"""Reader of ``.json`` networks, the round-trip format; `nn_bridge.writers.json` describes it.

A string is the exact rational or decimal that it denotes, an integer token the integer, any other number token the
float64 that it denotes.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from typing import Any

import numpy as np
from flint import fmpq, fmpz

from nn_bridge.errors import NetworkError
from nn_bridge.network.budget import ROW, Budget
from nn_bridge.network.chains import chain
from nn_bridge.network.network import AffineStage, Matrix, Network, Row, exact_row
from nn_bridge.network.rows import MatrixOfDoubles, kept_doubles, rows_of_fractions
from nn_bridge.readers.files import MAX_TEXT_BYTES, read_bytes
from nn_bridge.readers.standard_input import StandardInput
from polyhedra.plurals import counted
from polyhedra.quoting import quoted, shown, shown_path
from polyhedra.scalars import ZERO

FORMAT = "puiseux-network"
VERSION = 1

_KEYS = {"format", "version", "input_dim", "layers", "stages", "output", "notes"}


def read_json(path: str | os.PathLike[str]) -> Network:
    """Read a ``.json`` network.

    Raises
    ------
    NetworkError
        The file is no JSON text, not of this format, or not a piecewise linear network.
    """
    content = path.read() if isinstance(path, StandardInput) else read_bytes(path, MAX_TEXT_BYTES)
    try:
        _check_size(content)
        document = json.loads(
            content.decode("utf-8-sig"),
            parse_int=_integer,
            parse_constant=_refuse_constant,
            object_pairs_hook=_unique_keys,
        )
        return network_from_document(document)
    except NetworkError as error:
        raise NetworkError(f"{shown_path(path)}: {error}") from None
    except RecursionError:
        raise NetworkError(f"{shown_path(path)}: the JSON text is nested too deeply to be a network") from None
    except UnicodeDecodeError:
        raise NetworkError(f"{shown_path(path)} is not a UTF-8 text; a network file is JSON text") from None
    except json.JSONDecodeError as error:
        raise NetworkError(
            f"{shown_path(path)} is not JSON: {error.msg} in line {error.lineno}, column {error.colno}; "
            "correct or save it again"
        ) from None


_NUMBER, _TEXT = 2, 3  # entries that parsing a number costs, and a string more
_SHORT = 38  # characters; numbers of so few have no digits that are counted
_PIECE = 10_000  # entries of a row that are converted before their digits are counted
_MAX_KEYS = 300_000
_MAX_TOKEN = 100_000  # characters, as of numbers in strings


def _check_size(content: bytes) -> None:
    """Refuse a text that would become more entries or keys than a network may have, before it is parsed."""
    texts = content.count(b'"') // 2
    entries = _NUMBER * content.count(b",") + _TEXT * texts + ROW * content.count(b"[")
    Budget().spend_entries(entries, "the list of its entries")
    keys = content.count(b":")
    if keys > _MAX_KEYS:
        raise NetworkError(f"it has {keys:,} keys, more than the {_MAX_KEYS:,} that are read; save the network again")


def _integer(token: str) -> int | fmpq:
    if len(token) <= 4300:  # int() refuses more digits
        return int(token)
    if len(token) > _MAX_TOKEN:
        raise NetworkError(f"the number {shown(token, 40)} has more than {_MAX_TOKEN:,} digits")
    return fmpq(fmpz(token))


def _refuse_constant(token: str) -> Any:
    raise NetworkError(f"{token} is not a finite number; a network needs finite numbers")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        counts = Counter(key for key, _ in pairs)
        twice = next(key for key, count in counts.items() if count > 1)
        raise NetworkError(f"the key {quoted(twice)} occurs twice in one object; keep one of them")
    return result


def network_from_document(document: Any) -> Network:
    """The network that a parsed JSON document describes.

    Examples
    --------
    >>> layer = {"weights": [["1/2", 1]], "bias": ["0"], "activation": "linear"}
    >>> document = {"format": "puiseux-network", "version": 1, "input_dim": 2, "layers": [layer]}
    >>> network_from_document(document).evaluate([2, 3])
    (4,)
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise NetworkError(f'this is no network: it needs an object with "format": "{FORMAT}"')
    version = document.get("version")
    if isinstance(version, bool) or version != VERSION:
        raise NetworkError(
            f"version {shown(version, 40)} of the format is unknown; this program reads version {VERSION}"
        )
    _known_keys(document, _KEYS, "the network")
    input_dim = _size(document.get("input_dim"))
    notes = document.get("notes", [])
    if not isinstance(notes, list) or not all(isinstance(note, str) for note in notes):
        raise NetworkError('"notes" must be a list of strings')
    if ("layers" in document) == ("stages" in document):
        raise NetworkError('the network needs either "layers" or "stages"')
    budget = Budget()
    if "layers" in document:
        if "output" in document:
            raise NetworkError('"output" belongs to "stages"; with "layers" the last layer is the output')
        network = _from_layers(_list(document["layers"], '"layers"'), input_dim, budget)
    else:
        network = _from_stages(_list(document["stages"], '"stages"'), document.get("output"), input_dim, budget)
    return Network(network.input_dim, network.stages, network.output, network.layers, tuple(notes))


def _known_keys(value: dict[str, Any], known: set[str], place: str) -> None:
    unknown = sorted(set(value) - known)
    if unknown:
        raise NetworkError(f"{place} has the unknown key {quoted(unknown[0])}; known are {', '.join(sorted(known))}")


def _size(value: Any) -> int:
    if type(value) is fmpq and value.q == 1:
        value = int(value.p)
    if type(value) is not int or value < 1:
        raise NetworkError('"input_dim" must be a positive integer')
    return value


def _list(value: Any, place: str) -> list[Any]:
    if not isinstance(value, list):
        raise NetworkError(f"{place} must be a list")
    return value


def _row(value: Any, place: str, budget: Budget) -> Row:
    return _row_and_doubles(value, place, budget)[0]


def _row_and_doubles(value: Any, place: str, budget: Budget) -> tuple[Row, np.ndarray | None]:
    """A row, and the same numbers as doubles where each of them is seen to be one."""
    entries = _list(value, place)
    if not set(map(type, entries)) <= {str, float, int, fmpq}:
        index, entry = next((i, e) for i, e in enumerate(entries) if type(e) not in (str, float, int, fmpq))
        raise NetworkError(f'{place}, entry {index} is {shown(entry, 40)}; write a number or a string such as "1/2"')
    row: list[fmpq] = []
    doubles = []
    for start in range(0, len(entries), _PIECE):
        numbers, own = _numbers(entries[start : start + _PIECE], start, place, budget)
        row += numbers
        doubles.append(own)
    known = [own for own in doubles if own is not None]
    return tuple(row), np.concatenate(known) if known and len(known) == len(doubles) else None


def _numbers(entries: list[Any], start: int, place: str, budget: Budget) -> tuple[Row, np.ndarray | None]:
    """A piece of a row (`_row_and_doubles`), whose digits are counted before the next piece is converted."""
    kinds = set(map(type, entries))
    if float in kinds and math.inf in map(abs, (entry for entry in entries if type(entry) is float)):
        index = next(i for i, entry in enumerate(entries, start) if type(entry) is float and math.isinf(entry))
        raise NetworkError(f"{place}, entry {index}: the number is too large for float64; write it as a string")
    if kinds == {float}:
        array = np.array(entries)
        budget.spend_float_digits(array, place)
        return tuple(exact_row(array, place)), array
    read = rows_of_fractions(entries) if kinds == {str} else None
    if read is not None:
        if max(map(len, entries)) > _SHORT:
            budget.spend_digits(read[0], place)
        return read
    numbers = exact_row([ZERO if type(entry) is int and not entry else entry for entry in entries], place)
    budget.spend_digits(numbers, place)
    return numbers, None


def _matrix(value: Any, place: str, budget: Budget) -> Matrix:
    rows = [_row_and_doubles(row, f"{place}, row {i}", budget) for i, row in enumerate(_list(value, place))]
    known = [doubles for _, doubles in rows if doubles is not None]
    if not known or len(known) < len(rows) or len(set(map(len, known))) > 1:
        return tuple(row for row, _ in rows)
    matrix = MatrixOfDoubles(row for row, _ in rows)
    matrix.doubles = np.array(known)
    return matrix


def _from_layers(layers: list[Any], input_dim: int, budget: Budget) -> Network:
    budget.spend_operators(len(layers), "the list of layers")
    weights, biases, activations = [], [], []
    for index, layer in enumerate(layers):
        place = f"layer {index}"
        if not isinstance(layer, dict):
            raise NetworkError(f'{place} must be an object with "weights", "bias" and "activation"')
        _known_keys(layer, {"weights", "bias", "activation"}, place)
        activation = layer.get("activation")
        if not isinstance(activation, str):
            raise NetworkError(f'{place} needs an "activation": "relu", "linear", "leaky:1/10" or "maxout:3"')
        weights.append(_matrix(layer.get("weights"), f"{place}, weights", budget))
        biases.append(None if layer.get("bias") is None else _row(layer["bias"], f"{place}, bias", budget))
        activations.append(activation)
    network = chain(weights, biases, activations, budget)
    if network.input_dim != input_dim:
        raise NetworkError(f'"input_dim" is {input_dim}, but layer 0 reads {counted(network.input_dim, "input")}')
    return network


def _from_stages(stages: list[Any], output: Any, input_dim: int, budget: Budget) -> Network:
    budget.spend_operators(len(stages), "the list of stages")
    read = [_stage(stage, f"stage {number}", budget) for number, stage in enumerate(stages, 1)]
    return Network(input_dim, tuple(read), _stage(output, "the output", budget))


def _stage(value: Any, place: str, budget: Budget) -> AffineStage:
    if not isinstance(value, dict):
        raise NetworkError(f'{place} must be an object with "blocks" and "bias"')
    _known_keys(value, {"blocks", "bias"}, place)
    blocks = []
    for block in _list(value.get("blocks"), f"{place}, blocks"):
        if not isinstance(block, dict):
            raise NetworkError(f'{place}: every block must be an object with "source" and "weights"')
        _known_keys(block, {"source", "weights"}, f"{place}, block")
        source = block.get("source")
        if type(source) is fmpq and source.q == 1:
            source = int(source.p)
        if type(source) is not int:
            raise NetworkError(f'{place}: a block needs a "source", 0 for the input or the number of an earlier stage')
        blocks.append((source, _matrix(block.get("weights"), f"{place}, source {source}", budget)))
    doubles = tuple(pair for _, matrix in blocks for pair in kept_doubles(matrix, matrix))
    return AffineStage(tuple(blocks), _row(value.get("bias"), f"{place}, bias", budget), doubles)
