"""URLs of the observability app; names are flat."""

from django.urls import path

from observability.views import source_form, sources, verbs

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

urlpatterns = [*FORM_PAGES, *SOURCE_PAGES, *VERB_PAGES, *OBJECT_PAGES]
