"""A chart of bars in two parts, drawn by the server: one way for every page of figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

# In units of their own: charts are drawn as wide as the page lets them.
WIDTH, HEIGHT, FOOT, HEAD = 720, 200, 24, 20
CHART: Final = {"width": WIDTH, "height": HEIGHT, "base": HEIGHT - FOOT}
Part = tuple[str, int, int, int]  # words, figure, how much of the lower part, how much of the upper


@dataclass(frozen=True)
class Bar:
    """A bar, and above it, hollow, its upper part; without words it bears no figure either."""

    words: str
    figure: int
    x: int
    width: int
    y: int
    height: int
    upper_y: int
    upper_height: int

    @property
    def middle(self) -> int:
        """Return where its words stand."""
        return self.x + self.width // 2


def stacked(parts: Sequence[Part], *, most_words: int | None = None) -> Iterator[Bar]:
    """Yield the bars, the highest as high as the chart; of more than `most_words` only some bear their words."""
    highest = max([1, *(lower + upper for _, _, lower, upper in parts)])
    room = HEIGHT - FOOT - HEAD
    every = -(-len(parts) // most_words) if most_words else 1
    for number, (words, figure, lower, upper) in enumerate(parts):
        step = WIDTH / len(parts)
        height, upper_height = round(room * lower / highest), round(room * upper / highest)
        y = HEIGHT - FOOT - height
        yield Bar(
            words=words if number % every == 0 else "",
            figure=figure,
            x=round(number * step + step * 0.15),
            width=max(round(step * 0.7), 1),
            y=y,
            height=height,
            upper_y=y - upper_height,
            upper_height=upper_height,
        )
