"""Pre-training: packing, the schedule, the loop, stopping and going on, two processes, bad
input.
"""

import errno
import gc
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling import progress
from inkling.files import InklingError
from inkling.model.transformer import ModelConfig, Transformer
from inkling.progress import Progress
from inkling.training import optim, pretrain, savepoint
from inkling.training.optim import Float32Muon, make_optimizers, schedule
from inkling.training.packing import (
    IGNORE,
    Batches,
    document_bounds,
    group_by_length,
    pack_documents,
    put_back,
    separate_documents,
)
from inkling.training.pretrain import (
    TrainConfig,
    summed_loss,
    train,
    validation_loss,
    validation_rows,
)

EOS = 0
VOCAB = 17
TINY = ModelConfig(
    vocab_size=VOCAB, context_length=16, d_model=16, n_layers=2, n_heads=2, n_kv_heads=1
)


def corpus(n_documents=60, seed=0, longest=24):
    """Documents that can be learned: each counts upwards from a random start, and ends with EOS."""
    generator = np.random.default_rng(seed)
    documents = [
        [*(1 + (start + np.arange(length)) % (VOCAB - 1)), EOS]
        for start, length in generator.integers([0, 1], [VOCAB, longest], size=(n_documents, 2))
    ]
    return np.concatenate(documents).astype(np.uint16)


def settings_with(**changes):
    small = {"steps": 6, "batch_size": 4, "eos_id": EOS, "warmup_steps": 2, "precision": "fp32"}
    return TrainConfig(**(small | changes))


def weights(model):
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def assert_same(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name]), (
            f"{name} differs by {(tensor - theirs[name]).abs().max():.3g}"
        )


# ---- packing

document_lists = st.lists(
    st.lists(st.integers(1, VOCAB - 1), min_size=1, max_size=30), min_size=1, max_size=30
)


def stream_of(documents):
    return document_bounds(
        np.array([token for document in documents for token in [*document, EOS]]), EOS
    )


@given(documents=document_lists, context_length=st.integers(2, 20))
@settings(max_examples=200, deadline=None)
def test_separate_documents_make_each_token_a_target_exactly_once_after_its_true_predecessor(
    documents, context_length
):
    stream, bounds = stream_of(documents)
    rows = separate_documents(stream, bounds, context_length)
    assert rows.shape[1] == context_length + 1
    pairs = [
        (a, b)
        for row in rows.tolist()
        for a, b in zip(row[:-1], row[1:], strict=True)
        if b != IGNORE
    ]
    assert sorted(pairs) == sorted(zip(stream[:-1].tolist(), stream[1:].tolist(), strict=True))


@given(documents=document_lists, context_length=st.integers(2, 20))
@settings(max_examples=200, deadline=None)
def test_packed_rows_are_full_and_read_like_the_text(documents, context_length):
    """Every row but the last is full, every neighbour pair is one of the text, and only the cut
    tails are left out.
    """
    stream, bounds = stream_of(documents)
    rows = pack_documents(stream, bounds, np.arange(len(bounds)), context_length)
    assert not (rows[:-1] == IGNORE).any()
    truth = set(zip(stream[:-1].tolist(), stream[1:].tolist(), strict=True)) | {(EOS, EOS)}
    pairs = [
        (a, b)
        for row in rows.tolist()
        for a, b in zip(row[:-1], row[1:], strict=True)
        if b != IGNORE
    ]
    assert set(pairs) <= truth
    left_out = len(stream) - 1 - len(pairs)
    assert 0 <= left_out <= len(rows) * (context_length - 1)


def test_whole_documents_share_a_row_and_the_next_row_begins_with_the_next_document():
    stream, bounds = stream_of([[1, 2], [3, 4, 5, 6], [7], [8, 9]])
    rows = pack_documents(stream, bounds, np.array([1, 0, 2, 3]), 6)
    assert rows.tolist() == [[EOS, 3, 4, 5, 6, EOS, 1], [EOS, 7, EOS, 8, 9, EOS, IGNORE]]


def test_a_document_longer_than_a_row_goes_on_in_the_next_row():
    stream, bounds = stream_of([[1, 2, 3, 4, 5, 6], [9]])
    rows = pack_documents(stream, bounds, np.arange(2), 4)
    assert rows.tolist() == [[EOS, 1, 2, 3, 4], [4, 5, 6, EOS, 9]]


