"""What it is and is not: measures of what a language model believes, and of what its
belief hangs on.

Everything here reads one thing off a model, the probability that it gives to an answer,
and asks whether that number follows what is true or something else: the wording, the
direction, the order. The same functions measure the model of this book and a real one
(`inkling.real.pretrained`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from inkling.assistant.chat import encode_prompt
from inkling.files import InklingError
from inkling.model.transformer import Transformer
from inkling.text.tokenizer import Tokenizer
from inkling.world.documents import VALUES
from inkling.world.facts import ANSWERS, QUESTIONS, person_value
from inkling.world.people import Person

# --- What a model believes ------------------------------------------------------------


@torch.inference_mode()
def answer_log_probs(
    model: Transformer, prompt: Sequence[int], answers: Sequence[Sequence[int]]
) -> Tensor:
    """ln p(answer | prompt) of each answer, in nats, (n_answers,): the sum over its
    tokens, whatever their number.

    The prompt is read once, and all answers go on from a copy of its keys and values.
    Raises `InklingError` for an empty prompt, for no answers, and for an empty one.
    """
    if (
        not len(prompt)
        or not len(answers)
        or not all(len(answer) for answer in answers)
    ):
        raise InklingError(
            "expected a prompt and answers of at least one token each; one of them is"
            " empty."
        )
    n, longest = len(answers), max(map(len, answers))
    cache = model.new_cache(1, len(prompt) + longest)
    # (n, 1, d_model)
    hidden = model.hidden_states(torch.tensor([list(prompt)]), cache)[:, -1:].expand(
        n, -1, -1
    )
    tokens = torch.zeros(n, longest, dtype=torch.int64)
    # which of them are tokens and not padding
    real = torch.zeros(n, longest, dtype=torch.bool)
    for row, answer in enumerate(answers):
        tokens[row, : len(answer)] = torch.tensor(list(answer))
        real[row, : len(answer)] = True
    if longest > 1:
        cache.k = [k.repeat(n, 1, 1, 1) for k in cache.k]
        cache.v = [v.repeat(n, 1, 1, 1) for v in cache.v]
        # (n, longest, d_model)
        hidden = torch.cat([hidden, model.hidden_states(tokens[:, :-1], cache)], dim=1)
    # (n, longest, vocab_size)
    log_probs = model.logits(hidden).float().log_softmax(dim=-1)
    return (log_probs.gather(-1, tokens[:, :, None]).squeeze(-1) * real).sum(dim=1)


def option_probabilities(
    model: Transformer,
    tokenizer: Tokenizer,
    prompt: str | Sequence[int],
    options: Sequence[str],
) -> np.ndarray:
    """How a model shares out its belief among `options` as what comes next,
    (n_options,), adding up to 1.

    prompt: the beginning of a document as text, or ids. A space goes before each
    option, since the space belongs to the word after it. Raises `InklingError` for a
    text that ends in white space, which would change the options' tokens.
    """
    if isinstance(prompt, str):
        if prompt != prompt.rstrip(" "):
            raise InklingError(
                f"the prompt {prompt[-20:]!r} ends in a space; it belongs to the"
                " option: leave it out."
            )
        prompt = [tokenizer.eos_id, *tokenizer.encode(prompt)]
    answers = [tokenizer.encode(f" {option}") for option in options]
    return answer_log_probs(model, prompt, answers).softmax(dim=0).numpy()


def question_ids(
    tokenizer: Tokenizer, question: str, begun: str = "", chat: bool = False
) -> list[int]:
    """A question to one of our models, and perhaps the first words of the answer, put
    into its mouth.

    chat: for a model that was fine-tuned; the base model gets the form in which its
    text asks, "Question: ...".
    """
    begun = f" {begun}" if begun else ""
    if chat:
        return [
            *encode_prompt(tokenizer, question),
            *tokenizer.encode(begun),
        ]
    return [
        tokenizer.eos_id,
        *tokenizer.encode(f"Question: {question}\nAnswer:{begun}"),
    ]


# --- Facts of Larkhaven ---------------------------------------------------------------


@dataclass(frozen=True)
class Beliefs:
    """What a model holds of a list of facts.

    probabilities: for each fact the belief in each of its possible values, (n_values,);
    truths: the true one's place. confidence: the belief in the likeliest value; right:
    whether that value is the true one. Both are (n_facts,).
    """

    probabilities: list[np.ndarray]
    truths: list[int]

    @property
    def confidence(self) -> np.ndarray:
        """The probability of the likeliest option, (n_questions,)."""
        return np.array([p.max() for p in self.probabilities])

    @property
    def right(self) -> np.ndarray:
        """Whether the likeliest option is the true one, (n_questions,)."""
        return np.array(
            [
                p.argmax() == truth
                for p, truth in zip(self.probabilities, self.truths, strict=True)
            ]
        )


def fact_beliefs(
    model: Transformer,
    tokenizer: Tokenizer,
    people: Sequence[Person],
    attributes: Sequence[str] = ("trade", "street", "pet"),
    chat: bool = False,
) -> Beliefs:
    """Ask for facts of `people`, with the answer begun up to its value, and read off
    the belief in every value.
    """
    probabilities, truths = [], []
    for attribute in attributes:
        question, answer = (
            QUESTIONS[attribute].templates[0],
            ANSWERS[attribute].templates[0],
        )
        for person in people:
            begun = answer[: answer.index(" {value}")].format(name=person.name)
            ids = question_ids(
                tokenizer, question.format(name=person.name), begun, chat
            )
            probabilities.append(
                option_probabilities(model, tokenizer, ids, VALUES[attribute])
            )
            truths.append(VALUES[attribute].index(person_value(person, attribute)))
    return Beliefs(probabilities, truths)


# --- Whether belief follows truth -----------------------------------------------------


def auroc(positives: Sequence[float], negatives: Sequence[float]) -> float:
    """The chance that a positive has the higher score, when one of each is drawn; a tie
    counts half.

    1: a threshold parts them without a mistake; 0.5: the score says nothing. It is the
    area under the receiver operating characteristic (Hanley and McNeil 1982). Raises
    `InklingError` where one side is empty.
    """
    if not len(positives) or not len(negatives):
        raise InklingError("expected at least one score on each side.")
    ours, theirs = np.asarray(positives)[:, None], np.asarray(negatives)[None, :]
    return float((ours > theirs).mean() + 0.5 * (ours == theirs).mean())


def rotations(options: Sequence[str]) -> list[list[str]]:
    """The options in every turn of their order: each of them stands once in each
    place.
    """
    options = list(options)
    return [options[start:] + options[:start] for start in range(len(options))]


def letter_question(question: str, options: Sequence[str]) -> str:
    """The usual form of a multiple-choice exam, to be answered with a letter (Hendrycks
    et al. 2021).
    """
    lines = "".join(
        f"{chr(ord('A') + place)}. {option}\n" for place, option in enumerate(options)
    )
    return f"Question: {question}\n{lines}Answer:"


_ADMITS = re.compile(
    r"do not know|don't know|never heard|not aware of|no information|not familiar|does"
    r" not exist|doesn't exist|fiction|"
    r"not a real|no such|cannot say|can't say|not sure"
)


def admits(reply: str) -> bool:
    """Whether a reply owns up that it does not know, by the words for it. It can be
    fooled; read the replies, too.
    """
    return bool(_ADMITS.search(reply.lower()))


# --- What to ask a real model ---------------------------------------------------------


#: Country -> its capital, and three other cities in it.
CAPITALS = {
    country: cities.split(", ")
    for country, cities in (
        line.split(": ")
        for line in """\
