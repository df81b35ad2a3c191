"""What is given to be read: a file or text with annotations of kube-downscaler, or SleepInfo of kube-green."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, cast

import yaml
from django import forms

from baristaweb.lib.refusals import SaysWhatFits
from deployments.domain.sleep.dialects.spans import Dialect
from deployments.forms.sleep import checked_zone
from deployments.queries.sleep_elsewhere import Elsewhere

MOST_BYTES: Final = 512 * 1024
MOST_NODES: Final = 50_000


class _Loader(yaml.SafeLoader):
    """Without aliases: a few lines of them unfold to gigabytes. Not deeper than any object of Kubernetes is."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._nodes = self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("it has aliases (*name), which are not read")
        self._nodes += 1
        self._depth += 1
        if self._nodes > MOST_NODES or self._depth > 60:
            raise yaml.YAMLError("it is too large or too deep for a file of a few objects")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class ImportForm(SaysWhatFits, forms.Form):
    """`documents` is what was given, once it is valid: of a cluster, or as it was pasted or uploaded."""

    cluster = forms.ChoiceField(
        label="From a cluster", required=False, help_text="What the watch read there last, of namespaces that you see."
    )
    dialect = forms.ChoiceField(
        label="Annotations are of", choices=[(item.value, item.label) for item in Dialect], initial=Dialect.PY.value
    )
    zone = forms.CharField(
        label="Default time zone", required=False, max_length=60, help_text="Where a value has none: Europe/Berlin."
    )
    text = forms.CharField(
        label="YAML or JSON",
        required=False,
        max_length=MOST_BYTES,
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        help_text="As kubectl get deployments,sleepinfos -A -o yaml writes it.",
    )
    file = forms.FileField(label="Or a file", required=False, help_text="At most 512 KiB.")

    def __init__(self, *args: Any, found: Iterable[Elsewhere], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.found = {one.cluster.slug: one for one in found}
        choices = [(slug, f"{one.cluster.name}: {len(one.documents)} objects") for slug, one in self.found.items()]
        cast("forms.ChoiceField", self.fields["cluster"]).choices = [("", "none: what follows"), *choices]

    def clean_zone(self) -> str:
        zone = str(self.cleaned_data["zone"]).strip()
        return checked_zone(zone) if zone else ""

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("cluster"):
            data["documents"] = list(self.found[data["cluster"]].documents)
            return data
        upload, text = data.get("file"), data.get("text", "")
        field = "file" if upload else "text"
        if upload:
            if upload.size > MOST_BYTES:
                self.add_error("file", f"The file has {upload.size:,} bytes; at most {MOST_BYTES:,} are read.")
                return data
            try:
                text = upload.read().decode("utf-8-sig")
            except UnicodeDecodeError:
                self.add_error("file", "The file is not UTF-8 text.")
                return data
        if not text.strip():
            if not self.errors:
                self.add_error("text", "Choose a cluster, paste the objects, or choose a file.")
            return data
        try:
            data["documents"] = list(yaml.load_all(text, Loader=_Loader))
        except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as problem:
            where = getattr(problem, "problem_mark", None)
            at = f" in line {where.line + 1}" if where is not None else ""
            said = getattr(problem, "problem", None) or str(problem) or "it cannot be read"
            self.add_error(field, f"It is not YAML{at}: {str(said)[:200]}.")
        return data