def test_where_a_row_begins_says_nothing_about_the_document():
    """Best-fit packing put long documents first, and the model learned that texts begin long. Ours
    must not.
    """
    rng = np.random.default_rng(0)
    documents = [[1] * 40 if rng.random() < 0.3 else [2] * 5 for _ in range(6000)]
    stream, bounds = stream_of(documents)
    rows = pack_documents(stream, bounds, rng.permutation(len(bounds)), 64)
    share_long = np.mean([document[0] == 1 for document in documents])
    assert abs((rows[:, 1] == 1).mean() - share_long) < 0.03


@pytest.mark.parametrize("eos_id", [EOS, None])
def test_the_next_epoch_has_another_order_and_goes_on_where_the_last_one_ended(eos_id):
    data = Batches(corpus(), context_length=16, batch_size=5, seed=3, eos_id=eos_id)
    first, second = data.rows_of(0).tolist(), data.rows_of(1).tolist()
    assert first != second
    if eos_id is None:
        assert len({tuple(row) for row in first}) == len(first)
    assert [data.row(i).tolist() for i in range(len(first) + len(second))] == first + second


def test_a_batch_depends_on_the_seed_and_the_step_alone():
    make = lambda seed: Batches(corpus(), context_length=16, batch_size=7, seed=seed, eos_id=EOS)  # noqa: E731
    data = make(1)
    forwards = [data.batch(step) for step in range(20)]
    backwards = [data.batch(step) for step in reversed(range(20))][::-1]
    assert all(torch.equal(a, b) for a, b in zip(forwards, backwards, strict=True))
    assert torch.equal(make(1).batch(11), forwards[11])
    assert not torch.equal(make(2).batch(11), forwards[11])


def test_windows_of_a_stream_are_the_stream_itself_and_do_not_overlap():
    stream = np.arange(1000)
    data = Batches(stream, context_length=16, batch_size=4, seed=0, eos_id=None)
    rows = data.rows_of(0)
    assert (np.diff(rows, axis=1) == 1).all()
    targets = rows[:, 1:].ravel()
    assert len(set(targets)) == len(targets) > 1000 - 3 * 16
    offsets = {int(data.rows_of(epoch).min() % 16) for epoch in range(8)}
    assert len(offsets) > 2, "every epoch should cut the stream at another offset"


@given(st.lists(st.integers(0, 40), max_size=30), st.integers(1, 8))
def test_rows_of_like_length_go_together_and_come_back_in_their_order(lengths, together):
    groups = group_by_length(lengths, together)
    assert group_by_length(torch.tensor(lengths, dtype=torch.long), together) == groups
    assert sorted(row for group in groups for row in group) == list(range(len(lengths)))
    assert all(len(group) == together for group in groups[:-1])
    assert [lengths[row] for group in groups for row in group] == sorted(lengths)
    if lengths:
        parts = [torch.tensor([[10 * lengths[row], row] for row in group]) for group in groups]
        assert put_back(groups, parts).tolist() == [[10 * n, i] for i, n in enumerate(lengths)]


# ---- schedule, optimizers, loss


def test_the_learning_rate_climbs_stays_and_falls_to_almost_zero():
    scales = [schedule(step, 100, warmup=10, decay_fraction=0.4) for step in range(100)]
    assert scales[0] == pytest.approx(0.1) and scales[9] == 1.0
    assert set(scales[9:61]) == {1.0}
    assert np.diff(scales[60:]) == pytest.approx(-1 / 40)
    assert scales[-1] == pytest.approx(1 / 40)


@pytest.mark.parametrize("tied", [True, False])
def test_muon_gets_the_hidden_matrices_and_only_they_decay(tied):
    model = Transformer(
        ModelConfig(VOCAB, context_length=8, d_model=16, n_layers=1, n_heads=2, tie_embeddings=tied)
    )
    adamw, muon = make_optimizers(model, "muon")
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    in_muon = {names[id(p)] for group in muon.param_groups for p in group["params"]}
    in_adamw = {names[id(p)] for group in adamw.param_groups for p in group["params"]}
    assert in_muon == {name for name in names.values() if "proj" in name}
    assert in_adamw == set(names.values()) - in_muon
    for kind in ("adamw", "muon"):
        groups = [
            group for optimizer in make_optimizers(model, kind) for group in optimizer.param_groups
        ]
        decaying = {
            names[id(p)] for group in groups if group["weight_decay"] for p in group["params"]
        }
        assert decaying == in_muon


