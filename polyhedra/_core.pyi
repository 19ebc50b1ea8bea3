"""How the compiled core was built."""

def about() -> dict[str, str | bool]:
    """The sum of the sources, the compiler, how limbs are multiplied, and whether assertions are checked."""

def rounds_each_operation(a: float, b: float, c: float) -> bool:
    """Whether a * b + c, computed as two operations, is zero."""
