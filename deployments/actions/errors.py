"""What an action refuses to do, in words for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deployments.models import Revision


class Refused(Exception):
    """The action was not done; the text says why and what to do next."""


class NotYet(Refused):
    """It waits for an answer of the cluster."""


class OverBudget(Refused):
    """A hard limit is crossed, or nobody can tell: it takes a maintainer and a reason. `budgets` are their names."""

    def __init__(self, budgets: Sequence[str], *, is_maintainer: bool) -> None:
        self.budgets = tuple(budgets)
        names = " and ".join(self.budgets)
        what = f"The hard limit of {names} is crossed, or the price is not known"
        todo = "Say why it is to be done all the same" if is_maintainer else "A maintainer has to give the reason"
        super().__init__(f"{what}. {todo}; the figures are under Cost, Budgets.")


class Stale(Refused):
    """Somebody else saved a revision since this one was begun."""

    def __init__(self, *, current: Revision) -> None:
        self.current = current
        super().__init__(f"{current.author_name} saved revision {current.number} while you were editing.")


class Wrong(Refused):
    """Fields that do not fit: message by field path."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__("; ".join(f"{path}: {message}" for path, message in errors.items()))
