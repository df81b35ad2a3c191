"""How static files are collected for a demo."""

from __future__ import annotations

from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage


class QuicklyCompressed(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise is untyped
    """As in production without Brotli, which takes 8 s of every start and saves a machine's own browser nothing."""

    def create_compressor(self, **options: Any) -> Compressor:
        return super().create_compressor(**options | {"use_brotli": False})
