"""How gunicorn takes requests: whole ones only reach a thread."""
