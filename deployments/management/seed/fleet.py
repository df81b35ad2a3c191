"""All deployments of the demo."""

from deployments.management.seed.fleet_recs import ADS, RECS, VISION
from deployments.management.seed.fleet_search import SEARCH, TRUST

FLEET = (*SEARCH, *RECS, *ADS, *VISION, *TRUST)
