"""Django's admin for the platform team; its login is the site's own."""

from django.contrib.admin import AdminSite


class BaristaAdminSite(AdminSite):
    site_header = site_title = "Barista platform"
