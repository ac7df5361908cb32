"""What is wrong with a spec, in a form for people."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches


@dataclass(frozen=True, slots=True)
class FieldError:
    """One mistake: where (`spec.models[0].scaling.minReplicas`) and what, with what would be right."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class InvalidSpec(Exception):
    """The user must change the object; retrying is useless."""

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.errors = errors


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`did you mean "x"?`, or "" when nothing is near."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else ""
