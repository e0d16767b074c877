"""What are a model's stories like? Whether they hold together and are about what was
asked for, but also which plots they have and how long they are.

A model that samples coldly can make nearly every story coherent by always telling the
same short one. So its mix of plots and its length stand beside the town's own, and its
themes beside those of other people's requests.
"""

from collections.abc import Sequence
from itertools import islice

from inkling.assistant import exam
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.settings import several
from inkling.text.tokenizer import Tokenizer
from inkling.training.evaluate import story_coherence
from inkling.world import Request, World
from inkling.world.judging import (
    CLOSINGS,
    OPENINGS,
    RUDENESS,
    on_theme,
    sentences_of,
)
from inkling.world.requests import Style, reply
from inkling.world.stories import GOALS, StoryCheck, check_story

#: What an assistant may say around a story.
_AROUND = {*OPENINGS, *CLOSINGS, *RUDENESS}


def story_scores(
    world: World, texts: Sequence[str], asked: Sequence[Request] = ()
) -> dict:
    """What stories are worth, and what they are like: of a model, or of the town itself
    for comparison.

    asked: the requests that they reply to, if anybody asked. coherent: the share that
    replays without a contradiction; plots: the share of each plot (a text without one
    has none of them); words: the mean length. With requests also on_theme, of those
    that asked for anything; on_other_themes: the same stories beside all other such
    requests, which is what chance gives; coherent_on_theme: the share that is both.
    Raises `InklingError` for no stories.
    """
    if not several(texts, "texts"):
        raise InklingError("there are no stories to judge; give at least one.")
    told = [
        " ".join(s for s in sentences_of(text) if s not in _AROUND) for text in texts
    ]
    checks = [check_story(text, world) for text in told]
    plots = [
        next((s.event for s in check.sentences if s.event in GOALS), None)
        for check in checks
    ]
    scores = {
        "n": len(texts),
        "coherent": sum(check.coherent for check in checks) / len(texts),
        "plots": {goal: plots.count(goal) / len(texts) for goal in GOALS},
        "words": sum(len(text.split()) for text in told) / len(texts),
    }
    return scores | (_theme_scores(checks, asked) if asked else {})


def _theme_scores(checks: Sequence[StoryCheck], asked: Sequence[Request]) -> dict:
    # the first edition asks for a person and a thing, always
    themes = [{"theme": "name_thing"} | request.slots for request in asked]
    follows = [
        on_theme(check.sentences, theme)
        for check, theme in zip(checks, themes, strict=True)
    ]
    both = [check.coherent and on for check, on in zip(checks, follows, strict=True)]
    asking = [i for i, theme in enumerate(themes) if theme["theme"] != "any"]
    others = [
        on_theme(checks[i].sentences, themes[j])
        for i in asking
        for j in asking
        if themes[j] != themes[i]
    ]

    def share(marks: Sequence[bool]) -> float | None:
        return sum(marks) / len(marks) if marks else None

    return {
        "on_theme": share([follows[i] for i in asking]),
        "on_other_themes": share(others),
        "coherent_on_theme": share(both),
    }


def stories_on_request(
    model: Transformer,
    tokenizer: Tokenizer,
    world: World,
    n: int = 200,
    *,
    temperature: float = 1.0,
    seed: int = 0,
) -> dict:
    """`story_scores` of the model's stories for `n` people who ask for one, and under
    "town" of what a careful writer of the town gives the same people.
    """
    asked = world.requests(n, "test", seed, only="story")
    prompts = [request.prompt for request in asked]
    texts, _, _ = exam.write_replies(
        model, tokenizer, prompts, temperature=temperature, seed=seed
    )
    careful = Style(tone="plain")
    town = [reply(world, request, careful, i) for i, request in enumerate(asked)]
    return story_scores(world, texts, asked) | {
        "town": story_scores(world, town, asked)
    }


def free_stories(
    model: Transformer,
    tokenizer: Tokenizer,
    world: World,
    n: int = 200,
    *,
    seed: int = 0,
    **sampling: float,
) -> dict:
    """`story_scores` of `n` stories that a base model writes on from their first
    sentence, and under "town" of the stories that these sentences come from.
    """
    written = story_coherence(model, tokenizer, world, n, seed, **sampling).stories
    documents = (d for d in world.iterate("test", seed) if d.kind == "story")
    town = [document.text for document in islice(documents, n)]
    return story_scores(world, [text for text, _ in written]) | {
        "town": story_scores(world, town)
    }
