"""Figures in which the Transformer runs: its next token, its attention, its writing."""

import base64
from html import escape
from typing import Any

import torch

from inkling.files import InklingError
from inkling.live.figure import ModelFigure, html_table, start_ids, visible
from inkling.model.transformer import Block, Transformer
from inkling.text.tokenizer import Tokenizer

BITS_PER_NAT = 1.4426950408889634


class NextToken(ModelFigure):
    """Type a text, see the model's next-token probabilities, click a token to append
    it.

    Args:
        prompt: the text that stands there at first.
        temperature: the first position of the slider, 0.1 to 2.
        top: how many of the most likely tokens to show.
        seed: of the button that draws a token.
        checkpoint, model, tokenizer: see ModelFigure.
    """

    def __init__(
        self,
        prompt: str,
        temperature: float = 1.0,
        top: int = 10,
        seed: int = 0,
        **which: Any,
    ) -> None:
        super().__init__(
            {"prompt": prompt, "temperature": temperature, "top": top, "seed": seed},
            **which,
        )

    def first_state(self, data: dict, model: Transformer, tokenizer: Tokenizer) -> dict:
        """tokens: [text, probability, id] of the most likely next tokens; entropy: of
        the whole distribution, in bits. The prompt is cut to its last tokens that fit.
        """
        ids = start_ids(tokenizer, data["prompt"])[-model.config.context_length :]
        with torch.inference_mode():
            logits = model(torch.tensor([ids]))[0, -1]  # (vocabulary,)
        log_probs = torch.log_softmax(logits / data["temperature"], dim=-1)
        entropy = float(-(log_probs.exp() * log_probs).sum()) * BITS_PER_NAT
        best = log_probs.topk(min(data["top"], len(log_probs))).indices.tolist()
        return {
            "tokens": [
                [tokenizer.decode([i]), round(float(log_probs[i].exp()), 5), i]
                for i in best
            ],
            "entropy": round(entropy, 3),
        }

    def fallback(self) -> str:
        """A table of the most likely next tokens."""
        rows = [
            [visible(token), f"{p:.1%}"] for token, p, _ in self.data["first"]["tokens"]
        ]
        return html_table(
            f"Most likely next tokens after “{self.data['prompt']}”",
            ["token", "probability"],
            rows,
        )


class AttentionFigure(ModelFigure):
    """Type a text, choose a layer and a head, point at a token: the tokens it looks at
    are shaded.

    Args:
        text: the text that stands there at first.
        layer, head: what is chosen at first, both counted from 0 as in the code.
        max_tokens: longer texts are cut here, so that the maps stay readable.
        checkpoint, model, tokenizer: see ModelFigure.
    """

    def __init__(
        self,
        text: str,
        layer: int = 0,
        head: int = 0,
        max_tokens: int = 96,
        **which: Any,
    ) -> None:
        super().__init__(
            {"text": text, "layer": layer, "head": head, "max_tokens": max_tokens},
            **which,
        )

    def first_state(self, data: dict, model: Transformer, tokenizer: Tokenizer) -> dict:
        """tokens: the texts of the tokens; weights: base64 of one byte a weight (255 is
        1), for each layer and head the lower triangle row by row; n_layers, n_heads.

        Raises `InklingError` for a layer or head that the model does not have.
        """
        config = model.config
        for name, value, count in (
            ("layer", data["layer"], config.n_layers),
            ("head", data["head"], config.n_heads),
        ):
            if not 0 <= value < count:
                raise InklingError(
                    f"{name}={value}, but this model has {count}: choose 0 to"
                    f" {count - 1}."
                )
        ids = start_ids(tokenizer, data["text"])[
            : min(data["max_tokens"], config.context_length)
        ]
        T = len(ids)
        seen = torch.ones(T, T).tril().bool()
        parts = []
        with torch.inference_mode():
            x, cos, sin = (
                model.embed_tokens(torch.tensor([ids])),
                model.rope_cos[:T],
                model.rope_sin[:T],
            )
            for block in model.layers:
                assert isinstance(block, Block)  # a ModuleList may hold anything
                # (n_heads, T, T)
                weights = block.self_attn.weights(block.input_layernorm(x), cos, sin)[0]
                x = block(x, cos, sin)
                # One byte a weight: enough for a picture. Only the triangle that a
                # causal model can have.
                parts.append(
                    (weights[:, seen] * 255).round().to(torch.uint8).numpy().tobytes()
                )
        return {
            "tokens": [tokenizer.decode([i]) for i in ids],
            "n_layers": config.n_layers,
            "n_heads": config.n_heads,
            "weights": base64.b64encode(b"".join(parts)).decode(),
        }

    def fallback(self) -> str:
        """A table of the five tokens that the last one looks at most."""
        first, stored = (
            self.data["first"],
            base64.b64decode(self.data["first"]["weights"]),
        )
        T = len(first["tokens"])
        end = (
            (self.data["layer"] * first["n_heads"] + self.data["head"] + 1)
            * T
            * (T + 1)
            // 2
        )
        last_row = stored[end - T : end]
        best = sorted(range(T), key=lambda i: -last_row[i])[:5]
        caption = (
            f"Layer {self.data['layer']}, head {self.data['head']}: where the last"
            f" token of “{self.data['text']}” looks"
        )
        return html_table(
            caption,
            ["token", "attention"],
            [[visible(first["tokens"][i]), f"{last_row[i] / 255:.0%}"] for i in best],
        )


