"""The book's one style: what a notebook makes of its figures."""

from __future__ import annotations

import matplotlib
from matplotlib.figure import Figure
from matplotlib_inline.backend_inline import _fetch_figure_metadata

from inkling import plots


def test_a_notebook_puts_no_dark_card_behind_a_figure():
    """Jupyter guesses from the ink of a transparent figure whether it is meant for a dark page."""
    with matplotlib.rc_context():
        plots.use_style()
        figure = Figure()
        figure.subplots().plot([1, 2])
        assert _fetch_figure_metadata(figure) == {"needs_background": "light"}
        matplotlib.rcParams["ytick.color"] = matplotlib.rcParams["xtick.color"] = "#aaaaaa"
        figure = Figure()
        figure.subplots().plot([1, 2])
        assert _fetch_figure_metadata(figure) == {"needs_background": "dark"}, (
            "with pale ink it would"
        )
