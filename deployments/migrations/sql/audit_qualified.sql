-- The rules of 0002 again, so that nothing a session can make stands between their names and what is meant: every
-- relation, type, function and operator is qualified, and pg_temp comes last. (Without it in the path PostgreSQL looks
-- there first.)

-- Events of before `actor_username` was kept have it empty, and hash as they always did.
CREATE OR REPLACE FUNCTION public.deployments_audit_hash(event public.deployments_auditevent) RETURNS pg_catalog.text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
    SELECT pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to((
        pg_catalog.jsonb_build_array(
            event.prev_hash, event.seq, event.at, event.txid, event.kind, event.was_allowed, event.actor_id,
            event.actor_name, event.via, event.request_id, event.object_type, event.object_id, event.object_name,
            event.deployment_id, event.team_id, event.team_name, event.environment, event.cluster_name, event.note,
            event.changes, event.facts
        ) OPERATOR(pg_catalog.||) CASE
            WHEN event.actor_username OPERATOR(pg_catalog.=) '' THEN pg_catalog.jsonb_build_array()
            ELSE pg_catalog.jsonb_build_array(event.actor_username)
        END
    )::pg_catalog.text, 'UTF8')), 'hex')
$$;

CREATE OR REPLACE FUNCTION public.deployments_audit_chain() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    head public.deployments_audit_head%ROWTYPE;
BEGIN
    -- On any other table the head would move without an event.
    IF TG_RELID OPERATOR(pg_catalog.<>) 'public.deployments_auditevent'::pg_catalog.regclass THEN
        RAISE EXCEPTION 'the audit chain belongs to the audit log' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT * INTO head FROM public.deployments_audit_head FOR UPDATE;
    -- An id of the sender's choice would be in the way of a later event.
    NEW.id := pg_catalog.nextval('public.deployments_auditevent_id_seq'::pg_catalog.regclass);
    NEW.seq := head.seq OPERATOR(pg_catalog.+) 1;
    NEW.prev_hash := head.row_hash;
    NEW.at := pg_catalog.clock_timestamp();
    NEW.txid := pg_catalog.pg_current_xact_id()::pg_catalog.text::pg_catalog.int8;
    NEW.row_hash := public.deployments_audit_hash(NEW);
    UPDATE public.deployments_audit_head SET seq = NEW.seq, row_hash = NEW.row_hash;
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION public.deployments_audit_append_only() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;

-- A change of intent commits only with an audit event of the same transaction for the same object, of something that
-- was done. Arguments: the event's object_type; the column that holds its object_id; columns that are nobody's intent.
CREATE OR REPLACE FUNCTION public.deployments_must_audit() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before pg_catalog.jsonb := pg_catalog.to_jsonb(OLD);
    after pg_catalog.jsonb := pg_catalog.to_jsonb(NEW);
    ignored pg_catalog.text[] := COALESCE(TG_ARGV[2], '{}')::pg_catalog.text[];
    touched pg_catalog.text[];
    object_of pg_catalog.text;
BEGIN
    -- Migrations run as the owner; they are reviewed code, and no other process has the owner's password.
    IF session_user OPERATOR(pg_catalog.=) current_user THEN
        RETURN NULL;
    END IF;
    IF TG_OP OPERATOR(pg_catalog.=) 'INSERT' THEN
        touched := ARRAY[after OPERATOR(pg_catalog.->>) TG_ARGV[1]];
    ELSIF TG_OP OPERATOR(pg_catalog.=) 'DELETE' THEN
        touched := ARRAY[before OPERATOR(pg_catalog.->>) TG_ARGV[1]];
    ELSIF ignored OPERATOR(pg_catalog.<>) '{}'::pg_catalog.text[]
          AND (before OPERATOR(pg_catalog.-) ignored) OPERATOR(pg_catalog.=) (after OPERATOR(pg_catalog.-) ignored) THEN
        RETURN NULL;
    ELSE
        -- Given another id, the row is two objects.
        touched := ARRAY[before OPERATOR(pg_catalog.->>) TG_ARGV[1], after OPERATOR(pg_catalog.->>) TG_ARGV[1]];
    END IF;
    FOREACH object_of IN ARRAY touched LOOP
        -- Transaction numbers begin again in a restored database: an old event with this one's number has an older row.
        IF NOT EXISTS (
            SELECT 1 FROM public.deployments_auditevent AS event
            WHERE event.txid OPERATOR(pg_catalog.=) pg_catalog.pg_current_xact_id()::pg_catalog.text::pg_catalog.int8
              AND event.object_type OPERATOR(pg_catalog.=) TG_ARGV[0]
              AND event.object_id OPERATOR(pg_catalog.=) object_of
              AND event.was_allowed
              AND pg_catalog.age(event.xmin) OPERATOR(pg_catalog.<=)
                  pg_catalog.age(pg_catalog.pg_current_xact_id()::pg_catalog.xid)
        ) THEN
            RAISE EXCEPTION '% of % % has no audit event in its transaction', TG_OP, TG_ARGV[0], object_of
                USING ERRCODE = 'integrity_constraint_violation';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;

-- How any app's migration guards a table (baristaweb/lib/guards.py calls it). Given again, it replaces.
CREATE FUNCTION public.deployments_attach_must_audit(
    relation pg_catalog.regclass, object_type pg_catalog.text, id_column pg_catalog.text, ignored pg_catalog.text[]
) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    EXECUTE pg_catalog.format('DROP TRIGGER IF EXISTS must_audit ON %s', relation);
    EXECUTE pg_catalog.format(
        'CREATE CONSTRAINT TRIGGER must_audit AFTER INSERT OR UPDATE OR DELETE ON %s DEFERRABLE INITIALLY DEFERRED '
        'FOR EACH ROW EXECUTE FUNCTION public.deployments_must_audit(%L, %L, %L)',
        relation, object_type, id_column, ignored);
END
$$;

-- Every column of a user is intent but last_login, which changes at each login: the list of 0002 left out the id.
SELECT public.deployments_attach_must_audit('public.deployments_user', 'user', 'id', ARRAY['last_login']);

CREATE OR REPLACE FUNCTION public.deployments_revision_immutable() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    may_go pg_catalog.text[] := ARRAY['author_id', 'proposal_id'];
BEGIN
    IF TG_OP OPERATOR(pg_catalog.=) 'DELETE'
       OR (pg_catalog.to_jsonb(NEW) OPERATOR(pg_catalog.-) may_go)
          OPERATOR(pg_catalog.<>) (pg_catalog.to_jsonb(OLD) OPERATOR(pg_catalog.-) may_go) THEN
        RAISE EXCEPTION 'revisions are immutable' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END
$$;

-- Triggers run without this right; with it a session could attach them to tables of its own.
REVOKE EXECUTE ON FUNCTION
    public.deployments_audit_chain(), public.deployments_audit_append_only(), public.deployments_must_audit(),
    public.deployments_revision_immutable(), public.deployments_audit_hash(public.deployments_auditevent),
    public.deployments_attach_must_audit(pg_catalog.regclass, pg_catalog.text, pg_catalog.text, pg_catalog.text[])
FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.deployments_audit_hash(public.deployments_auditevent) TO :app_role;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
REVOKE INSERT ON public.deployments_installation FROM :app_role;
