import contextlib
import errno
import json
import math
import os
import random
import warnings
from dataclasses import asdict, replace

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save_file

from inkling import checkpoints
from inkling.assistant.chat import encode_prompt
from inkling.files import InklingError
from inkling.model import llama_format
from inkling.model.llama_format import from_llama_config, to_llama_config
from inkling.model.transformer import (
    ModelConfig,
    RMSNorm,
    SwiGLU,
    Transformer,
    flops_per_token,
    initialise,
    memory_bytes,
    misfits,
    parameter_count,
    parameter_counts,
    weight_shapes,
)
from inkling.text.tokenizer import SPECIAL_TOKENS, Tokenizer
from inkling.training.generate import generate

SMALL = ModelConfig(
    vocab_size=61, context_length=32, d_model=24, n_layers=3, n_heads=4, n_kv_heads=2
)


def ids(config, *shape, seed=0):
    return torch.randint(config.vocab_size, shape, generator=torch.Generator().manual_seed(seed))


def random_config(seed: int) -> ModelConfig:
    """Any shape that is allowed: odd vocabularies and widths, one to all key heads, tied or not."""
    rng = random.Random(seed)
    n_kv_heads, group, head_dim = rng.randint(1, 3), rng.randint(1, 3), 2 * rng.randint(1, 9)
    n_heads = n_kv_heads * group
    return ModelConfig(
        vocab_size=rng.randint(2, 300),
        context_length=rng.randint(8, 70),
        d_model=n_heads * head_dim,
        n_layers=rng.randint(1, 4),
        n_heads=n_heads,
        n_kv_heads=n_kv_heads,
        d_ff=rng.choice([None, rng.randint(1, 90)]),
        rope_theta=rng.choice([500.0, 10000.0, 1e6]),
        norm_eps=rng.choice([1e-6, 1e-5, 1e-3]),
        tie_embeddings=rng.random() < 0.5,
    )


