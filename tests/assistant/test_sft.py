"""Fine-tuning: the targets are what the assistant writes, the loss is TRL's, and LoRA is a detour
and nothing else.
"""

import copy
import math
from collections import Counter, defaultdict
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.assistant import sft
from inkling.assistant.chat import encode_prompt, end_id, pad_id
from inkling.files import InklingError
from inkling.model.transformer import ModelConfig, Transformer
from inkling.text.tokenizer import SPECIAL_TOKENS, Tokenizer
from inkling.training.generate import generate_batch
from inkling.training.packing import IGNORE
from inkling.world import World
from inkling.world.rubric import grade

WORLD = World(0)
TOKENIZER = Tokenizer.train(
    [document.text for document in WORLD.documents(30_000)], 400, SPECIAL_TOKENS
)
DEMOS = [demo for demo in sft.demonstrations(WORLD, 60) if len(demo.reply) < 150]
CHATS = sft.encode_demonstrations(TOKENIZER, DEMOS)
LENGTH = max(len(ids) for ids, _ in CHATS) - 1
PAD = pad_id(TOKENIZER)


def new_model(seed: int = 0, **changes) -> Transformer:
    """Random everywhere: a new model's blocks write zeros, which would hide what the other weights
    do.
    """
    sizes = {"context_length": 256, "d_model": 32, "n_layers": 2, "n_heads": 2, "n_kv_heads": 1}
    model = Transformer(ModelConfig(TOKENIZER.vocab_size, **sizes | changes), seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(
                torch.randn(weight.shape, generator=generator) * 0.15 + (weight.dim() == 1)
            )
    return model.eval()


def rows(chats, length: int = LENGTH, pad: int = PAD) -> tuple[torch.Tensor, torch.Tensor]:
    """One chat a row."""
    packed = [sft.pack_chats([chat], length, pad) for chat in chats]
    return tuple(torch.from_numpy(np.concatenate(part)) for part in zip(*packed, strict=True))


def weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


# --- demonstrations and rows ----------------------------------------------------------------------


def test_demonstrations_are_of_mixed_quality_in_the_stated_shares():
    n = 4_000
    draw = Random(0).random
    styles = [sft.draw_style(draw, careful=0.6) for _ in range(n)]
    shares = {"right": (0.6, sum(style.right for style in styles))}
    for part, stated in (
        ("tone", {"polite": 0.45, "plain": 0.40, "rude": 0.15}),
        ("extras", {0: 0.7, 1: 0.2, 2: 0.1}),
    ):
        counts = Counter(getattr(style, part) for style in styles)
        assert set(counts) == set(stated)
        shares |= {value: (share, counts[value]) for value, share in stated.items()}
    demos = sft.demonstrations(WORLD, n)
    shares["right demonstrations"] = (
        0.85,
        sum(grade(WORLD, demo.prompt, demo.reply).right for demo in demos),
    )
    for name, (share, count) in shares.items():
        assert abs(count - n * share) < 4 * math.sqrt(n * share * (1 - share)), name


def test_demonstrations_answer_the_training_stream_the_same_way_each_time():
    demos = sft.demonstrations(WORLD, 20)
    assert [demo.prompt for demo in demos] == [asked.prompt for asked in WORLD.requests(20)]
    assert sft.demonstrations(WORLD, 30)[:20] == demos != sft.demonstrations(WORLD, 20, seed=1)


@given(
    st.lists(st.lists(st.booleans(), min_size=1, max_size=12), min_size=1, max_size=12),
    st.integers(12, 30),
)
@settings(max_examples=200, deadline=None)
def test_a_target_is_the_next_token_of_the_same_chat_if_the_assistant_wrote_it(marks, length):
    """Token k of chat c is 100 c + k here, so that a look across a border shows."""
    chats = [([100 * c + k for k in range(len(m) + 1)], [False, *m]) for c, m in enumerate(marks)]
    inputs, targets = sft.pack_chats(chats, length, pad=-1)
    assert inputs.shape == targets.shape == (len(inputs), length)
    trained = targets != IGNORE
    assert (targets[trained] == inputs[trained] + 1).all()
    assert targets[trained].tolist() == [
        i for ids, written in chats for i, w in zip(ids, written, strict=True) if w
    ]
    assert inputs[inputs >= 0].tolist() == [token for ids, _ in chats for token in ids[:-1]]


def test_packed_replies_are_learned_with_their_end_and_no_prompt_is():
    inputs, targets = sft.pack_chats(CHATS, 256, PAD)
    assert 1 < len(inputs) < len(CHATS)
    learned = TOKENIZER.decode(targets[targets != IGNORE])
    assert learned == "".join(f" {demo.reply}<|end|>" for demo in DEMOS)
    assert (targets == end_id(TOKENIZER)).sum() == len(DEMOS) and not (targets == PAD).any()


def test_a_chat_may_fill_a_row_but_not_be_cut():
    (chat,) = sft.encode_demonstrations(TOKENIZER, DEMOS[:1])
    size = len(chat[0]) - 1
    inputs, _ = sft.pack_chats([chat, chat], size, PAD)
    assert inputs.tolist() == [chat[0][:-1]] * 2
    with pytest.raises(
        InklingError, match=f"chat 1 has {size} tokens and a row has room for {size - 1}"
    ):
        sft.pack_chats([([1, 2], [False, True]), chat], size - 1, PAD)


# --- the loss -------------------------------------------------------------------------------------


def test_the_loss_is_the_mean_over_the_targets_in_nats():
    """Odds of 1 to 3 make the probabilities 1/4 and 3/4."""
    logits = torch.tensor([[[0.0, math.log(3)], [5.0, -5.0], [math.log(3), 0.0]]])
    loss = sft.sft_loss(logits, torch.tensor([[1, IGNORE, 1]]))
    assert loss.item() == pytest.approx(-(math.log(3 / 4) + math.log(1 / 4)) / 2)


def test_micro_batches_add_up_to_the_whole_batch():
    """A mean for each part would weigh a short reply as much as a long one."""
    model, (inputs, targets) = new_model(), rows(CHATS[:7])
    parts = list(zip(inputs.split([1, 4, 2]), targets.split([1, 4, 2]), strict=True))
    n_targets = int((targets != IGNORE).sum())
    assert len({(part != IGNORE).float().sum(1).mean().item() for _, part in parts}) == 3
    whole = sft.sft_loss(model(inputs), targets)
    expected = torch.autograd.grad(whole, list(model.parameters()))
    losses = []
    for part_inputs, part_targets in parts:
        losses.append(sft.sft_loss(model(part_inputs), part_targets, n_targets))
        losses[-1].backward()
    assert sum(losses).item() == pytest.approx(whole.item(), rel=1e-5)
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("n_targets", [None, 0, 5])
def test_a_batch_without_a_target_has_loss_zero_and_gradients_of_zero(n_targets):
    model, (inputs, targets) = new_model(), rows(CHATS[:2])
    loss = sft.sft_loss(model(inputs), torch.full_like(targets, IGNORE), n_targets)
    loss.backward()
    assert loss.item() == 0.0
    assert all((parameter.grad == 0).all() for parameter in model.parameters())


def test_padding_never_counts():
    model = new_model()
    losses = [
        sft.sft_loss(model(inputs), targets)
        for inputs, targets in (
            rows(CHATS[:4]),
            rows(CHATS[:4], LENGTH + 40),
            rows(CHATS[:4], pad=7),
        )
    ]
    assert losses[1].item() == pytest.approx(losses[0].item(), rel=1e-5)
    assert losses[2].item() == pytest.approx(losses[0].item(), rel=1e-5)


def test_the_end_token_is_trained():
    inputs, targets = rows(CHATS[:4])
    logits = new_model()(inputs).detach().requires_grad_()
    sft.sft_loss(logits, targets).backward()
    pushed_up = (logits.grad < 0).nonzero()[:, 2].tolist()
    assert pushed_up.count(end_id(TOKENIZER)) == 4 and set(pushed_up) <= set(
        targets.flatten().tolist()
    )


@pytest.mark.parametrize("n_items", [None, 500])
def test_the_loss_is_trls(n_items):
    """The very code of TRL's trainer, on our logits; its model shifts the labels, so it gets the
    ids unshifted.
    """
    trl = pytest.importorskip("trl")
    model, chats = new_model(), CHATS[:5]
    ids = torch.full((len(chats), LENGTH + 1), PAD)
    labels = torch.full_like(ids, IGNORE)
    for row, (tokens, written) in enumerate(chats):
        ids[row, : len(tokens)] = torch.tensor(tokens)
        labels[row, : len(tokens)] = torch.where(
            torch.tensor(written), torch.tensor(tokens), IGNORE
        )

    def forward(input_ids, labels, **_):
        log_p = model(input_ids)[:, :-1].log_softmax(-1)
        mask = labels[:, 1:] != IGNORE
        picked = log_p.gather(-1, labels[:, 1:].clamp(min=0)[..., None]).squeeze(-1) * mask
        entropy = -(log_p.exp() * log_p).sum(-1) * mask
        is_top1 = (log_p.argmax(-1) == labels[:, 1:]) & mask
        return SimpleNamespace(log_probs=picked, label_mask=mask, entropy=entropy, is_top1=is_top1)

    trainer = SimpleNamespace(
        model=model,
        aux_loss_enabled=False,
        compute_loss_func=None,
        label_smoother=None,
        _tp_size=1,
        args=SimpleNamespace(loss_type="nll", average_tokens_across_devices=False, max_length=None),
        accelerator=SimpleNamespace(parallelism_config=None, gather_for_metrics=lambda x: x),
        _metrics={"train": defaultdict(list), "eval": defaultdict(list)},
        _total_train_tokens=0,
    )
    batch = {"input_ids": ids, "labels": labels, "attention_mask": (ids != PAD).long()}
    theirs = trl.SFTTrainer.compute_loss(trainer, forward, batch, num_items_in_batch=n_items)
    inputs, targets = rows(chats)
    assert sft.sft_loss(model(inputs), targets, n_items).item() == pytest.approx(
        theirs.item(), rel=1e-5
    )


# --- LoRA -----------------------------------------------------------------------------------------


def with_detours(rank: int = 4, **changes) -> tuple[Transformer, Transformer]:
    """A model, and a copy of it whose LoRA has learned something."""
    base = new_model(**changes)
    model = sft.add_lora(copy.deepcopy(base), rank, alpha=8.0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(".b"):
                weight.copy_(torch.randn(weight.shape, generator=generator) * 0.2)
    return base, model


@pytest.mark.parametrize("tied", [True, False])
def test_lora_begins_at_the_model_as_it_is_and_trains_nothing_but_its_detours(tied):
    inputs, targets = rows(CHATS[:4])
    base = new_model(tie_embeddings=tied)
    model = sft.add_lora(copy.deepcopy(base), rank=4)
    assert torch.equal(model(inputs), base(inputs))
    sft.sft_loss(model(inputs), targets).backward()
    learning = {name for name, weight in model.named_parameters() if weight.grad is not None}
    assert learning == {name for name, _ in model.named_parameters() if name.endswith((".a", ".b"))}
    assert len(learning) == 2 * 7 * 2, "seven matrices in each of two blocks"
    assert all(
        dict(model.named_parameters())[name].grad.any() for name in learning if name.endswith(".b")
    )


def test_lora_is_what_the_paper_says():
    layer = sft.LoRALinear(
        torch.nn.Linear(6, 5, bias=False), 2, alpha=3.0, generator=torch.Generator().manual_seed(0)
    )
    assert (
        layer.a.shape == (2, 6) and layer.b.shape == (5, 2) and not layer.b.any() and layer.a.any()
    )
    layer.b.data.normal_(generator=torch.Generator().manual_seed(1))
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(layer(x), x @ (layer.weight + 3.0 / 2 * layer.b @ layer.a).T)


def test_merged_lora_is_an_ordinary_model_that_says_the_same_and_can_be_saved(tmp_path):
    inputs, _ = rows(CHATS[:4])
    base, model = with_detours()
    expected = model(inputs)
    assert (expected - base(inputs)).abs().max() > 0.1
    state = torch.get_rng_state()
    merged = sft.merge_lora(model)
    assert torch.equal(torch.get_rng_state(), state), (
        "whoever merges draws no global random numbers"
    )
    torch.testing.assert_close(merged(inputs), expected, rtol=1e-4, atol=1e-4)
    assert weights(merged).keys() == weights(base).keys()
    assert all(weight.requires_grad for weight in merged.parameters())
    merged.save_pretrained(tmp_path)
    torch.testing.assert_close(Transformer.from_pretrained(tmp_path)(inputs), merged(inputs))


def test_what_a_model_writes_is_written_with_its_detours():
    """Found so: the fast decoder read each layer's weight, left the detours out, and wrote what the
    old model would.
    """
    base, model = with_detours()
    prompts = [encode_prompt(TOKENIZER, demo.prompt) for demo in DEMOS[:3]]
    plainly = generate_batch(model, prompts, 12, temperature=0, use_cache=False)
    assert generate_batch(model, prompts, 12, temperature=0) == plainly
    assert generate_batch(base, prompts, 12, temperature=0) != plainly


def test_a_rank_that_does_not_fit_is_refused_and_nothing_has_changed():
    for rank in (0, 17, 33):  # keys and values are 16 wide here
        model = new_model()
        with pytest.raises(InklingError, match=f"rank is {rank}; a matrix"):
            sft.add_lora(model, rank)
        assert weights(model).keys() == weights(new_model()).keys()
        assert all(weight.requires_grad for weight in model.parameters())
    with pytest.raises(InklingError, match="if it has LoRA already, merge that first"):
        sft.add_lora(sft.add_lora(model, 4), 4)


# --- the loop -------------------------------------------------------------------------------------

CONFIG = sft.SFTConfig(epochs=6, length=LENGTH, learning_rate=1e-2)


def test_finetuning_lowers_the_loss_and_a_seed_decides_everything():
    runs = []
    for seed in (0, 0, 1):
        model = new_model()
        config = sft.SFTConfig(**{**vars(CONFIG), "seed": seed})
        history = list(sft.finetune(model, TOKENIZER, DEMOS, config, progress=False))
        assert [record.step for record in history] == list(range(1, len(history) + 1))
        runs.append((history, weights(model)))
    (first, one), (again, same), (other, _) = runs
    assert first == again != other
    assert all(torch.equal(one[name], same[name]) for name in one)
    inputs, targets = rows(CHATS)
    before, after = new_model(), new_model()
    after.load_state_dict(one)
    assert sft.sft_loss(after(inputs), targets) < 0.7 * sft.sft_loss(before(inputs), targets)


def test_finetuning_with_lora_changes_the_detours_only():
    model = sft.add_lora(new_model(), rank=4)
    before = weights(model)
    history = list(sft.finetune(model, TOKENIZER, DEMOS, CONFIG, progress=False))
    after = weights(model)
    assert {n for n in after if not torch.equal(before[n], after[n])} == {
        n for n in after if n.endswith((".a", ".b"))
    }
    assert history[-1].loss < history[0].loss


def test_finetuning_refuses_what_it_cannot_learn_from():
    with pytest.raises(InklingError, match="no demonstrations to learn from"):
        list(sft.finetune(new_model(), TOKENIZER, []))
    with pytest.raises(InklingError, match="a row has room for 256"):
        list(
            sft.finetune(
                new_model(), TOKENIZER, [sft.Demonstration("Why?", "word " * 300)], progress=False
            )
        )
    broken = new_model()
    broken.embed_tokens.weight.data[5] = math.nan
    with pytest.raises(InklingError, match="the loss is nan at step 1"):
        list(sft.finetune(broken, TOKENIZER, DEMOS, CONFIG, progress=False))


def test_replayed_documents_are_learned_from_end_to_end_beside_the_demonstrations():
    rows = sft.encode_replay(TOKENIZER, ["Ada lives in Mill Road.", "word " * 500], 40)
    assert [all(written) for _, written in rows] == [True, True] and len(rows[1][0]) == 40
    assert rows[0][0][0] == rows[0][0][-1] == TOKENIZER.eos_id, "it ends as documents end"
    model = new_model()
    history = list(
        sft.finetune(
            model, TOKENIZER, DEMOS[:4], CONFIG, replay=["Ada lives in Mill Road."], progress=False
        )
    )
    alone = list(sft.finetune(new_model(), TOKENIZER, DEMOS[:4], CONFIG, progress=False))
    assert history[0].loss != alone[0].loss