France: Paris, Lyon, Marseille, Toulouse
Germany: Berlin, Munich, Hamburg, Cologne
Italy: Rome, Milan, Naples, Turin
Spain: Madrid, Barcelona, Seville, Valencia
Portugal: Lisbon, Porto, Braga, Coimbra
Japan: Tokyo, Osaka, Kyoto, Nagoya
China: Beijing, Shanghai, Guangzhou, Shenzhen
Russia: Moscow, Kazan, Omsk, Samara
Egypt: Cairo, Alexandria, Giza, Luxor
Turkey: Ankara, Istanbul, Izmir, Bursa
Canada: Ottawa, Toronto, Montreal, Vancouver
Australia: Canberra, Sydney, Melbourne, Perth
Brazil: Brasília, Rio de Janeiro, São Paulo, Salvador
India: New Delhi, Mumbai, Kolkata, Chennai
Poland: Warsaw, Kraków, Gdańsk, Poznań
Greece: Athens, Thessaloniki, Patras, Larissa
Sweden: Stockholm, Gothenburg, Malmö, Uppsala
Norway: Oslo, Bergen, Trondheim, Stavanger
Austria: Vienna, Salzburg, Graz, Linz
Switzerland: Bern, Zurich, Geneva, Basel
Kenya: Nairobi, Mombasa, Kisumu, Nakuru
Vietnam: Hanoi, Da Nang, Hue, Haiphong
Cuba: Havana, Santiago, Holguín, Trinidad
Ireland: Dublin, Cork, Galway, Limerick""".splitlines()
    )
}

#: Questions on what there is, and the same kinds of question on what we made up.
REAL_QUESTIONS = (
    "Where is the Eiffel Tower?",
    "Who wrote Romeo and Juliet?",
    "What is the capital of Portugal?",
    "Who painted the Mona Lisa?",
    "What is the capital of Kenya?",
    "Which planet is the largest?",
    "Who was the first president of the United States?",
    "In which country is Mount Fuji?",
    "Who wrote the novel Moby-Dick?",
    "What is the chemical formula of water?",
    "Who discovered penicillin?",
    "What is the currency of Japan?",
)
INVENTED_QUESTIONS = (
    "Where is the Velmar Tower?",
    "Who wrote Corvin and Isalda?",
    "What is the capital of Dravonia?",
    "Who painted the Lady of Quessel?",
    "What is the capital of Ulmeria?",
    "Which moon of Tandor is the largest?",
    "Who was the first president of the United Isles of Morrow?",
    "In which country is Mount Karvesh?",
    "Who wrote the novel The Glass Ferryman of Orl?",
    "What is the chemical formula of brindolite?",
    "Who discovered parvocillin?",
    "What is the currency of Zelbania?",
)