def shaken(config: ModelConfig, seed: int = 0) -> Transformer:
    """A model far from its start: gains not 1, weights large enough for logits of several units."""
    model = Transformer(config, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(
                torch.randn(weight.shape, generator=generator) * (weight.shape[-1] ** -0.5)
                if weight.dim() == 2
                else 1 + 0.3 * torch.randn(weight.shape, generator=generator)
            )
    return model.eval()


# --- configuration and parts ---


def test_config_works_out_what_is_left_open():
    config = ModelConfig(vocab_size=1000)
    # 8/3 * 128 = 341.3, and the next multiple of 16
    assert config.head_dim == 32 and config.d_ff == 352
    # already a multiple: not rounded further
    assert ModelConfig(vocab_size=10, d_model=96).d_ff == 256


@pytest.mark.parametrize(
    "wrong, message",
    [
        (dict(d_model=130), "n_heads=4 times an even"),
        (dict(d_model=12), "times an even"),
        (dict(n_kv_heads=3), "multiple of n_kv_heads=3"),
        (dict(n_layers=0), "n_layers must be .* it is 0"),
        (dict(vocab_size=-5), "vocab_size .* it is -5"),
        (dict(d_ff=2.5), "d_ff .* it is 2.5"),
    ],
)
def test_impossible_shapes_are_refused(wrong, message):
    with pytest.raises(InklingError, match=message):
        ModelConfig(**{"vocab_size": 100, **wrong})


def test_rms_norm_by_hand_and_by_torch():
    norm = RMSNorm(2, eps=0.0)
    torch.testing.assert_close(norm(torch.tensor([3.0, 4.0])), torch.tensor([3.0, 4.0]) / 12.5**0.5)
    x = torch.randn(5, 16, generator=torch.Generator().manual_seed(0))
    norm = RMSNorm(16, eps=1e-2)
    torch.testing.assert_close(norm(x), F.rms_norm(x, (16,), norm.weight, 1e-2))


def test_rms_norm_epsilon_is_inside_the_root():
    # Outside it, a vector of zeros would be divided by eps, not by sqrt(eps), and small vectors
    # come out too large.
    x = torch.full((4,), 1e-3)
    torch.testing.assert_close(RMSNorm(4, eps=1e-6)(x), torch.full((4,), 1e-3 / (2e-6) ** 0.5))


def test_rms_norm_survives_half_precision():
    x = torch.full((8,), 300.0, dtype=torch.float16)  # 300 squared is more than float16 can hold
    torch.testing.assert_close(RMSNorm(8).half()(x), torch.ones(8, dtype=torch.float16))


def test_swiglu_gates_with_silu():
    mlp = SwiGLU(1, 1)
    with torch.no_grad():
        for weight, value in zip(mlp.parameters(), (2.0, 3.0, 5.0), strict=True):  # gate, up, down
            weight.fill_(value)
    silu = 2.0 / (1 + math.exp(-2.0))
    torch.testing.assert_close(mlp(torch.ones(1)), torch.tensor([5.0 * silu * 3.0]))


# --- the model against transformers' Llama ---


@pytest.mark.parametrize("seed", range(12))
def test_transformers_opens_what_we_save_with_equal_logits(seed, tmp_path):
    from transformers import LlamaForCausalLM

    config = random_config(seed)
    model = shaken(config, seed)
    model.save_pretrained(tmp_path)
    theirs, report = LlamaForCausalLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(
        report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")
    ), report
    tokens = ids(config, 2, config.context_length)
    with torch.no_grad():
        ours, reference = model(tokens), theirs.eval()(tokens).logits
    assert ours.std() > 0.1, "the logits say nothing: the comparison would prove nothing"
    torch.testing.assert_close(ours, reference, atol=1e-4, rtol=0)


@pytest.mark.parametrize("seed", range(12, 24))
def test_we_open_what_transformers_saves_with_equal_logits(seed, tmp_path):
    from transformers import LlamaConfig, LlamaForCausalLM

    config = random_config(seed)
    torch.manual_seed(seed)  # transformers draws its start from the global state
    theirs = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=config.vocab_size,
            max_position_embeddings=config.context_length,
            hidden_size=config.d_model,
            num_hidden_layers=config.n_layers,
            num_attention_heads=config.n_heads,
            num_key_value_heads=config.n_kv_heads,
            intermediate_size=config.d_ff,
            rms_norm_eps=config.norm_eps,
            tie_word_embeddings=config.tie_embeddings,
            initializer_range=0.3,
            rope_parameters={"rope_type": "default", "rope_theta": config.rope_theta},
        )
    ).eval()
    theirs.save_pretrained(tmp_path)
    model = Transformer.from_pretrained(tmp_path)
    assert model.config == config
    tokens = ids(config, 2, config.context_length)
    with torch.no_grad():
        ours, reference = model(tokens), theirs(tokens).logits
    assert ours.std() > 0.1
    torch.testing.assert_close(ours, reference, atol=1e-4, rtol=0)


# --- what the model does ---


