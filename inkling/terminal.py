"""The `chat` command: a conversation in a terminal, or through pipes.

In a terminal each line is a question, or a command that begins with a slash. Through
pipes each line is a question, whatever it begins with, and gets exactly one line of
standard output; an empty line begins a new conversation, and all else that is to be
said goes to standard error.
"""

import json
import sys
import textwrap
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from inkling import checkpoints
from inkling.files import InklingError

if TYPE_CHECKING:
    from inkling.reading.conversation import Conversation

WELCOME = "Ask something. /help says what else there is; Ctrl-D ends the chat."
HELP = """\
/new      begin a new conversation (so does an empty line)
/sources  show the passages that the last reply was given
/help     show this
Ctrl-D ends the chat."""


def open_conversation(
    checkpoint: Path | None,
    smollm2: bool,
    search: bool | None,
    temperature: float | None,
    seed: int | None,
) -> "Conversation":
    """A conversation with the shipped assistant, with another checkpoint, or with the
    real model.

    search: whether people are looked up; None: where the checkpoint learned to read.
    """
    # whoever only reads the list of commands need not wait for torch
    from inkling.reading.conversation import (
        CHAT_TEMPERATURE,
        ChatModel,
        Conversation,
    )
    from inkling.reading.finder import town_finder

    if temperature is None:
        temperature = CHAT_TEMPERATURE
    if smollm2:
        from inkling.real.pretrained import load_smollm2

        if search:
            raise InklingError(
                "the real model has no place for passages in its template: leave out"
                " --search."
            )
        return Conversation(
            load_smollm2(), temperature=temperature, seed=seed, room=256
        )
    folder = checkpoint or checkpoints.path("rag")
    search = learned_to_read(folder) if search is None else search
    return Conversation(
        ChatModel(*checkpoints.load_folder(folder)),
        town_finder() if search else None,
        temperature=temperature,
        seed=seed,
    )


def learned_to_read(folder: Path) -> bool:
    """Whether a checkpoint's card has the marks of an exam in reading. One without a
    card is taken for a checkpoint that never learned.
    """
    try:
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(card, dict) and "reading" in card


def talk(conversation: "Conversation", lines: Iterable[str], in_terminal: bool) -> None:
    """Reply to each line until there is none."""
    if in_terminal:
        print(WELCOME)
        if conversation.finder is None:
            note("Nothing is looked up: the assistant answers from memory.", True)
    for line in lines:
        text = line.strip()
        if in_terminal and text.startswith("/"):
            obey(conversation, text)
        elif text:
            answer(conversation, text, in_terminal)
        else:
            begin_anew(conversation, in_terminal)


def answer(conversation: "Conversation", question: str, in_terminal: bool) -> None:
    """Print the reply as it comes; or why there is none, and the next may be better."""
    before = conversation.forgotten
    try:
        pieces = conversation.ask(question)
        if conversation.forgotten and not before:
            note(
                "The first turns of this conversation no longer fit into the model's"
                f" {conversation.context} tokens: from here on the oldest are left"
                " out.",
                in_terminal,
            )
        for piece in pieces:
            piece = printable(piece)
            print(piece if in_terminal else one_line(piece), end="", flush=True)
        print(flush=True)
        if conversation.cut_off:
            note("The reply ends here: no more fits.", in_terminal)
    except InklingError as error:
        if in_terminal:
            note(f"{error}"[:1].upper() + f"{error}"[1:], in_terminal)
        else:
            print(flush=True)  # line n answers question n
            print(f"inkling: {error}", file=sys.stderr)


def begin_anew(conversation: "Conversation", in_terminal: bool) -> None:
    """Forget what was said."""
    conversation.new()
    if in_terminal:
        note("A new conversation.", in_terminal)


def obey(conversation: "Conversation", command: str) -> None:
    """Do what a line with a slash says."""
    if command == "/new":
        begin_anew(conversation, in_terminal=True)
    elif command == "/sources":
        show_sources(conversation)
    elif command == "/help":
        print(HELP)
    else:
        note(f"There is no command {printable(command):.30}; /help lists them.", True)


def show_sources(conversation: "Conversation") -> None:
    """The passages that the last reply was given, and which it cites."""
    if not conversation.sources:
        note("The last reply was given no passages.", True)
    for number, passage in enumerate(conversation.sources, 1):
        cited = "  <- the reply cites it" if passage == conversation.cited else ""
        print(f"[{number}] {printable(passage.id)}{cited}")
        print(textwrap.indent(printable(passage.searchable), "    "))


def note(sentence: str, in_terminal: bool) -> None:
    """Say something that is no reply: in a terminal in brackets, else beside it."""
    if in_terminal:
        print(f"({sentence})", flush=True)
    else:
        print(f"inkling: {sentence}", file=sys.stderr)


def printable(text: str) -> str:
    """A text without control characters but for new lines and tabs: a terminal obeys
    them, and a model may repeat what somebody had it read.
    """
    return "".join(
        c for c in text if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs")
    )


def one_line(text: str) -> str:
    """A text with spaces for all that ends a line."""
    return "".join(" " if c in "\n\t\u2028\u2029" else c for c in text)