def test_the_first_loss_is_that_of_a_guess():
    model = Transformer(TINY, seed=0)
    rows = Batches(corpus(), 16, 32, 0, EOS).batch(0)
    loss = summed_loss(model, rows) / (rows[:, 1:] != IGNORE).sum()
    assert loss.item() == pytest.approx(math.log(VOCAB), abs=0.4)


def test_a_batch_of_padding_has_loss_zero_and_gradient_zero_not_nan():
    model = Transformer(TINY, seed=0)
    rows = torch.full((2, 17), IGNORE)
    loss = summed_loss(model, rows)
    loss.backward()
    assert loss.item() == 0
    assert all(
        parameter.grad is None or not parameter.grad.any() for parameter in model.parameters()
    )
    # the bug we avoid
    assert math.isnan(F.cross_entropy(torch.zeros(2, VOCAB), torch.full((2,), IGNORE)).item())


def test_padding_changes_neither_the_loss_nor_the_gradient():
    model = Transformer(TINY, seed=0)
    short = torch.from_numpy(corpus()[:9].astype(np.int64))[None]
    padded = F.pad(short, (0, 8), value=IGNORE)
    losses = [summed_loss(model, rows) for rows in (short, padded)]
    gradients = [
        torch.autograd.grad(loss, model.layers[0].mlp.up_proj.weight)[0] for loss in losses
    ]
    assert torch.allclose(*losses, rtol=1e-6) and torch.allclose(*gradients, atol=1e-6)


# ---- the loop


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_training_learns_to_count(optimizer):
    model = Transformer(TINY, seed=0)
    config = settings_with(
        steps=100, batch_size=8, optimizer=optimizer, learning_rate=1e-2, precision="bf16"
    )
    held_out = {"valid_tokens": corpus(40, seed=9), "valid_bytes": 1000}
    history = list(train(model, corpus(200), config, **held_out))
    assert history[0].loss == pytest.approx(math.log(VOCAB), abs=0.5)
    # A document's start and its end cannot be foreseen: about 2.8 nats at 1 token in 13, some 0.3
    # at the others.
    last = history[-1]
    assert last.valid_loss < 0.9
    n = len(corpus(40, seed=9))
    assert last.valid_bits_per_byte == pytest.approx(last.valid_loss / math.log(2) * n / 1000)
    assert last.tokens == sum(
        int((Batches(corpus(200), 16, 8, 0, EOS).batch(step)[:, 1:] != IGNORE).sum())
        for step in range(100)
    )


@pytest.mark.parametrize("micro_batch_size", [1, 3, 4])
def test_accumulation_equals_the_whole_batch_although_rows_hold_unequal_numbers_of_tokens(
    micro_batch_size,
):
    models = [Transformer(TINY, seed=0) for _ in range(2)]
    tokens = np.concatenate([[*range(1, length), EOS] for length in (16, 16, 16, 5)])
    histories = [
        list(train(model, tokens, settings_with(micro_batch_size=size, optimizer="adamw", steps=3)))
        for model, size in zip(models, (None, micro_batch_size), strict=True)
    ]
    data = Batches(tokens, 16, 4, 0, EOS)
    assert len({int((row[1:] != IGNORE).sum()) for row in data.batch(0)}) > 1, (
        "the test needs rows of unequal length"
    )
    for whole, parts in zip(*histories, strict=True):
        assert parts.loss == pytest.approx(whole.loss, rel=1e-5)
        assert parts.grad_norm == pytest.approx(whole.grad_norm, rel=1e-4)


def test_the_logged_loss_is_the_mean_over_real_tokens():
    model = Transformer(TINY, seed=0)
    rows = Batches(corpus(), 16, 4, 0, EOS).batch(0)
    logits = model(rows[:, :-1].clamp(min=0)).detach()
    expected = F.cross_entropy(
        logits.flatten(0, 1), rows[:, 1:].flatten(), ignore_index=IGNORE
    ).item()
    (first,) = train(model, corpus(), settings_with(steps=1, micro_batch_size=1))
    assert first.loss == pytest.approx(expected, rel=1e-5)