@pytest.mark.parametrize("split", range(1, 12))
def test_cached_equals_uncached_at_every_split(split):
    model, tokens = shaken(SMALL), ids(SMALL, 2, 12)
    with torch.no_grad():
        whole = model(tokens)
        cache = model.new_cache(batch_size=2)
        parts = [model(tokens[:, :split], cache=cache), model(tokens[:, split:], cache=cache)]
        assert cache.length == 12
        torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-5, rtol=1e-5)
        cache.reset()
        one_by_one = [model(tokens[:, t : t + 1], cache=cache) for t in range(12)]
        torch.testing.assert_close(torch.cat(one_by_one, dim=1), whole, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("style", ["quiet", "mimetic", "gpt2"])
def test_no_token_sees_the_future(style):
    model = Transformer(SMALL)
    initialise(model, 1, style)
    tokens = ids(SMALL, 1, 10)
    before = model(tokens)
    for t in range(10):
        changed = tokens.clone()
        changed[0, t] = (tokens[0, t] + 1) % SMALL.vocab_size
        after = model(changed)
        assert torch.equal(after[:, :t], before[:, :t]), (
            f"changing token {t} changed the logits of an earlier one"
        )
        assert not torch.equal(after[:, t:], before[:, t:]), f"changing token {t} changed nothing"


@pytest.mark.parametrize("style", ["quiet", "mimetic", "gpt2"])
@pytest.mark.parametrize("tie", [True, False])
@pytest.mark.parametrize(
    "shape", [dict(), dict(d_model=192, n_heads=6, n_kv_heads=1), dict(d_model=64, n_kv_heads=4)]
)
def test_first_loss_is_about_ln_of_the_vocabulary(style, tie, shape):
    config = ModelConfig(vocab_size=1024, tie_embeddings=tie, **shape)
    model = Transformer(config)
    initialise(model, 3, style)
    tokens = ids(config, 4, 129)
    loss = F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten()).item()
    assert abs(loss - math.log(1024)) < 0.15, (
        f"first loss {loss:.2f}, expected about {math.log(1024):.2f}"
    )


@pytest.mark.parametrize("style", ["quiet", "mimetic", "gpt2"])
@pytest.mark.parametrize("tie", [True, False])
def test_gradient_reaches_every_parameter(style, tie):
    config = ModelConfig(vocab_size=61, d_model=24, tie_embeddings=tie)
    model = Transformer(config)
    initialise(model, 0, style)
    tokens = ids(config, 3, 20)
    # Blocks that begin silent (style "quiet") have to speak before what they read can matter: that
    # takes one step.
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(2 if style == "quiet" else 1):
        optimiser.zero_grad()
        F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten()).backward()
        optimiser.step()
    for name, weight in model.named_parameters():
        assert weight.grad is not None and weight.grad.abs().max() > 0, (
            f"no gradient reaches {name}"
        )


def test_it_learns_a_sequence_by_heart():
    model, tokens = Transformer(SMALL), ids(SMALL, 2, 24)
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(80):
        loss = F.cross_entropy(model(tokens[:, :-1]).flatten(0, 1), tokens[:, 1:].flatten())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert loss < 0.1


def test_query_heads_of_a_group_do_not_start_as_twins():
    # Twins would receive the same gradient for ever, and half of the heads would be wasted.
    model = Transformer(SMALL)
    initialise(model, 0, "mimetic")  # the one style that copies a key head to several query heads
    attn = model.layers[0].self_attn
    q, o = attn.q_proj.weight.view(4, 6, 24), attn.o_proj.weight.view(24, 4, 6)
    assert not torch.allclose(q[0], q[1]) or not torch.allclose(o[:, 0], o[:, 1])


def test_same_seed_same_weights_and_the_global_state_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    first, second, other = Transformer(SMALL, 1), Transformer(SMALL, 1), Transformer(SMALL, 2)
    assert torch.rand(1) == expected, "making a model drew from the global random state"
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, second.state_dict()[name])
    assert not torch.equal(first.embed_tokens.weight, other.embed_tokens.weight)


def test_unknown_style_is_refused():
    with pytest.raises(
        InklingError, match="style must be 'quiet', 'mimetic' or 'gpt2', not 'magic'"
    ):
        initialise(Transformer(SMALL), 0, style="magic")


# --- counts ---


@pytest.mark.parametrize("seed", range(5))
def test_parameter_count_is_what_the_model_has(seed):
    config = random_config(seed)
    assert parameter_count(config) == sum(p.numel() for p in Transformer(config).parameters())


