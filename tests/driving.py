"""How the tests of the labs use a panel without a browser."""

from __future__ import annotations

import time


def until(condition) -> None:
    """Wait for the work in the background. No limit of its own: pytest's ends a test that hangs."""
    while not condition():
        time.sleep(0.01)


def finished(panel) -> str:
    """Press the button that starts the work, wait for the end, and return the line beside it."""
    panel.worker.start_button.click()
    panel.worker.wait()
    return panel.worker.line.value
