-- The app role reads and writes rows; it owns nothing, and of the audit log it can only append and read.
GRANT USAGE ON SCHEMA public TO :app_role;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO :app_role;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO :app_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO :app_role;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO :app_role;

REVOKE ALL ON deployments_auditevent, deployments_audit_head, django_migrations FROM :app_role;
GRANT SELECT, INSERT ON deployments_auditevent TO :app_role;
GRANT SELECT ON deployments_audit_head, django_migrations TO :app_role;
REVOKE UPDATE, DELETE ON deployments_installation FROM :app_role;
REVOKE DELETE ON deployments_revision FROM :app_role;
