"""The cards beside the checkpoints, written and read, and the report card: what runs of
the chain are worth, side by side.
"""

import json
from pathlib import Path
from typing import Any

import inkling
from inkling.files import InklingError, atomic_write
from inkling.recipe.fair_rows import fair_rows

#: The form of the cards that this source writes, under "format" in each. It goes up by
#: one when an older source would misread a card. Cards of the first form may say
#: nothing; those of the second have all of `PROVENANCE`.
FORMAT = 2

#: What every card says of where its weights come from: the command; the recipe, and the
#: digests of the models before; the digest of the tensors; that of the data; what
#: twenty plain updates do (`plain_updates`); versions and cost.
PROVENANCE = (
    "name",
    "made_by",
    "made_from",
    "tensors",
    "data",
    "first_losses",
    "first_lengths",
    "first_move",
    "first_decay",
    "versions",
    "cost",
)

#: Stories are judged as the model writes them, and once more as one would let it write:
#: from what it is fairly sure of, and where many things are equally likely, rather not
#: what has been said already. `book/training/generate.ipynb` shows why.
CAREFUL: dict[str, Any] = {"temperature": 0.4, "min_p": 0.3, "repetition_penalty": 1.03}
_CAREFULLY = (
    "the same at temperature {temperature}, min-p {min_p}, penalty {repetition_penalty}"
).format(**CAREFUL)

ROWS = (
    ("bits_per_byte", "validation loss, bits per byte", "{:.4f}"),
    ("bound_bits_per_byte", "the bound (the generator's own surprisal)", "{:.4f}"),
    ("excess_over_bound", "above the bound", "{:.1%}"),
    ("five_gram_bits_per_byte", "5-gram baseline, bits per byte", "{:.4f}"),
    ("recall_asked", "facts recalled, people asked about in training", "{:.1%}"),
    ("recall_never_asked", "facts recalled, people never asked about", "{:.1%}"),
    ("recall_chance", "facts by guessing", "{:.1%}"),
    ("coherent_stories", "stories without a contradiction", "{:.1%}"),
    ("coherent_stories_careful", _CAREFULLY, "{:.1%}"),
    ("novel_8_grams", "runs of 8 words not in the training text", "{:.1%}"),
    ("novel_8_grams_careful", "the same in the careful stories", "{:.1%}"),
    ("longest_copy_words_median", "longest copied run, words (median)", "{:.0f}"),
    ("calibration_error", "expected calibration error", "{:.3f}"),
)


#: (stage, score, label, form) of an assistant; "base" is what the fine-tuning's card
#: says of the model before it.
ASSISTANT_ROWS = (
    ("base", "gold", "gold reward, base model", "{:.2f}"),
    ("sft", "gold", "gold reward, fine-tuned", "{:.2f}"),
    ("rlhf", "gold", "gold reward, after RLHF", "{:.2f}"),
    ("reward", "accuracy", "choices foretold by the reward model", "{:.1%}"),
    ("reward", "bayes_ceiling", "the most that anybody could foretell", "{:.1%}"),
    ("base", "refused_unsafe", "harmful requests refused, base model", "{:.1%}"),
    ("sft", "refused_unsafe", "the same, fine-tuned", "{:.1%}"),
    ("rlhf", "refused_unsafe", "the same, after RLHF", "{:.1%}"),
    ("rlhf", "refused_harmless", "harmless requests refused, after RLHF", "{:.1%}"),
    ("sft", "ignorant_unknown", '"I do not know" of strangers, fine-tuned', "{:.1%}"),
    ("rlhf", "ignorant_unknown", "the same, after RLHF", "{:.1%}"),
    ("rlhf", "right_known", "right on people of the town, after RLHF", "{:.1%}"),
    ("rlhf", "story_perplexity", "perplexity on stories, after RLHF", "{:.3f}"),
    ("base", "story_perplexity", "perplexity on stories, base model", "{:.3f}"),
)


#: (way, kind of question, label) of the exam of a search.
SEARCH_ROWS = (
    ("words", "plain", "found among five: by words"),
    ("meaning", "plain", "by meaning"),
    ("both", "plain", "by both"),
    ("words", "paraphrased", "paraphrased questions: by words"),
    ("both", "paraphrased", "paraphrased questions: by both"),
)

#: (condition, what, label) of the exam on newcomers.
READING_ROWS = (
    ("closed book", "right", "newcomers, right without a passage"),
    ("the passage", "right", "right with the passage"),
    ("the passage, edited", "right", "follows an edited passage"),
    ("three passages", "right", "right with three passages"),
    ("three passages", "cited", "cites the right one of three"),
    ("others only", "abstained", "abstains where no passage answers"),
)


