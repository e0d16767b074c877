"""Each test is named after the bug that it catches."""

import copy
import errno
import json
import os
import pickle
import random
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
import tokenizers
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from inkling import __main__ as commands
from inkling.files import InklingError
from inkling.text.bpe import apply_merges, apply_merges_fast, learn_merges, merge
from inkling.text.tokenizer import DIGITS_PATTERN, GPT2_PATTERN, SPECIAL_TOKENS, Tokenizer

NASTY_PIECES = [
    *" |  |   |\n|\n\n|\r\n|\t| \n |'|'s|'ll|'LL|ll|d|a|A|the| the|er|1|23|"
    " 4|,|.|...|!|\x00|\x1c|\x1f|\x7f".split("|"),
    *"\x85|\xa0|\xad|é|e\u0301|\u0301|ß|İ|ǅ|ﬁ|中文|あ|한|ё|ع|\u200d|\u200b|\ufeff|\u2028|\u3000|\ufffd|\uffff|Ġ|Ċ".split(
        "|"
    ),
    *"²|½|٣|Ⅷ|👨\u200d👩\u200d👧|\U0001f1e9\U0001f1ea|👍🏽|\U0010ffff|aaaaaaaaaaaaaaaaaaaaa".split(
        "|"
    ),
    *(
        "<|",
        "|>",
        "|",
        "<",
        "endoftext",
        "<|enD|>",
        "<|end",
        "<|end|",
        "end|>",
        "<<|end|>>",
        *SPECIAL_TOKENS,
    ),
]

PROSE = (
    "The harbour master's lantern wasn't lit, so they'll wait; 12 boats lay at anchor in"
    " 1923.\n\nNobody in the town knew the lantern-keeper's name.  Anna said: \"It is lower than"
    " the lowest rock!\"\n    indented lines, too,\tand tabs\n- naïve café, Zoë's; 北京, 東京 and"
    " 🎈🎈\n" * 3
)


def nasty_text(rng: random.Random) -> str:
    text = "".join(rng.choices(NASTY_PIECES, k=rng.randint(0, 12)))
    if rng.random() < 0.3:
        text += "".join(chr(c) for c in rng.choices(range(0xD800), k=4)) + chr(
            rng.randint(0xE000, 0x10FFFF)
        )
    return text


def fresh_prose(seed: int, n_words: int = 4000) -> str:
    """English-like text: made-up words with Zipf-like frequencies, capitals, commas, stops and
    lines.
    """
    rng = random.Random(seed)
    syllables = "ka lo ring the er in st and mo ber low est tion un re a i sh oo th".split()
    words = ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(600)]
    chosen = rng.choices(words, weights=[1 / rank for rank in range(1, 601)], k=n_words)
    ends = rng.choices(
        [" ", ", ", ". ", ".\n", "\n\n", "'s "], weights=[80, 6, 5, 4, 2, 3], k=n_words
    )
    return "".join(word + end for word, end in zip(chosen, ends, strict=True))


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer.train([PROSE, fresh_prose(0)], 450, SPECIAL_TOKENS)


