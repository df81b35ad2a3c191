#!/usr/bin/env python
"""Command line of the project: `python manage.py help`.

In a checkout with a demo, and without settings of one's own, commands speak to the demo.
"""

import os
import sys
from importlib.util import find_spec

from django.core.management import execute_from_command_line

OWN = {"BARISTA_ENV", "SECRET_KEY", "DATABASE_URL", "DJANGO_SETTINGS_MODULE"}


def speak_to_the_demo() -> None:
    # Images are built without the stack of one machine.
    if OWN & os.environ.keys() or find_spec("embedded") is None:
        return
    from embedded.demo_environ import environ, has_demo
    from embedded.paths import Home, home_folder

    if has_demo(home_folder()):
        os.environ.update(environ(Home.open(home_folder())))


if __name__ == "__main__":
    speak_to_the_demo()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "baristaweb.settings")
    execute_from_command_line(sys.argv)
