"""How a figure is printed: beside its floor, with its aim."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Ratio:
    """A rate beside the floor's, taken in the same run."""

    what: str
    ratio: float
    aim: float
    ours: float
    floor: float

    def __str__(self) -> str:
        figures = f"{self.ours:.0f} of {self.floor:.0f} a second"
        return f"{self.what:44} ratio {self.ratio:.2f} (aim {self.aim:.2f})  {figures}"

    @property
    def is_met(self) -> bool:
        return self.ratio >= self.aim


@dataclass(frozen=True)
class Bound:
    """A figure that should stay below its aim."""

    what: str
    figure: float
    aim: float
    unit: str
    beside: str = ""

    def __str__(self) -> str:
        return f"{self.what:44} {self.figure:.2f} {self.unit} (aim {self.aim:g} {self.unit})  {self.beside}"

    @property
    def is_met(self) -> bool:
        return self.figure <= self.aim


Result = Ratio | Bound


def show(title: str, results: list[Result]) -> None:
    """Print one part of the report."""
    print(f"\n{title}", flush=True)
    for result in results:
        print(f"  {'ok  ' if result.is_met else 'MISS'} {result}", flush=True)
