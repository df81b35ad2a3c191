"""A person's own views of the fleet. They change nothing that others see, so they are not audited."""

from __future__ import annotations

from django.db import transaction

from deployments.actions.errors import Refused
from deployments.domain.text.naming import InvalidText, clean_text
from deployments.models import SavedView, User

MOST = 20
NAME_LENGTH = 40
QUERY_LENGTH = 500


@transaction.atomic
def save(*, by: User, name: str, query: str) -> SavedView:
    """Keep `query` under `name`. Raises Refused when the name is taken or there are too many."""
    # The person's row is the lock: two windows must not save a 20th view each.
    User.objects.select_for_update().get(pk=by.pk)
    try:
        name = clean_text(name, limit=NAME_LENGTH)
    except InvalidText as problem:
        raise Refused(str(problem)) from problem
    if not name:
        raise Refused("Give the view a name.")
    if not query:
        raise Refused("Choose a filter first: a view without one is the whole fleet.")
    if len(query) > QUERY_LENGTH:
        raise Refused("The filters are too long to keep. Shorten the search.")
    mine = SavedView.objects.filter(user=by)
    same = mine.filter(query=query).first()
    if same is not None:
        raise Refused(f"You keep these filters already, as {same.name}.")
    if mine.filter(name=name).exists():
        raise Refused(f"You have a view {name} already. Choose another name, or delete that one first.")
    if mine.count() >= MOST:
        raise Refused(f"You have {MOST} views, the most there can be. Delete one first.")
    return SavedView.objects.create(user=by, name=name, query=query)


def delete(*, view: SavedView) -> None:
    """Forget a view."""
    view.delete()
