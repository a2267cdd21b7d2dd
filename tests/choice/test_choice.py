"""What is read as the choice of a multiple-choice answer."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from uqs.choice import chosen_letter
from uqs.records import LETTERS

READ = [
    ("B", "B"),
    ("b", "B"),
    (" B. Paris", "B"),
    ("(C)", "C"),
    ("(b)", "B"),
    ("[B]", "B"),
    ("<B>", "B"),
    ("{B}", "B"),
    ('"B"', "B"),
    ("'B'", "B"),
    ("“B”", "B"),
    ("`B`", "B"),
    ("**B**", "B"),
    ("*B*", "B"),
    ("__B__", "B"),
    ("_B_", "B"),
    ("***B***", "B"),
    ("**B.**", "B"),
    ("**B. Paris**", "B"),
    ("**B** Paris", "B"),
    ("**(B)** Paris", "B"),
    ("**A** dog", "A"),
    ("B.", "B"),
    ("B:", "B"),
    ("B)", "B"),
    ("B!", "B"),
    ("B: Paris", "B"),
    ("B - Paris", "B"),
    ("B \u2013 Paris", "B"),
    ("B, because it is so", "B"),
    ("B because it is so", "B"),
    ("A because it is so", "A"),
    ("D) because", "D"),
    ("B Paris", "B"),
    ("b) paris", "B"),
    ("b. paris", "B"),
    ("Answer: **B**", "B"),
    ("**Answer:** B", "B"),
    ("**Answer: B**", "B"),
    ("### Answer: B", "B"),
    ("# B", "B"),
    ("- B", "B"),
    ("The answer is: B", "B"),
    ("The answer is C.", "C"),
    ("the answer: (d) of course", "D"),
    ("answer is b", "B"),
    ("The answer is **B**.", "B"),
    ("The correct answer is B", "B"),
    ("The correct answer is (B) Paris", "B"),
    ("The correct option is B", "B"),
    ("The right choice is: B", "B"),
    ("Answer is option B", "B"),
    ("Answer B", "B"),
    ("Answer (B)", "B"),
    ("Final answer: B", "B"),
    ("Final Answer: \\boxed{B}", "B"),
    ("\\boxed{C}", "C"),
    ("$\\boxed{\\text{B}}$", "B"),
    ("\\(B\\)", "B"),
    ("\\[\\boxed{\\mathbf{B}}\\]", "B"),
    ("So we get \\boxed{B}.", "B"),
    ("$B$", "B"),
    ("\\text{B}", "B"),
    ("<answer>B</answer>", "B"),
    ("<b>C</b>", "C"),
    ("Option B", "B"),
    ("option (c)", "C"),
    ("Option B: Paris", "B"),
    ("Choice C", "C"),
    ("Choice: C", "C"),
    ("Option **A**", "A"),
    ("I choose B.", "B"),
    ("I'd go with C", "C"),
    ("I would pick option (d).", "D"),
    ("It is B.", "B"),
    ("It's B", "B"),
    ("I think the answer is B", "B"),
    ("I think it is B.", "B"),
    ("B is correct.", "B"),
    ("(B) is the right answer", "B"),
    ("A is the correct answer", "A"),
    ("B</s>", "B"),
    ("B<|im_end|>", "B"),
    ("B<|eot_id|>", "B"),
    ("\uff22", "B"),
    ("\uff08\uff22\uff09", "B"),
    ("B.Paris", "B"),
    ("(B)Paris", "B"),
    ("Option B is wrong, C is right", "C"),
    ("B is wrong. The answer is C", "C"),
    ("B, not C", "B"),
    ("The answer to the question is B", "B"),
    ("The answer is A dog", "A"),
    ("The answer is b because of it", "B"),
    ("The answer is a letter. The answer is C", "C"),
    ("A", "A"),
    ("a", "A"),
    ("A.", "A"),
    ("The answer is a", "A"),
    ("The answer is a.", "A"),
    ("(A) doctor", "A"),
    ("B. The answer is B.", "B"),
    ("B B B B", "B"),
    ("Answer: b", "B"),
    ("answer: B or maybe", "B"),
    ("Answer = B", "B"),
    ("Answer - B", "B"),
    ("B?", "B"),
    ("Answer: A", "A"),
    ("ASSISTANT: B", "B"),
    ("Sure! B", "B"),
    ("Between 1979 and 1984, so B.", "B"),
    ("Sure, (c) Rome", "C"),
    ("Probably B", "B"),
    ("It should be B.", "B"),
    ("I'd say B", "B"),
    ("I would say (b).", "B"),
    ("I believe the correct option would be C", "C"),
    ("The person lives in Paris, so the answer is B.", "B"),
]
UNREAD = [
    "Answer: I think so",
    "Answer: I think it is blue",
    "Answer: A dog",
    "answer: i think it is blue",
    "A cat sits there",
    "A doctor",
    "I think so",
    "I, too, think so",
    "I am not sure",
    "a dog",
    "B-52 bombers",
    "Both of them",
    "Both A and B",
    "Bob",
    "B's",
    "C++",
    "C#",
    "B+",
    "A, B and C are wrong",
    "A or B",
    "A/B",
    "A and B",
    "A, B",
    "B and C",
    "(A) or (B)",
    "(A), (B)",
    "not B",
    "Not (B)",
    "The answer is not B",
    "B is wrong",
    "B isn't right",
    "B is not correct",
    "B is incorrect",
    "The answer is B or C",
    "The answer is A. The answer is B.",
    "B. The answer is C",
    "Option A is Paris and option B is Rome",
    "A. Paris\nB. Rome",
    "J. K. Rowling",
    "U.S.",
    "B.C.",
    "a.m.",
    "e.g. this",
    "Paris",
    "The answer is a dog",
    "It could be B",
    "In B there is nothing",
    "None of the above",
    "All of these",
    "Don't know",
    "rock 'n' roll",
    "person(s)",
    "",
    "...",
    "123",
    "The vitamin is good for you",
    "an answer a child gives",
    "the answer I gave",
    "Plan B failed",
    "Sure, a dog",
    "Yes, I do",
    "Probably a dog",
    "I'd say a dog",
]
WRAPS = [
    ("**", "**"),
    ("*", "*"),
    ("__", "__"),
    ("(", ")"),
    ("[", "]"),
    ("{", "}"),
    ("<", ">"),
    ('"', '"'),
    ("'", "'"),
    ("\u201c", "\u201d"),
    ("`", "`"),
    ("$", "$"),
    (r"\(", r"\)"),
    (r"\boxed{", "}"),
    (r"\text{", "}"),
    ("<b>", "</b>"),
    ("<answer>", "</answer>"),
]
LEADS = [
    "",
    "\n\n",
    "Answer: ",
    "**Answer:** ",
    "The answer is ",
    "The answer is: ",
    "Answer is option ",
    "Final answer: ",
    "The correct option is ",
    "Option ",
    "Choice ",
    "I choose ",
]
TAILS = ["", ".", "\n", "</s>", "<|im_end|>", " ."]
PROSE = [
    "Both",
    "Bob",
    "cat",
    "sits",
    "there",
    "think",
    "about",
    "Paris",
    "blue",
    "dogs",
    "Cairo",
    "Dublin",
    "bright",
    "because",
    "and",
    "the",
    "of",
    "who",
    "knew",
    "Anna's",
    "B-52",
    "C++",
    "C#",
    "U.S.",
    "e.g.",
    "7",
    "don't",
    "it's",
    "red",
]


@pytest.mark.parametrize(("answer", "letter"), READ)
def test_letters_as_models_print_them_are_read(answer: str, letter: str) -> None:
    assert chosen_letter(answer) == letter


@pytest.mark.parametrize("answer", UNREAD)
def test_prose_and_two_letters_are_no_choice(answer: str) -> None:
    assert chosen_letter(answer) is None


wrappings = st.lists(st.sampled_from(WRAPS), max_size=2)
letters = st.sampled_from("ABCDEFGH")


def wrapped(letter: str, wraps: list[tuple[str, str]]) -> str:
    for before, after in wraps:
        letter = before + letter + after
    return letter


@given(letters, wrappings, st.sampled_from(LEADS), st.sampled_from(TAILS), st.booleans())
def test_decoration_never_changes_what_is_read(letter, wraps, lead, tail, lower) -> None:  # type: ignore[no-untyped-def]
    lower = lower and ("<", ">") not in wraps  # `<b>` is a tag
    shown = letter.lower() if lower else letter
    assert chosen_letter(lead + wrapped(shown, wraps) + tail) == letter


@given(st.lists(st.sampled_from(PROSE), max_size=8), st.sampled_from(["", "A ", "I ", "a "]))
def test_prose_is_never_read(words: list[str], first: str) -> None:
    assert chosen_letter(first + " ".join(["cats", *words])) is None
    assert chosen_letter(" ".join(words)) is None


def test_two_answers_in_tags_are_no_choice() -> None:
    both = "<answer><b>A</b></answer> or <answer><b>B</b></answer>"
    assert chosen_letter(f"The answer is {both}") is None


@given(letters, letters, wrappings, st.sampled_from([" or ", " and ", ", ", "/", " & "]))
def test_two_letters_are_no_choice(first, second, wraps, joint) -> None:  # type: ignore[no-untyped-def]
    assume(first != second)
    both = joint.join(wrapped(one, wraps) for one in (first, second))
    assert chosen_letter(f"The answer is {both}") is None
    assert chosen_letter(both) is None


@given(st.text())
def test_any_text_is_read_or_not_without_an_error(text: str) -> None:
    found = chosen_letter(text)
    assert found is None or found in LETTERS
    assert chosen_letter(text, "") is None


def test_a_letter_that_was_not_offered_is_no_choice() -> None:
    assert chosen_letter("The answer is F.", "ABCD") is None
    assert chosen_letter("The answer is D.", "ABCD") == "D"
