"""Values of an object that are computed when they are first asked for."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from functools import cached_property
else:

    class cached_property(functools.cached_property):
        """A property whose value is kept in the object, without a wait for other threads.

        Until Python 3.11, the one of ``functools`` computes under a lock that all objects of a class share: threads
        wait for each other, and a process that is forked meanwhile waits for ever: the lock is never opened there.
        Here two threads that ask at once may both compute the value, and both get the one that was kept first.
        (So a property that asks for the one of the same name of a base class would get that one's value back.)
        """

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            if instance is None:
                return self
            # only called for an object without the value: one that has it is not asked this way
            return instance.__dict__.setdefault(self.attrname, self.func(instance))


__all__ = ["cached_property"]