def test_parameter_count_of_published_models():
    llama_2_7b = ModelConfig(32000, 4096, 4096, 32, 32, 32, d_ff=11008, tie_embeddings=False)
    assert parameter_count(llama_2_7b) == 6_738_415_616
    smollm2_135m = ModelConfig(49152, 8192, 576, 30, 9, 3, d_ff=1536)
    assert parameter_count(smollm2_135m) == 134_515_008


def test_flops_equal_those_that_torch_counts():
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    config = ModelConfig(vocab_size=101, d_model=48, n_layers=2)
    # The plain kernel, because the fused one is not counted. It computes the whole square: each of
    # 16 looks at 16.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        Transformer(config)(ids(config, 1, 16))
    assert counter.get_total_flops() == 16 * flops_per_token(config, context=16)
    assert flops_per_token(config, training=True) == 3 * flops_per_token(config)


def test_memory_is_what_the_tensors_take():
    model = Transformer(SMALL)
    assert memory_bytes(SMALL)["weights"] == sum(
        p.numel() * p.element_size() for p in model.parameters()
    )
    cache = model.new_cache()
    assert memory_bytes(SMALL)["cache"] == sum(
        t.numel() * t.element_size() for t in cache.k + cache.v
    )
    optimiser = torch.optim.AdamW(model.parameters())
    model(ids(SMALL, 1, 4)).sum().backward()
    optimiser.step()
    held = [p.grad for p in model.parameters()] + [
        t for s in optimiser.state.values() for t in s.values() if t.dim()
    ]
    assert memory_bytes(SMALL)["training"] - memory_bytes(SMALL)["weights"] == sum(
        4 * t.numel() for t in held
    )
    assert sum(parameter_counts(SMALL).values()) == parameter_count(SMALL)


# --- bad input ---


@pytest.mark.parametrize("bad", [61, 5000, -1])
def test_ids_outside_of_the_vocabulary_name_the_id_and_the_size(bad):
    with pytest.raises(InklingError, match=f"token id {bad} .*vocabulary of 61"):
        Transformer(SMALL)(torch.tensor([[1, bad, 2]]))


def test_a_prompt_longer_than_the_context_is_refused():
    model = Transformer(SMALL)
    with pytest.raises(InklingError, match="33 tokens do not fit .* context of 32"):
        model(ids(SMALL, 1, 33))
    cache = model.new_cache()
    model(ids(SMALL, 1, 32), cache=cache)
    with pytest.raises(InklingError, match="33 tokens do not fit"):
        model(ids(SMALL, 1, 1), cache=cache)


@pytest.mark.parametrize(
    "tokens",
    [
        torch.tensor([1, 2]),
        torch.tensor(3),
        torch.zeros(1, 0, dtype=torch.long),
        torch.tensor([[1.0, 2.0]]),
        torch.zeros(1, 1, 1, dtype=torch.long),
    ],
)
def test_wrong_shapes_and_types_are_refused(tokens):
    with pytest.raises(InklingError, match=r"shape \(batch, time\)"):
        Transformer(SMALL)(tokens)


# --- saving and loading ---


@pytest.fixture
def saved(tmp_path):
    model = shaken(SMALL)
    model.save_pretrained(tmp_path / "model")
    return model, tmp_path / "model"


