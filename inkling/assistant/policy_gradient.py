"""The arithmetic of policy gradients: log-probabilities, distances between two
policies, masked means, the clipped gain.

Shapes: B replies, T tokens of the longest prompt and reply together. Whatever belongs
to a prediction is (B, T - 1): column t is about token t + 1, given the tokens up to t.
A mask says which of these the policy wrote itself.
"""

import torch
from torch import Tensor


def token_log_probs(logits: Tensor, tokens: Tensor, temperature: float = 1.0) -> Tensor:
    """log pi(token t + 1 | tokens up to t), (B, T - 1), from logits (B, T, V) of tokens
    (B, T).

    temperature: the one that the tokens were sampled with; the policy that acted is the
    tempered one.
    """
    log_probs = (logits[:, :-1].float() / temperature).log_softmax(dim=-1)
    return log_probs.gather(-1, tokens[:, 1:, None]).squeeze(-1)


def full_kl(logits: Tensor, reference: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(policy || reference) of each prediction in nats, exact over the vocabulary:
    (B, T - 1), from logits (B, T, V).

    With a large vocabulary one estimates it from the token that was sampled
    (`kl_estimates`); ours is small enough.
    """
    log_p = (logits[:, :-1].float() / temperature).log_softmax(dim=-1)
    log_q = (reference[:, :-1].float() / temperature).log_softmax(dim=-1)
    return (log_p.exp() * (log_p - log_q)).sum(dim=-1)


def entropies(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """The entropy of each prediction in nats, (B, T - 1), from logits (B, T, V): how
    open the policy still is.
    """
    log_p = (logits[:, :-1].float() / temperature).log_softmax(dim=-1)
    return -(log_p.exp() * log_p).sum(dim=-1)


def kl_estimates(log_probs: Tensor, reference: Tensor) -> dict[str, Tensor]:
    """Three estimates of KL(policy || reference) from sampled tokens alone (Schulman
    2020), each of the shape given.

    k1 = log p - log q: right on average, and often negative. k3 = q / p - 1 - log (q /
    p): right on average, too, and never negative (but for rounding); steadier where the
    two models are close, and not where q / p can be large. k2 = (log p - log q)^2 / 2
    is biased. As a *loss*, k3 has the wrong gradient.
    """
    log_ratio = reference - log_probs
    return {
        "k1": -log_ratio,
        "k2": log_ratio.square() / 2,
        "k3": log_ratio.exp() - 1 - log_ratio,
    }


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """The mean of `values` where `mask` is True; 0 where it is True nowhere (and not 0
    / 0).
    """
    return (values * mask).sum() / mask.sum().clamp(min=1)


def whiten(values: Tensor, mask: Tensor) -> Tensor:
    """Shift and scale so that the values under the mask have mean 0 and standard
    deviation 1; 0 elsewhere.

    Only what is under the mask counts: padding would drag the mean towards zero and
    shrink the spread.
    """
    mean = masked_mean(values, mask)
    variance = masked_mean((values - mean).square(), mask)
    return (values - mean) * torch.rsqrt(variance + 1e-8) * mask


def clipped_gain(
    log_probs: Tensor,
    old: Tensor,
    advantages: Tensor,
    actions: Tensor,
    clip: float = 0.2,
) -> Tensor:
    """min(ratio A, clip(ratio) A) of each action, (B, T - 1): what its new probability
    gains. Ratio: pi / pi_old.

    Source: Schulman et al. 2017, equation 7. Where the ratio has moved out of [1 -
    clip, 1 + clip] in the direction that the advantage asks for, its gradient is zero.
    """
    # 1 where there is no action, whatever stands there
    ratio = ((log_probs - old) * actions).exp()
    return torch.min(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
