"""URLs of this app; names are flat."""

from django.urls import path

from observability.views import (
    baseline,
    before_after,
    change_events,
    exports,
    feature,
    features,
    fleet,
    overview,
    predictions,
)

TAB = "deployments/<str:slug>/observability/"

urlpatterns = [
    path("fleet/data/", fleet.page, name="fleet-data"),
    path(TAB, overview.page, name="deployment-data"),
    path(f"{TAB}part/", overview.part, name="deployment-data-part"),
    path(f"{TAB}features/", features.page, name="deployment-features"),
    path(f"{TAB}features/export/", exports.features, name="deployment-features-export"),
    path(f"{TAB}features/<int:place>/", feature.page, name="deployment-feature"),
    path(f"{TAB}features/<int:place>/export/", exports.feature, name="deployment-feature-export"),
    path(f"{TAB}predictions/", predictions.page, name="deployment-predictions"),
    path(f"{TAB}changes/", change_events.page, name="deployment-change-events"),
    path(f"{TAB}changes/<int:event_id>/withdraw/", change_events.withdraw, name="deployment-change-withdraw"),
    path(f"{TAB}baseline/", baseline.page, name="deployment-baseline"),
    path(f"{TAB}revisions/<int:number_>/", before_after.page, name="deployment-revision-data"),
]
