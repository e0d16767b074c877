"""The junk of a crawl says what it is."""

from __future__ import annotations

import pytest

from inkling.files import InklingError
from inkling.world.junk import LABELS, Page


def test_a_page_has_only_labels_that_there_are():
    assert Page("u", "text", LABELS).labels == LABELS
    for labels in (("near duplicate",), ("spam", "Rude"), "spam"):
        with pytest.raises(InklingError, match="cannot have the label .*; there are markup, "):
            Page("u", "text", labels)