@pytest.fixture(scope="module")
def saved(tokenizer, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(path)
    return path


def train_by_recounting(chunk_counts: dict[bytes, int], n_merges: int) -> list[tuple[bytes, bytes]]:
    """BPE training straight from its definition: count everything again in each round."""
    chunks = {chunk: [bytes([byte]) for byte in chunk] for chunk in chunk_counts}
    merges = []
    while len(merges) < n_merges:
        counts = Counter()
        for chunk, count in chunk_counts.items():
            for pair in pairwise(chunks[chunk]):
                counts[pair] += count
        if not counts:
            break
        best = max(counts, key=lambda pair: (counts[pair], pair))
        merges.append(best)
        for tokens in chunks.values():
            i = 0
            while i < len(tokens) - 1:
                if (tokens[i], tokens[i + 1]) == best:
                    tokens[i : i + 2] = [best[0] + best[1]]
                i += 1
    return merges


# Training


@given(
    st.dictionaries(st.binary(min_size=1, max_size=12), st.integers(1, 5), min_size=1, max_size=12)
)
@settings(max_examples=150, deadline=None)
def test_incremental_counts_drift_from_a_full_recount(chunk_counts):
    assert learn_merges(chunk_counts, 40) == train_by_recounting(chunk_counts, 40)


@given(
    st.dictionaries(
        st.text("ab", min_size=1, max_size=14).map(str.encode),
        st.integers(1, 3),
        min_size=1,
        max_size=6,
    )
)
@settings(max_examples=150, deadline=None)
def test_runs_such_as_aaaa_are_counted_or_merged_twice(chunk_counts):
    merges = learn_merges(chunk_counts, 30)
    assert merges == train_by_recounting(chunk_counts, 30)
    assert len({left + right for left, right in merges}) == len(merges), (
        "two merges make the same token"
    )


def test_prose_merges_equal_the_definition(tokenizer):
    counts = Counter(
        chunk.encode() for text in (PROSE, fresh_prose(0)) for chunk in tokenizer.chunks(text)
    )
    assert tokenizer.merges == train_by_recounting(counts, len(tokenizer.merges))


def test_tie_goes_to_the_smaller_pair_or_to_the_first_seen():
    assert learn_merges({b"ab": 1, b"zy": 1, b"mn": 1}, 3) == [
        (b"z", b"y"),
        (b"m", b"n"),
        (b"a", b"b"),
    ]
    # By bytes and not by ids: (b"za", b"b") was made later but "zz" is greater; b"z" is a prefix,
    # so it is less.
    assert learn_merges({b"zab": 2, b"zz": 1}, 3) == [
        (b"za"[:1], b"a"),
        (b"za", b"b"),
        (b"z", b"z"),
    ]


def test_tie_is_broken_by_id_where_bytes_differ():
    # (ab, x) and (b, x) are equally frequent; ab has the higher id, but "b" is the greater byte
    # string.
    assert learn_merges({b"ab": 9, b"abx": 2, b"bx": 2}, 2)[1] == (b"b", b"x")


def test_a_merge_crosses_a_special_token_or_two_texts():
    texts = ["ab<|end|>cd<|end|>" * 50, "e", "f"]
    with pytest.warns(UserWarning, match="ran out of pairs after 2 of 5"):
        # one chunk: only borders hold it back
        tokenizer = Tokenizer.train(texts, 262, ["<|end|>"], pattern=r"(?s:.+)")
    assert tokenizer.merges == [(b"c", b"d"), (b"a", b"b")]


def test_vocab_size_forgets_the_special_tokens():
    tokenizer = Tokenizer.train([PROSE], 300, SPECIAL_TOKENS)
    assert tokenizer.vocab_size == 300
    assert len(tokenizer.merges) == 300 - 256 - len(SPECIAL_TOKENS)
    assert [tokenizer.special_tokens[text] for text in SPECIAL_TOKENS] == list(range(293, 300))
    assert tokenizer.eos_id == 293
    assert [tokenizer.token_bytes(i) for i in range(256)] == [bytes([i]) for i in range(256)]


def test_a_generator_of_texts_is_used_up_before_training():
    assert (
        Tokenizer.train((text for text in [PROSE, "x y"]), 300).merges
        == Tokenizer.train([PROSE, "x y"], 300).merges
    )


def test_running_out_of_pairs_loops_for_ever_or_is_silent():
    with pytest.warns(
        UserWarning, match="ran out of pairs after 2 of 44 merges: vocab_size is 259, not 301"
    ):
        tokenizer = Tokenizer.train(["abc"], 301, ["<|end|>"])
    assert tokenizer.vocab_size == 259 and tokenizer.encode("abc<|end|>", True) == [257, 258]


@pytest.mark.parametrize("texts", [[], [""], ["", ""], iter(()), ["<|end|>", "<|end|><|end|>"]])
def test_empty_corpus_trains_a_tokenizer_of_bytes(texts):
    with pytest.raises(InklingError, match="corpus is empty"):
        Tokenizer.train(texts, 300, ["<|end|>"])


@pytest.mark.parametrize("vocab_size", [0, -5, 255, 262])
def test_vocab_size_below_the_bytes_is_accepted(vocab_size):
    with pytest.raises(InklingError, match="need 263"):
        Tokenizer.train(["text"], vocab_size, SPECIAL_TOKENS)
    assert Tokenizer.train(["text"], 263, SPECIAL_TOKENS).merges == []


def test_one_string_is_read_letter_by_letter():
    with pytest.raises(InklingError, match="pass a list"):
        Tokenizer.train("all one text", 300)
    with pytest.raises(InklingError, match="pass a list"):
        Tokenizer.train(["text"], 300, "<|end|>")
    with pytest.raises(InklingError, match=r"pass a list, \[text\]"):
        Tokenizer.train(["text"], 256).encode_batch("abc")


def test_a_special_token_given_twice_loses_an_id():
    for make in (
        lambda names: Tokenizer((), names),
        lambda names: Tokenizer.train(["text"], 300, names),
    ):
        with pytest.raises(InklingError, match="given twice"):
            make(["<|end|>", "<|pad|>", "<|end|>"])


@pytest.mark.parametrize("special", [[""], ["a"], ["é"], ["the"], ["Ġthe"]])
def test_special_token_named_like_an_ordinary_token_is_lost_in_the_file(special):
    # "é" is how the file writes byte 0xE9; "the" is learned as a merge only when it is not special
    texts = ["the the other the"] if special != ["the"] else ["a b"]
    merges = [(b"t", b"h"), (b"th", b"e"), (b" ", b"the")] if special[0].endswith("the") else []
    with pytest.raises(InklingError, match="special token"):
        Tokenizer(merges, special) if merges else Tokenizer.train(texts, 260, special)


@pytest.mark.parametrize(
    "pattern, message",
    [("(a", "regular expression"), (r"(\w+)|\W", "capturing"), (r"\w+", "leaves")],
)
def test_a_bad_pattern_loses_text_without_a_word(pattern, message):
    with pytest.raises(InklingError, match=message):
        Tokenizer.train(["some words"], 258, pattern=pattern)


# Encoding and decoding


@given(st.text())
@settings(max_examples=500, deadline=None)
def test_valid_utf8_does_not_survive_the_round_trip(tokenizer, text):
    for allow_special in (True, False):
        ids = tokenizer.encode(text, allow_special)
        assert tokenizer.decode_bytes(ids) == text.encode()
        assert tokenizer.decode(ids) == text


@given(st.binary(max_size=60))
@settings(max_examples=300, deadline=None)
def test_valid_utf8_bytes_do_not_survive_the_round_trip(tokenizer, data):
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        assert tokenizer.decode(list(data)) == data.decode("utf-8", errors="replace")
    else:
        assert tokenizer.decode_bytes(tokenizer.encode(text)) == data


@given(st.lists(st.integers(0, 255), max_size=40) | st.text().map(lambda text: list(text.encode())))
@settings(max_examples=300, deadline=None)
def test_a_stream_says_something_else_than_the_whole(tokenizer, ids):
    pieces = list(tokenizer.decode_stream(iter(ids)))
    assert "".join(pieces) == tokenizer.decode(ids) and all(pieces)


def test_a_character_in_two_tokens_is_broken_and_a_stray_byte_holds_all_back(tokenizer):
    said = []

    def ids():
        for byte in b"\xc3\xa9\xffab":
            yield byte
            said.append(len(pieces))

    pieces: list[str] = []
    for piece in tokenizer.decode_stream(ids()):
        pieces.append(piece)
    assert pieces == ["é", "\ufffd", "a", "b"] and said == [0, 1, 2, 3, 4]


def test_write_breaks_a_character_in_two(monkeypatch, capsys):
    from inkling.training import generate

    monkeypatch.setattr(generate, "stream", lambda *_, **__: iter("aé日".encode()))
    assert commands.main(["write", "Once"]) == 0
    assert capsys.readouterr().out == "Onceaé日\n"


@pytest.mark.parametrize("pattern", [GPT2_PATTERN, DIGITS_PATTERN, r"\w+|\W"])
def test_fast_path_drifts_from_the_plain_one(pattern):
    tokenizer = Tokenizer.train([PROSE, fresh_prose(0)], 400, SPECIAL_TOKENS, pattern=pattern)
    rng = random.Random(1)
    for text in [PROSE, fresh_prose(3, 500), *(nasty_text(rng) for _ in range(2000))]:
        assert tokenizer.encode(text, allow_special=False) == tokenizer.encode_plain(text), repr(
            text
        )


def test_some_character_is_white_space_for_one_pattern_and_not_for_the_other(tokenizer):
    for code in [
        *range(0x600),
        0x1680,
        0x180E,
        *range(0x2000, 0x2100),
        0x3000,
        0xFEFF,
        0xFFFD,
        0x1F600,
        0xE0020,
    ]:
        c = chr(code)
        text = f"a{c}b {c} !{c}! {c}{c} x\n{c}\n{c} 1{c}  {c}"
        assert tokenizer.encode(text) == tokenizer.encode_plain(text), hex(code)


@pytest.mark.parametrize("c", "\x1c\x1d\x1e\x1f\x85\xa0\u180e\u200b\u2028\u3000\ufeff")
@pytest.mark.filterwarnings("ignore:the texts ran out of pairs")
def test_a_token_reaches_over_a_place_where_the_fast_path_cuts(c):
    # merges that span the character
    tokenizer = Tokenizer.train([f"!{c}! {c}?{c} {c}{c}{c}x\n{c}"] * 3, 300)
    for text in (f"!{c}!", f"! {c}?{c}", f"{c}{c} {c}\n{c}", f"a{c}{c}x {c} {c}"):
        assert tokenizer.encode(text) == tokenizer.encode_plain(text), repr(text)


@given(st.text("aabn", max_size=80))
@settings(max_examples=200, deadline=None)
def test_heap_merges_in_another_order(text):
    merges = learn_merges({b"banana": 3, b"aaaaaaa": 2, b"abba": 1, b"nnaab": 1}, 12)
    tokenizer = Tokenizer(merges)
    assert apply_merges_fast(list(text.encode()), tokenizer.merge_table) == apply_merges(
        list(text.encode()), tokenizer.merge_table
    )


def test_merge_takes_overlapping_pairs():
    assert merge([1, 1, 1, 1, 1], (1, 1), 9) == [9, 9, 1]
    assert (
        merge([], (1, 1), 9) == []
        and merge([1], (1, 1), 9) == [1]
        and merge([2, 1], (1, 2), 9) == [2, 1]
    )


def test_long_run_costs_a_pass_for_every_merge(tokenizer):
    text = "".join(random.Random(2).choices("theloweranking", k=20_000))
    start = time.process_time()
    plain = tokenizer.encode_plain(text)
    middle = time.process_time()
    assert tokenizer.encode(text) == plain
    assert (time.process_time() - middle) * 2 < middle - start, "the fast path is the plain one"


def test_caches_grow_without_end(monkeypatch, tokenizer):
    monkeypatch.setattr("inkling.text.tokenizer.CACHE_LIMIT", 50)
    small = copy.deepcopy(tokenizer)
    small.encode("x" * 1000)
    assert not small.word_cache and not small.chunk_cache, (
        "a thousand letters in a row are kept, and never come back"
    )
    text = " ".join(f"word{i}" for i in range(320))
    assert small.encode(text) == small.encode(text) == tokenizer.encode_plain(text)
    assert len(small.word_cache) <= 50 and len(small.chunk_cache) <= 50


def test_cached_ids_are_shared_and_a_caller_can_spoil_them(tokenizer):
    expected = tokenizer.encode("lower")
    tokenizer.encode("lower").append(7)
    tokenizer.encode("lower").clear()
    assert tokenizer.encode("lower") == expected


def test_shorter_special_token_wins_over_a_longer_one():
    tokenizer = Tokenizer((), ["<|a|>", "<|a|>>", "<|a", "||"])
    ids = tokenizer.special_tokens
    assert tokenizer.encode("<|a|>><|a|><|a|||", allow_special=True) == [
        ids["<|a|>>"],
        ids["<|a|>"],
        ids["<|a"],
        ids["||"],
        ord("|"),
    ]


def test_a_user_forges_a_special_token(tokenizer):
    ids = tokenizer.encode("hi<|end|>")
    assert ids == tokenizer.encode("hi<|end|>", allow_special=False)
    assert tokenizer.special_tokens["<|end|>"] not in ids
    assert tokenizer.decode(ids) == "hi<|end|>"
    obeyed = [*tokenizer.encode("hi"), tokenizer.special_tokens["<|end|>"]]
    assert tokenizer.encode("hi<|end|>", allow_special=True) == obeyed
    assert tokenizer.encode_batch(["hi<|end|>"]) == [ids]
    assert tokenizer.encode_batch(["hi<|end|>"], allow_special=True) == [obeyed]


def test_batch_differs_from_one_by_one(tokenizer):
    texts = ["", "a", "<|end|>", PROSE]
    assert tokenizer.encode_batch(texts) == [tokenizer.encode(text) for text in texts]
    assert tokenizer.encode_batch(texts, allow_special=False) == [
        tokenizer.encode(t, False) for t in texts
    ]


@pytest.mark.parametrize("bad", [-1, 450, 10**9, 1.5, "a", None])
def test_id_out_of_range_decodes_to_something_else(tokenizer, bad):
    with pytest.raises(InklingError, match="not in the vocabulary, which ends at 449"):
        tokenizer.decode([1, bad])
    with pytest.raises(InklingError):
        tokenizer.token_bytes(bad)


def test_arrays_and_tensors_do_not_decode(tokenizer):
    import numpy
    import torch

    ids = tokenizer.encode(PROSE)
    assert tokenizer.decode(numpy.array(ids, dtype=numpy.uint16)) == PROSE
    assert tokenizer.decode(torch.tensor(ids)) == PROSE
    assert tokenizer.decode(iter(ids)) == PROSE


def test_lone_surrogate_is_a_python_error(tokenizer):
    for text in ("\ud800", "fine \udfff fine", "a\ud83d"):
        for encode in (tokenizer.encode, tokenizer.encode_plain):
            with pytest.raises(InklingError, match="lone surrogate"):
                encode(text)
        with pytest.raises(InklingError, match="lone surrogate"):
            Tokenizer.train([text], 300)


@pytest.mark.parametrize(
    "ids", [torch.tensor([[97, 98]]), [[97], [98]], torch.tensor(97), 97, None]
)
def test_ids_of_another_shape_are_a_python_error(tokenizer, ids):
    for decode in (tokenizer.decode, tokenizer.decode_bytes):
        with pytest.raises(InklingError, match="one flat list"):
            decode(ids)


def test_bytes_or_none_instead_of_text(tokenizer):
    for wrong in (b"bytes", None, 3, ["text"]):
        with pytest.raises(InklingError, match="must be a str"):
            tokenizer.encode(wrong)
        with pytest.raises(InklingError, match="must be a str"):
            Tokenizer.train([wrong], 300)


def test_no_end_token_is_a_key_error():
    with pytest.raises(InklingError, match="endoftext"):
        _ = Tokenizer.train(["a b"], 256).eos_id


def test_copy_or_pickle_fails_or_drags_the_caches_along(tokenizer):
    tokenizer.encode(PROSE)
    for twin in (pickle.loads(pickle.dumps(tokenizer)), copy.deepcopy(tokenizer)):
        assert not twin.word_cache
        assert twin.encode(PROSE) == tokenizer.encode(PROSE)
        assert twin.word_cache.encode_piece.__self__ is twin


# Files, and parity with the reference


@pytest.mark.parametrize(
    "pattern", [GPT2_PATTERN, DIGITS_PATTERN, r"\w+|\W", r"\p{N}{1,3}|\p{L}+|[^\p{L}\p{N}]+"]
)
def test_ids_differ_from_hugging_face_on_the_exported_file(tmp_path, pattern):
    tokenizer = Tokenizer.train([PROSE, fresh_prose(0)], 450, SPECIAL_TOKENS, pattern=pattern)
    tokenizer.save(tmp_path / "tokenizer.json")
    reference = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert reference.get_vocab_size() == 450
    rng = random.Random(5)
    texts = ["", PROSE, fresh_prose(1), "a" * 3000, " " * 500, "\n" * 500, "é" * 400, *NASTY_PIECES]
    texts += [nasty_text(rng) for _ in range(3000)]
    for text, encoding in zip(texts, reference.encode_batch(texts), strict=True):
        assert tokenizer.encode(text, allow_special=True) == encoding.ids, repr(text)
    reference.encode_special_tokens = True
    for text, encoding in zip(texts, reference.encode_batch(texts), strict=True):
        assert tokenizer.encode(text, allow_special=False) == encoding.ids, repr(text)


def test_text_differs_from_hugging_face_for_any_ids(tokenizer, saved):
    reference, rng = tokenizers.Tokenizer.from_file(str(saved)), random.Random(6)
    for _ in range(1000):
        ids = [
            rng.choice([rng.randrange(450), rng.randrange(256)]) for _ in range(rng.randint(0, 12))
        ]
        assert tokenizer.decode(ids) == reference.decode(ids, skip_special_tokens=False), ids


def test_transformers_cannot_open_the_file(tokenizer, saved):
    transformers = pytest.importorskip("transformers")
    reference = transformers.PreTrainedTokenizerFast(tokenizer_file=str(saved))
    text = "<|user|>Who's the harbour master?<|end|>\n\n1923 🎈"
    assert reference(text)["input_ids"] == tokenizer.encode(text, allow_special=True)
    assert len(reference) == tokenizer.vocab_size
    assert reference.convert_tokens_to_ids(list(SPECIAL_TOKENS)) == list(
        tokenizer.special_tokens.values()
    )


def test_ids_differ_from_tiktoken_with_the_same_merges(tokenizer):
    tiktoken = pytest.importorskip("tiktoken")
    reference = tiktoken.Encoding(
        "ours",
        pat_str=GPT2_PATTERN,
        mergeable_ranks=tokenizer.vocabulary,
        special_tokens=tokenizer.special_tokens,
    )
    rng = random.Random(7)
    for text in [PROSE, fresh_prose(1), *(nasty_text(rng) for _ in range(1000))]:
        everything = reference.encode(text, allowed_special="all")
        assert tokenizer.encode(text, allow_special=True) == everything, repr(text)
        assert tokenizer.encode(text, allow_special=False) == reference.encode_ordinary(text), repr(
            text
        )


def test_saving_and_loading_changes_the_tokenizer(tokenizer, saved):
    loaded = Tokenizer.load(saved)
    names = ("merges", "special_tokens", "added_tokens", "normalized", "vocabulary", "pattern")
    for name in (*names, "vocab_size", "eos_id"):
        assert getattr(loaded, name) == getattr(tokenizer, name), name
    text = PROSE + "<|end|>"
    assert loaded.encode(text, True) == tokenizer.encode(text, True) != tokenizer.encode(text)
    assert loaded.encode_plain(PROSE) == tokenizer.encode_plain(PROSE)


@pytest.mark.parametrize("merges_as_lists", [True, False])
@pytest.mark.parametrize("digits", [True, False])
def test_published_layout_does_not_load(tmp_path, merges_as_lists, digits):
    """As GPT-2's and SmolLM2's: special tokens first, any ids, both spellings of merges, some bytes
    without a token.
    """
    from tokenizers import decoders, models, pre_tokenizers, trainers

    reference = tokenizers.Tokenizer(models.BPE())
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    reference.pre_tokenizer = (
        pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])
        if digits
        else byte_level
    )
    reference.decoder = decoders.ByteLevel()
    # without an initial alphabet: a byte that the text lacks gets no token
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        show_progress=False,
    )
    reference.train_from_iterator([PROSE, fresh_prose(0)], trainer)
    data = json.loads(reference.to_str())
    names = list(data["model"]["vocab"])
    data["model"]["merges"] = [
        tuple(m.split(" ")) if isinstance(m, str) else m for m in data["model"]["merges"]
    ]
    if not merges_as_lists:
        data["model"]["merges"] = [" ".join(merge) for merge in data["model"]["merges"]]
        del data["model"]["type"], data["model"]["ignore_merges"]  # GPT-2's file is as old as that
        data["model"]["unk_token"] = None
    ordinary = names[3:]
    random.Random(8).shuffle(ordinary)
    data["model"]["vocab"] = {name: i for i, name in enumerate([*names[:3], *ordinary])}
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(data), encoding="utf-8")

    reference = tokenizers.Tokenizer.from_file(str(path))
    tokenizer = Tokenizer.load(path)
    assert tokenizer.vocab_size == reference.get_vocab_size() and tokenizer.eos_id == 0
    tokenizer.save(tmp_path / "again.json")
    again, reference_again = (
        Tokenizer.load(tmp_path / "again.json"),
        tokenizers.Tokenizer.from_file(str(tmp_path / "again.json")),
    )
    rng = random.Random(9)
    for text in [PROSE, "12 boats 1 2", "a  1\n 2", *(nasty_text(rng) for _ in range(1500))]:
        expected = reference.encode(text).ids
        assert (
            tokenizer.encode(text, allow_special=True)
            == again.encode(text, allow_special=True)
            == reference_again.encode(text).ids
            == expected
        ), repr(text)
        assert tokenizer.encode_plain(text) == tokenizer.encode(text, allow_special=False), repr(
            text
        )