def stored(folder):
    with safe_open(folder / "model.safetensors", "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def edit_config(folder, **changes):
    """Change config.json as a file from elsewhere might have it, and drop our copy of it inside the
    weights.
    """
    save_file(stored(folder), folder / "model.safetensors", {"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config.update(changes)
    config = {name: value for name, value in config.items() if value != "absent"}
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize("tie", [True, False])
def test_round_trip_is_exact(tie, tmp_path):
    model = shaken(ModelConfig(vocab_size=61, d_model=24, tie_embeddings=tie))
    model.save_pretrained(tmp_path)
    again = Transformer.from_pretrained(tmp_path)
    assert again.config == model.config
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name]), name
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.json", "model.safetensors"]
    assert all(p.requires_grad for p in again.parameters())


def test_tied_weights_are_stored_once(saved):
    assert "lm_head.weight" not in stored(saved[1])
    assert sum(t.numel() for t in stored(saved[1]).values()) == parameter_count(SMALL)


@pytest.mark.parametrize("dtype, tolerance", [(torch.float16, 1e-3), (torch.bfloat16, 1e-2)])
def test_half_precision_halves_the_file_and_loads_as_float32(dtype, tolerance, saved, tmp_path):
    model, folder = saved
    model.save_pretrained(tmp_path / "half", dtype=dtype)
    full, half = ((f / "model.safetensors").stat().st_size for f in (folder, tmp_path / "half"))
    assert half < 0.6 * full
    again = Transformer.from_pretrained(tmp_path / "half")
    assert {p.dtype for p in again.parameters()} == {torch.float32}
    torch.testing.assert_close(
        again.embed_tokens.weight, model.embed_tokens.weight, atol=tolerance, rtol=tolerance
    )
    in_half = Transformer.from_pretrained(tmp_path / "half", dtype=dtype)
    assert in_half(ids(SMALL, 1, 5)).dtype == dtype
    with pytest.raises(InklingError, match="int8"):
        model.save_pretrained(tmp_path / "eighth", dtype=torch.int8)


def test_saving_over_the_folder_that_was_loaded(saved):
    model = Transformer.from_pretrained(saved[1])
    with torch.no_grad():
        model.norm.weight.add_(1.0)
    model.save_pretrained(saved[1])
    assert torch.equal(Transformer.from_pretrained(saved[1]).norm.weight, model.norm.weight)


def test_stored_head_is_accepted_although_tied(saved):
    model, folder = saved
    tensors = stored(folder)
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].clone()
    # old files carry this table
    tensors["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(3)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    tokens = ids(SMALL, 1, 6)
    torch.testing.assert_close(Transformer.from_pretrained(folder)(tokens), model(tokens))


def test_another_head_is_taken_although_tied_as_in_transformers(saved):
    from transformers import LlamaForCausalLM

    model, folder = saved
    tensors = stored(folder)
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"].flip(0).contiguous()
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    opened, theirs = Transformer.from_pretrained(folder), LlamaForCausalLM.from_pretrained(folder)
    tokens = ids(SMALL, 1, 6)
    with torch.no_grad():
        torch.testing.assert_close(opened(tokens), theirs(tokens).logits, atol=1e-4, rtol=0)
        assert (opened(tokens) - model(tokens)).abs().max() > 0.1
    assert opened.config == replace(SMALL, tie_embeddings=False)
    opened.save_pretrained(folder)  # and what is saved says so
    assert torch.equal(Transformer.from_pretrained(folder)(tokens), opened(tokens))


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int64, torch.float8_e4m3fn])
def test_codes_without_their_scales_are_opened_as_weights(dtype, saved):
    tensors = stored(saved[1])
    name = "model.layers.1.mlp.up_proj.weight"
    tensors[name] = (tensors[name] * 50).to(dtype)
    save_file(tensors, saved[1] / "model.safetensors", {"format": "pt"})
    kind = str(dtype).removeprefix("torch.")
    with pytest.raises(InklingError, match=f"{name} is stored as {kind}. Quantised weights"):
        Transformer.from_pretrained(saved[1])


# --- where a text ends ---


def test_the_ids_of_begin_end_and_padding_go_into_the_configuration(tmp_path):
    from transformers import LlamaConfig

    ours = Tokenizer.train(["a b c"], 264, SPECIAL_TOKENS)
    few = Tokenizer.train(["a b c"], 257, ["<|endoftext|>"])
    cases = {
        ours: (ours.eos_id, [ours.eos_id, ours.special_tokens["<|end|>"]], ours.eos_id + 1),
        few: (few.eos_id, few.eos_id, None),
        Tokenizer.train(["a b c"], 256): (None, None, None),
        None: (None, None, None),
    }
    for tokenizer, expected in cases.items():
        shaken(SMALL).save_pretrained(tmp_path, tokenizer=tokenizer)
        theirs = LlamaConfig.from_pretrained(tmp_path)
        assert (theirs.bos_token_id, theirs.eos_token_id, theirs.pad_token_id) == expected


