"""Empty sheets and the paper's colours: what diagrams and words are drawn on and with."""

import numpy as np

from datasets.sample.lettering import WHITE, Pen, rgb
from datasets.sample.styles import Panel
from datasets.sample.textures import Colour

PAPERS: tuple[Colour, ...] = (WHITE, WHITE, WHITE, (0.97, 0.96, 0.92), (0.92, 0.95, 0.98))


def blank(panel: Panel, *, tinted: bool = True) -> Pen:
    """Return a pen on an empty sheet."""
    colour = PAPERS[panel.kin.integers(len(PAPERS))] if tinted else WHITE
    return Pen(
        np.ones((panel.height, panel.width, 3), np.float32) * np.asarray(colour, np.float32), panel.look.font
    )


def inks(panel: Panel) -> list[Colour]:
    """Return the paper's colours."""
    return [rgb(code) for code in panel.look.palette]


def pale(colour: Colour, share: float = 0.6) -> Colour:
    """Return a colour mixed with white."""
    return tuple(value * (1 - share) + share for value in colour)  # type: ignore[return-value]
