import re
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling.files import InklingError
from inkling.text.cleaning import (
    drop_exam_questions,
    remove_secrets,
    repair_encoding,
    strip_markup,
)
from inkling.text.corpus import clean, steps
from inkling.text.duplicates import (
    drop_exact_duplicates,
    drop_near_duplicates,
    shingles,
    word_numbers,
    words_of,
)
from inkling.text.ngram import NGramModel
from inkling.world.junk import Page, misread


def pages(*texts):
    return [Page(f"https://larkhaven.example/{i}", text) for i, text in enumerate(texts)]


def texts_of(some_pages):
    return [page.text for page in some_pages]


# --- Repairing the encoding -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "10² m, 2½ cups",
        "x⁻¹ + H₂O, ⅔, №5, ™, Ⅳ, ①, ℃, µm",
        "ﾊﾝｶｸ、全角ＡＢＣ１２３！（東京）",
        "🏳️‍🌈 👩‍🚀 1️⃣",
        "می‌خواهم क्‍ष",
        "𝒜𝔹, ĳ, ŉ, ﷺ, 〒 ㎏ ㍿",
        "l'œuvre, naïve, «oui», „ja“ – nein",
    ],
)
def test_a_character_with_a_meaning_of_its_own_stays(text):
    assert repair_encoding(text) == text.replace("“", '"')
    # ... and comes back from being misread
    assert repair_encoding(misread(misread(text))) == text.replace("“", '"')


PLAIN_WAYS = {
    **{"’": "'", "‘": "'", "“": '"', "”": '"', "…": "..."},
    **{"ﬁ": "fi", "ﬄ": "ffl", "ﬆ": "st"},
    **{"\u00a0": " ", "\u202f": " ", "\u2003": " ", "\u00ad": "", "\u200b": "", "\ufeff": ""},
}


@given(st.text(st.sampled_from([*PLAIN_WAYS, *"abc²½Ａ東😀\u200d\u3000"]), max_size=20))
def test_a_typesetters_characters_become_plain_and_no_others(text):
    plain = "".join(PLAIN_WAYS.get(character, character) for character in text)
    # (東 has no byte in Windows-1252, so the text was not misread)
    assert repair_encoding(f"東{text}") == f"東{plain}"


@given(st.text())
def test_to_repair_twice_changes_no_more_and_looks_the_same(text):
    once = repair_encoding(f"東{text}")
    assert repair_encoding(once) == once == unicodedata.normalize("NFC", once)


def test_an_accent_and_its_letter_become_one_character():
    assert repair_encoding("cafe\u0301") == "café"
    marks = "e" + "\u0301\u0316" * 50
    assert repair_encoding(marks) == marks


# --- What a word is -------------------------------------------------------------------------------

DISTINCT = {
    "emoji": ("😀😀", "🎉🎉🎉", "👍🏻", "👍🏿", "🇸🇪", "🇫🇮", "1️⃣", "❤️"),
    "other signs": ("!!!", "???", "...", "∑ ∫", "€ £", "♫ ♪", "\ue000", "\ue001"),
    "Chinese": ("东京是日本的首都。", "北京是中国的首都。", "东京", "北京", "東京"),
    "Japanese": ("猫が魚を食べる。", "犬が水を飲む。", "スーパー", "ラーメン"),
    "Thai": ("แมวกินปลา", "หมาดื่มน้ำ", "กิน", "กน"),
    # only the signs of the vowels differ
    "Hindi": ("की का कि", "का की के", "को कु कू", "कै कौ कं"),
    "Bengali": ("কি কা", "কে কু", "কৈ কৌ"),
    "Tamil": ("கி கா", "கு கே", "கை கொ"),
    "Hebrew": ("שָׁלוֹם", "שִׁלֵּם", "שלום"),
    "Arabic": ("القط يأكل السمك", "الكلب يشرب الماء"),
    "Korean": ("고양이가 생선을 먹는다", "개가 물을 마신다"),
    "Russian": ("кошка ест рыбу", "собака пьёт воду"),
    "numbers": ("1 2 3 4 5", "1² 2² 3² 4² 5²", "½ ¼", "① ②"),
}


@pytest.mark.parametrize("script", DISTINCT)
def test_distinct_texts_are_no_duplicates(script):
    texts = [*DISTINCT[script]]
    assert texts_of(drop_near_duplicates(pages(*texts))) == texts
    assert texts_of(drop_exact_duplicates(pages(*texts))) == texts
    assert texts_of(drop_near_duplicates(pages(*texts, *texts))) == texts


def test_all_those_texts_together_are_none_either():
    texts = [text for some in DISTINCT.values() for text in some]
    assert texts_of(drop_near_duplicates(pages(*texts))) == texts


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "東京は日本の首都であり、世界でも最大級の都市です。",
            "東京は日本の首都であり、世界で最大級の都市です。",
        ),
        ("बिल्ली हर सुबह मछली खाती है और फिर सोती है", "बिल्ली हर सुबह मछली खाती है और फिर सोती"),
        ("แมวกินปลาทุกเช้าแล้วก็นอนหลับทั้งวัน", "แมวกินปลาทุกเช้าแล้วก็นอนหลับทั้งคืน"),
    ],
)
def test_a_copy_with_a_small_change_is_found_in_other_scripts(one, other):
    assert texts_of(drop_near_duplicates(pages(one, other))) == [one]


