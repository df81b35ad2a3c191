-- The app role makes nothing in this database, not even for its own session. A dump does not carry the rights of a
-- database: after a restore these statements run again (docs/operations.md).
REVOKE CREATE ON SCHEMA public FROM PUBLIC, :app_role;
DO $$
BEGIN
    EXECUTE pg_catalog.format(
        'REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC, :app_role', pg_catalog.current_database());
END
$$;