def test_validation_predicts_each_token_once_and_leaves_the_model_in_training():
    model = Transformer(TINY, seed=0).train()
    documents = corpus(30)
    rows = torch.from_numpy(
        separate_documents(*document_bounds(documents, EOS), 16).astype(np.int64)
    )
    expected = summed_loss(model, rows).item() / len(documents)
    assert validation_loss(model, documents, 16, EOS) == pytest.approx(expected, rel=1e-5)
    assert model.training


@given(st.integers(18, 120), st.integers(1, 16), st.sampled_from([EOS, None]))
@settings(max_examples=40, deadline=None)
def test_each_token_is_a_target_once_also_in_a_stream_without_documents(n, context, eos_id):
    tokens = corpus(30)[:n]
    rows = validation_rows(tokens, context, eos_id)
    targets = rows[:, 1:][rows[:, 1:] != IGNORE].tolist()
    # what nothing stands before is no target; a document that was cut off gets its end
    expected = tokens[1:].tolist() if eos_id is None else [*tokens, *[EOS] * int(tokens[-1] != EOS)]
    if eos_id is not None and tokens[0] == EOS:
        expected = expected[1:]
    assert sorted(targets) == sorted(expected)


def test_bits_per_byte_of_a_stream_count_the_targets_that_were_scored():
    """The first token of a stream is none: nothing stands before it."""
    tokens, config = corpus(30), settings_with(steps=1, eos_id=None)
    model = Transformer(TINY, seed=0)
    (record,) = train(model, tokens, config, valid_tokens=tokens, valid_bytes=500)
    bits = record.valid_loss / math.log(2) * (len(tokens) - 1) / 500
    assert record.valid_bits_per_byte == pytest.approx(bits, rel=1e-9)


def test_a_stream_of_documents_stays_whole_numbers():
    tokens = corpus(5)
    for part in (tokens, tokens[:-1], np.array([EOS, *tokens])):
        stream, _ = document_bounds(part, EOS)
        assert stream.dtype == np.int32 and stream[0] == stream[-1] == EOS


def test_the_same_settings_give_the_same_weights_and_nothing_global_is_touched():
    before = torch.get_rng_state()
    models = [Transformer(TINY, seed=0) for _ in range(2)]
    for model in models:
        list(train(model, corpus(), settings_with()))
    assert_same(weights(models[0]), weights(models[1]))
    assert torch.equal(before, torch.get_rng_state())


# ---- stopping and going on


class Stop(Exception):
    """Raised by a test in the middle of a run."""


def stop_at(step, run):
    """Go through a run up to a step, and break off there, as an error in the loop would."""
    for record in run:
        if record.step == step:
            raise Stop


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
@pytest.mark.parametrize("stop", [1, 5, 6, 7, 19])
def test_a_stopped_run_ends_with_the_weights_and_history_of_one_that_was_not(
    tmp_path, optimizer, stop
):
    config = settings_with(
        steps=20, optimizer=optimizer, checkpoint_every=3, validate_every=4, micro_batch_size=3
    )
    whole, parts = Transformer(TINY, seed=0), Transformer(TINY, seed=0)
    held_out = corpus(9, seed=5)
    expected = list(train(whole, corpus(), config, valid_tokens=held_out))
    with pytest.raises(Stop):
        stop_at(stop, train(parts, corpus(), config, valid_tokens=held_out, folder=tmp_path))
    # a new process has a new model
    fresh = Transformer(TINY, seed=0)
    history = list(train(fresh, corpus(), config, valid_tokens=held_out, folder=tmp_path))
    assert_same(weights(whole), weights(fresh))
    for a, b in zip(expected, history, strict=True):
        assert (a.step, a.tokens, a.loss, a.valid_loss) == (b.step, b.tokens, b.loss, b.valid_loss)


KILLED = """
import sys, time, torch
sys.path.insert(0, {tests!r})
from test_pretrain import *
folder, pause = sys.argv[1], float(sys.argv[2])
model = Transformer(TINY, seed=0)
def update(model, optimizers, loss, step, **others):  # says which steps are really made
    norm = optim.update(model, optimizers, loss, step, **others)
    print(step + 1, flush=True)
    time.sleep(pause)
    return norm
pretrain.update = update
config = settings_with(steps=30, checkpoint_every=2, optimizer="muon")
list(train(model, corpus(), config, folder=folder))
model.save_pretrained(folder + "/final")
"""