@given(st.text(max_size=30))
def test_words_are_those_of_a_plain_pattern_where_that_knows_letters(text):
    plain = re.findall(r"\w+", text.lower())
    words = words_of(text)
    if text.isascii() and plain:
        assert words == plain
    assert "".join(plain) in re.sub(r"\W", "", "".join(words)) or not plain
    assert bool(words) == bool(text.strip())
    assert words_of(" ".join(words)) == words  # which `drop_exam_questions` relies on


def test_texts_whose_hashes_are_equal_by_accident_both_stay():
    names = [f"w{i}" for i in range(120_000)]
    hashes, _ = shingles(*word_numbers(names, at_least=4), 4)
    first = {}
    twins = [
        (names[first[value]], names[i])
        for i, value in enumerate(hashes.tolist())
        if first.setdefault(value, i) != i
    ]
    assert twins
    texts = [" ".join(names), *twins[0]]
    assert texts_of(drop_near_duplicates(pages(*texts))) == texts


def test_a_question_in_another_script_is_cut_and_a_like_one_is_not():
    leak, fine = "बिल्ली की माँ कहाँ है?", "बिल्ली का मामा कहाँ है?"
    kept = drop_exam_questions(pages(f"{leak}\n\n{fine}"), [leak])
    assert texts_of(kept) == [fine]
    assert texts_of(drop_exam_questions(pages("猫はどこ?\n\n犬はどこ?"), ["猫はどこ?"])) == [
        "犬はどこ?"
    ]


# --- What cannot be right -------------------------------------------------------------------------


def test_a_single_text_is_not_read_letter_by_letter():
    for call in (
        lambda: steps("Where does Ada live?"),
        lambda: clean(pages("Ada."), "Where does Ada live?"),
        lambda: NGramModel(2).fit("abc"),
        lambda: NGramModel(2).fit(["abc"]).bits_per_token("abc"),
    ):
        with pytest.raises(InklingError, match="one string"):
            call()


@pytest.mark.parametrize("order", [0, -1, 2.5, 2.0, "2", True, None])
def test_an_order_that_is_no_number_of_tokens_is_refused(order):
    with pytest.raises(InklingError, match="order of an n-gram model"):
        NGramModel(order)


def test_numbers_that_cannot_be_are_refused():
    for wrong in ({"size": 0}, {"bands": 0}, {"bands": 121}):
        with pytest.raises(InklingError, match="size is .* and bands is"):
            drop_near_duplicates(pages("a", "b"), **wrong)
    with pytest.raises(InklingError, match="no sequence"):
        NGramModel(2).fit(["abc"]).bits_per_token([])


def test_halves_of_characters_in_a_page_stop_nothing():
    clean(pages("\ud800 <p>Ada</p>", "\ud83d is the half of it, and what have you to say?"))


# --- Long lines -----------------------------------------------------------------------------------

WORST = [
    *"a 1 @ . + - ( \\ < & # é ² 東 😀 \u0301 ¹ Ã \ud800 a@ a. a@b 1- +1 (5 login:".split(),
    *"password <p <! <a> <nav> <b> <li> <pre> </p> &# e\u0301\u0316 ÃƒÂ© password: windbag".split(),
    *(
        " ",
        "\n",
        "\n\n\n",
        "1 ",
        "+1 ",
        "a ",
        ". ",
        "(555) ",
        "login: a",
        "bilge ",
        "a b c ",
        "<p> ",
    ),
]
# (tests/test_linear_patterns.py has every pattern by itself)
STEPS = {
    "strip_markup": lambda text: strip_markup(pages(f"<p>{text}")),
    "remove_secrets": lambda text: remove_secrets(pages(text)),
    "drop_near_duplicates": lambda text: drop_near_duplicates(pages(text)),
    "drop_exam_questions": lambda text: drop_exam_questions(pages(text), ["a b c d", "a a a b"]),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_takes_no_more_than_its_share_of_time_for_longer_text(step):
    def seconds(piece: str, n: int) -> float:
        text, start = piece * (n // len(piece)), time.process_time()
        STEPS[step](text)
        return time.process_time() - start

    for piece in WORST:
        # Eight times the text: 8 times the time, and 64 where it grows with the square. The
        # floor is for what is too quick to be measured.
        short = min(seconds(piece, 10_000) for _ in range(2))
        assert seconds(piece, 80_000) < 25 * max(short, 0.02), piece


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=20) | st.sampled_from(WORST).map(lambda s: s * 9), max_size=6))
def test_no_text_stops_the_steps(texts):
    clean(pages(*texts), ["Where does Ada live?", "", "猫はどこ?"])