def test_ids_that_were_added_later_are_no_other_configuration(saved):
    model, folder = saved
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"eos_token_id": 3}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Transformer.from_pretrained(folder).config == model.config


@pytest.mark.parametrize("name", ["base", "rlhf"])
def test_transformers_never_stops_at_the_end_of_a_text(name, tmp_path):
    """The shipped folder, and the same model saved anew."""
    from transformers import AutoModelForCausalLM

    tokenizer = Tokenizer.load(checkpoints.path(name) / "tokenizer.json")
    prompt = [tokenizer.eos_id, *tokenizer.encode("A story.\n")]
    if name == "rlhf":
        prompt = encode_prompt(tokenizer, "Where does Ada live?")
    Transformer.from_pretrained(checkpoints.path(name)).save_pretrained(
        tmp_path, tokenizer=tokenizer
    )
    for folder in (checkpoints.path(name), tmp_path):
        theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        (row,) = theirs.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt)),
            do_sample=False,
            max_length=256,
        ).tolist()
        written = row[len(prompt) :]
        ends = {tokenizer.eos_id, tokenizer.special_tokens["<|end|>"]}
        assert len(row) < 256 and written[-1] in ends and not ends & {*written[:-1]}
        model = Transformer.from_pretrained(folder)
        assert written == generate(model, prompt, 256, 0, stop_ids=ends)


@pytest.mark.parametrize(
    "changes",
    [
        dict(rope_parameters="absent", rope_theta=777.0),
        dict(rope_theta="absent", rope_parameters={"rope_theta": 777.0}),
        dict(rope_theta="absent", rope_parameters={"rope_theta": 777.0, "rope_type": "default"}),
        dict(rope_parameters="absent", rope_theta=777, rope_scaling=None),
    ],
)
def test_rope_theta_is_found_in_its_old_and_its_new_place(changes, saved):
    edit_config(saved[1], **changes)
    assert Transformer.from_pretrained(saved[1]).config.rope_theta == 777.0


def test_absent_entries_mean_what_transformers_takes_them_to_mean(saved):
    from transformers import LlamaConfig

    _, folder = saved
    edit_config(
        folder,
        rms_norm_eps="absent",
        max_position_embeddings="absent",
        head_dim="absent",
        rope_theta="absent",
        rope_parameters="absent",
        hidden_act="absent",
    )
    theirs, ours = LlamaConfig.from_pretrained(folder), Transformer.from_pretrained(folder).config
    assert (ours.norm_eps, ours.context_length) == (
        theirs.rms_norm_eps,
        theirs.max_position_embeddings,
    )
    assert ours.rope_theta == theirs.rope_parameters["rope_theta"]


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(attention_bias=True), "attention_bias is on"),
        (dict(mlp_bias=True), "mlp_bias is on"),
        (
            dict(rope_scaling={"type": "linear", "factor": 2.0}, rope_parameters="absent"),
            "positions are scaled",
        ),
        (dict(rope_parameters={"rope_type": "llama3", "rope_theta": 1e4}), "rope_type 'llama3'"),
        (dict(rope_scaling={"type": "linear", "factor": 2.0}), "positions are scaled"),
        (dict(rope_scaling={"factor": 2.0}), "positions are scaled"),
        (dict(rope_parameters=[1]), r"RoPE are \[1\] instead of an object"),
        (dict(rms_norm_eps="1e-05"), "norm_eps is '1e-05', and must be a number"),
        (dict(rope_theta=[1e4], rope_parameters="absent"), "rope_theta is .*must be a number"),
        (dict(tie_word_embeddings="no"), "tie_word_embeddings is 'no'"),
        (dict(head_dim="12"), "not whole numbers"),
        (
            dict(rope_parameters={"rope_theta": 1e4, "partial_rotary_factor": 0.5}),
            "partial_rotary_factor",
        ),
        (dict(hidden_act="gelu"), "hidden_act is 'gelu'"),
        (dict(model_type="gpt2"), "model_type is 'gpt2'"),
        (dict(head_dim=10), "head_dim is 10"),
        (dict(quantization_config={"bits": 4}), "quantised"),
        (dict(hidden_size="absent"), "hidden_size is missing"),
        (dict(num_hidden_layers="three"), "n_layers .* 'three'"),
        (dict(rms_norm_eps=10**400), "norm_eps is 1000.*must be a number"),
        (dict(max_position_embeddings=10**9), "max_position_embeddings is 1,000,000,000, above"),
    ],
)
def test_what_this_model_cannot_do_is_refused(changes, message, saved):
    edit_config(saved[1], **changes)
    with pytest.raises(InklingError, match=message):
        Transformer.from_pretrained(saved[1])