ADDED_TEXTS = [
    "<think>", "</think>", "lower", "er", "low", "th", " the", " two words ", "a", "aa", "<|end|>x",
    "d|>x", "|>", "<|", "é", "日本", "\n\n", "Zoë", "1", "  ", "\u0301", "Ġ", "harbour", "<|end",
]  # fmt: skip


@given(
    added=st.lists(
        st.tuples(st.sampled_from(ADDED_TEXTS), st.booleans(), st.booleans()),
        min_size=1,
        max_size=6,
        unique_by=lambda each: each[0],
    ),
    texts=st.lists(
        st.lists(st.sampled_from([*ADDED_TEXTS, *NASTY_PIECES]), max_size=8).map("".join),
        min_size=1,
        max_size=6,
    ),
)
@example(added=[(" the", True, False)], texts=[" the", "<|end|> the"])
@settings(max_examples=250, deadline=None)
def test_added_tokens_get_other_ids_than_in_tokenizers_or_are_lost(
    saved, tmp_path_factory, added, texts
):
    """Somebody adds tokens to our file with `tokenizers`: special or not, looked for first or
    last.
    """
    reference = tokenizers.Tokenizer.from_file(str(saved))
    reference.add_tokens(
        [tokenizers.AddedToken(text, special=s, normalized=n) for text, s, n in added]
    )
    folder = tmp_path_factory.mktemp("added")
    reference.save(str(folder / "theirs.json"))
    try:
        ours = Tokenizer.load(folder / "theirs.json")
    except InklingError as error:  # a name that stands for another byte
        assert "would read like an ordinary token" in str(error)
        assert any(text in ("é", "Ġ") for text, _, _ in added)
        return
    ours.save(folder / "ours.json")
    again = tokenizers.Tokenizer.from_file(str(folder / "ours.json"))
    written, read = (json.loads(each.to_str())["added_tokens"] for each in (again, reference))
    assert written == sorted(read, key=lambda token: token["id"])
    for text in texts:
        for allow_special in (True, False):
            reference.encode_special_tokens = again.encode_special_tokens = not allow_special
            expected = reference.encode(text).ids
            ids = ours.encode(text, allow_special)
            assert ids == expected == again.encode(text).ids, repr(text)
            assert ours.decode(ids) == text
        assert ours.encode_plain(text) == ours.encode(text)


