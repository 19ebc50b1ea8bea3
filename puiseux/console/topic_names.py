"""Other names of the terms of the glossary, as people say them, by the name of the topic."""

from __future__ import annotations

_NAMES = {
    "cells": "cell activation_cells activation_region activation_regions proper_activation_region",
    "regions": "region linear_regions linear_region open_connected_region",
    "regions_by_point": "region_by_point closed_connected_region",
    "affine_maps": "affine_map",
    "patterns_any_dimension": "pattern_any_dimension",
    "convex": "convex_region convex_regions convex_piece convex_pieces",
    "pattern": "patterns activation_pattern unit neuron",
    "hyperplane": "hyperplanes bent_hyperplanes bent_hyperplane hyperplane_arrangement arrangement",
    "facet": "facets",
    "dual_graph": "dual neighbour neighbor neighbours neighbors",
    "decision_boundary": "boundary decision_boundaries level_set",
    "domain": "box polyhedron",
    "slice": "plane",
    "exact": "exactness proof proven tolerance",
    "engines": "engine sign_vectors milp sign_vector route routes crosscheck cross_check big_m",
    "certificate": "certificates",
    "property": (
        "vnnlib counterexample witness verdict verify_a_property verify_property verification robustness "
        "verify vnn_lib assertion counterexamples"
    ),
    "lipschitz": "lipschitz_constant local_lipschitz gradient slope norm",
    "injective": "injectivity one_to_one onto surjective surjectivity orthant",
    "topology": (
        "betti_numbers homology holes components betti betti_number euler euler_number euler_characteristic "
        "hole component compactify decision_region decision_regions class_region"
    ),
    "persistence": "persistent_homology barcode sublevel_set sublevel_sets critical_point critical_points filtration",
    "polynomial": "puiseux max_plus max_plus_polynomial tropical_polynomial puiseux_polynomial",
    "rational_map": (
        "tropical rational tropical_rational_map tropical_rational_function rational_function simplify formula"
    ),
    "monomial": "monomials native pruned term terms",
    "newton_polytope": "newton",
    "tropical_curve": (
        "tropical_curves curve hypersurface tropical_hypersurface dual_subdivision "
        "tropical_curve_and_dual_subdivision newton_polygon"
    ),
    "hoffman": "hoffman_constant radius effective_radius minimal_effective_radius radii",
    "bounds": "upper_bound lower_bound lower_bounds upper_bounds bound",
    "estimate": "estimates descent descents probe probes subtree subtrees confidence parity",
    "stage": "stages normal_form layer layers hidden_layer relu maxout leaky_relu max_pooling",
    "generic": "general_position degenerate dead_unit dead_neuron duplicate_unit zero_bias",
    "statistics": "volume volumes inradius diameter edges lower_median",
}

OTHER_NAMES = {name: topic for topic, names in _NAMES.items() for name in names.split()}
"""From another name, in lower case with underscores, to that of the topic."""

__all__ = ["OTHER_NAMES"]
