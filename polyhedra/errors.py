"""The errors of the project: one base, one class per package.

Every message is one line that names the culprit (file, layer, row) and the remedy, because the command line prints it
as it is.  ``exit_code`` is what the command line returns for it.
"""

from __future__ import annotations


class PuiseuxError(Exception):
    """Base class of every error that puiseux raises on purpose."""

    exit_code = 2


class GeometryError(PuiseuxError, ValueError):
    """A number, matrix or polyhedron that is not what `polyhedra` can work with."""


class AlgebraError(PuiseuxError, ValueError):
    """A tropical expression that is ill-formed (`tropical`)."""


class NetworkError(PuiseuxError, ValueError):
    """A network or network file that cannot be read or is not piecewise linear (`nn_bridge`)."""


class FormulationError(PuiseuxError, ValueError):
    """A mixed-integer model that cannot be built or solved as asked (`milp`)."""


class UsageError(PuiseuxError, ValueError):
    """A request that makes no sense: an option, a domain, an engine (`puiseux`)."""


class UnwritableError(NetworkError, UsageError):
    """A file that cannot be written; the message names it.  It is an error of every package that writes files."""


class UnreadableError(NetworkError, FormulationError, UsageError):
    """A file that cannot be read; the message names it.  It is an error of every package that reads files."""


class MemorySizeError(NetworkError, UsageError):
    """A size of memory that cannot be read; the message quotes it.  It is an error of every package that takes one."""


class OptionError(AlgebraError, NetworkError, FormulationError, UsageError):
    """An option of a function that is of a wrong type; the message names it.  It is an error of every package."""


class MissingExtraError(PuiseuxError, ImportError):
    """An optional part is not installed.

    Parameters
    ----------
    what : str
        The thing asked for, as the user named it ("backend='cdd'").
    extra : str
        The extra that brings it ("cdd").
    advice : str, optional
        What else has to be done first (system headers).
    """

    def __init__(self, what: str, extra: str, advice: str = "") -> None:
        message = f"{what} needs the optional part [{extra}]: pip install 'puiseux[{extra}]'"
        super().__init__(f"{message} ({advice})" if advice else message)
        self.extra = extra
