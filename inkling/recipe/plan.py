"""Everything that decides a run of the chain, by one dial: the minutes it may take."""

from dataclasses import dataclass

from inkling.model.transformer import ModelConfig
from inkling.recipe.assistant_stage import AlignRecipe
from inkling.recipe.embedder_stage import EmbedderRecipe
from inkling.recipe.reader_stage import RAGRecipe
from inkling.settings import check
from inkling.training.pretrain import TrainConfig


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run. Only `minutes` is meant to be turned; with `steps`
    set, a run repeats exactly.
    """

    minutes: float = 10.0
    """Wall-clock time for the whole chain."""
    steps: int | None = None
    """Updates of pre-training. None: as many as fit into the minutes on this
    machine.
    """
    seed: int = 0
    """Seeds the corpus, the model's first weights and the order of the data. The town
    itself is always World(0).
    """
    assistant: bool = True
    """Whether the chain goes on after pre-training, to an assistant."""
    alignment: AlignRecipe | None = None
    """How it goes on. None: by the minutes."""
    reading: RAGRecipe | None = None
    """How the assistant then learns to read. None: by the minutes."""
    embedding: EmbedderRecipe | None = None
    """How the embedder is made that finds what to read. None: by the minutes."""
    corpus_bytes: int | None = None
    """Size of the raw crawl, of which a good half is left when it is clean. None: 4 MB
    a minute, from 8 to 96 MB.
    """
    vocab_size: int = 2048
    model: ModelConfig = ModelConfig(vocab_size=2048)
    primer_steps: int = 500
    """Steps spent first on easy text in short rows (`primer`), or a third of the run
    where that is less. It teaches two skills that everything else builds on, far sooner
    than the mixed text does: to copy, and to look a person up.
    """
    primer_length: int = 64
    """Tokens in a row of the primer; as many tokens make a batch as later."""
    primer_people: int = 20
    """How many inhabitants the primer's entries and quizzes dwell on."""
    n_points: int = 40
    """So often pre-training stops to look at the model: at its losses by kind of text,
    and at what every head does.
    """
    train: TrainConfig = TrainConfig(
        batch_size=12,
        context_length=192,
        learning_rate=1.2e-2,
        muon_learning_rate=0.014,
    )
    """The rates are the best of 16 pairs in runs of 3,288 steps, the whole chain's ten
    minutes: over four seeds 8.3 to 8.7 % above the bound, where the rates that made the
    checkpoints that ship (3e-3 and 0.02) end at 9.6 to 10.8 %. In runs of 21,415 steps
    the two end alike (3.3 %).

    Rows are shorter than the model's context: one document in 130 is longer than 192
    tokens, and attention costs the square of the length. RoPE tells distances, not
    places, so longer texts mostly work, though distances above 192 tokens are never
    practised.
    """

    def __post_init__(self) -> None:
        check(
            self,
            counts=(
                "steps",
                "corpus_bytes",
                "vocab_size",
                "primer_length",
                "primer_people",
                "n_points",
            ),
            from_zero=("seed", "primer_steps"),
            positive=("minutes",),
            switches=("assistant",),
            optional=("steps", "corpus_bytes"),
        )

    @property
    def crawl_bytes(self) -> int:
        """Bytes of raw pages: `corpus_bytes`, or 2 to 24 times 4 MB as the minutes
        allow.
        """
        return self.corpus_bytes or int(4e6 * min(24.0, max(2.0, self.minutes)))

    @property
    def stages_after(self) -> AlignRecipe | None:
        """The recipe of the assistant that follows pre-training; None where none
        does.
        """
        return (
            (self.alignment or AlignRecipe.for_minutes(self.minutes, self.seed))
            if self.assistant
            else None
        )

    @property
    def last_stage(self) -> RAGRecipe | None:
        """The recipe of what the assistant learns last, to read; None where there is no
        assistant.
        """
        return (
            (self.reading or RAGRecipe.for_minutes(self.minutes, self.seed))
            if self.assistant
            else None
        )

    @property
    def search(self) -> EmbedderRecipe | None:
        """The recipe of the embedder; None where there is no assistant."""
        return (
            (self.embedding or EmbedderRecipe.for_minutes(self.minutes, self.seed))
            if self.assistant
            else None
        )