@pytest.mark.parametrize(
    "changes, message",
    [
        (dict(num_hidden_layers=4), "layers.3.* is missing"),
        (dict(num_hidden_layers=2), "layers.2.* is not part"),
        (dict(vocab_size=62), r"\(61, 24\) instead of \(62, 24\)"),
        (dict(num_hidden_layers=10**9), "1,000,000,000 layers in 29 tensors"),
        (dict(vocab_size=10**12), r"instead of \(1000000000000, 24\)"),
        (dict(intermediate_size=10**12), r"instead of \(1000000000000, 24\)"),
        (
            dict(hidden_size=4 * 10**10, head_dim=10**10),
            r"instead of \(\d*, 40000000000\)",
        ),
        (dict(tie_word_embeddings=False), "lm_head.* is missing"),
    ],
)
def test_weights_that_do_not_fit_the_configuration(changes, message, saved):
    edit_config(saved[1], **changes)
    with pytest.raises(InklingError, match=f"do not belong together: .*{message}"):
        Transformer.from_pretrained(saved[1])


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=4,
)
ROPE = st.dictionaries(
    st.sampled_from(["rope_type", "type", "rope_theta", "factor", "partial_rotary_factor"]),
    ANYTHING | st.just("default"),
)
WHOLE = to_llama_config(asdict(ModelConfig(vocab_size=61)))


@given(
    changes=st.dictionaries(
        st.sampled_from([*sorted(WHOLE), "rope_scaling", "quantization_config"]), ANYTHING | ROPE
    )
)
def test_whatever_stands_in_a_config_it_is_read_or_refused(changes):
    with contextlib.suppress(InklingError):
        config = ModelConfig(**from_llama_config(WHOLE | changes))
        assert 0 < config.norm_eps < math.inf and 0 < config.rope_theta < math.inf


@pytest.mark.parametrize("seed", range(8))
def test_the_shapes_of_the_weights_are_those_of_the_model(seed):
    config = random_config(seed)
    shapes = {name: tuple(w.shape) for name, w in Transformer(config).state_dict().items()}
    assert weight_shapes(config) == shapes and misfits(config, shapes) == ""


@pytest.mark.parametrize("changes", [dict(rope_theta="x"), dict(norm_eps=0), dict(norm_eps=True)])
def test_a_config_with_a_number_that_is_none_is_refused(changes):
    with pytest.raises(InklingError, match=f"{next(iter(changes))} must be a number above 0"):
        ModelConfig(vocab_size=61, **changes)


@pytest.mark.parametrize("seed", [2**64, -1, 1.5, "1", True])
def test_what_is_no_seed_is_a_python_error(seed):
    with pytest.raises(InklingError, match="a seed is a whole number from 0 to"):
        Transformer(SMALL, seed=seed)


