-- The chain: seq is taken under the lock of the head row, so numbers follow the order of commits.
CREATE TABLE deployments_audit_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    seq bigint NOT NULL,
    row_hash text NOT NULL
);
INSERT INTO deployments_audit_head (seq, row_hash) VALUES (0, repeat('0', 64));

-- Everything of a row that a person could want to alter, in a fixed order.
CREATE FUNCTION deployments_audit_hash(event deployments_auditevent) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, public SET timezone = 'UTC' AS $$
    SELECT encode(sha256(convert_to(jsonb_build_array(
        event.prev_hash, event.seq, event.at, event.txid, event.kind, event.was_allowed, event.actor_id,
        event.actor_name, event.via, event.request_id, event.object_type, event.object_id, event.object_name,
        event.deployment_id, event.team_id, event.team_name, event.environment, event.cluster_name, event.note,
        event.changes, event.facts
    )::text, 'UTF8')), 'hex')
$$;

CREATE FUNCTION deployments_audit_chain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public AS $$
DECLARE
    head deployments_audit_head;
BEGIN
    SELECT * INTO head FROM deployments_audit_head FOR UPDATE;
    NEW.seq := head.seq + 1;
    NEW.prev_hash := head.row_hash;
    NEW.at := clock_timestamp();
    NEW.txid := pg_current_xact_id()::text::bigint;
    NEW.row_hash := deployments_audit_hash(NEW);
    UPDATE deployments_audit_head SET seq = NEW.seq, row_hash = NEW.row_hash;
    RETURN NEW;
END
$$;
CREATE TRIGGER audit_chain BEFORE INSERT ON deployments_auditevent
    FOR EACH ROW EXECUTE FUNCTION deployments_audit_chain();

CREATE FUNCTION deployments_audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE ON deployments_auditevent
    FOR EACH ROW EXECUTE FUNCTION deployments_audit_append_only();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON deployments_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION deployments_audit_append_only();
