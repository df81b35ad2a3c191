"""The project: settings, URLs and processes. Nothing imports it except its lib, which must stay cheap to import."""