class GenerateFigure(ModelFigure):
    """The model writes: temperature, top-k, top-p, seed, Start and Stop; every token
    shaded by its probability.

    Args:
        prompt: what the text begins with; it may be empty.
        temperature: 0 (always the likeliest token) to 1.6.
        top_k, top_p: 0 and 1.0 switch them off.
        seed: of the random numbers, the same as in inkling.training.generate; Start
        with it writes the cached text again. max_new_tokens: 20 to 240.
        checkpoint, model, tokenizer: see ModelFigure.
    """

    def __init__(
        self,
        prompt: str = "",
        temperature: float = 0.8,
        top_k: int = 0,
        top_p: float = 1.0,
        seed: int = 0,
        max_new_tokens: int = 120,
        **which: Any,
    ) -> None:
        super().__init__(
            {
                "prompt": prompt,
                "temperature": temperature,
                "top_k": top_k,
                "top_p": top_p,
                "seed": seed,
                "max_new_tokens": max_new_tokens,
            },
            **which,
        )

    def first_state(self, data: dict, model: Transformer, tokenizer: Tokenizer) -> dict:
        """tokens: [text, probability] of each token that the model wrote; ended:
        whether it wrote the end-of-text token, which is not among them.
        """
        from inkling.training.generate import generate

        ids, end = (
            start_ids(tokenizer, data["prompt"]),
            tokenizer.special_tokens.get("<|endoftext|>"),
        )
        room = min(data["max_new_tokens"], model.config.context_length - len(ids))
        new = generate(
            model,
            ids,
            room,
            temperature=data["temperature"],
            top_k=data["top_k"] or None,
            top_p=data["top_p"] if data["top_p"] < 1 else None,
            seed=data["seed"],
            stop_ids=() if end is None else (end,),
        )
        with torch.inference_mode():
            # (new tokens, vocabulary)
            logits = model(torch.tensor([ids + new]))[0, len(ids) - 1 : -1]
        log_probs = torch.log_softmax(logits, dim=-1)
        ended = bool(new) and new[-1] == end
        probabilities = log_probs[range(len(new)), new].exp().tolist()
        tokens = [
            [tokenizer.decode([i]), round(p, 4)]
            for i, p in zip(new, probabilities, strict=True)
        ]
        return {"tokens": tokens[:-1] if ended else tokens, "ended": ended}

    def fallback(self) -> str:
        """The prompt and what the model wrote after it."""
        text = self.data["prompt"] + "".join(
            token for token, _ in self.data["first"]["tokens"]
        )
        return f"<p>The model wrote:</p><pre>{escape(text)}</pre>"
