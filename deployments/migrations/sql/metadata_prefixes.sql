-- What teams may set is intent of the platform team: it commits only with its audit event.
CREATE CONSTRAINT TRIGGER must_audit AFTER INSERT OR UPDATE OR DELETE ON deployments_metadataprefix
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION deployments_must_audit('metadataprefix', 'id');
