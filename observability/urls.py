"""URLs of this app; names are flat."""

from django.urls import path

from observability.views import (
    baseline,
    before_after,
    change_events,
    change_posts,
    exports,
    feature,
    features,
    fleet,
    overview,
    per_thousand,
    predictions,
    source_form,
    sources,
    verbs,
)

TAB = "deployments/<str:slug>/observability/"

DATA_PAGES = [
    path("fleet/data/", fleet.page, name="fleet-data"),
    path(TAB, overview.page, name="deployment-data"),
    path(f"{TAB}part/", overview.part, name="deployment-data-part"),
    path(f"{TAB}per-thousand/", per_thousand.page, name="deployment-per-thousand"),
    path(f"{TAB}features/", features.page, name="deployment-features"),
    path(f"{TAB}features/export/", exports.features, name="deployment-features-export"),
    path(f"{TAB}features/<int:place>/", feature.page, name="deployment-feature"),
    path(f"{TAB}features/<int:place>/export/", exports.feature, name="deployment-feature-export"),
    path(f"{TAB}predictions/", predictions.page, name="deployment-predictions"),
    path(f"{TAB}changes/", change_events.page, name="deployment-change-events"),
    path(f"{TAB}changes/post/", change_posts.post, name="deployment-change-post"),
    path(f"{TAB}changes/<int:event_id>/withdraw/", change_events.withdraw, name="deployment-change-withdraw"),
    path(f"{TAB}baseline/", baseline.page, name="deployment-baseline"),
    path(f"{TAB}revisions/<int:number_>/", before_after.page, name="deployment-revision-data"),
]

# "new" and "samples" must not be taken for a name.
FORM_PAGES = [
    path("deployments/<str:slug>/sources/new/", source_form.connect, name="source-new"),
    path("deployments/<str:slug>/sources/samples/<uuid:request_id>/", source_form.sample, name="source-sample"),
]

SOURCE_PAGES = [
    path("sources/", sources.every, name="sources"),
    path("deployments/<str:slug>/sources/", sources.tab, name="deployment-sources"),
    path("deployments/<str:slug>/sources/<slug:name>/", sources.source, name="source"),
    path("deployments/<str:slug>/sources/<slug:name>/edit/", source_form.edit, name="source-edit"),
    path("deployments/<str:slug>/sources/<slug:name>/backfill/", verbs.backfill, name="source-backfill"),
]

VERB_PAGES = [
    path(f"deployments/<str:slug>/sources/<slug:name>/{verb}/", verbs.perform, {"verb": verb}, name=f"source-{verb}")
    for verb in verbs.VERBS
]

OBJECT_PAGES = [
    path(
        f"deployments/<str:slug>/sources/<slug:name>/objects/<int:object_id>/{verb}/",
        verbs.object_verb,
        {"verb": verb},
        name=f"source-object-{verb}",
    )
    for verb in verbs.OBJECT_VERBS
]

urlpatterns = [*DATA_PAGES, *FORM_PAGES, *SOURCE_PAGES, *VERB_PAGES, *OBJECT_PAGES]