def test_the_example_of_an_added_token(saved, tmp_path):
    reference = tokenizers.Tokenizer.from_file(str(saved))
    reference.add_tokens(["<think>"])
    reference.save(str(tmp_path / "theirs.json"))
    ours = Tokenizer.load(tmp_path / "theirs.json")
    assert ours.added_tokens == {"<think>": 450} and "<think>" not in ours.special_tokens
    assert ours.encode("a<think>b") == [97, 450, 98]  # whoever wrote it
    ours.save(tmp_path / "ours.json")
    theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "ours.json"))
    assert theirs.decode([97, 450, 98], skip_special_tokens=True) == "a<think>b"


def test_many_special_tokens_cost_more_than_their_number(saved):
    """Twice the text, about twice the time, spelled out or not."""
    tokenizer = Tokenizer.load(saved)
    tokenizer = Tokenizer(tokenizer.merges, tokenizer.special_tokens, added_tokens={"<think>": 450})
    for allow_special in (False, True):
        times = []
        for n in (20_000, 40_000):
            start = time.process_time()
            tokenizer.split_special("<|end|>a" * n, allow_special)
            times.append(time.process_time() - start)
        assert times[1] < 6 * times[0] + 0.05


def test_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(InklingError, match="cannot read .*nowhere"):
        Tokenizer.load(tmp_path / "nowhere.json")
    for path in (tmp_path, "a\0b"):
        with pytest.raises(InklingError, match="cannot read"):
            Tokenizer.load(path)