def script(text, tmp_path, *arguments, launcher=(), **environment):
    path = tmp_path / "script.py"
    path.write_text(text)
    command = [sys.executable, *launcher, str(path), *map(str, arguments)]
    env = os.environ | {"OMP_NUM_THREADS": "1", **environment}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    )


def test_killed_at_a_random_step_and_resumed_the_weights_are_those_of_an_uninterrupted_run(
    tmp_path,
):
    text = KILLED.format(tests=str(Path(__file__).parent))
    seed = time.time_ns()
    step = int(np.random.default_rng(seed).integers(3, 28))
    print(f"seed {seed}: killed at step {step}")
    process = script(text, tmp_path, tmp_path / "run", 0.03)
    for line in process.stdout:
        if int(line) == step:
            os.kill(process.pid, signal.SIGKILL)  # no clean-up of any kind
            break
    process.wait()
    process.stdout.close(), process.stderr.close()
    assert process.returncode == -signal.SIGKILL and not (tmp_path / "run" / "final").exists()
    process = script(text, tmp_path, tmp_path / "run", 0)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    assert int(output.split()[0]) >= step - 1, (
        "it should have gone on from the savepoint, not from the start"
    )
    whole = Transformer(TINY, seed=0)
    list(train(whole, corpus(), settings_with(steps=30, checkpoint_every=2, optimizer="muon")))
    assert_same(weights(whole), weights(Transformer.from_pretrained(tmp_path / "run" / "final")))


def saved_run(folder, **changes):
    """A run of six steps with savepoints after 2, 4 and 6."""
    model = Transformer(TINY, seed=0)
    list(train(model, corpus(), settings_with(checkpoint_every=2, **changes), folder=folder))
    return model


def test_only_the_newest_two_savepoints_are_kept_and_nothing_else_is_left(tmp_path):
    saved_run(tmp_path)
    assert sorted(os.listdir(tmp_path)) == [
        "step-00000004.safetensors",
        "step-00000006.safetensors",
    ]


@pytest.mark.parametrize("damage", ["truncated", "empty", "flipped bit", "header"])
def test_a_damaged_savepoint_is_named_and_the_one_before_it_is_used(tmp_path, damage):
    model = saved_run(tmp_path)
    newest = savepoint.savepoints(tmp_path)[0]
    data = bytearray(newest.read_bytes())
    if damage == "flipped bit":
        data[-1000] ^= 1
    newest.write_bytes(
        {"truncated": data[:-10], "empty": b"", "flipped bit": data, "header": b"x" * 100}[damage]
    )
    with pytest.raises(InklingError, match="step-00000006"):
        savepoint.read_savepoint(newest)
    resumed = Transformer(TINY, seed=0)
    with pytest.warns(UserWarning, match="step-00000006.*Resuming from .*step-00000004"):
        list(train(resumed, corpus(), settings_with(checkpoint_every=2), folder=tmp_path))
    assert_same(weights(model), weights(resumed))
    for path in savepoint.savepoints(tmp_path):
        path.write_bytes(b"")
    with pytest.raises(InklingError, match="no savepoint in .* can be used"):
        list(train(resumed, corpus(), settings_with(checkpoint_every=2), folder=tmp_path))


