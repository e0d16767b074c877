"""Real models in the reader's own code: SmolLM2-135M in
`inkling.model.transformer.Transformer`, and MiniLM for embeddings.

SmolLM2-135M-Instruct (Ben Allal et al. 2025) has the layout of the model that this book
builds, a hundred times larger: 30 layers, d_model 576, 9 query heads on 3 key heads,
49,152 tokens, one table for input and output. Its weights come in a GGUF file, 4 bits
each (`inkling.real.gguf`), with the tokenizer's vocabulary inside. all-MiniLM-L6-v2
(Reimers and Gurevych 2019) is no decoder: it is opened with `transformers`.

    >>> chat = load_smollm2()                                # doctest: +SKIP
    >>> chat.reply("What is the capital of France?")         # doctest: +SKIP
    'The capital of France is Paris.'

Fetch them first, once: `python -m inkling fetch smollm2 minilm` (`inkling.real.fetch`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

import numpy as np
import torch

from inkling.assistant.chat import Message, checked
from inkling.files import InklingError
from inkling.model.llama_format import LONGEST_CONTEXT
from inkling.model.transformer import ModelConfig, Transformer, misfits
from inkling.real.fetch import SOURCES, cache_folder, fetched
from inkling.real.gguf import GGUF
from inkling.settings import several
from inkling.text import tokenizer_json
from inkling.text.tokenizer import Tokenizer
from inkling.text.tokenizer_json import DIGITS_PATTERN, GPT2_PATTERN
from inkling.training.generate import stream
from inkling.training.packing import group_by_length

# llama.cpp's names of a layer's tensors, and ours.
LAYER_NAMES = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
OTHER_NAMES = {"token_embd": "embed_tokens", "output_norm": "norm", "output": "lm_head"}
# How a file names the pattern that cuts text into chunks.
PATTERNS = {"smollm": DIGITS_PATTERN, "gpt-2": GPT2_PATTERN}
# In the file's list of types: a special token, and one that stands for itself wherever
# it is written.
CONTROL_TOKEN, USER_DEFINED_TOKEN = 3, 4
# What a file says about its model: its sizes, and what changes nothing ...
SIZES = (
    "vocab_size context_length embedding_length block_count feed_forward_length"
    " attention.head_count attention.head_count_kv attention.layer_norm_rms_epsilon"
    " rope.freq_base rope.dimension_count attention.key_length attention.value_length"
    " rope.scaling.finetuned rope.scaling.original_context_length tensor_data_layout"
).split()
# ... or changes nothing at these values: a factor of 0 is llama.cpp's word for none.
# Whatever is in neither list is refused.
NEUTRAL = {
    "rope.scaling.type": ("none", "linear"),
    "rope.scaling.factor": (0, 1),
    "rope.scale_linear": (0, 1),  # the name that older files have
    "rope.scaling.attn_factor": (1,),
    "expert_count": (0,),
    "expert_used_count": (0,),
    "attention.causal": (True,),
}
HEAD_SIZES = ("rope.dimension_count", "attention.key_length", "attention.value_length")
# What llama.cpp would put around a text, or take out of it.
TEXT_CHANGES = (
    "add_bos_token",
    "add_eos_token",
    "add_sep_token",
    "add_space_prefix",
    "remove_extra_whitespaces",
)


def our_name(name: str) -> str:
    """A tensor's name in `Transformer`: our_name("blk.3.attn_q.weight") is
    "layers.3.self_attn.q_proj.weight".
    """
    if name.startswith("blk."):
        _, layer, part, kind = name.split(".")
        return f"layers.{layer}.{LAYER_NAMES[part]}.{kind}"
    part, kind = name.split(".")
    return f"{OTHER_NAMES[part]}.{kind}"


def unpermute(weight: np.ndarray, n_heads: int) -> np.ndarray:
    """Put the rows of a query or key matrix back into Llama's order, (n_heads *
    head_dim, d_model).

    RoPE turns pairs of a head's numbers. Llama pairs row i with row i + head_dim / 2,
    llama.cpp pairs neighbours and therefore stores the rows as 0, head_dim / 2, 1,
    head_dim / 2 + 1, ... Nothing fails when this is forgotten: the shapes are right,
    and the model talks nonsense.
    """
    rows, columns = weight.shape
    # (n_heads, head_dim / 2, 2, d_model)
    pairs = weight.reshape(n_heads, rows // n_heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)


def config_of(file: GGUF) -> ModelConfig:
    """The shape of the model in the file. Raises InklingError for one that is not plain
    Llama.
    """
    meta = file.metadata
    if (kind := meta.get("general.architecture")) != "llama":
        raise InklingError(
            f"{file.path} holds a model of kind {kind!r:.60}; this Transformer computes"
            " plain Llama only."
        )
    refuse_settings(file)
    try:
        n_heads = meta["llama.attention.head_count"]
        epsilon = meta["llama.attention.layer_norm_rms_epsilon"]
        config = ModelConfig(
            vocab_size=len(meta["tokenizer.ggml.tokens"]),
            context_length=meta["llama.context_length"],
            d_model=meta["llama.embedding_length"],
            n_layers=meta["llama.block_count"],
            n_heads=n_heads,
            n_kv_heads=meta.get("llama.attention.head_count_kv", n_heads),
            d_ff=meta["llama.feed_forward_length"],
            rope_theta=meta.get("llama.rope.freq_base", 10000.0),
            # The file keeps it in 32 bits, 9.999999747e-06 for 1e-5; seven digits are
            # all that it knows.
            norm_eps=float(f"{epsilon:.7g}") if type(epsilon) is float else epsilon,
            tie_embeddings="output.weight" not in file.tensors,
        )
    except (KeyError, TypeError) as error:
        raise InklingError(
            f"{file.path} does not say how large its model is ({error}). Take another"
            " file."
        ) from None
    for name in HEAD_SIZES:
        if (size := meta.get(f"llama.{name}", config.head_dim)) != config.head_dim:
            raise InklingError(
                f"{file.path}: {name} is {size!r:.60}, only a part of each head or more"
                f" than it; this Transformer uses all of its {config.head_dim} numbers."
            )
    return config


def refuse_settings(file: GGUF) -> None:
    """Raise InklingError for what the file says of its model that a plain Llama is not:
    scaled positions, experts, and whatever has no name here.
    """
    for key, value in file.metadata.items():
        name = key.removeprefix("llama.")
        if name == key or name in SIZES or value in NEUTRAL.get(name, ()):
            continue
        what = "its positions are scaled" if "rope" in name else "it is no plain Llama"
        raise InklingError(
            f"{file.path}: {what} ({name} is {value!r:.60}), which is not built here."
            " Take another file."
        )
    if "rope_freqs.weight" in file.tensors:
        raise InklingError(
            f"{file.path}: its positions are scaled (for longer texts), which is not"
            " built here. Take another file."
        )
    length = file.metadata.get("llama.context_length")
    if isinstance(length, int) and length > LONGEST_CONTEXT:
        raise InklingError(
            f"{file.path}: its context_length is {length:,}, above {LONGEST_CONTEXT:,},"
            " and the table of positions would fill the memory. Take another file."
        )


def model_of(file: GGUF) -> Transformer:
    """The model in the file, in float32, ready to run. Raises InklingError if weights
    are missing or do not fit.
    """
    config, shapes = config_of(file), {}
    for name, info in file.tensors.items():
        try:
            shapes[our_name(name)] = info.shape
        except (KeyError, ValueError):
            raise InklingError(
                f"{file.path}: the tensor {name:.60} is not part of a Llama. Take"
                " another file."
            ) from None
    if wrong := misfits(config, shapes):  # before memory is taken for it
        raise InklingError(
            f"{file.path}: its weights do not fit its own description: {wrong}. Take"
            " another file."
        )
    heads = {"attn_q": config.n_heads, "attn_k": config.n_kv_heads}
    weights = {}
    for name in file.tensors:
        weight, part = file.read(name), name.split(".")[-2]
        if part in heads:
            weight = unpermute(weight, heads[part])
        weights[our_name(name)] = torch.from_numpy(weight)
    model = Transformer(config, seed=None)
    # the very arrays: nothing is held twice
    model.load_state_dict(weights, assign=True)
    return model.eval().requires_grad_(False)


def tokenizer_of(file: GGUF) -> Tokenizer:
    """The tokenizer in the file as one of ours, with the file's ids. Raises
    InklingError if it is no byte-level BPE.
    """
    prefix = "tokenizer.ggml."
    meta = {name.removeprefix(prefix): value for name, value in file.metadata.items()}
    model, cut = meta.get("model"), meta.get("pre")
    if model != "gpt2" or not isinstance(cut, str) or cut not in PATTERNS:
        raise InklingError(
            f"{file.path}: its tokenizer is {model!r:.60} and cuts text by {cut!r:.60};"
            f" built here is 'gpt2' with {', '.join(PATTERNS)}."
        )
    if used := [name for name in TEXT_CHANGES if meta.get(name)]:
        raise InklingError(
            f"{file.path}: its tokenizer wants {', '.join(used)}, and here a text is"
            " encoded as it stands. Take another file."
        )
    try:
        names, types = meta["tokens"], meta["token_type"]
        special, added, vocabulary = {}, {}, {}
        for i, (name, kind) in enumerate(zip(names, types, strict=True)):
            if kind == CONTROL_TOKEN:
                special[name] = i
            elif kind == USER_DEFINED_TOKEN:
                added[name] = i
            else:
                vocabulary[tokenizer_json.parse_token(name)] = i
        if len(special) + len(added) + len(vocabulary) < len(names):
            raise InklingError("two tokens have the same name")
        merges = []
        for merge in meta["merges"]:
            left, right = map(tokenizer_json.parse_token, merge.split(" "))
            merges.append((left, right))
        return Tokenizer(merges, special, PATTERNS[cut], vocabulary, added)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise InklingError(
            f"{file.path}: its tokenizer is damaged ({error!s:.200}). Fetch it again."
        ) from None


@dataclass(frozen=True)
class SmolLM2:
    """The real model, ready to talk: its weights in our `Transformer`, its vocabulary
    in our `Tokenizer`.

    A message becomes  <|im_start|>role\\ntext<|im_end|>\\n  (ChatML). As in
    `inkling.assistant.chat`, a text is encoded as plain text, so that nobody can type
    their way out of a message.
    """

    model: Transformer
    tokenizer: Tokenizer

    # what it was fine-tuned with
    SYSTEM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"
    ROLES = ("system", "user", "assistant")

    @property
    def stop_ids(self) -> tuple[int, int]:
        """The tokens at which a reply is over: the end of a message, and the end of all
        text.
        """
        return self.tokenizer.special_tokens["<|im_end|>"], self.tokenizer.eos_id

    def encode_prompt(self, messages: Sequence[Message] | str) -> list[int]:
        """The ids after which the reply comes. A plain string is one message of the
        user's.

        Raises InklingError for an unknown role, for what is no `Message`, or for a chat
        with nothing to reply to.
        """
        if isinstance(messages, str):
            messages = [Message("user", messages)]
        messages = [checked(message) for message in messages]
        if not messages or messages[-1].role == "assistant":
            raise InklingError(
                "there is nothing to reply to: the last message must not be the"
                " assistant's."
            )
        if messages[0].role != "system":
            messages.insert(0, Message("system", self.SYSTEM))
        start, end = (
            self.tokenizer.special_tokens[name]
            for name in ("<|im_start|>", "<|im_end|>")
        )
        newline = self.tokenizer.encode("\n")
        ids = []
        for role, text in messages:
            if role not in self.ROLES:
                raise InklingError(
                    f"there is no role {role!r}; a message is by one of"
                    f" {', '.join(self.ROLES)}."
                )
            ids += [
                start,
                *self.tokenizer.encode(f"{role}\n{text}"),
                end,
                *newline,
            ]
        return [*ids, start, *self.tokenizer.encode("assistant\n")]

    def stream(
        self,
        messages: Sequence[Message] | str,
        max_new_tokens: int = 200,
        temperature: float = 0.0,
        **settings,
    ) -> Iterator[str]:
        """The reply, piece by piece as it is written; `settings` are those of
        `inkling.training.generate.generate`.
        """
        ids, context = self.encode_prompt(messages), self.model.config.context_length
        if len(ids) >= context:
            raise InklingError(
                f"this chat is too long: {len(ids)} tokens with its template, and"
                f" {context - 1} at most leave room for a reply. Ask in fewer words."
            )
        tokens = stream(
            self.model,
            ids,
            max_new_tokens,
            temperature,
            stop_ids=self.stop_ids,
            **settings,
        )
        written = takewhile(lambda token: token not in self.stop_ids, tokens)
        yield from self.tokenizer.decode_stream(written)

    def reply(
        self,
        messages: Sequence[Message] | str,
        max_new_tokens: int = 200,
        temperature: float = 0.0,
        **settings,
    ) -> str:
        """The whole reply to a question or a chat: greedy (temperature 0) unless told
        otherwise.
        """
        return "".join(self.stream(messages, max_new_tokens, temperature, **settings))


def load_smollm2() -> SmolLM2:
    """SmolLM2-135M-Instruct from the cache. Raises InklingError with the command to run
    if it was not fetched.
    """
    (path,) = fetched("smollm2").glob("*.gguf")
    file = GGUF(path)
    return SmolLM2(model_of(file), tokenizer_of(file))


def smollm2_if_fetched() -> SmolLM2 | None:
    """`load_smollm2`; or, without the file, None after one sentence: for pages that
    have enough to do without it.

    A file that is damaged is said to be damaged, and the answer is None, too.
    """
    try:
        is_there = (cache_folder() / "smollm2").is_dir()
    except (InklingError, OSError):  # no home, or none that may be looked into
        is_there = False
    if not is_there:
        megabytes = SOURCES["smollm2"].size / 1e6
        print(
            "The real model is not on this machine, so what needs it is left out here:"
            f" to see all, fetch it once ({megabytes:.0f} MB) with `python -m inkling"
            " fetch smollm2` and run the page again."
        )
        return None
    try:
        return load_smollm2()
    except InklingError as error:
        print(f"What needs the real model is left out here. {error}")
        return None


class MiniLM:
    """all-MiniLM-L6-v2: sentences with a like meaning get vectors in a like direction.

    embed(texts) -> float32 (len(texts), 384), each of length 1, so that a dot product
    is a cosine. A BERT of 6 layers reads the text (at most 256 tokens, the rest is cut
    off), and the mean over its tokens is the sentence's vector.
    """

    dim = 384
    MAX_TOKENS = 256  # what it was trained with

    def __init__(self, folder: Path | None = None):
        folder = fetched("minilm") if folder is None else folder
        try:
            from transformers import AutoModel, AutoTokenizer
            from transformers.utils import logging
        except ImportError:
            raise InklingError(
                "MiniLM needs `transformers`, which is missing: pip install"
                " transformers"
            ) from None
        shows_bars = logging.is_progress_bar_enabled()
        # it loads in half a second: a bar would only stay behind in a notebook
        logging.disable_progress_bar()
        self.tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model = AutoModel.from_pretrained(folder, local_files_only=True).eval()
        if shows_bars:
            logging.enable_progress_bar()

    def embed(self, texts: Sequence[str], batch_size: int = 32) -> np.ndarray:
        """The vectors of `texts`, float32 (len(texts), 384), in their order."""
        vectors = np.zeros((len(several(texts)), self.dim), np.float32)
        for rows in group_by_length([len(text) for text in texts], batch_size):
            batch = self.tokenizer(
                [texts[i] for i in rows],
                padding=True,
                truncation=True,
                max_length=self.MAX_TOKENS,
                return_tensors="pt",
            )
            with torch.inference_mode():
                states = self._model(**batch).last_hidden_state  # (rows, T, 384)
                # padding has no part in the mean
                mask = batch["attention_mask"][:, :, None]
                mean = (states * mask).sum(dim=1) / mask.sum(dim=1)
                vectors[rows] = torch.nn.functional.normalize(mean, dim=-1).numpy()
        return vectors
