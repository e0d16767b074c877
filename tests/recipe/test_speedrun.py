"""The speedrun and the commands: a tiny recipe from end to end, and the shipped model against its
own card.
"""

import contextlib
import functools
import io
import json
import math
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import measure_again
import numpy as np
import pytest
import tiny as tiny_models
import torch
from conftest import ROOT

from inkling import __main__ as commands
from inkling import checkpoints, files
from inkling.assistant import exam
from inkling.assistant.ppo import PPOConfig
from inkling.assistant.sft import SFTConfig
from inkling.files import InklingError
from inkling.model.transformer import ModelConfig, Transformer
from inkling.reading.embedder import EmbedderConfig
from inkling.reading.lessons import Course, ReadingConfig
from inkling.recipe import base_stage, cards, pretraining, speedrun, text_stage
from inkling.recipe.assistant_stage import AlignRecipe
from inkling.recipe.embedder_stage import EmbedderRecipe
from inkling.recipe.plan import Recipe
from inkling.recipe.workbench import town
from inkling.text.tokenizer import SPECIAL_TOKENS, Tokenizer
from inkling.training import evaluate
from inkling.training.pretrain import StepRecord, TrainConfig
from inkling.world import World

TINY = Recipe(
    steps=6,
    corpus_bytes=150_000,
    vocab_size=400,
    model=ModelConfig(
        vocab_size=400, context_length=256, d_model=16, n_layers=2, n_heads=2, n_kv_heads=1
    ),
    primer_steps=2,
    primer_length=32,
    train=TrainConfig(batch_size=4, context_length=64, warmup_steps=1, precision="fp32"),
    assistant=False,
)
FEW = {"n_stories": 4, "validation_bytes": 10_000, "exam_limit": 20}