def test_truncated_file_loads_in_part(saved, tmp_path):
    content, path = saved.read_bytes(), tmp_path / "cut.json"
    for keep in [0, 1, 100, len(content) // 2, len(content) - 2]:
        path.write_bytes(content[:keep])
        with pytest.raises(InklingError, match="cut.json is not whole JSON"):
            Tokenizer.load(path)
    path.write_bytes(b"\xff\xfe\x00" + content)
    with pytest.raises(InklingError):
        Tokenizer.load(path)


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True}
SPLIT_STEP = {"type": "Split", "behavior": "Isolated", "invert": False}
SPLIT = {"type": "Sequence"}
TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [
        {"SpecialToken": {"id": "<|endoftext|>", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
    ],
    "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {
        "<|endoftext|>": {"id": "<|endoftext|>", "ids": [443], "tokens": ["<|endoftext|>"]}
    },
}
TRUNCATION = {
    "direction": "Right",
    "max_length": 5,
    "strategy": "LongestFirst",
    "stride": 0,
}
PADDING = {
    "strategy": {"Fixed": 9},
    "direction": "Right",
    "pad_to_multiple_of": None,
    "pad_id": 444,
    "pad_type_id": 0,
    "pad_token": "<|pad|>",
}


@pytest.mark.parametrize(
    "name, step, said",
    [
        ("post_processor", TEMPLATE, "post_processor TemplateProcessing"),
        (
            "post_processor",
            {"type": "Sequence", "processors": [BYTE_LEVEL, TEMPLATE]},
            "post_processor TemplateProcessing",
        ),
        (
            "post_processor",
            {
                "type": "RobertaProcessing",
                "sep": ["<|end|>", 449],
                "cls": ["<|endoftext|>", 443],
                "trim_offsets": True,
                "add_prefix_space": False,
            },
            "post_processor RobertaProcessing",
        ),
        ("truncation", TRUNCATION, "truncation"),
        ("padding", PADDING, "padding"),
        ("normalizer", {"type": "NFC"}, "normalizer NFC"),
        (
            "normalizer",
            {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Lowercase"}]},
            "normalizer NFKC, the normalizer Lowercase",
        ),
        ("normalizer", {"type": "Prepend", "prepend": "x"}, "normalizer Prepend"),
        (
            "decoder",
            {"type": "Sequence", "decoders": [{"type": "ByteLevel"}, {"type": "Fuse"}]},
            "decoder Fuse",
        ),
    ],
)
def test_a_step_of_the_file_is_dropped_without_a_word(saved, tmp_path, name, step, said):
    data = json.loads(saved.read_text(encoding="utf-8"))
    data[name] = step
    if "type" in step and step["type"] == "Sequence" and name == "decoder":
        step["decoders"][0].update(BYTE_LEVEL, use_regex=True)
    path = tmp_path / "steps.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    tokenizers.Tokenizer.from_file(str(path))  # it is a file that the library understands
    with pytest.raises(InklingError, match=f"steps.json: it has .*{said}.* set that to null"):
        Tokenizer.load(path)


@pytest.mark.parametrize(
    "name, step",
    [
        ("post_processor", BYTE_LEVEL),
        ("post_processor", {**TEMPLATE, "single": TEMPLATE["single"][1:], "special_tokens": {}}),
        ("post_processor", {"type": "Sequence", "processors": [BYTE_LEVEL]}),
        ("normalizer", {"type": "Sequence", "normalizers": []}),
    ],
)
def test_a_step_that_does_nothing_is_refused(tokenizer, saved, tmp_path, name, step):
    data = json.loads(saved.read_text(encoding="utf-8"))
    data[name] = step
    path = tmp_path / "steps.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    theirs = tokenizers.Tokenizer.from_file(str(path))
    assert Tokenizer.load(path).encode(PROSE) == theirs.encode(PROSE).ids


@pytest.mark.parametrize("condition", ["lstrip", "rstrip", "single_word"])
def test_a_condition_on_the_neighbours_is_refused_by_name(saved, tmp_path, condition):
    reference = tokenizers.Tokenizer.from_file(str(saved))
    reference.add_tokens([tokenizers.AddedToken("<think>", **{condition: True})])
    reference.save(str(tmp_path / "theirs.json"))
    with pytest.raises(InklingError, match=rf"'<think>' has conditions .*\({condition}\)"):
        Tokenizer.load(tmp_path / "theirs.json")


@pytest.mark.parametrize(
    "where, value",
    [
        (["model", "type"], "WordPiece"),
        (["model", "byte_fallback"], True),
        (["model", "ignore_merges"], True),
        (["model", "vocab", "a"], 98),  # the id of b
        (["model", "vocab", "a"], "97"),
        (["model", "vocab", "a"], -1),
        (["model", "vocab", "▁the"], 9999),
        (["model", "vocab"], {}),
        (["model", "merges", 0], "q zzz"),
        (["model", "merges", 0], "q"),
        (["model", "merges", 0], ["▁", "t"]),
        (["model", "merges"], None),
        (["model"], None),
        (["normalizer"], {"type": "NFC"}),
        (["pre_tokenizer"], None),
        (["pre_tokenizer"], {"type": "Whitespace"}),
        (["pre_tokenizer"], {"type": "Sequence", "pretokenizers": []}),
        (["pre_tokenizer", "add_prefix_space"], True),
        (["added_tokens", 0, "lstrip"], True),
        (["added_tokens", 0, "id"], 97),
        (["added_tokens", 0, "id"], 5000),  # which `tokenizers` would number 450
        (["added_tokens", 0, "id"], "443"),
        (["added_tokens", 0, "content"], "a"),
        (["added_tokens", 0, "content"], 3),
        (["added_tokens", 0, "content"], ""),
        (["added_tokens", 0, "content"], "\ud800"),
        (["added_tokens", 1], {"id": 443, "content": "<|endoftext|>", "special": False}),
        (["added_tokens"], [3]),
        (["added_tokens"], "text"),
        (["model", "vocab"], [["a", 1]]),
        (["model", "merges"], [3]),
        (["model", "merges", 0], [3, 4]),
        (["pre_tokenizer", "type"], ["ByteLevel"]),
        (["pre_tokenizer"], {**SPLIT, "pretokenizers": [{**SPLIT_STEP, "pattern": {"Regex": 3}}]}),
        (["pre_tokenizer"], {**SPLIT, "pretokenizers": [{**SPLIT_STEP, "pattern": "a"}]}),
    ],
)
def test_foreign_or_damaged_file_loads_as_if_it_were_ours(saved, tmp_path, where, value):
    data = part = json.loads(saved.read_text(encoding="utf-8"))
    for key in where[:-1]:
        part = part[key]
    part[where[-1]] = value
    path = tmp_path / "foreign.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(InklingError, match="foreign.json"):
        Tokenizer.load(path)


@pytest.mark.parametrize(
    "content", ["[]", "3", "null", '"text"', "{}", '{"model": []}', "[" * 100_000]
)
def test_other_json_is_a_python_error(tmp_path, content):
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(InklingError, match="other.json"):
        Tokenizer.load(path)


def test_full_disk_leaves_half_a_file(tokenizer, tmp_path, monkeypatch):
    path = tmp_path / "tokenizer.json"
    tokenizer.save(path)
    before = path.read_bytes()

    def disk_is_full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_is_full)
    with pytest.raises(InklingError, match="No space left"):
        Tokenizer((), ["<|end|>"]).save(path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["tokenizer.json"]


# Speed (ratios and generous limits; the figures come from bench/bench_tokenizer.py)


def test_training_recounts_the_corpus_in_each_round():
    """Twice the distinct words must not cost far more than twice the time per merge, nor 130 kB
    more than seconds.
    """
    text = fresh_prose(4, 22_000)
    assert len(text) > 110_000
    start = time.process_time()
    Tokenizer.train([text], 500, SPECIAL_TOKENS)
    assert time.process_time() - start < 3


def test_encoding_is_no_faster_warm(tokenizer):
    text, fresh = fresh_prose(5, 20_000), copy.deepcopy(tokenizer)
    start = time.process_time()
    fresh.encode_plain(text)
    plain = time.process_time() - start
    fresh.encode(text)
    start = time.process_time()
    fresh.encode(text)
    assert (time.process_time() - start) * 5 < plain
