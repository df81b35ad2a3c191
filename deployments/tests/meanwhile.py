"""Two transactions at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable

from django.db import connection, connections, transaction

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def in_between(first: Callable[[], object], second: Callable[[], object]) -> BaseException | None:
    """Begin `second` while `first` is done and not committed; what it raised."""
    raised: list[BaseException] = []

    def work() -> None:
        try:
            second()
        except BaseException as error:  # told to the test
            raised.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=work)
    with transaction.atomic():
        first()
        thread.start()
        with connection.cursor() as cursor:
            is_waiting = False
            while thread.is_alive() and not is_waiting:
                thread.join(0.02)
                cursor.execute(WAITING)
                is_waiting = bool(cursor.fetchone()[0])
    thread.join(20)
    return raised[0] if raised else None
