"""The commands of ``puiseux``, one module each; everything heavy is imported when a command runs."""

from puiseux.commands.bounds import BOUNDS
from puiseux.commands.compare import COMPARE
from puiseux.commands.convert import CONVERT
from puiseux.commands.count import COUNT
from puiseux.commands.crosscheck import CROSSCHECK
from puiseux.commands.explain import EXPLAIN
from puiseux.commands.hoffman import HOFFMAN
from puiseux.commands.lipschitz import LIPSCHITZ
from puiseux.commands.monomials import MONOMIALS
from puiseux.commands.optimize import OPTIMIZE
from puiseux.commands.plot import PLOT
from puiseux.commands.property import PROPERTY
from puiseux.commands.random import RANDOM
from puiseux.commands.reduce import REDUCE
from puiseux.commands.report import REPORT
from puiseux.commands.simplify import SIMPLIFY
from puiseux.commands.statistics import STATISTICS
from puiseux.commands.study import STUDY
from puiseux.commands.suite import SUITE
from puiseux.commands.topology import TOPOLOGY
from puiseux.commands.verify import VERIFY

COMMANDS = (
    COUNT,
    CROSSCHECK,
    SIMPLIFY,
    MONOMIALS,
    BOUNDS,
    HOFFMAN,
    COMPARE,
    PROPERTY,
    OPTIMIZE,
    LIPSCHITZ,
    TOPOLOGY,
    EXPLAIN,
    CONVERT,
    REDUCE,
    PLOT,
    REPORT,
    RANDOM,
    STATISTICS,
    STUDY,
    SUITE,
    VERIFY,
)

__all__ = ["COMMANDS"]
