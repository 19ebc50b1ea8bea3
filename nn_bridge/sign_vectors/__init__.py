"""The sign-vector route: the polyhedral complex of a network on a polytope, by edge subdivision in float64.

It shares no counting code with the exact routes, so that its agreement with them means something.
"""

from nn_bridge.sign_vectors.complex import Complex, Faces
from nn_bridge.sign_vectors.extractor import count_sign_vectors, extract

__all__ = ["Complex", "Faces", "count_sign_vectors", "extract"]