def test_a_full_disk_leaves_the_old_savepoint_and_no_half_written_file(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    settings = settings_with(checkpoint_every=2)
    with pytest.raises(InklingError, match="No space left"):
        for record in train(Transformer(TINY), corpus(), settings, folder=tmp_path):
            if record.step == 3:
                monkeypatch.setattr(os, "fsync", full)
    assert os.listdir(tmp_path) == ["step-00000002.safetensors"]
    savepoint.read_savepoint(tmp_path / "step-00000002.safetensors")


def test_a_savepoint_of_another_run_is_refused_and_the_difference_named(tmp_path):
    saved_run(tmp_path)

    def resume(model, tokens, **changes):
        config = settings_with(checkpoint_every=2, **changes)
        return list(train(model, tokens, config, folder=tmp_path))

    with pytest.raises(InklingError, match="learning_rate was 0.005, is 0.1"):
        resume(Transformer(TINY), corpus(), learning_rate=0.1)
    with pytest.raises(InklingError, match="tokens was"):
        resume(Transformer(TINY), corpus(seed=1))
    for other in (Transformer(ModelConfig(**{**vars(TINY), "n_layers": 1})), Transformer(TINY, 1)):
        before = weights(other)
        with pytest.raises(InklingError, match="start was"):
            resume(other, corpus())
        assert_same(before, weights(other))


def test_a_savepoint_is_no_pickle(tmp_path):
    saved_run(tmp_path)
    data = savepoint.savepoints(tmp_path)[0].read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert header["model.norm.weight"]["dtype"] == "F32"
    _, state = savepoint.read_savepoint(savepoint.savepoints(tmp_path)[0])
    assert [record["step"] for record in state["history"]] == [1, 2, 3, 4, 5, 6]


def test_a_savepoint_of_another_format_is_no_damaged_one(tmp_path, monkeypatch):
    monkeypatch.setattr(savepoint, "FORMAT", savepoint.FORMAT + 1)
    saved_run(tmp_path)
    monkeypatch.undo()
    with pytest.raises(InklingError, match=f"format {savepoint.FORMAT + 1}.*version that wrote it"):
        saved_run(tmp_path)


def test_a_run_is_gone_through_by_its_records_and_says_so_where_nobody_does():
    model = Transformer(TINY, seed=0)
    before = weights(model)
    run = train(model, corpus(), settings_with())
    assert "list(run)" in repr(run)
    with pytest.warns(UserWarning, match=r"nobody asked: write `history = list\(train\(...\)\)`"):
        del run
        gc.collect()
    assert_same(before, weights(model))
    run = train(model, corpus(), settings_with(steps=6))
    assert next(run).step == 1 and [record.step for record in run] == [2, 3, 4, 5, 6]


# ---- two processes

TWO = """
import json, sys
sys.path.insert(0, {tests!r})
from test_pretrain import *
torch.set_num_threads(1)
model = Transformer(TINY, seed=0 if int(os.environ["RANK"]) == 0 else 7)
sizes = dict(batch_size=6, micro_batch_size=2)
config = settings_with(steps=12, **sizes, optimizer="muon", checkpoint_every=5)
history = list(train(model, corpus(), config, valid_tokens=corpus(20, seed=4), folder=sys.argv[1]))
if int(os.environ["RANK"]) == 0:
    print(json.dumps([history[-1].valid_loss, *(record.loss for record in history)]))
"""


def test_two_processes_with_the_same_global_batch_reach_the_loss_of_one(tmp_path):
    text = TWO.format(tests=str(Path(__file__).parent))
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    process = script(text, tmp_path, tmp_path / "run", launcher=launcher)
    output, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    losses = json.loads(output.strip().splitlines()[-1])
    config = settings_with(steps=12, batch_size=6, optimizer="muon", checkpoint_every=5)
    one = list(train(Transformer(TINY, seed=0), corpus(), config, valid_tokens=corpus(20, seed=4)))
    expected = [one[-1].valid_loss, *(record.loss for record in one)]
    assert losses == pytest.approx(expected, rel=2e-3)
    assert losses[1] == pytest.approx(one[0].loss, rel=1e-6)
    assert len(savepoint.savepoints(tmp_path / "run")) == 2


# ---- bad input


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        ([], "training tokens are empty"),
        (list(range(16)), "do not fill one row of 16 predictions, which takes 17"),
        (
            [1] * 30 + [VOCAB],
            f"hold id {VOCAB}, but the model's vocabulary has ids 0 to {VOCAB - 1}",
        ),
        ([1] * 30 + [-1], "hold id -1"),
        (np.ones((5, 20), np.int64), "1-D array of integer ids, not 2-D"),
        (np.ones(50), "1-D array of integer ids, not 1-D of float64"),
    ],
)
def test_tokens_that_cannot_be_trained_on_are_named(tokens, message):
    with pytest.raises(InklingError, match=message):
        given = np.array(tokens, dtype=None if len(tokens) else np.int64)
        list(train(Transformer(TINY), given, settings_with()))
    if len(tokens):
        with pytest.raises(InklingError, match=message.replace("training", "validation")):
            list(train(Transformer(TINY), corpus(), settings_with(), valid_tokens=np.array(tokens)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"context_length": 17}, "context_length is 17, the model takes 1 to 16"),
        ({"eos_id": VOCAB}, "eos_id 17 is outside"),
    ],
)
def test_settings_that_cannot_work_are_named(changes, message):
    with pytest.raises(InklingError, match=message):
        list(train(Transformer(TINY), corpus(), settings_with(**changes)))


