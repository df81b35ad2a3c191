"""URLs of the deployments app; names are flat."""

from django.urls import path

from deployments.views import bulk, people, session

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

urlpatterns = [*BULK_PAGES, *PEOPLE_PAGES]
