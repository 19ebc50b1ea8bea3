"""VNN-LIB 2.0 properties, read exactly: one network or two, tensors with declared names and shapes.

``(vnnlib-version <2.0>)``, then ``declare-network`` with ``declare-input`` and ``declare-output`` of real or
floating-point tensors, then assertions with ``and``, ``or``, ``<=``, ``>=``, ``<``, ``>``, ``==`` and ``!=`` over
linear expressions of their elements ``X[0,1]``. Inputs of all networks are numbered one after another, and so are
outputs. Numbers are exact decimals. Hidden nodes, types that are not real, and terms that are not linear are refused
by line.

Source: the grammar of the VNN-LIB standard, version 2.0.
"""

from __future__ import annotations

import re
from typing import Any

from milp.vnnlib_rows import DeclaredNetwork, Property, Tensor, element
from milp.vnnlib_terms import Budget, Form, all_of, disjuncts, forms, place_of, short
from polyhedra.errors import FormulationError
from polyhedra.quoting import quoted

_TOKEN = re.compile(r'[()]|"[^"\n]*"|[A-Za-z][A-Za-z0-9_]*\s*\[[^\[\]();"]*\]|;[^\n\r]*|[^\s();"]+|"')
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,199}")
_TYPE = re.compile(r"([A-Za-z][A-Za-z0-9_]*)\[([0-9,]*)\]")
_REAL_TYPES = ("real", "float16", "float32", "float64", "bfloat16")
_RELATIONS = ("equal-to", "isomorphic-to")
_MOST_ELEMENTS = 10**7
_MOST_NETWORKS = 2


def is_second_version(text: str) -> bool:
    """Whether a text begins as VNN-LIB 2.0 does: with its version, or with a network."""
    words = []
    for match in _TOKEN.finditer(text):
        if not match[0].startswith(";"):
            words.append(match[0])
        if len(words) == 2:
            break
    return words in (["(", "vnnlib-version"], ["(", "declare-network"])


def parse_second_version(text: str) -> Property:
    """Read a property of VNN-LIB 2.0.

    Raises
    ------
    FormulationError
        With the line of what cannot be read.

    Examples
    --------
    >>> spec = parse_second_version('''(vnnlib-version <2.0>)
    ... (declare-network f (declare-input X real [1,2]) (declare-output Y real []))
    ... (assert (<= X[0,1] 0.5)) (assert (!= Y 1.0))''')
    >>> spec.inputs, spec.outputs, len(spec.disjuncts)
    (2, 1, 2)
    """
    declared = _Declarations()
    assertions: list[Any] = []
    for number, form in enumerate(forms(text, _TOKEN)):
        head = form[0] if form else None
        if head == "vnnlib-version" and number == 0:
            _check_version(form)
        elif head == "declare-network":
            if assertions:
                raise FormulationError(f"{place_of(form)}a network is declared after an assertion; declare it before")
            declared.add(form)
        elif head == "assert" and len(form) == 2:
            assertions.append(form[1])
        else:
            raise FormulationError(
                f"{place_of(form)}{short(form)} is no VNN-LIB 2.0 (declare-network and assert are read)"
            )
    if not declared.networks:
        raise FormulationError("no network is declared; write (declare-network f (declare-input ..) ..)")
    if not assertions:
        raise FormulationError("it asserts nothing; add an assertion")
    budget = Budget()
    counts = declared.counts
    parts = [disjuncts(_plain(formula), declared.lookup, counts, budget) for formula in assertions]
    systems = tuple(all_of(parts, budget))
    return Property(counts["X"], counts["Y"], systems, tuple(declared.networks), tuple(declared.tensors.values()))


def _check_version(form: Form) -> None:
    version = form[1] if len(form) == 2 and isinstance(form[1], str) else ""
    if not re.fullmatch(r"<2\.[0-9]{1,3}>", version):
        raise FormulationError(f"{place_of(form)}{short(form)}: version <2.0> is read, and VNN-LIB 1.0")


