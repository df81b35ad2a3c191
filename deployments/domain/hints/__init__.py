"""Beside the page: command lines, links and small pictures."""
