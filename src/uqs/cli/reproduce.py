"""The verb `uqs reproduce`."""

from __future__ import annotations

from uqs.cli.options import JsonOption


def reproduce(json: JsonOption = False) -> None:
    """Compute published figures and correct statistics.

    From the published rows, with a line for each that says why a correct statistic differs.
    """
    import numpy as np

    from uqs.report.reproduced import show, tree
    from uqs.report.terminal import plain_console, write_json
    from uqs.reproduction.reproduce import reproduce as compute

    found = compute(np.random.default_rng(0))
    if json:
        write_json(tree(found))
    else:
        show(found, plain_console())
