"""The answers of a program about the networks of the suite, and the table of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from puiseux.suite.answers import COUNTS

RIGHT, WRONG, REFUSED, TIMED_OUT = "right", "wrong", "refused", "timed out"


@dataclass(frozen=True, slots=True)
class SuiteAnswer:
    """The answer of the program about one network.

    Attributes
    ----------
    name, family : str
    outcome : str
        ``"wrong"`` where any count is; ``"right"``, ``"refused"`` or ``"timed out"``.
    given : dict
        The counts that it gave.
    expected : dict
        The true counts.
    seconds : float
    reason : str or None
        Why it counts as refused.
    """

    name: str
    family: str
    outcome: str
    given: dict[str, int]
    expected: dict[str, int | None]
    seconds: float
    reason: str | None = None

    def verdicts(self) -> Iterator[tuple[str, str]]:
        """Each definition that was answered and can be judged, right or wrong."""
        for key, value in self.given.items():
            if self.expected[key] is not None:
                yield key, RIGHT if value == self.expected[key] else WRONG


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """The whole run.

    Attributes
    ----------
    command : str
    domain : str
        ``"all"`` or ``"box"``.
    answers : tuple of SuiteAnswer
    """

    command: str
    domain: str
    answers: tuple[SuiteAnswer, ...]

    @property
    def wrong(self) -> tuple[SuiteAnswer, ...]:
        """The networks with a wrong count."""
        return tuple(answer for answer in self.answers if answer.outcome == WRONG)

    def families(self) -> dict[str, dict[str, Any]]:
        """Per family: networks by outcome, and right and wrong answers by definition."""
        table: dict[str, dict[str, Any]] = {}
        for answer in self.answers:
            row = table.setdefault(answer.family, {"networks": 0, **dict.fromkeys(_OUTCOMES.values(), 0), "counts": {}})
            row["networks"] += 1
            row[_OUTCOMES[answer.outcome]] += 1
            for key, verdict in answer.verdicts():
                row["counts"].setdefault(key, {RIGHT: 0, WRONG: 0})[verdict] += 1
        return table

    def to_json(self) -> dict[str, Any]:
        """The object that ``puiseux suite run --json`` prints."""
        return {
            "command": self.command,
            "domain": self.domain,
            "networks": len(self.answers),
            **{field: Counter(a.outcome for a in self.answers)[name] for name, field in _OUTCOMES.items()},
            "seconds": sum(answer.seconds for answer in self.answers),
            "families": self.families(),
            "answers": [
                {
                    "name": a.name,
                    "family": a.family,
                    "outcome": a.outcome.replace(" ", "_"),
                    "given": a.given,
                    "expected": {key: a.expected[key] for key in a.given},
                    "seconds": a.seconds,
                    "reason": a.reason,
                }
                for a in self.answers
            ],
        }

    def __str__(self) -> str:
        families = self.families()
        answered = [key for key in COUNTS if any(key in row["counts"] for row in families.values())]
        heads = ["family", "networks", *_OUTCOMES, *answered]
        rows = [[name, *_cells(row, answered)] for name, row in families.items()]
        total: dict[str, Any] = {"counts": {}}
        for field in ("networks", *_OUTCOMES.values()):
            total[field] = sum(row[field] for row in families.values())
        for key in answered:
            both = [row["counts"][key] for row in families.values() if key in row["counts"]]
            total["counts"][key] = {name: sum(entry[name] for entry in both) for name in (RIGHT, WRONG)}
        rows.append(["total", *_cells(total, answered)])
        widths = [max(len(row[k]) for row in [heads, *rows]) for k in range(len(heads))]
        lines = [
            "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
            for row in [heads, *rows]
        ]
        for answer in self.wrong[:_MOST_SHOWN]:
            said = [
                f"{key} {answer.given[key]}, not {answer.expected[key]}" for key, v in answer.verdicts() if v == WRONG
            ]
            lines.append(f"wrong: {answer.name}: {'; '.join(said)}")
        if len(self.wrong) > _MOST_SHOWN:
            lines.append(f"and {len(self.wrong) - _MOST_SHOWN} more; --json has them all")
        lines += self._refusals()
        return "\n".join(lines)

    def _refusals(self) -> list[str]:
        """One example of each of the commonest reasons."""
        refused = [answer for answer in self.answers if answer.outcome == REFUSED]
        reasons = Counter(str(answer.reason) for answer in refused)
        lines = []
        for reason, times in reasons.most_common(3):
            name = next(answer.name for answer in refused if str(answer.reason) == reason)
            lines.append(f"refused: {name}{f' and {times - 1} more' if times > 1 else ''}: {reason}")
        return lines


_OUTCOMES = {RIGHT: "right", WRONG: "wrong", REFUSED: "refused", TIMED_OUT: "timed_out"}
_MOST_SHOWN = 10


def _cells(row: dict[str, Any], answered: Sequence[str]) -> list[str]:
    judged = [row["counts"].get(key, {RIGHT: 0, WRONG: 0}) for key in answered]
    return [
        str(row["networks"]),
        *(str(row[field]) for field in _OUTCOMES.values()),
        *(f"{entry[RIGHT]}/{entry[RIGHT] + entry[WRONG]}" for entry in judged),
    ]
