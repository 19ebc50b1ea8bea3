"""Draws the images of docs/pictures.md: ``python docs/draw_pictures.py``, from the root of the repository.

Networks come from ``examples/`` or are trained here on small data; needs torch and scikit-learn.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, load_wine

from puiseux.domains import pose
from puiseux.pictures.pages import small_png
from puiseux.pictures.plot import picture_of, plot_slice, save_growth, space_picture_of
from puiseux.random_networks import random_network
from puiseux.reading import load
from puiseux.studies.training import train

IMAGES = Path(__file__).resolve().parent / "images"
EXAMPLES = Path(__file__).resolve().parent.parent / "examples"


def spirals(points: int = 50) -> tuple[np.ndarray, np.ndarray]:
    """Two arms of a spiral, and which one each point is on."""
    turn = np.linspace(0.15, 1, points)
    angle = 3.2 * np.pi * turn
    arm = turn[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    return np.vstack([arm, -arm]), np.repeat([0, 1], points)


def keep(name: str, figure: object, colours: int = 96) -> None:
    """Store a figure small."""
    path = IMAGES / f"pictures-{name}.png"
    path.write_bytes(small_png(figure, dpi=95, colours=colours))
    print(path.name, path.stat().st_size // 1000, "kB")


def main() -> None:
    """Draw them all."""
    wine, wines = load(EXAMPLES / "wine_2d.npz"), load_wine()
    training = (wines.data[:, [0, 6]], wines.target)
    keep("regions", picture_of(pose(wine), "core"))
    front = picture_of(pose(wine, "box:11,15;0,6"), None, "regions", "class")
    (IMAGES / "wine_2d.png").write_bytes(small_png(front, dpi=110, colours=96))
    keep("classes", picture_of(pose(wine, "box:11,15;0,6"), None, "regions", "class", training))
    keep("value", picture_of(pose(wine.select_outputs([0]), "box:11,15;0,6"), None, "regions", "value"), 256)
    folded = random_network([2, 5, 4, 1], rng=3, init="ternary")
    keep("cells", picture_of(pose(folded), None, "cells"))
    keep("dual", picture_of(pose(random_network([2, 5, 3, 1], rng=6)), "core", "dual"))

    points, arms = spirals()
    epochs = [0, 20, 60, 150, 300, 500]
    grown = train([2, 14, 12, 1], points, arms, rng=np.random.default_rng(4), epochs=500, at=epochs, learning_rate=0.02)
    window = [(-1.2, 1.2), (-1.2, 1.2)]
    keep("hyperplanes", picture_of(pose(grown[-1].network), window, "hyperplanes"))
    keep("surface", space_picture_of(pose(random_network([2, 8, 6, 1], rng=3), "box:-3,3"), "3d", "value"), 256)
    save_growth(
        [each.network for each in grown],
        IMAGES / "pictures-growth.gif",
        window=window,
        color_by="class",
        data=(points, arms),
        names=[f"epoch {each.epoch}" for each in grown],
        seconds=0.7,
        dpi=60,
    )
    print("pictures-growth.gif", (IMAGES / "pictures-growth.gif").stat().st_size // 1000, "kB")

    x = np.linspace(-3, 3, 60)
    noisy = np.sin(2 * x) + 0.1 * np.random.default_rng(0).normal(size=60)
    (fitted,) = train(
        [1, 16, 8, 1], x[:, None], noisy, rng=np.random.default_rng(1), epochs=400, loss="values", learning_rate=0.02
    )
    keep("graph", picture_of(pose(fitted.network), [(-3.3, 3.3)], "graph", "map", (x[:, None], noisy)))
    keep("space", space_picture_of(pose(random_network([3, 10, 8, 1], rng=2), "box:-2,2")))

    digits = load_digits()
    images = [digits.data[np.flatnonzero(digits.target == digit)[0]] for digit in (0, 1, 8)]
    ax = plot_slice(load(EXAMPLES / "digits.npz"), images, color_by="class", names=["a 0", "a 1", "an 8"])
    keep("slice", ax.figure)


if __name__ == "__main__":
    main()
