-- A change of intent commits only with an audit event of the same transaction for the same object.
-- Arguments: the event's object_type, and the column that holds its object_id.
CREATE FUNCTION deployments_must_audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    changed jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
BEGIN
    -- Migrations run as the owner; they are reviewed code, and no other process has the owner's password.
    IF session_user = current_user THEN
        RETURN NULL;
    END IF;
    IF NOT EXISTS (
        SELECT 1 FROM deployments_auditevent
        WHERE txid = pg_current_xact_id()::text::bigint
          AND object_type = TG_ARGV[0] AND object_id = changed ->> TG_ARGV[1]
    ) THEN
        RAISE EXCEPTION '% of % % has no audit event in its transaction', TG_OP, TG_ARGV[0], changed ->> TG_ARGV[1]
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;

DO $$
DECLARE
    rule record;
BEGIN
    FOR rule IN SELECT * FROM (VALUES
        ('deployments_team', 'team', 'id', ''),
        ('deployments_membership', 'membership', 'id', ''),
        ('deployments_cluster', 'cluster', 'id', ''),
        ('deployments_namespace', 'namespace', 'id', ''),
        ('deployments_runtime', 'runtime', 'id', ''),
        ('deployments_hardwareprofile', 'hardwareprofile', 'id', ''),
        ('deployments_registryrule', 'registryrule', 'id', ''),
        ('deployments_servedmodel', 'servedmodel', 'id', ''),
        ('deployments_deployment', 'deployment', 'id', ''),
        ('deployments_revision', 'deployment', 'deployment_id', ''),
        -- last_login changes at each login and is nobody's intent
        ('deployments_user', 'user', 'id',
         'OF username, display_name, email, is_active, is_platform_admin, is_auditor, password')
    ) AS rules (relation, object_type, id_column, columns)
    LOOP
        EXECUTE format(
            'CREATE CONSTRAINT TRIGGER must_audit AFTER INSERT OR UPDATE %s OR DELETE ON %I '
            'DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION deployments_must_audit(%L, %L)',
            rule.columns, rule.relation, rule.object_type, rule.id_column);
    END LOOP;
END
$$;

-- Revisions are immutable.
CREATE FUNCTION deployments_revision_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR to_jsonb(NEW) - 'author_id' - 'proposal_id' IS DISTINCT FROM to_jsonb(OLD) - 'author_id' - 'proposal_id' THEN
        RAISE EXCEPTION 'revisions are immutable' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER revision_immutable BEFORE UPDATE OR DELETE ON deployments_revision
    FOR EACH ROW EXECUTE FUNCTION deployments_revision_immutable();
