"""Django's admin, for the platform team. site.py registers everything; importing this package registers nothing.

Django asks for the site while it looks for admin modules: a registration made during that import would land on a site
that is thrown away.
"""
