"""nbval that keeps what it ran: `python tools/nbval_keeping.py EXECUTED.ipynb [pytest's
arguments]`.

nbval runs a notebook's cells, judges them, and throws their outputs away. Here the messages that it
read from the kernel also go to nbclient, whose handling of them the website's build uses, so that
the pages need no second run. The file is written only when every cell passed.
"""

from __future__ import annotations

import contextlib
import copy
import sys
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionComplete


class Keeper:
    """A pytest plugin. One notebook a session."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.client: Any = None  # a NotebookClient that is never started: nbval has the kernel

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        file, messages = item.parent, []
        if self.client is None:
            self.begin(file)

        def read(timeout=None, stream="iopub"):
            message = file.kernel.get_message(stream, timeout=timeout)
            messages.append(message)
            return message

        file.get_kernel_message = read
        result = yield
        self.keep(item.cell_num, messages)
        return result

    def begin(self, file) -> None:
        kernel, notebook = file.kernel.kc, copy.deepcopy(file.nb)
        notebook.metadata.language_info = kernel.kernel_info(reply=True, timeout=60)["content"][
            "language_info"
        ]
        self.client = NotebookClient(notebook, record_timing=False)
        self.client.reset_execution_trackers()
        # nbval runs cells without a history, and then IPython does not see the `;` that hides a
        # cell's result.
        execute = kernel.execute
        kernel.execute = lambda code, **options: execute(code, **options | {"store_history": True})

    def keep(self, number: int, messages: list[dict]) -> None:
        """Put what the kernel said while the `number`-th code cell ran into that cell."""
        cells = [
            (i, cell) for i, cell in enumerate(self.client.nb.cells) if cell.cell_type == "code"
        ]
        index, cell = cells[number]
        self.client.clear_before_next_output = False
        asked = [
            m["parent_header"]["msg_id"] for m in messages if m["msg_type"] == "execute_input"
        ][-1:]
        for message in messages:
            # what an earlier cell's thread says belongs to no cell
            if message["parent_header"].get("msg_id") in asked:
                with contextlib.suppress(CellExecutionComplete):
                    self.client.process_message(message, cell, index)

    def pytest_sessionfinish(self, exitstatus):
        if exitstatus == 0:
            self.client.set_widgets_metadata()
            nbformat.write(self.client.nb, self.path)


if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv[2:], plugins=[Keeper(sys.argv[1])]))
