"""One look for every figure in the book.

Figures are transparent and drawn in a middle grey and in colours of middle brightness,
so that the same picture reads on a light page, on a dark page and in a notebook. They
are small (4.8 inches wide) with type to match: on a screen 360 pixels wide the labels
are still about 9 pixels high, and on a projector nothing is lost, because they are
drawn at twice the screen's resolution. The colours keep apart for colour-blind readers;
lines also differ in dash.
"""

import matplotlib
from cycler import cycler

# Okabe and Ito, "Color Universal Design" (2008), without black (it is lost on a dark
# page) and with yellow, blue and vermilion moved to a middle brightness so that each
# has a contrast of about 3 or more on white and on near-black.
COLOURS = {
    "blue": "#2f86c9",
    "orange": "#d98200",
    "green": "#009e73",
    "purple": "#c0679b",
    "red": "#dd5f1c",
    "sky": "#3f9fd0",
    "yellow": "#a89400",
    # a shade lighter, and JupyterLab would take the ink for white and put a dark card
    # behind it
    "grey": "#777f89",
}
INK = COLOURS["grey"]
DASHES = ["-", "--", "-.", ":"]

# A colour map that does not mislead colour-blind readers and survives a print in grey.
SEQUENTIAL = "cividis"


def use_style(width: float = 4.8, height: float = 3.0) -> None:
    """Make the book's style the default for every matplotlib figure drawn after this
    call.

    Args:
        width, height: the default figure size in inches. Wider than 4.8 makes the type
        too small on a phone.
    """
    names = ["blue", "orange", "green", "purple", "red", "sky", "yellow", "grey"]
    matplotlib.rcParams.update(
        {
            "figure.figsize": (width, height),
            "figure.dpi": 100,
            "figure.facecolor": "none",
            "figure.constrained_layout.use": True,
            "savefig.facecolor": "none",
            "savefig.bbox": "tight",
            "axes.facecolor": "none",
            "axes.edgecolor": INK,
            "axes.labelcolor": INK,
            "axes.titlecolor": INK,
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "axes.labelsize": 10.5,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "axes.prop_cycle": cycler(color=[COLOURS[n] for n in names])
            + cycler(linestyle=DASHES * 2),
            "grid.color": INK,
            "grid.alpha": 0.25,
            "grid.linewidth": 0.8,
            "xtick.color": INK,
            "ytick.color": INK,
            "xtick.labelsize": 10,
            "ytick.labelsize": 10,
            "text.color": INK,
            "font.size": 10.5,
            "font.family": "sans-serif",
            # ships with matplotlib: the same picture on every machine
            "font.sans-serif": ["DejaVu Sans"],
            "lines.linewidth": 2.0,
            "lines.markersize": 5.0,
            "legend.frameon": False,
            "legend.labelcolor": INK,
            "legend.fontsize": 10,
            "patch.edgecolor": "none",
            "hatch.color": INK,
            "image.cmap": SEQUENTIAL,
            "image.interpolation": "nearest",
        }
    )
    _draw_at_twice_the_resolution()


def _draw_at_twice_the_resolution() -> None:
    """In a notebook, send pictures at two pixels a point ("retina"); anywhere else, do
    nothing.
    """
    try:
        from IPython import get_ipython
        from matplotlib_inline.backend_inline import set_matplotlib_formats
    except ImportError:
        return
    if get_ipython() is not None:
        set_matplotlib_formats("retina")
