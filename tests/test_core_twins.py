"""Every function that the compiled core exports has a twin or an oracle in the tests; the table says where.

A function that is added to a `_core.pyi` without a row here is found, and so is a row whose test is gone.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CELLS, EDGES = "tests/nn_bridge/cells", "tests/nn_bridge/sign_vectors"

# by module: what is exported, and the tests that compare it with a twin: a file and one of its functions
TESTS: dict[str, dict[str, str]] = {
    "nn_bridge/cells": {
        "rehash number": f"{CELLS}/test_plain_keys.py::test_numbers",
        "WholeMaps.add WholeMaps.pieces WholeMaps.cells": (
            f"{CELLS}/test_whole_maps.py::test_whole_maps_against_a_dictionary"
        ),
        "pack relevant unlike": f"{CELLS}/test_plain_keys.py::test_keys_and_relevant_units",
        "moving": f"{CELLS}/test_joining_faces.py::test_units_with_which_the_output_moves",
        "whole_weights alike": f"{CELLS}/test_joining_faces.py::test_patterns_that_differ_where_no_output_moves",
        "whole_maps WholeWeights.size": f"{CELLS}/test_joining_faces.py::test_coefficients_of_maps",
        "whole_numbers WholeNumbers.weights": (
            f"{CELLS}/test_whole_weights.py::test_weights_are_those_of_the_integer_network"
        ),
        "WholeNumbers.derivative_bound WholeNumbers.coefficient_bound": (
            f"{CELLS}/test_whole_weights.py::test_bounds_are_hardly_more_than_exact_ones"
        ),
        "WholeNumbers.residues": f"{CELLS}/test_cell_residues.py::test_every_leaf_has_the_residues_of_its_map",
        "Explorer.try_leaves Explorer.tried": f"{CELLS}/test_repeated_maps.py::test_a_batch_decides_by_its_leaves",
        "WholeWeights.limbs WholeNumbers.derivative_weights WholeNumbers.map_weights": (
            f"{CELLS}/test_whole_weights.py::test_limbs_are_chosen_by_the_bounds"
        ),
        "Components.add Components.maps_of Components.firsts_of Components.patterns_of Components.pieces "
        "Components.in_pieces Components.choose Components.cells_again Components.cells "
        "Components.maps Components.divided": (
            f"{CELLS}/test_components.py::test_components_as_a_dictionary_finds_them"
        ),
        "Components.join_again": f"{CELLS}/test_components.py::test_facets_on_which_several_units_vanish",
        "MapPieces.add MapPieces.pieces MapPieces.cells MapPieces.most MapPieces.outside": (
            f"{CELLS}/test_map_pieces.py::test_pieces_against_definitions"
        ),
        "Components.cover": f"{CELLS}/test_covered_cells.py::test_components_as_a_dictionary_finds_them",
        "WholeNumbers.covered_units": (
            "tests/nn_bridge/network/test_covered_units.py::test_found_are_those_of_the_twin"
        ),
        "Explorer.cover": f"{CELLS}/test_covered_cells.py::test_what_leaves_with_one_pattern_are_told",
        "Components.settle Components.add_map": f"{CELLS}/test_components.py::test_numbers_are_those_of_exact_maps",
        "Components.bytes": f"{CELLS}/test_components.py::test_numbers_that_nothing_has",
        "widen": f"{CELLS}/test_cell_runs.py::test_loops_of_any_width_give_the_same_bits",
        "problem Explorer.work Explorer.take Explorer.cells": (
            f"{CELLS}/test_cell_tree.py::test_all_reference_networks_in_every_mode"
        ),
        "Problem.words Problem.dim": f"{CELLS}/test_dyadic.py::test_networks_of_the_record",
        "Checks.follow Checks.form": f"{CELLS}/test_cell_core_bounds.py::test_forms_are_as_exact_as_they_claim",
        "Checks.bounds": f"{CELLS}/test_cell_core_bounds.py::test_values_are_as_exact_as_they_claim",
        "Checks.join": f"{CELLS}/test_cell_core_bounds.py::test_new_generators_are_as_exact_as_they_claim",
        "Checks.polish": f"{CELLS}/test_cell_core_bounds.py::test_polished_points_are_as_exact_as_they_claim",
        "Stop.set Stop.clear Stop.is_set": f"{CELLS}/test_cell_runs.py::test_a_run_that_is_asked_to_share_ends_soon",
        "Explorer.start Explorer.position": f"{CELLS}/test_cell_tree.py::test_a_divided_run_names_what_is_left",
        "Explorer.leave_out": f"{CELLS}/test_pieces.py::test_the_plain_engine_leaves_out_the_same_cells",
        "give_back_memory": f"{CELLS}/counting/test_cell_count.py::test_a_memory_limit_after_a_large_count",
        "mark_repeats": f"{CELLS}/test_repeated_maps.py::test_repeated_residues_are_marked",
        "Explorer.leave_unread Explorer.leaves": (
            f"{CELLS}/test_unread_units.py::test_cells_that_differ_in_unread_units_are_one_leaf"
        ),
        "Explorer.mark": f"{CELLS}/counting/test_cell_jobs.py::test_marked_leaves_once_more",
        "Explorer.go_to": f"{CELLS}/test_joining_faces.py::test_a_run_goes_to_named_leaves_alone",
        "WholeNumbers.unread_units": f"{CELLS}/test_unread_units.py::test_found_are_the_units_without_a_weight",
        "Explorer.most_generators": f"{CELLS}/test_cell_tree.py::test_the_most_vertices_of_a_cell",
        "Explorer.zero_words": f"{CELLS}/test_cell_tree.py::test_every_face_is_exact",
        "Explorer.partial": f"{CELLS}/counting/test_cell_jobs.py::test_a_limit_of_cells_ends_a_slice",
        "Explorer.share": f"{CELLS}/counting/test_cell_count.py::test_progress_goes_from_nothing_to_everything",
        "Explorer.counters": f"{CELLS}/test_cell_tree.py::test_depth_alone_asks_for_no_exact_decisions",
    },
    "nn_bridge/sign_vectors": {
        "fill_word_table": f"{EDGES}/test_sign_vector_kernels.py::test_word_sums",
        "widen": f"{EDGES}/test_sign_vector_kernels.py::test_values_come_in_as_in_the_twin",
        "begin_block cut_block take_back end_block copy_vertices copy_edges count_by_lowest_vertex": (
            f"{EDGES}/test_sign_vector_kernels.py::test_a_complex_is_the_twins"
        ),
        "enter_stage later_signs": f"{EDGES}/test_sign_vector_kernels.py::test_values_come_in_as_in_the_twin",
        "renew_sign_word": f"{EDGES}/test_sign_vector_kernels.py::test_renewed_signs",
        "open_cells": f"{EDGES}/test_sign_vector_kernels.py::test_bounds_of_cells_are_the_twins",
        "number_cells gather_members curve_codes walk_polygons": (
            f"{EDGES}/test_sign_vector_kernels.py::test_a_level_set_is_the_twins"
        ),
    },
    "polyhedra": {
        "about": "tests/polyhedra/test_compiled_core.py::test_the_core_is_built_from_the_present_sources",
        "rounds_each_operation": "tests/polyhedra/test_compiled_core.py::test_no_operation_is_fused",
        "propose propose_and_prove doubtful": (
            "tests/polyhedra/test_float_simplex.py::test_the_core_computes_bit_for_bit_what_its_twin_computes"
        ),
        "prove_many": "tests/polyhedra/test_float_simplex.py::test_many_programs_are_those_programs_one_by_one",
    },
    "tropical": {
        "winners locate proven_redundant": (
            "tests/tropical/test_hull_loops.py::test_the_core_finds_what_numpy_finds_on_generic_terms"
        ),
    },
}


def exported(package: str) -> set[str]:
    """The functions, and the methods of classes, in a stub."""
    names = set()
    for node in ast.parse((ROOT / package / "_core.pyi").read_text()).body:
        if isinstance(node, ast.FunctionDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            inside = [item.name for item in node.body if isinstance(item, ast.FunctionDef)]
            names.update(f"{node.name}.{name}" for name in inside if not name.startswith("__"))
    return names


def test_all_modules_of_the_core_are_here() -> None:
    stubs = {path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("[a-z]*/**/_core.pyi")}
    assert {stub for stub in stubs if stub.split("/")[0] in ("nn_bridge", "polyhedra", "tropical")} == set(TESTS)


@pytest.mark.parametrize("package", TESTS)
def test_every_function_has_a_twin(package: str) -> None:
    assert {name for names in TESTS[package] for name in names.split()} == exported(package)
    for where in TESTS[package].values():
        file, function = where.split("::")
        tree = ast.parse((ROOT / file).read_text())
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, where


def test_the_page_about_the_core_names_every_header_and_each_says_its_idea() -> None:
    page = (ROOT / "docs" / "core.md").read_text()
    headers = [path for package in TESTS for path in (ROOT / package / "core").glob("*.hpp")]
    assert len(headers) > 40
    assert [path.name for path in headers if f"{path.name}`" not in page] == []
    assert [path.name for path in headers if not path.read_text().startswith("// ")] == []