def _plain(formula: Any) -> Any:
    """The same without blanks inside of words such as ``X [0, 1]``; forms that hold no part are refused."""
    if isinstance(formula, str):
        return re.sub(r"\s+", "", formula) if "[" in formula else formula
    if len(formula) < 2:
        raise FormulationError(f"{place_of(formula)}{short(formula)} is no formula")
    for position, part in enumerate(formula):
        formula[position] = _plain(part)
    return formula


class _Declarations:
    """The networks and tensors that were declared so far."""

    def __init__(self) -> None:
        self.networks: list[DeclaredNetwork] = []
        self.tensors: dict[str, Tensor] = {}
        self.names: set[str] = set()
        self.counts = {"X": 0, "Y": 0}

    def lookup(self, word: str) -> tuple[str, int] | None:
        """The place of an element; a name that is declared, without a right index, is refused."""
        place = element(self.tensors, word)
        name = word.partition("[")[0]
        if place is None and name in self.tensors:
            shape = ",".join(map(str, self.tensors[name].shape))
            raise FormulationError(f"{quoted(word)} is no element of the tensor {name}[{shape}]")
        return place

    def add(self, form: Form) -> None:
        """Read one ``declare-network``."""
        line = place_of(form)
        if len(self.networks) == _MOST_NETWORKS:
            raise FormulationError(f"{line}a third network is declared; one or two are read")
        name = self._new_name(form[1] if len(form) > 1 else None, line)
        before = dict(self.counts)
        relation = None
        for part in form[2:]:
            head = part[0] if isinstance(part, list) and part else None
            if head in ("declare-input", "declare-output"):
                self._add_tensor(part, "X" if head == "declare-input" else "Y")
            elif head in _RELATIONS and len(part) == 2:
                if relation is not None or not self.networks or part[1] != self.networks[0].name:
                    raise FormulationError(f"{place_of(part)}{short(part)} does not name the network declared before")
                relation = str(head)
            elif head == "declare-hidden":
                raise FormulationError(
                    f"{place_of(part)}{short(part)} is a hidden node; state the property by inputs and outputs"
                )
            else:
                raise FormulationError(f"{place_of(part) or line}{short(part)} is no declaration of a tensor")
        inputs, outputs = (self.counts[kind] - before[kind] for kind in "XY")
        if not inputs or not outputs:
            raise FormulationError(f"{line}network {quoted(name)} needs declare-input and declare-output")
        self.networks.append(DeclaredNetwork(name, inputs, outputs, relation))

    def _new_name(self, word: Any, line: str) -> str:
        if not isinstance(word, str) or not _NAME.fullmatch(word):
            raise FormulationError(f"{line}{short(word)} is no name of letters, digits and _")
        if word in self.names:
            raise FormulationError(f"{line}the name {quoted(word)} is declared twice")
        self.names.add(word)
        return word

    def _add_tensor(self, form: Form, kind: str) -> None:
        line = place_of(form)
        words = [re.sub(r"\s+", "", word) if isinstance(word, str) else "(" for word in form[1:]]
        match = _TYPE.fullmatch(words[1]) if len(words) in (2, 3) else None
        if match is None or (len(words) == 3 and not words[2].startswith('"')):
            raise FormulationError(f"{line}{short(form)} is not of the form (declare-input NAME real [SIZE,..])")
        name = self._new_name(words[0], line)
        if match[1].lower() not in _REAL_TYPES:
            raise FormulationError(f"{line}the type {quoted(match[1])} is not read; {', '.join(_REAL_TYPES)} are")
        texts = match[2].split(",") if match[2] else []
        if not all(0 < len(text) < 10 and int(text) > 0 for text in texts):
            raise FormulationError(f"{line}[{match[2]}] is no shape; sizes are positive integers")
        tensor = Tensor(name, kind, tuple(map(int, texts)), self.counts[kind])
        if len(texts) > 32 or self.counts[kind] + tensor.size > _MOST_ELEMENTS:
            raise FormulationError(f"{line}the tensors have more than {_MOST_ELEMENTS:,} elements")
        self.tensors[name] = tensor
        self.counts[kind] += tensor.size
