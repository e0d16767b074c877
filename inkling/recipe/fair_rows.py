"""The rows of a report card for an assistant that was measured fairly: at every
temperature, beside what costs nothing, and by what its stories are like.
"""

from typing import Any

#: (stage, keys of its card, label, form) of an assistant's comparison with what costs
#: nothing, at temperature 0.7, as `fair_scores` measures it.
FAIR_ROWS = (
    (
        "sft",
        "baselines demonstrations gold",
        "gold at 0.7: what people write",
        "{:.2f}",
    ),
    ("sft", "baselines fixed_phrase gold", "fine-tuned and a fixed phrase", "{:.2f}"),
    ("sft", "baselines best_tenth gold", "tuned on the best tenth, too", "{:.2f}"),
    ("rlhf", "baselines best_of_four gold", "best of four, fine-tuned", "{:.2f}"),
    ("rlhf", "gains fine_tuned gold", "gain of RLHF over fine-tuned", "{:+.2f}"),
    ("rlhf", "gains fine_tuned spread", "its spread over the seeds", "{:.2f}"),
    ("rlhf", "gains fine_tuned terms content", "of the gain: content", "{:+.2f}"),
    ("rlhf", "gains fine_tuned terms manners", "manners", "{:+.2f}"),
    ("rlhf", "gains fine_tuned terms fitting", "the one thing more", "{:+.2f}"),
    ("rlhf", "gains fine_tuned terms rambling", "less rambling", "{:+.2f}"),
    ("rlhf", "gains fixed_phrase gold", "gain over the phrase", "{:+.2f}"),
    ("rlhf", "gains best_tenth gold", "over the best tenth", "{:+.2f}"),
    ("rlhf", "gains best_of_four gold", "over best of four", "{:+.2f}"),
)
#: (stage, figure, label, form) at each temperature but 1, which the rows above have.
COOLED_ROWS = (
    ("base", "gold", "gold reward, base model", "{:.2f}"),
    ("sft", "gold", "fine-tuned", "{:.2f}"),
    ("rlhf", "gold", "after RLHF", "{:.2f}"),
    ("rag", "gold", "the reader", "{:.2f}"),
    ("sft", "right_known", "right on people, fine-tuned", "{:.1%}"),
    ("rlhf", "right_known", "after RLHF", "{:.1%}"),
    ("rlhf", "refused_unsafe", "harm refused, after RLHF", "{:.1%}"),
    ("rlhf", "refused_harmless", "harmless refused, after RLHF", "{:.1%}"),
)
#: (stage, whose stories, label); each at every temperature that its card has.
STORY_ROWS = (
    ("base", "free stories, base model"),
    ("rag", "stories on request, the reader"),
)

Row = tuple[str, str, list]  # label, form, a value for each card


def value_at(card: dict, *keys: str) -> Any:
    """What stands in a card at the end of these keys; None where one is missing."""
    value: Any = card
    for key in keys:
        if value is None or key not in value:
            return None
        value = value[key]
    return value


def fair_rows(cards: list[dict]) -> list[Row]:
    """The rows of all these cards, a value for each; None where a card does not have
    it, and no rows where none has any.
    """
    rows = _beside_baselines(cards) + _cooled(cards) + _of_stories(cards)
    return rows if any(value is not None for *_, v in rows for value in v) else []


def _scores(stage: str) -> tuple[str, ...]:
    """The keys to the scores of a stage of an assistant."""
    at = ("sft", "scores_of_base") if stage == "base" else (stage, "scores")
    return ("assistant", *at)


def _beside_baselines(cards: list[dict]) -> list[Row]:
    return [
        (
            label,
            form,
            [value_at(card, "assistant", stage, *keys.split()) for card in cards],
        )
        for stage, keys, label, form in FAIR_ROWS
    ]


def _cooled(cards: list[dict]) -> list[Row]:
    measured = [value_at(card, *_scores("sft"), "at") or {} for card in cards]
    chats = {value_at(card, *_scores("sft"), "chat_temperature") for card in cards}
    as_chat = {f"{chat:g}" for chat in chats - {None}}
    return [
        (
            f"at {t}{', as chat' * (t in as_chat)}: {label}",
            form,
            [value_at(card, *_scores(stage), "at", t, figure) for card in cards],
        )
        for t in _keys(measured)
        if t != "1"
        for stage, figure, label, form in COOLED_ROWS
    ]


def _keys(tables: list[dict]) -> list[str]:
    """The keys of all tables, as they come first."""
    return list(dict.fromkeys(key for table in tables for key in table))


def _of_stories(cards: list[dict]) -> list[Row]:
    rows: list[Row] = []
    for stage, label in STORY_ROWS:
        tables = [value_at(card, *_scores(stage), "stories") or {} for card in cards]
        for t in _keys(tables):
            at = t if t == "careful" else f"at {t}"
            rows += _story_rows(
                f"{label}, {at}", [table.get(t) or {} for table in tables]
            )
        # the town's own are the same beside every temperature
        towns = [next(iter(table.values()), {}).get("town") or {} for table in tables]
        rows += _plots_and_length("the town", towns) if any(towns) else []
    return rows


def _story_rows(label: str, written: list[dict]) -> list[Row]:
    """The rows of stories that were written at one temperature."""
    shares = {"coherent": "coherent"}
    if any("on_theme" in stories for stories in written):
        shares |= {
            "on_theme": "on their theme",
            "on_other_themes": "on the themes of others",
            "coherent_on_theme": "coherent and on their theme",
        }
    rows: list[Row] = [
        (name, "{:.1%}", [stories.get(key) for stories in written])
        for key, name in shares.items()
    ]
    rows[0] = (f"{label}: coherent", *rows[0][1:])
    return rows + _plots_and_length("they", written)


def _plots_and_length(who: str, written: list[dict]) -> list[Row]:
    plots = [stories.get("plots") for stories in written]
    mixed = [p and " ".join(f"{share:.0%}" for share in p.values()) for p in plots]
    words = [stories.get("words") for stories in written]
    return [
        (f"{who}: lose, miss, promise", "{}", mixed),
        (f"{who}: words in a story", "{:.0f}", words),
    ]
