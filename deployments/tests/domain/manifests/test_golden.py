"""What is rendered stays the same bytes, whatever is moved: other bytes would restart pods of live deployments."""

import hashlib
from pathlib import Path

from deployments.domain.manifests.render import canonical_json
from deployments.tests.domain.examples import rendered
from deployments.tests.domain.seeded_specs import seeded_spec

GOLDEN = Path(__file__).parent / "golden" / "manifests.txt"


def digests() -> list[str]:
    lines = []
    for seed in range(200):
        sent = canonical_json(rendered(seeded_spec(seed), revision=seed + 1, paused=seed % 7 == 0).objects())
        lines.append(f"{seed} {hashlib.sha256(sent).hexdigest()} {seeded_spec(seed).digest()}")
    return lines


def test_seeded_specs_render_the_bytes_they_always_did() -> None:
    assert digests() == GOLDEN.read_text().splitlines()