def test_a_loss_that_is_no_number_stops_the_run_at_its_step_and_leaves_the_weights():
    model = Transformer(TINY, seed=0)
    poisoned = {}
    with pytest.raises(InklingError, match="loss is nan at step 3 .*Lower the learning rate"):
        for record in train(model, corpus(), settings_with()):
            if record.step == 2:
                with torch.no_grad():
                    model.norm.weight[0] = float("nan")
                poisoned.update(weights(model))
    for name in poisoned.keys() - {"norm.weight"}:
        assert torch.equal(poisoned[name], model.get_parameter(name))


def test_muon_in_float32_takes_the_steps_of_torchs_muon():
    """Torch counts in bfloat16, so its steps agree to two or three digits, and no further."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(16, 48), (48, 16), (24, 24)]
    start = [torch.randn(shape, generator=generator) for shape in shapes]
    gradients = [[torch.randn(shape, generator=generator) for shape in shapes] for _ in range(4)]
    ends = []
    for muon in (torch.optim.Muon, Float32Muon):
        weights = [torch.nn.Parameter(w.clone()) for w in start]
        optimizer = muon(weights, lr=0.1, weight_decay=0.1, momentum=0.95, nesterov=True)
        for step in gradients:
            for weight, gradient in zip(weights, step, strict=True):
                weight.grad = gradient.clone()
            optimizer.step()
            for weight, gradient in zip(weights, step, strict=True):
                assert torch.equal(weight.grad, gradient), (
                    "the gradient is not the optimizer's to change"
                )
        ends.append(weights)
    for before, torchs, ours in zip(start, *ends, strict=True):
        moved = (torchs - before).norm()
        assert (ours - torchs).norm() < 0.03 * moved, (
            f"{float((ours - torchs).norm() / moved):.3f} of the way"
        )


@pytest.mark.parametrize("fast", [True, False])
def test_bfloat16_is_taken_where_the_processor_has_it(fast, monkeypatch):
    seen = []
    monkeypatch.setattr(pretrain, "fast_bfloat16", lambda device: fast)
    monkeypatch.setattr(optim, "fast_bfloat16", lambda device: fast)
    model = Transformer(TINY, seed=0)
    model.layers[0].self_attn.q_proj.register_forward_hook(
        lambda *call: seen.append(call[-1].dtype)
    )
    pretrain.summed_loss(model, torch.ones(1, 5, dtype=torch.long), "auto")
    assert seen == [torch.bfloat16 if fast else torch.float32]
    assert isinstance(optim.make_optimizers(model)[1], optim.Float32Muon) is not fast


def test_an_older_torch_without_muon_is_told_what_to_do(monkeypatch):
    monkeypatch.delattr(torch.optim, "Muon")
    with pytest.raises(InklingError, match="optimizer='adamw'"):
        list(train(Transformer(TINY), corpus(), settings_with(optimizer="muon")))
    list(train(Transformer(TINY), corpus(), settings_with(optimizer="adamw")))


def test_the_progress_bar_is_silent_where_nobody_watches(capsys):
    list(train(Transformer(TINY), corpus(), settings_with(), progress=True))
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("start", "done", "left"),
    [
        (0, 3, "short: 3 of 5 steps in 0 s"),
        (0, 5, "short: 5 steps in 0 s"),
        (2, 3, "short: 5 steps from 2 on in 0 s"),
    ],
)
def test_what_a_progress_bar_leaves_in_a_notebook_fits_on_a_phone(monkeypatch, start, done, left):
    class Line(list):
        write, flush = list.append, lambda self: None

    monkeypatch.setattr(progress, "in_notebook", lambda: True)
    monkeypatch.setattr(progress, "NotebookLine", Line)
    with Progress(5, "short", start=start) as bar:
        for step in range(done):
            bar.update(1, loss=2.5 - step, tokens_per_s=18_000.0)
    assert bar.line[-1].split("\n") == [
        left,
        f"    loss {3.5 - done:.3f}",
        "    tokens_per_s 18,000",
    ]


def test_the_progress_bar_shows_rate_and_loss_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with Progress(10, "pre-training") as bar:
        bar.update(10, loss=2.3456, tokens_per_s=12345.6)
    shown = capsys.readouterr().err
    assert "loss=2.346" in shown and "tokens_per_s=12,346" in shown and "10/10" in shown
