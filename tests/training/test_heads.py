"""The scores of attention heads: by hand, on heads that are built to have them, and on the model
that ships.
"""

import pytest
import torch

from inkling import checkpoints
from inkling.files import InklingError
from inkling.model.transformer import ModelConfig, Transformer
from inkling.training import heads
from inkling.world import World


def test_a_song_has_its_names_twice_and_reads_like_those_of_the_town():
    _, tokenizer = checkpoints.load("base")
    ids, period = heads.sung_twice(tokenizer, 12, seed=1)
    text = tokenizer.decode(ids[0, 1:].tolist())
    opening, first, second = text.split("\n")
    assert first == second and len(set(first.strip(".").split())) == 12
    assert opening == heads.OPENING
    assert any(
        document.text.startswith(opening) for document in World(0).documents(30_000, only="song")
    )
    assert ids[0].tolist() == [tokenizer.eos_id, *tokenizer.encode(text)]
    assert torch.equal(ids[0, -period:], ids[0, -2 * period : -period])
    assert torch.equal(ids, heads.sung_twice(tokenizer, 12, seed=1)[0])
    assert not torch.equal(ids, heads.sung_twice(tokenizer, 12, seed=2)[0])


@pytest.mark.parametrize(("back", "expected"), [(1, (1.0, 0.0)), (4, (0.0, 1.0)), (5, (0.0, 0.0))])
def test_scores_of_a_head_that_always_looks_so_many_tokens_back(back, expected):
    """Five tokens said twice: what followed a token the last time stands four places back."""
    looks = torch.zeros(1, 1, 1, 13, 13)
    for token in range(13):
        looks[..., token, max(0, token - back) if token else 0] = 1.0
    looks[..., 1 : back if back > 1 else 0, 0] = 0.0  # too near the beginning to look so far
    previous, induction = heads.looking_scores(looks, period=5)
    assert (previous.item(), induction.item()) == expected


@pytest.mark.parametrize("tied", [True, False])
def test_the_copying_score_is_that_of_the_whole_matrix(tied):
    """A vocabulary of 40 tokens, so that all its eigenvalues can be had."""
    model = Transformer(
        ModelConfig(40, 8, d_model=16, n_layers=2, n_heads=4, n_kv_heads=2, tie_embeddings=tied)
    )
    generator = torch.Generator().manual_seed(0)
    for weight in model.parameters():
        weight.data = torch.randn(weight.shape, generator=generator)
    found = heads.copying_scores(model)
    unembed = (model.embed_tokens if tied else model.lm_head).weight * model.norm.weight
    for layer, block in enumerate(model.layers):
        values = block.self_attn.v_proj.weight * block.input_layernorm.weight
        for head in range(4):
            kv = slice(head // 2 * 4, head // 2 * 4 + 4)
            columns = slice(head * 4, head * 4 + 4)
            writes = block.self_attn.o_proj.weight[:, columns]
            whole = unembed @ writes @ values[kv] @ model.embed_tokens.weight.T
            eigenvalues = torch.linalg.eigvals(whole.double())
            expected = eigenvalues.real.sum() / eigenvalues.abs().sum()
            assert found[layer, head].item() == pytest.approx(expected.item(), abs=1e-3)


def test_a_head_that_hands_on_what_it_sees_copies_and_one_that_negates_it_does_the_opposite():
    model = Transformer(ModelConfig(40, 8, d_model=8, n_layers=1, n_heads=2, n_kv_heads=2))
    attention = model.layers[0].self_attn
    attention.v_proj.weight.data = torch.eye(8)
    attention.o_proj.weight.data = torch.diag(torch.tensor([1.0] * 4 + [-1.0] * 4))
    assert heads.copying_scores(model)[0].tolist() == pytest.approx([1.0, -1.0], abs=1e-4)


def test_the_shipped_model_has_heads_of_each_kind_and_a_new_one_has_none():
    model, tokenizer = checkpoints.load("base")
    scores = heads.head_scores(model, tokenizer)
    best = {name: max(max(layer) for layer in layers) for name, layers in scores.items()}
    assert {name: len(layers) for name, layers in scores.items()} == dict.fromkeys(best, 4)
    assert best["previous"] > 0.5 and best["induction"] > 0.6 and best["copying"] > 0.5
    new = heads.head_scores(Transformer(model.config, seed=0), tokenizer)
    assert max(max(layer) for layer in new["induction"]) < 0.1
    assert scores == heads.head_scores(model, tokenizer)


def test_a_song_that_is_too_long_is_no_song_cut_short():
    _, tokenizer = checkpoints.load("base")
    model = Transformer(ModelConfig(tokenizer.vocab_size, 32, d_model=8, n_layers=1, n_heads=2))
    with pytest.raises(InklingError, match="12 names has 4. tokens, and the model reads 32"):
        heads.head_scores(model, tokenizer)
