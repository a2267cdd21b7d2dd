"""Numbers and lists in the words of a sentence; every room writes them alike."""

from __future__ import annotations

from collections.abc import Sequence

MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
DASH = "\N{EN DASH}"


def number(value: float) -> str:
    """Three decimals, or two figures where that would show none of a small number."""
    size = abs(value)
    if size >= 1e5 or 0 < size < 5e-5:
        text = f"{size:.1e}"
    elif size >= 100:
        text = f"{size:.1f}"
    else:
        text = f"{size:.3f}" if size == 0 or size >= 0.01 else f"{size:.2g}"
    return MINUS + text if value < 0 else text


def signed(value: float, decimals: int) -> str:
    """With its sign, but for what rounds to 0."""
    text = f"{value:+.{decimals}f}"
    return text[1:] if float(text) == 0 else text.replace("-", MINUS)


def with_error(value: float, se: float | None) -> str:
    """The value, and its standard error to three decimals unless that would show none of it."""
    if se is None:
        return number(value)
    return f"{number(value)} ± {f'{se:.3f}' if 5e-4 <= se < 100 else number(se)}"


def probability(value: float | None) -> str:
    """Three figures, or `none`."""
    return "none" if value is None else f"{value:.3g}"


def count(amount: int, word: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{amount} {word}" + ("" if amount == 1 else "s")


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`; nothing of none."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def few(words: Sequence[str], most: int = 4) -> str:
    """The words, or the first `most` - 1 and how many more there are."""
    if len(words) <= most:
        return listed(words)
    return f"{', '.join(words[: most - 1])} and {len(words) - most + 1} more"


def verb(names: Sequence[str], one: str, several: str) -> str:
    """The verb that these names take."""
    return one if len(names) == 1 else several


def clock(seconds: float) -> str:
    """`1:02` or `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
