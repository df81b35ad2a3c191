"""URLs of the deployments app; names are flat."""

from django.urls import path

from deployments.views import (
    audit,
    audit_review,
    audit_verification,
    budgets,
    bulk,
    clouds,
    clusters,
    conflict,
    costs,
    create,
    detail,
    drafts,
    edit,
    fleet,
    home,
    lifecycle,
    logs,
    people,
    promote,
    quick_edit,
    review,
    rollback,
    saved_views,
    session,
    sleep,
    sleep_feeds,
    sleep_import,
    sleep_ledger,
    sleep_night,
    sleep_rules,
    sleep_weeks,
)
from deployments.views.verbs import VERBS

CLOUD_PAGES = [
    path("clusters/google/", clouds.look, name="clouds"),
    path("clusters/asked/<uuid:request_id>/", clouds.answer, name="cloud-request"),
    path("clusters/asked/<uuid:request_id>/register/", clouds.register, name="cloud-register"),
    path("clusters/<str:slug>/connection/", clouds.check, name="cloud-check"),
]

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

SLEEP_PAGES = [
    path("sleep/", sleep_night.tonight, name="sleep"),
    path("sleep/weeks/", sleep_weeks.weeks, name="sleep-weeks"),
    path("sleep/rules/", sleep_rules.rules, name="sleep-rules"),
    path("sleep/ledger/", sleep_ledger.ledger, name="sleep-ledger"),
    path("sleep/ledger/export/", sleep_ledger.export, name="sleep-ledger-export"),
    path("sleep/import/", sleep_import.read, name="sleep-import"),
    path("teams/<str:slug>/sleep.ics", sleep_feeds.of_team, name="team-sleep-feed"),
    path("deployments/<str:slug>/sleep.ics", sleep_feeds.of_deployment, name="deployment-sleep-feed"),
    path("deployments/<str:slug>/wake-now/", sleep_feeds.wake_now, name="deployment-wake-now"),
    path("deployments/<str:slug>/sleep/", sleep.page, name="deployment-sleep"),
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
    path("deployments/<str:slug>/logs/<uuid:request_id>/newer/", logs.newer, name="deployment-log-newer"),
    path("deployments/<str:slug>/logs/<uuid:request_id>/file/", logs.download, name="deployment-log-download"),
    path("deployments/<str:slug>/activity/", audit.activity, name="deployment-activity"),
    path("deployments/<str:slug>/cost/", costs.cost, name="deployment-cost"),
    path("costs/", costs.overview, name="costs"),
    path("costs/days.csv", costs.days_csv, name="cost-days"),
    path("costs/coverage/", costs.coverage, name="cost-coverage"),
    path("costs/budgets/", budgets.budgets, name="cost-budgets"),
    path("costs/budgets/at-risk/", budgets.at_risk, name="cost-budgets-at-risk"),
    path("costs/budgets/new/", budgets.create, name="cost-budget-new"),
    path("costs/budgets/<int:budget_id>/", budgets.budget, name="cost-budget"),
    path("audit/", audit.audit, name="audit"),
    path("audit/export/", audit_review.export, name="audit-export"),
    path("audit/verification/", audit_verification.verification, name="audit-verification"),
    path("audit/queue/", audit_review.queue, name="audit-queue"),
    path("audit/queue/sign-off/", audit_review.sign_off_all, name="audit-sign-off-all"),
    path("audit/<int:seq>/sign-off/", audit_review.sign_off, name="audit-sign-off"),
    path("audit/<int:seq>/", audit.event, name="audit-event"),
    path("clusters/", clusters.page, name="clusters"),
    path("clusters/<str:slug>/check/", clusters.check, name="cluster-check"),
]

# Before the pages that read: "new" must not be taken for a slug.
WRITE_PAGES = [
    path("deployments/new/", create.create, name="deployment-new"),
    path("deployments/new/discard/", drafts.discard_new, name="deployment-new-draft-discard"),
    path("deployments/<str:slug>/edit/", edit.edit, name="deployment-edit"),
    path("deployments/<str:slug>/quick-edit/", quick_edit.quick_edit, name="deployment-quick-edit"),
    path("deployments/<str:slug>/edit/discard/", drafts.discard, name="deployment-draft-discard"),
    path("deployments/<str:slug>/rollback/<int:number>/", rollback.rollback, name="deployment-rollback"),
    path("deployments/<str:slug>/conflict/", conflict.fields, name="deployment-conflict"),
    path("proposals/<uuid:proposal_id>/", review.review, name="deployment-review"),
    path("proposals/<uuid:proposal_id>/verdict/", review.verdict, name="deployment-verdict"),
    path("deployments/<str:slug>/conflict/ask/", conflict.ask, name="deployment-conflict-ask"),
    path("proposals/<uuid:proposal_id>/merge/", conflict.merge_page, name="deployment-merge"),
]

VERB_PAGES = [
    path(f"deployments/<str:slug>/{verb.name}/", lifecycle.perform, {"verb": verb}, name=f"deployment-{verb.name}")
    for verb in VERBS
]

PROMOTE_PAGES = [path("deployments/<str:slug>/promote/", promote.promote, name="deployment-promote")]

SAVED_VIEW_PAGES = [
    path("fleet/views/", saved_views.saved_views, name="fleet-views"),
    path("fleet/views/<int:view_id>/delete/", saved_views.delete, name="fleet-view-delete"),
]

urlpatterns = [
    *PROMOTE_PAGES,
    *SAVED_VIEW_PAGES,
    *WRITE_PAGES,
    *VERB_PAGES,
    *BULK_PAGES,
    *CLOUD_PAGES,
    *SLEEP_PAGES,
    *PEOPLE_PAGES,
    *READ_PAGES,
]
