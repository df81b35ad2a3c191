"""Tests of the forms that need no request."""