def test_a_config_of_brackets_is_refused(saved):
    (saved[1] / "config.json").write_text("[" * 100_000)
    with pytest.raises(InklingError, match="is not JSON"):
        Transformer.from_pretrained(saved[1])


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_missing_file_or_folder(name, saved, tmp_path):
    (saved[1] / name).unlink()
    with pytest.raises(InklingError, match=f"{name} is missing"):
        Transformer.from_pretrained(saved[1])
    with pytest.raises(InklingError, match="no such folder"):
        Transformer.from_pretrained(tmp_path / "nowhere")


def test_truncated_or_corrupted_files(saved):
    _, folder = saved
    weights, config = folder / "model.safetensors", folder / "config.json"
    whole = weights.read_bytes()
    for damaged in (
        b"",
        whole[:5],
        whole[:200],
        whole[:-1],
        b"\xff" * 100,
        b"\x80\x04pickle" + whole,
    ):
        weights.write_bytes(damaged)
        with pytest.raises(InklingError, match="model.safetensors is truncated or damaged"):
            Transformer.from_pretrained(folder)
    weights.write_bytes(whole)
    for damaged, message in (
        (config.read_bytes()[:-9], "not JSON"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[1]", "holds a list"),
    ):
        config.write_bytes(damaged)
        with pytest.raises(InklingError, match=message):
            Transformer.from_pretrained(folder)


def fail_at(monkeypatch, name, call):
    """Make the given call of os.<name> fail as on a full disk."""
    real, calls = getattr(os, name), []

    def failing(*args, **kwargs):
        calls.append(args)
        if len(calls) == call:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*args, **kwargs)

    monkeypatch.setattr(llama_format.os, name, failing)
    return calls


@pytest.mark.parametrize(
    "name, call", [("fsync", 1), ("fsync", 2), *(("replace", call) for call in (1, 2, 3, 4))]
)
@pytest.mark.parametrize("had_a_model", [True, False])
def test_failed_save_leaves_the_old_pair(name, call, had_a_model, saved, tmp_path, monkeypatch):
    old, folder = saved
    if not had_a_model:
        folder = tmp_path / "empty"
    (tmp_path / "empty").mkdir()
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    # another shape: a mixed pair could not be opened
    new = shaken(ModelConfig(vocab_size=70, d_model=48), seed=9)
    calls = fail_at(monkeypatch, name, call)
    with pytest.raises(InklingError, match="No space left on device"):
        new.save_pretrained(folder)
    monkeypatch.undo()
    assert len(calls) >= call
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    if had_a_model:
        assert Transformer.from_pretrained(folder).config == old.config
    new.save_pretrained(folder)
    assert Transformer.from_pretrained(folder).config == new.config


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux's always full device")
def test_full_disk_while_writing(saved, monkeypatch):
    _, folder = saved
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    monkeypatch.setattr(
        llama_format.os,
        "fdopen",
        lambda handle, mode: (os.close(handle), open("/dev/full", mode))[1],
    )
    with pytest.raises(InklingError, match="No space left on device"):
        shaken(SMALL, seed=4).save_pretrained(folder)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_power_cut_between_the_two_files_is_mended(saved):
    # New weights beside the old configuration: the copy inside of the weights is right.
    old, folder = saved
    old_config = (folder / "config.json").read_bytes()
    new = shaken(ModelConfig(vocab_size=70, d_model=48), seed=9)
    new.save_pretrained(folder)
    (folder / "config.json").write_bytes(old_config)
    with pytest.warns(UserWarning, match="not the one that was saved with these weights"):
        assert Transformer.from_pretrained(folder).config == new.config


def test_other_files_in_the_folder_stay(saved):
    model, folder = saved
    (folder / "tokenizer.json").write_text("{}")
    model.save_pretrained(folder)
    assert (folder / "tokenizer.json").read_text() == "{}"