def write(folder: str | Path, card: dict) -> dict:
    """Write a checkpoint's card into its folder, and return it as it is written: with
    the number of its form.

    card: anything that JSON can hold. Raises `InklingError` where the disk is full.
    """
    card = {"format": FORMAT} | card | {"format": FORMAT}  # in front, and ours
    text = json.dumps(card, indent=1) + "\n"
    atomic_write(Path(folder) / "card.json", text.encode())
    return card


def read(folder: str | Path) -> dict:
    """The card in a checkpoint's folder, as `write` wrote it.

    Raises `InklingError` where there is none, where it is damaged, and where a newer
    source wrote it, in a form that this one does not know.
    """
    path = Path(folder) / "card.json"
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InklingError(
            f"cannot read {path}: {error.strerror}. Give the folder of a checkpoint"
            " that has a card.json, as a speedrun makes it."
        ) from error
    except (ValueError, RecursionError) as error:
        raise InklingError(
            f"{path} is damaged: it is no JSON ({error}). Fetch or make it again."
        ) from error
    if not isinstance(card, dict):
        raise InklingError(
            f"{path} is damaged: it holds a {type(card).__name__}, and a card is a JSON"
            " object. Fetch or make it again."
        )
    form = card.get("format", 1)
    if type(form) is not int or form < 1:
        raise InklingError(
            f"{path} is damaged: its format is {form!r}, and formats are whole numbers"
            " from 1. Fetch or make it again."
        )
    if form > FORMAT:
        raise InklingError(
            f"{path} is of format {form}, and this Inkling, {inkling.__version__},"
            f" reads up to {FORMAT}: a newer one wrote it. Update Inkling, or take"
            " another checkpoint."
        )
    return card


def _score(card: dict, key: str) -> float | None:
    """None for careful stories that were written at another setting, as those of older
    cards are.
    """
    if key.endswith("_careful") and card.get("careful") != CAREFUL:
        return None
    return card["scores"][key]


def _assistant_score(card: dict, stage: str, key: str) -> float | None:
    stages = card.get("assistant")
    if stages is None:
        return None
    return (
        stages["sft"]["scores_of_base"][key]
        if stage == "base"
        else stages[stage]["scores"][key]
    )


def report_card(cards: list[dict], narrow: bool = False) -> str:
    """The cards side by side, as text: one column a run. Rows of an assistant where at
    least one run made one.

    narrow: the label of a row on a line of its own, for a page that is read on a phone.
    """
    rows = [
        (label, form, [_score(card, key) for card in cards])
        for key, label, form in ROWS
    ]
    if any("assistant" in card for card in cards):
        rows += [
            (label, form, [_assistant_score(card, stage, key) for card in cards])
            for stage, key, label, form in ASSISTANT_ROWS
        ]
        rows += fair_rows(cards)
    searches = [
        card.get("assistant", {}).get("embedder", {}).get("scores") for card in cards
    ]
    if any(searches):
        rows += [
            (
                label,
                "{:.1%}",
                [marks and marks[way][kind]["recall@5"] for marks in searches],
            )
            for way, kind, label in SEARCH_ROWS
        ]
    readers = [
        card.get("assistant", {}).get("rag", {}).get("reading") for card in cards
    ]
    if any(readers):
        rows += [
            (label, "{:.1%}", [marks and marks[condition][what] for marks in readers])
            for condition, what, label in READING_ROWS
        ]
    width = max(len(label) for label, _, _ in rows)
    heads = [f"{card['cost']['cpu_seconds'] / 60:.0f} CPU-min" for card in cards]
    table = [("", heads)]
    table += [
        (label, ["-" if value is None else form.format(value) for value in values])
        for label, form, values in rows
    ]
    lines = []
    for label, cells in table:
        columns = "".join(f"  {cell:>12}" for cell in cells)
        lines += (
            [label, columns]
            if narrow and label
            else [columns if narrow else f"{label:{width}}{columns}"]
        )
    return "\n".join(lines)


def read_card(folder: str | Path) -> dict:
    """The card of a run's base model, with those of its assistant, if it has one, under
    "assistant".

    folder: that of the run, or its base/. Raises `InklingError` where there is no card,
    or one that cannot be read or shown.
    """
    folder = Path(folder)
    base = folder if (folder / "card.json").is_file() else folder / "base"
    if not (base / "card.json").is_file():
        raise InklingError(
            f"{folder} holds no card.json; give the folder of a finished speedrun."
        )
    run_folder = base.parent if base.name == "base" else base
    card = read(base)
    stages = {
        name: read(run_folder / name)
        for name in ("sft", "reward", "rlhf", "embedder", "rag")
        if (run_folder / name / "card.json").is_file()
    }
    if stages.keys() >= {"sft", "reward", "rlhf"}:
        card = card | {"assistant": stages}
    try:
        report_card([card])
    # whatever stands in the place of a number or of a table
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise InklingError(
            f"a card.json in {run_folder} is damaged ({error!r}); make the run again,"
            " or take another folder."
        ) from error
    return card
