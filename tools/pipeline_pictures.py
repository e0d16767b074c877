"""Draw the small picture of the book's pipeline that opens every chapter, with that chapter's stage
lit.

    python tools/pipeline_pictures.py    writes book/_pipeline/<stem>.svg, one for each chapter,
                                         and book.svg

One row for each part of the book. Boxes carry their own background, and lines and labels are a
middle grey, so that the same file reads on a light and on a dark page; type is sized for a screen
360 pixels wide. The lit stage differs in outline and weight too, not in colour alone.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from xml.sax.saxutils import escape

FOLDER = Path(__file__).resolve().parents[1] / "book" / "_pipeline"

# (part's name, [(stem, label)]); a stem of None is a stage that is still to come.
PARTS: list[tuple[str, list[tuple[str | None, str]]]] = [
    ("Text", [("ngram", "n-grams"), ("corpus", "corpus"), ("tokenizer", "tokenizer")]),
    ("The model", [("attention", "attention"), ("transformer", "transformer")]),
    (
        "Training and use",
        [("pretrain", "pre-training"), ("generate", "generation"), ("evaluate", "evaluation")],
    ),
    ("The assistant", [("sft", "fine-tuning"), ("reward", "reward model"), ("ppo", "RLHF")]),
    ("", [("dpo", "DPO, GRPO"), ("overoptimisation", "reward hacking")]),
    ("It reads", [("retrieval", "retrieval"), ("rag", "RAG")]),
    (
        "The real model",
        [("pretrained", "SmolLM2"), ("quantise", "quantisation"), ("book_search", "ask the book")],
    ),
    ("The end", [("limits", "what it is"), ("journey", "all the way")]),
]
WIDTH, BOX_WIDTH, BOX_HEIGHT, GAP_X, GAP_Y, MARGIN = 400, 86, 26, 14, 17, 7
GREY, BOX, LIT = "#7b828d", "#44506b", "#f5b32f"


def box_corner(row: int, column: int) -> tuple[int, int]:
    """Upper left corner of a box, in the picture's units."""
    return MARGIN + column * (BOX_WIDTH + GAP_X), MARGIN + row * (BOX_HEIGHT + GAP_Y)


def draw_box(row: int, column: int, stem: str | None, label: str, lit: bool) -> str:
    x, y = box_corner(row, column)
    if lit:
        style, text = (
            f'fill="{LIT}" stroke="#8a5a00" stroke-width="2.5"',
            'fill="#1b1b1b" font-weight="700"',
        )
    elif stem is None:
        style, text = f'fill="none" stroke="{GREY}" stroke-dasharray="3 3"', f'fill="{GREY}"'
    else:
        style, text = f'fill="{BOX}" stroke="{BOX}"', 'fill="#ffffff"'
    return (
        f'<rect x="{x}" y="{y}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="6" {style}/><text'
        f' x="{x + BOX_WIDTH / 2:g}" y="{y + 17.5:g}" text-anchor="middle"'
        f" {text}{fitted(label, BOX_WIDTH - 10)}>{escape(label)}</text>"
    )


def fitted(label: str, room: int) -> str:
    """An attribute that fixes a long label's width: fonts differ between machines, and a wide one
    would spill over.
    """
    return f' textLength="{room}" lengthAdjust="spacingAndGlyphs"' if len(label) >= 12 else ""


def draw_arrow(row: int, column: int, last_in_row: bool) -> str:
    """The arrow that leaves this box: to the right, or round the corner to the first box of the
    next row.
    """
    x, y = box_corner(row, column)
    if not last_in_row:
        start, middle = x + BOX_WIDTH, y + BOX_HEIGHT / 2
        return f'<path d="M{start + 1} {middle:g}h{GAP_X - 4}" marker-end="url(#head)"/>'
    centre, first = x + BOX_WIDTH / 2, MARGIN + BOX_WIDTH / 2
    return (
        f'<path d="M{centre:g} {y + BOX_HEIGHT + 1}v{GAP_Y / 2 - 2:g}H{first:g}v{GAP_Y / 2 - 2:g}" '
        'marker-end="url(#head)"/>'
    )


def draw(lit: str | None) -> str:
    """The whole picture with the stage whose stem is `lit`; None lights nothing (the picture of the
    whole book).
    """
    height = 2 * MARGIN + len(PARTS) * BOX_HEIGHT + (len(PARTS) - 1) * GAP_Y
    arrows, boxes, names = [], [], []
    for row, (name, stages) in enumerate(PARTS):
        for column, (stem, label) in enumerate(stages):
            last_in_row = column == len(stages) - 1
            if not (last_in_row and row == len(PARTS) - 1):
                arrows.append(draw_arrow(row, column, last_in_row))
            boxes.append(draw_box(row, column, stem, label, lit=lit is not None and stem == lit))
        if name:
            y = box_corner(row, 0)[1] + 17.5
            room = fitted(name, BOX_WIDTH - 2)
            names.append(
                f'<text x="{WIDTH - MARGIN}" y="{y:g}"'
                f' text-anchor="end"{room}>{escape(name)}</text>'
            )
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
                f' width="{WIDTH}" height="{height}" font-family="system-ui, -apple-system, \'Segoe'
                " UI', Roboto, 'DejaVu Sans', sans-serif\" font-size=\"12.5\">"
            ),
            (
                '<defs><marker id="head" viewBox="0 0 6 6" refX="4" refY="3" markerWidth="5"'
                ' markerHeight="5" orient="auto"><path d="M0 0L6 3L0 6z"'
                f' fill="{GREY}"/></marker></defs>'
            ),
            f'<g fill="none" stroke="{GREY}" stroke-width="1.5">{"".join(arrows)}</g>',
            *boxes,
            f'<g fill="{GREY}" font-style="italic" font-size="12">{"".join(names)}</g>',
            "</svg>",
            "",
        ]
    )


def pictures() -> dict[str, str]:
    """File name -> SVG text, for every chapter's picture and for the whole book's."""
    stems = [stem for _, stages in PARTS for stem, _ in stages if stem]
    return {"book.svg": draw(None)} | {f"{stem}.svg": draw(stem) for stem in stems}


def main() -> int:
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail if a committed picture is stale"
    )
    check = parser.parse_args().check
    FOLDER.mkdir(parents=True, exist_ok=True)
    stale = []
    for name, text in pictures().items():
        path = FOLDER / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    print(f"{'stale' if check else 'written'}: {', '.join(stale) or 'none'}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
