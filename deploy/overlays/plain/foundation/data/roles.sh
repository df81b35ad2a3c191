#!/usr/bin/env bash
# The product's two roles, made when the database volume is new: the owner migrates, the app is neither owner nor superuser.
set -euo pipefail
psql --no-psqlrc -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    -v owner_password="$OWNER_PASSWORD" -v app_password="$APP_PASSWORD" <<'SQL'
CREATE ROLE barista_owner LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB PASSWORD :'owner_password';
CREATE ROLE barista_app LOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB PASSWORD :'app_password';
CREATE DATABASE barista OWNER barista_owner;
\connect barista
CREATE EXTENSION IF NOT EXISTS pg_trgm;
REVOKE CREATE, TEMPORARY ON DATABASE barista FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
SQL
