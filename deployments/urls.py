"""URLs of the deployments app; names are flat."""

from django.urls import path

from deployments.views import audit, bulk, clusters, detail, fleet, home, logs, people, session

BULK_PAGES = [path("fleet/bulk/", bulk.bulk_action, name="bulk")]

PEOPLE_PAGES = [
    path("login/", session.Login.as_view(), name="login"),
    path("logout/", session.log_out, name="logout"),
    path("theme/", session.set_theme, name="theme"),
    path("profile/", people.profile, name="profile"),
    path("profile/password/", people.change_password, name="password"),
    path("teams/", people.teams, name="teams"),
    path("teams/<str:slug>/", people.team, name="team"),
    path("teams/<str:slug>/members/<int:member_id>/role/", people.change_role, name="member-role"),
    path("teams/<str:slug>/members/<int:member_id>/remove/", people.remove_member, name="member-remove"),
]

READ_PAGES = [
    path("", home.home, name="home"),
    path("fleet/", fleet.fleet, name="fleet"),
    path("deployments/<str:slug>/", detail.detail, name="deployment-detail"),
    path("deployments/<str:slug>/status/", detail.status, name="deployment-status"),
    path("deployments/<str:slug>/configuration/", detail.configuration, name="deployment-configuration"),
    path("deployments/<str:slug>/revisions/", detail.revisions, name="deployment-revisions"),
    path("deployments/<str:slug>/logs/", logs.logs, name="deployment-logs"),
    path("deployments/<str:slug>/logs/<uuid:request_id>/", logs.log_lines, name="deployment-log-lines"),
    path("deployments/<str:slug>/activity/", audit.activity, name="deployment-activity"),
    path("audit/", audit.audit, name="audit"),
    path("audit/<int:seq>/", audit.event, name="audit-event"),
    path("clusters/", clusters.page, name="clusters"),
]

urlpatterns = [*BULK_PAGES, *PEOPLE_PAGES, *READ_PAGES]