def stop(*_, **__):
    raise KeyboardInterrupt


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The folder of a finished tiny run, and the card that `run` returned."""
    folder = tmp_path_factory.mktemp("speedrun") / "tiny"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(base_stage, "scores", functools.partial(base_stage.scores, **FEW))
        return folder, speedrun.run(TINY, folder, progress=False)


# --- the chain ------------------------------------------------------------------------------------


def test_the_chain_leaves_a_checkpoint_and_a_card(tiny):
    folder, card = tiny
    names = {path.name for path in (folder / "base").iterdir()}
    weights = {"model.safetensors", "first_batches.safetensors"}
    assert names == {"config.json", "tokenizer.json", "card.json"} | weights
    model, tokenizer = (
        Transformer.from_pretrained(folder / "base"),
        Tokenizer.load(folder / "base" / "tokenizer.json"),
    )
    assert model.config.vocab_size == tokenizer.vocab_size == 400
    config = json.loads((folder / "base" / "config.json").read_text(encoding="utf-8"))
    assert config["bos_token_id"] == tokenizer.eos_id in config["eos_token_id"], (
        "transformers would not know where a text ends"
    )
    on_disk = json.loads((folder / "base" / "card.json").read_text(encoding="utf-8"))
    assert on_disk == json.loads(
        json.dumps({name: value for name, value in card.items() if name != "cleaning"})
    )
    assert card["parameters"] == sum(p.numel() for p in model.parameters())
    assert card["recipe"]["steps"] == 6 and "--steps 6 --seed 0" in card["made_by"]
    assert card["history"][-1]["valid_bits_per_byte"] > 0
    assert card["versions"]["torch"] == torch.__version__


def test_the_card_has_the_points_at_which_the_model_was_looked_at(tiny):
    points = tiny[1]["points"]
    assert [(point["part"], point["step"]) for point in points] == [
        *(("primer", step) for step in (1, 2)),
        *(("text", step) for step in (1, 2, 3, 4)),
    ]
    assert points[-1]["tokens"] + points[1]["tokens"] == tiny[1]["cost"]["tokens_seen"]
    assert len({str(point["loss"]) for point in points}) == len(points)


def test_the_card_describes_the_file_not_the_weights_behind_it(tiny):
    """Scores are taken from the half-precision file, so whoever loads it gets the same."""
    folder, card = tiny
    model, tokenizer = (
        Transformer.from_pretrained(folder / "base"),
        Tokenizer.load(folder / "base" / "tokenizer.json"),
    )
    world = town()
    documents = world.documents(FEW["validation_bytes"], stream="validation")
    found = evaluate.loss_by_span(model, tokenizer, documents)
    scores = card["scores"]
    assert scores["bits_per_byte"] == pytest.approx(found.bits_per_byte, rel=1e-5)
    assert scores["bound_bits_per_byte"] == pytest.approx(found.bound_bits_per_byte)
    assert scores["excess_over_bound"] == pytest.approx(
        scores["bits_per_byte"] / scores["bound_bits_per_byte"] - 1, rel=1e-4
    )
    assert (
        scores["recall_asked"]
        == evaluate.fact_recall(model, tokenizer, world, limit=FEW["exam_limit"]).asked
    )
    assert (
        scores["coherent_stories"] == evaluate.story_coherence(model, tokenizer, world, n=4).share
    )
    assert 0 < scores["five_gram_bits_per_byte"] < scores["bits_per_byte"], (
        "six steps cannot beat counting"
    )


def test_measuring_again_finds_the_same_and_writes_nothing_else(tiny, tmp_path, monkeypatch):
    """With one score on the card spoiled, the tool refuses, or writes the true one where told that
    it may change.
    """
    folder, card = tiny
    monkeypatch.setattr(base_stage, "scores", functools.partial(base_stage.scores, **FEW))
    copies = [
        Path(shutil.copytree(folder / "base", tmp_path / name)) / "card.json"
        for name in ("sound", "spoiled")
    ]
    spoiled = json.loads(copies[1].read_text(encoding="utf-8"))
    spoiled["scores"]["bits_per_byte"] += 0.1
    copies[1].write_text(json.dumps(spoiled), encoding="utf-8")
    before = [path.read_bytes() for path in copies]
    folders = [str(path.parent) for path in copies]
    monkeypatch.setattr(sys, "argv", ["measure_again.py", *folders])
    with pytest.raises(InklingError, match="bits_per_byte was"):
        measure_again.main()
    assert [path.read_bytes() for path in copies] == before, "the first one is not written either"
    monkeypatch.setattr(sys, "argv", ["measure_again.py", *folders, "--changed", "bits_per_byte"])
    measure_again.main()
    for path in copies:
        again = json.loads(path.read_text(encoding="utf-8"))
        assert again["scores"] == card["scores"] and again["careful"] == cards.CAREFUL
        assert again.pop("measured_again")["torch"] == torch.__version__
        assert again == json.loads((folder / "base" / "card.json").read_text(encoding="utf-8"))


def test_a_card_says_which_source_and_whether_it_was_changed(tmp_path, monkeypatch):
    source = tmp_path / "card.py"
    source.write_text("one = 1\n", encoding="utf-8")
    monkeypatch.setattr(files, "__file__", str(source))
    assert files.commit() is None, "no git checkout, no commit"
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "card.py"], [*identity, "commit", "-q", "-m", "one"]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    head = files.commit()
    assert re.fullmatch("[0-9a-f]{40,}", head)
    source.write_text("one = 2\n", encoding="utf-8")
    assert files.commit() == f"{head}-changed"


def test_a_card_does_not_name_the_readers_own_repository(tmp_path, monkeypatch):
    """The package is installed in an environment inside of it."""
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    commit = [*identity, "commit", "-q", "--allow-empty", "-m", "one"]
    for words in (["init", "-q"], commit):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    installed = tmp_path / ".venv" / "inkling" / "files.py"
    installed.parent.mkdir(parents=True)
    installed.write_text("one = 1\n", encoding="utf-8")
    monkeypatch.setattr(files, "__file__", str(installed))
    assert files.commit() is None


def test_a_narrow_report_card_says_the_same(tiny):
    _, card = tiny
    wide, narrow = (
        cards.report_card([card, card], narrow=narrow).splitlines() for narrow in (False, True)
    )
    assert narrow[0].strip() == wide[0].strip() and max(map(len, narrow[2::2])) <= 28
    assert [
        f"{label} {cells.strip()}".split()
        for label, cells in zip(narrow[1::2], narrow[2::2], strict=True)
    ] == [line.split() for line in wide[1:]]


def test_careful_stories_of_an_older_card_are_not_shown_under_the_new_setting(tiny):
    _, card = tiny
    row = next(label for key, label, _ in cards.ROWS if key == "coherent_stories_careful")
    older = card | {"careful": {"temperature": 0.5, "min_p": 0.2}}
    lines = [
        next(x for x in cards.report_card([one]).splitlines() if x.startswith(row))
        for one in (card, older)
    ]
    assert lines[0].endswith("%") and lines[1].endswith("-")


def test_a_finished_folder_is_refused_and_left_as_it_is(tiny):
    folder, _ = tiny
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with pytest.raises(InklingError, match="finished run. Choose another folder"):
        speedrun.run(TINY, folder, progress=False)
    assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_interrupted_run_ends_with_the_weights_of_one_that_was_not(tiny, tmp_path, monkeypatch):
    """Stopped in the primer, stopped in the text, stopped in the exam; and with steps set, a run
    repeats exactly.
    """
    folder, _ = tiny
    real_in_two, prepared = pretraining.in_two, text_stage.prepare(town(), TINY.crawl_bytes)
    # the same texts each time, made once
    monkeypatch.setattr(text_stage, "prepare", lambda *_, **__: prepared)
    for name in ("primer", "text", "exam"):

        @contextlib.contextmanager
        def in_two(*args, name=name, **kwargs):
            def records(run):
                in_primer = "valid_tokens" not in kwargs
                for record in run:
                    yield record
                    if in_primer == (name == "primer") and name != "exam" and record.step == 2:
                        stop()

            with real_in_two(*args, **kwargs) as run:
                yield records(run)

        monkeypatch.setattr(pretraining, "in_two", in_two)
        monkeypatch.setattr(base_stage, "scores", stop)
        with pytest.raises(KeyboardInterrupt):
            speedrun.run(TINY, tmp_path / "again", progress=False)
        assert not (tmp_path / "again" / "base" / "card.json").exists(), (
            "a run that did not end must not look finished"
        )
    monkeypatch.setattr(base_stage, "scores", lambda *_: dict.fromkeys(tiny[1]["scores"], 0.5))
    card = speedrun.run(TINY, tmp_path / "again", progress=False)
    assert card["points"] == tiny[1]["points"], "also those that were looked at before a stop"
    assert card["cost"]["tokens_seen"] == tiny[1]["cost"]["tokens_seen"], (
        "what was trained before the stop counts, too"
    )
    first, second = (
        Transformer.from_pretrained(path / "base") for path in (folder, tmp_path / "again")
    )
    assert all(
        torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True)
    )


def test_an_interrupted_run_keeps_the_number_of_steps_that_it_began_with(
    tmp_path, monkeypatch, capsys
):
    """How many steps fit depends on how busy the machine is; the schedule must not change
    half-way.
    """
    # a very slow machine: the fewest steps, 20
    monkeypatch.setattr(pretraining, "seconds_per_step", lambda *_: 1e9)
    monkeypatch.setattr(pretraining, "in_two", stop)
    recipe = Recipe(corpus_bytes=60_000, vocab_size=300, model=TINY.model)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            speedrun.run(recipe, tmp_path, progress=False)
        assert "20 steps" in capsys.readouterr().out
        monkeypatch.setattr(pretraining, "seconds_per_step", lambda *_: 1e-3)


def test_a_folder_goes_on_with_nothing_but_the_run_that_it_was_begun_with(tiny, tmp_path):
    """Finished or interrupted: another seed, other minutes or another model are another run."""
    shutil.copytree(tiny[0] / "base", tmp_path / "finished" / "base")
    begun = tmp_path / "begun" / "savepoints" / "base"
    begun.mkdir(parents=True)
    shutil.copy(tiny[0] / "savepoints" / "base" / "made_from.json", begun)
    wider = replace(TINY.model, d_model=32)
    for folder in (tmp_path / "finished", tmp_path / "begun"):
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for changes, said in (
            ({"seed": 3}, "recipe.seed was 0, is 3"),
            ({"minutes": 60.0}, r"recipe.minutes was 10.0, is 60.0"),
            ({"steps": 7}, "recipe.steps was 6, is 7"),
            ({"model": wider, "seed": 1}, r"seed was 0, is 1, recipe.model.d_model was 16, is 32"),
        ):
            with pytest.raises(InklingError, match=f"holds another run: .*{said}"):
                speedrun.run(replace(TINY, assistant=True, **changes), folder, progress=False)
        assert before == {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_chain_goes_on_to_an_assistant_also_after_a_stop(tiny, tmp_path, monkeypatch, capsys):
    """From the finished base model of the tiny run: stopped in fine-tuning, then to the end; the
    report card grows.
    """
    folder = tmp_path / "run"
    shutil.copytree(tiny[0] / "base", folder / "base")
    rlhf = PPOConfig(steps=1, batch_size=4, minibatch_size=4, max_new_tokens=4)
    stages = AlignRecipe(
        n_demos=8, finetuning=SFTConfig(length=64), n_pairs=8, rlhf=rlhf, n_judged=2
    )
    reading = tiny_models.reading_recipe(
        ReadingConfig(Course(most_passages=1, n_questions=1), steps=2, batch_size=2)
    )
    embedding = EmbedderRecipe(
        n_pairs=64, training=EmbedderConfig(batch_size=32), n_documents=6, n_seeds=1
    )
    recipe = replace(TINY, assistant=True, alignment=stages, reading=reading, embedding=embedding)
    with monkeypatch.context() as patch:
        patch.setattr("inkling.assistant.sft.finetune", stop)
        with pytest.raises(KeyboardInterrupt):
            speedrun.run(recipe, folder, progress=False)
    monkeypatch.setattr("inkling.assistant.exam.write_replies", few_tokens(exam.write_replies))
    card = speedrun.run(recipe, folder, progress=False)
    assert set(card["assistant"]) == {"sft", "reward", "rlhf", "embedder", "rag"}
    assert cards.read_card(folder)["assistant"] == json.loads(json.dumps(card["assistant"]))
    printed = capsys.readouterr().out
    assert "gold reward, after RLHF" in printed and "cites the right one of three" in printed
    assert "gold reward" not in cards.report_card([tiny[1]]), (
        "no empty rows where there is no assistant"
    )
    assert "newcomers" not in cards.report_card([tiny[1]]), "nor where none has learned to read"
    both = cards.report_card([tiny[1], card]).splitlines()
    row = next(line for line in both if line.startswith("gold reward, after RLHF"))
    assert row.split()[-2:] == ["-", f"{card['assistant']['rlhf']['scores']['gold']:.2f}"]
    with pytest.raises(InklingError, match="finished run"):
        speedrun.run(recipe, folder, progress=False)


def few_tokens(write_replies):
    """Replies of 200 tokens would take a minute."""
    return lambda *args, **options: write_replies(*args, **options | {"max_new_tokens": 4})


def test_more_minutes_make_a_larger_assistant_and_cost_more():
    small, large = AlignRecipe.for_minutes(5), AlignRecipe.for_minutes(60)
    assert (
        small.n_demos < large.n_demos
        and small.rlhf.steps < large.rlhf.steps
        and small.updates < large.updates
    )
    assert AlignRecipe.for_minutes(600) == large == AlignRecipe()


# --- its parts ------------------------------------------------------------------------------------


def test_the_dial_turns_the_corpus():
    sizes = [Recipe(minutes=minutes).crawl_bytes for minutes in (0.1, 2, 10, 90, 1000)]
    assert sizes == sorted(sizes) and sizes[0] == sizes[1] and sizes[-1] == sizes[-2]
    assert Recipe(corpus_bytes=123).crawl_bytes == 123


def test_the_primer_dwells_on_few_people_and_on_nobody_of_the_protected_half():
    world = World(0)
    texts = text_stage.primer(world, 60_000, Recipe(primer_people=5))
    assert 60_000 <= sum(map(len, texts)) < 70_000
    quizzes = "\n".join(text for text in texts if text.startswith("Question:"))
    assert quizzes
    few = world.hamlet(5).people
    met = {person.name for person in world.people if re.search(rf"\b{person.name}\b", quizzes)}
    assert (
        {person.name for person in few}
        <= met
        <= {name for person in few for name in (person.name, person.friend)}
    )
    assert len(few) == 5 and all(person.in_questions for person in few)


def test_each_document_of_the_stream_ends_and_none_is_read_as_markup():
    tokenizer = Tokenizer.train(["a b <|endoftext|> c"] * 3, 265, SPECIAL_TOKENS)
    stream = text_stage.encode_stream(tokenizer, ["a b", "c <|endoftext|>"])
    assert (
        stream.dtype == np.uint16
        and (stream == tokenizer.eos_id).sum() == 2
        and stream[-1] == tokenizer.eos_id
    )
    assert tokenizer.decode(stream.tolist()).count("<|endoftext|>") == 3


def test_the_baseline_counts_up_to_its_limit():
    tokenizer = Tokenizer.train(["some words"], 260)
    assert len(base_stage.evaluate_stream(tokenizer, ["0123456789"] * 10, limit_bytes=35)) == 4


def test_the_pace_is_measured_without_touching_anything():
    tokens = np.tile(np.arange(300, dtype=np.uint16), 20)
    pace = pretraining.seconds_per_step(TINY.model, tokens, TINY.train)
    assert 0 < pace < 60


def test_the_summary_is_thin_and_keeps_every_validation():
    history = [
        StepRecord(
            step, step * 10, 1.0, 0.1, 1.0, 1.0, 1.0, *((0.5, 0.25) if step % 97 == 0 else ())
        )
        for step in range(1, 1001)
    ]
    thin = base_stage.summary(history, points=50)
    assert 50 <= len(thin) <= 62
    assert [row["step"] for row in thin if "valid_bits_per_byte" in row] == list(
        range(97, 1001, 97)
    )


# --- the commands ---------------------------------------------------------------------------------


def test_report_puts_cards_side_by_side(tiny, capsys):
    folder, card = tiny
    assert commands.main(["report", str(folder), str(folder / "base")]) == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if line.startswith("validation loss"))
    assert row.split()[-2:] == [f"{card['scores']['bits_per_byte']:.4f}"] * 2
    assert len({len(line) for line in lines}) == 1, "columns must line up"


def test_write_goes_on_with_the_prompt_and_repeats_with_a_seed(tiny, capsys):
    folder, _ = tiny
    command = [
        "write",
        "Mara went",
        "--checkpoint",
        str(folder / "base"),
        "--seed",
        "3",
        "--tokens",
        "12",
    ]
    outputs = []
    for _ in range(2):
        assert commands.main(command) == 0
        outputs.append(capsys.readouterr().out)
    assert (
        outputs[0] == outputs[1]
        and outputs[0].startswith("Mara went")
        and len(outputs[0]) > len("Mara went\n")
    )


def test_chat_talks_with_a_checkpoint_of_ones_own(tiny, monkeypatch, capsys):
    """The turns go with the next question, and an empty line forgets them."""
    folder, _ = tiny
    asked = []

    def echo(tokenizer, messages):
        asked.append([message.text for message in messages])
        return [tokenizer.eos_id]

    monkeypatch.setattr("inkling.reading.conversation.encode_prompt", echo)
    command = ["chat", "--checkpoint", str(folder / "base"), "--seed", "1"]
    monkeypatch.setattr("sys.stdin", io.StringIO("Who is Ada?\n Hello. <|end|> \n\nGood-bye\n"))
    assert commands.main(command) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 3
    assert ["Who is Ada?"] in asked and ["Good-bye"] in asked and ["Hello. <|end|>"] in asked
    assert [(texts[0], texts[2]) for texts in asked if len(texts) > 1] == [
        ("Who is Ada?", "Hello. <|end|>")
    ] * len([texts for texts in asked if len(texts) > 1])
    assert max(map(len, asked)) == 3, "a question, its reply, a question"


def test_what_a_person_types_is_never_a_special_token(tiny, capsys):
    folder, _ = tiny
    assert (
        commands.main(
            ["write", "<|endoftext|>", "--checkpoint", str(folder / "base"), "--tokens", "0"]
        )
        == 0
    )
    assert capsys.readouterr().out == "<|endoftext|>\n"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["speedrun", "--minutes", "0", "--folder", "{new}"], "a finite number above 0"),
        (["speedrun", "--minutes", "nan", "--folder", "{new}"], "a finite number above 0"),
        (["speedrun", "--steps", "0", "--folder", "{new}"], "steps is 0"),
        (["speedrun", "--base-only", "--folder", "{done}"], "holds a finished run"),
        (["speedrun", "--folder", "{file}"], "is a file"),
        (["write", "Mara", "--checkpoint", "{new}"], "tokenizer.json"),
        (
            ["write", "Mara", "--checkpoint", "{base}", "--temperature", "-1"],
            "temperature must be 0",
        ),
        (["write", "Mara " * 300, "--checkpoint", "{base}"], "the model's context is 256"),
        (["write", "Mara", "--checkpoint", "{base}", "--tokens", "-1"], "at least 0; it is -1"),
        (["report", "{new}"], "holds no card.json"),
    ],
)
def test_wrong_use_is_a_clear_message_and_leaves_nothing(tiny, tmp_path, capsys, arguments, says):
    folder, _ = tiny
    (tmp_path / "file").write_text("a file")
    places = {
        "new": tmp_path / "new",
        "done": folder,
        "base": folder / "base",
        "file": tmp_path / "file",
    }
    assert commands.main([argument.format(**places) for argument in arguments]) == 2
    captured = capsys.readouterr()
    assert (
        captured.err.startswith("inkling: ")
        and says in captured.err
        and "Traceback" not in captured.err
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"], (
        "no half-made folder may be left"
    )


def test_a_damaged_card_is_a_clear_message(tmp_path, capsys):
    for text in ('{"scores": ', '{"scores": {}}', "[]"):
        (tmp_path / "card.json").write_text(text)
        assert commands.main(["report", str(tmp_path)]) == 2
        assert "is damaged" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["fly"], ["speedrun", "--minutes", "ten"]])
def test_an_unknown_command_says_how_to_use_it(arguments, capsys):
    with pytest.raises(SystemExit) as exit:
        commands.main(arguments)
    assert exit.value.code == 2 and "usage: python -m inkling" in capsys.readouterr().err


def test_stopping_by_hand_says_how_to_go_on(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(text_stage, "prepare", stop)
    assert commands.main(["speedrun", "--folder", str(tmp_path / "run")]) == 130
    assert "goes on from the last savepoint" in capsys.readouterr().err


# --- the shipped model ----------------------------------------------------------------------------


def committed(name: str) -> bool:
    """Whether checkpoint `name` belongs to the book: git knows its weights (without git, they are
    there).
    """
    weights = ROOT / "inkling" / "checkpoints" / name / "model.safetensors"
    git = subprocess.run(
        ["git", "ls-files", "--", str(weights)], cwd=ROOT, capture_output=True, text=True
    )
    return bool(git.stdout.strip()) if git.returncode == 0 else weights.is_file()


@functools.cache
def shipped(name: str):
    if not committed(name):
        pytest.skip(f"no checkpoint {name!r} is committed yet")
    folder = checkpoints.path(name)
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    return Transformer.from_pretrained(folder), Tokenizer.load(folder / "tokenizer.json"), card


def error_of_ratio(numerators: np.ndarray, denominators: np.ndarray) -> float:
    """The standard error of sum / sum over independent documents (Cochran 1977, section 6.3)."""
    residuals = numerators - numerators.sum() / denominators.sum() * denominators
    return (
        math.sqrt(len(residuals) / (len(residuals) - 1) * (residuals**2).sum()) / denominators.sum()
    )


@pytest.mark.parametrize("name", ["base", "ten_minutes"])
def test_shipped_card_scores_are_recomputed(name):
    """Loss on a part of the card's validation text and recall on a part of the exam, within their
    sampling errors.
    """
    model, tokenizer, card = shipped(name)
    scores, world = card["scores"], World(0)
    documents = world.documents(100_000, stream="validation")
    bits = evaluate.token_bits(model, evaluate.encode_documents(tokenizer, documents))
    model_bits = np.array([values.sum() for values in bits])
    bound_bits = np.array([document.total_bits for document in documents])
    n_bytes = np.array([len(document.text) for document in documents], float)
    for key, above, below in (
        ("bits_per_byte", model_bits, n_bytes),
        ("bound_bits_per_byte", bound_bits, n_bytes),
        ("excess_over_bound", model_bits - bound_bits, bound_bits),
    ):
        found, error = above.sum() / below.sum(), error_of_ratio(above, below)
        assert abs(found - scores[key]) < 4 * error, (
            f"{key}: the card says {scores[key]}, found {found} +- {error}"
        )

    recall = evaluate.fact_recall(model, tokenizer, world, limit=400)
    for key, asked in (("recall_asked", True), ("recall_never_asked", False)):
        marks = [
            right for question, _, right in recall.answers if question.asked_in_training == asked
        ]
        # 1,200 questions are all there are: a third of them strays less than a sample without end
        # would.
        error = math.sqrt(scores[key] * (1 - scores[key]) / len(marks) * 2 / 3) + 1 / len(marks)
        found = np.mean(marks)
        assert abs(found - scores[key]) < 4 * error, (
            f"{key}: the card says {scores[key]}, found {found} +- {error}"
        )
    assert scores["recall_chance"] == pytest.approx(recall.chance)


@pytest.mark.parametrize("name", ["base", "ten_minutes"])
def test_shipped_card_fits_its_model(name):
    model, tokenizer, card = shipped(name)
    assert card["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert model.config.vocab_size == tokenizer.vocab_size == card["recipe"]["vocab_size"]
    config = card["recipe"]["model"]
    assert {key: getattr(model.config, key) for key in config if config[key] is not None} == {
        key: value for key, value in config.items() if value is not None
    }
    assert card["scores"]["bits_per_byte"] > card["scores"]["bound_bits_per_byte"], (
        "no model can be below the bound"
    )
    assert set(card["scores"]) >= {key for key, _, _ in cards.ROWS}


@pytest.mark.parametrize("name", ["base", "ten_minutes"])
def test_shipped_stories_hold_together_when_written_carefully(name):
    """95 of 100 stories replay without a contradiction: on the card, and no fewer, within chance,
    on other openings.
    """
    model, tokenizer, card = shipped(name)
    world, n = World(0), 200
    again = evaluate.story_coherence(model, tokenizer, world, n=n, **cards.CAREFUL)
    assert abs(again.share - card["scores"]["coherent_stories_careful"]) <= 0.015, (
        "the card's own stories"
    )
    assert card["scores"]["coherent_stories_careful"] >= 0.95
    fresh = [
        evaluate.story_coherence(model, tokenizer, world, n=n, seed=s, **cards.CAREFUL).share
        for s in (77, 78, 79)
    ]
    low, high = evaluate.wilson_interval(round(n * sum(fresh)), 3 * n)
    assert high >= 0.95, f"{np.mean(fresh):.1%} of fresh stories ({low:.1%} to {high:.1%})"
