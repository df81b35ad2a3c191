"""This app's entry of the navigation, and its tab of a deployment's page."""

from __future__ import annotations

from typing import Final

from baristaweb.lib.registry import NavEntry, Tab

NAV: Final = (NavEntry(label="Log sources", url_name="sources", order=30, under=("source",)),)
TABS: Final = (Tab(name="source", label="Log source", url_name="deployment-sources", order=39),)
