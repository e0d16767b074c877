"""A small Sphinx extension that puts the live figures on the site. In _config.yml:

    sphinx:
      local_extensions:
        inkling_live: book/_ext

It writes host.js, live.js and the weights once for the whole site, loads host.js on the pages that
have figures and nothing else (no require.js, no CDN), keeps the static picture of every figure in
the page until the figure works, and takes the figures' code out of the pages' saved state, where
MyST-NB would repeat it for every figure.

The option `inkling_checkpoints` (a dict from name to checkpoint folder) replaces the shipped
checkpoints.
"""

import json
from pathlib import Path

from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.util import logging

from inkling.live.weights import export, shipped

FOLDER = "inkling"  # inside _static
STATE_KEY = "ipywidgets_state"
log = logging.getLogger(__name__)


def setup(app):
    app.add_config_value("inkling_checkpoints", None, "html", [dict])
    app.connect("config-inited", configure, priority=100)
    # before MyST-NB adds the state to the page
    app.connect("html-page-context", slim_state, priority=100)
    app.connect("build-finished", write_files)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def configure(app, config):
    """Load host.js instead of the Jupyter widget manager, and let a figure's HTML, which holds its
    view, win.
    """
    config.nb_ipywidgets_js = {f"{FOLDER}/host.js": {}}
    config.nb_mime_priority_overrides = [
        *config.nb_mime_priority_overrides,
        ("html", "text/html", 5),
    ]


def slim_state(app, pagename, *_):
    """Point our figures at the shared live.js, and warn when a figure needs weights that the site
    does not have.
    """
    files = NbMetadataCollector.get_js_files(app.env, pagename)
    if app.builder.format != "html" or STATE_KEY not in files:
        return
    uri, options = files[STATE_KEY]
    saved = json.loads(options["body"])
    for entry in saved["state"].values():
        state = entry["state"]
        if str(state.get("_anywidget_id", "")).startswith("inkling."):
            state["_esm"] = "live.js"
            needed = state.get("data", {}).get("weights")
            if needed and needed not in site_checkpoints(app):
                log.warning(
                    "%s: a live figure needs the weights %r, which the site does not have",
                    pagename,
                    needed,
                )
    files[STATE_KEY] = (
        uri,
        {**options, "body": json.dumps(saved, separators=(",", ":")).replace("<", "\\u003c")},
    )


def site_checkpoints(app) -> dict:
    given = app.config.inkling_checkpoints
    return shipped() if given is None else given


def write_files(app, exception):
    if exception is None and app.builder.format == "html":
        export(Path(app.outdir) / "_static" / FOLDER, site_checkpoints(app))
