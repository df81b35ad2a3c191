REVOKE UPDATE, DELETE, TRUNCATE ON deployments_auditreview FROM :app_role;
