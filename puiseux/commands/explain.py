"""``puiseux explain``: what the terms mean, with small examples."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Annotated

import typer

from puiseux.commands.options import Command, choices

if TYPE_CHECKING:
    from puiseux.console.glossary import Topic

_WIDTH = 88


def explain(
    topic: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="TOPIC",
            help="The term; without it all are listed.",
            show_default=False,
            autocompletion=choices("puiseux.console.glossary", "TOPICS"),
        ),
    ] = None,
) -> None:
    """Define a term with a small example; without a term, list all."""
    from puiseux.console.glossary import TOPICS
    from puiseux.console.glossary import topic as find

    if not topic:
        width = max(map(len, TOPICS))
        print("\n".join(f"{name:<{width}}  {each.summary}" for name, each in TOPICS.items()))
        return
    print(page(find(" ".join(topic))))


def page(topic: Topic) -> str:
    """A topic as it is printed."""
    parts = [f"{topic.name}: {topic.summary}", textwrap.fill(topic.text, _WIDTH, break_on_hyphens=False)]
    if topic.example:
        parts.append(textwrap.indent(f">>> import puiseux\n{topic.example}", "    "))
    if topic.see:
        parts.append(f"See also: {', '.join(topic.see)}")
    return "\n\n".join(parts)


EXPLAIN = Command(
    "explain",
    explain,
    "Define a term, with a small example.",
    ("puiseux explain", "puiseux explain regions", "puiseux explain activation pattern"),
)
