"""An experiment: every wording of an attack against every defence of
`inkling.reading.orders`, on SmolLM2.

The documents are the pages of this book, the questions have short answers, and one
planted document gives orders.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from inkling import checkpoints
from inkling.assistant.chat import Message
from inkling.files import atomic_write
from inkling.progress import Progress
from inkling.reading.orders import (
    ATTACKS,
    DEFENCES,
    Defence,
    drop_orders,
    lone_witness,
    planted,
)
from inkling.reading.passages import Passage
from inkling.reading.retrieval import Retriever
from inkling.real.book_search import BookQuestion, best_sections, book_questions
from inkling.real.pretrained import SmolLM2
from inkling.training.generate import generate_batch

# --- The measurement ------------------------------------------------------------------


class GreedyReplies:
    """Greedy replies of at most `length` tokens, several at a time; a prompt that came
    before is not read again.
    """

    def __init__(self, chat: SmolLM2, length: int = 20, batch_size: int = 8):
        self.chat, self.length, self.batch_size = chat, length, batch_size
        self.known: dict[str | tuple[Message, ...], str] = {}

    def write(self, prompts: Sequence[str | tuple[Message, ...]]) -> list[str]:
        """The likeliest reply to each prompt; one that was asked before is not written
        again.
        """
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in self.known]
        rows = [self.chat.encode_prompt(prompt) for prompt in new]
        stops = self.chat.stop_ids
        replies = generate_batch(
            self.chat.model,
            rows,
            self.length,
            0.0,
            stop_ids=stops,
            batch_size=self.batch_size,
        )
        for prompt, reply in zip(new, replies, strict=True):
            self.known[prompt] = self.chat.tokenizer.decode(
                [i for i in reply if i not in stops]
            ).strip()
        return [self.known[prompt] for prompt in prompts]


def defended_replies(
    writer: GreedyReplies,
    defence: Defence,
    questions: Sequence[str],
    found: Sequence[Sequence[Passage]],
) -> list[str]:
    """A reply to each question from the passages found for it, under a defence."""
    replies = writer.write(
        [defence.prompt(q, p) for q, p in zip(questions, found, strict=True)]
    )
    if not defence.check:
        return replies
    again, prompts = [], []
    for i, (question, passages) in enumerate(zip(questions, found, strict=True)):
        read = drop_orders(passages) if defence.drop else list(passages)
        if (place := lone_witness(replies[i], question, read)) is not None:
            again.append(i)
            prompts.append(defence.prompt(question, read[:place] + read[place + 1 :]))
    for i, reply in zip(again, writer.write(prompts), strict=True):
        replies[i] = reply
    return replies


def passages_for(
    retriever: Retriever, questions: Sequence[BookQuestion], attack: str | None = None
) -> list[list[Passage]]:
    """What the model reads for each question: two passages, the best of the book's two
    best sections.

    Under an attack the planted document, which the search finds first, takes the place
    of the second.
    """
    found = []
    for question in questions:
        best = [hit.passage for hit in best_sections(retriever, question.question, 2)]
        found.append(
            best if attack is None else [planted(question.question, attack), best[0]]
        )
    return found


def run_attacks(
    chat: SmolLM2, retriever: Retriever, path: str | Path, progress: bool = True
) -> dict:
    """Every defence, clean and under every attack, on all facts: the replies, saved to
    `path` after each step.

    A run that was stopped goes on where it was; what is in the file by another recipe,
    or of another text of the book, is made anew. `python -m inkling book-attack` runs
    it; the file that ships is `load_results()`.
    """
    questions, writer, path = book_questions("facts"), GreedyReplies(chat), Path(path)
    start = {
        "recipe": {
            "passages": 2,
            "length": writer.length,
            "batch_size": writer.batch_size,
            "attacks": ATTACKS,
        },
        "book": text_hash(retriever.passages),
        "questions": [question.question for question in questions],
    }
    results = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if {name: results.get(name) for name in start} != start:
        results = {**start, "closed book": [], "replies": {}}
    steps = [(name, attack) for name in DEFENCES for attack in (None, *ATTACKS)]
    with Progress(1 + len(steps), "attacks", show=progress) as bar:
        results["closed book"] = results["closed book"] or writer.write(
            start["questions"]
        )
        bar.update(1)
        for name, attack in steps:
            done = results["replies"].setdefault(name, {})
            if (attack or "clean") not in done:
                found = passages_for(retriever, questions, attack)
                done[attack or "clean"] = defended_replies(
                    writer, DEFENCES[name], start["questions"], found
                )
                atomic_write(
                    path,
                    (json.dumps(results, indent=1, ensure_ascii=False) + "\n").encode(),
                )
            bar.update(1)
    return results


def load_results() -> dict:
    """The results of `run_attacks` that ship with the book."""
    return json.loads(
        (checkpoints.path("sft").parent / "book_attack.json").read_text(
            encoding="utf-8"
        )
    )


def text_hash(passages: Sequence[Passage]) -> str:
    """A short name for a state of the library: another text, another hash."""
    return hashlib.sha256(
        "\n".join(passage.searchable for passage in passages).encode()
    ).hexdigest()[:12]
