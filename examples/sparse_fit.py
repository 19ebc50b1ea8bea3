"""How small can a network be that fits these points? Data, training, the sparsest network, and a picture of all.

Run with ``python examples/sparse_fit.py [-o PICTURE] [--data KIND] [--samples N] [--inputs D] [--units K]``:

1. data whose instances have a solution: planted by a small network, a function, random, or of low rank;
2. one start trained without regularisation, with weight decay, and with path norms;
3. the best of these as the start of the exact search for the sparsest network, which proves that no smaller one fits;
4. a table, and a picture: losses, non-zeros against errors, and the entries of the trained and of the exact network.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import milp

KINDS = {
    "planted": milp.planted_data,
    "function": milp.functional_data,
    "random": milp.random_data,
    "low-rank": milp.low_rank_data,
}


def run(kind: str, samples: int, inputs: int, units: int, epochs: int, seconds: float, seed: int, target: Path) -> None:
    """All steps; prints the table and writes the picture."""
    data = KINDS[kind](samples, inputs, rng=seed)
    models = milp.train_models(data.X, data.y, units, epochs=epochs, rng=seed)
    best = milp.best_model(models)
    largest = milp.get_max_params(best.model.balanced())
    fit = milp.sparsest_fit(data.X, data.y, units, start=best.model, time_limit=seconds)
    print(f"{kind} data, {samples} samples with {inputs} inputs; networks with {units} hidden units\n")
    print(f"{'':18}{'non-zeros':>10}{'units':>7}{'mean squared error':>21}{'largest error':>15}")
    for model in models:
        found = model.metrics
        print(
            f"{model.name:18}{found['nonzeros']:10d}{found['active_neurons']:7d}{found['mse']:21.2e}"
            f"{found['max_error']:15.2e}"
        )
    if fit.network is not None:
        print(f"{'sparsest, exact':18}{fit.nonzeros!s:>10}{sum(fit.network.hidden):7d}{0:21d}{0:15d}")
    print(f"\nbest trained model: {best.name}, weights up to {largest.weight:.3g}, biases up to {largest.bias:.3g}")
    if fit.proven:
        print(f"proven: no network with {units} units and fewer than {fit.nonzeros} non-zeros fits the samples")
    else:
        print(f"at least {fit.proven_bound} non-zeros are needed: {fit.reason}")
    draw(models, best, fit, target)
    print(f"wrote {target}")


def draw(models: tuple[milp.TrainedModel, ...], best: milp.TrainedModel, fit: milp.SparseFit, target: Path) -> None:
    """The picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 7.5), layout="constrained")
    axes = figure.subplots(2, 2)
    for model in models:
        axes[0, 0].plot(model.losses, label=model.name, lw=1.2)
        axes[0, 1].scatter(model.metrics["nonzeros"], model.metrics["mse"], label=model.name)
    axes[0, 0].set(title="Training", xlabel="epoch", ylabel="mean squared error", yscale="log")
    axes[0, 0].legend(fontsize=8)
    axes[0, 1].set(title="Sparsity and error", xlabel="non-zero weights and biases", ylabel="mean squared error")
    axes[0, 1].set_yscale("symlog", linthresh=1e-6)
    axes[0, 1].set_ylim(bottom=-2e-7)
    if fit.nonzeros is not None:
        axes[0, 1].scatter(fit.nonzeros, 0, marker="*", s=160, color="black", label="sparsest, exact")
    axes[0, 1].axvline(fit.proven_bound, color="black", lw=0.8, ls="--", label="proven bound")
    axes[0, 1].legend(fontsize=8)
    show(axes[1, 0], np.column_stack([best.model.balanced().W, best.model.balanced().b]), f"Trained: {best.name}")
    if fit.network is not None:
        stage = fit.network.stages[0]
        rows = [[float(v.p) / float(v.q) for v in row] for row in dict(stage.blocks).get(0, ())]
        bias = [[float(v.p) / float(v.q)] for v in stage.bias]
        show(axes[1, 1], np.column_stack([rows, bias]) if rows else np.array(bias), "Sparsest network, exact")
    figure.savefig(target, dpi=110)


def show(axes: Any, entries: np.ndarray, title: str) -> None:
    """Entries of hidden units, rows, with zeros left white; the last column is the bias."""
    size = float(np.abs(entries).max(initial=1e-9))
    shown = np.ma.masked_where(np.abs(entries) < 1e-3, entries)
    image = axes.imshow(shown, cmap="RdBu", vmin=-size, vmax=size, aspect="auto")
    axes.set(title=title, xlabel="input (last: bias)", ylabel="unit")
    axes.set_yticks(range(len(entries)), range(1, len(entries) + 1))
    axes.set_xticks(range(entries.shape[1]), [*[f"x{i + 1}" for i in range(entries.shape[1] - 1)], "b"])
    axes.figure.colorbar(image, ax=axes)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("sparse_fit.png"), help="the picture to write")
    parser.add_argument("--data", choices=KINDS, default="planted")
    parser.add_argument("--samples", type=int, default=7)
    parser.add_argument("--inputs", type=int, default=5)
    parser.add_argument("--units", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=60.0, help="of the exact search")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    run(given.data, given.samples, given.inputs, given.units, given.epochs, given.seconds, given.seed, given.output)


if __name__ == "__main__":
    main()
