-- What the platform permits is its intent: it commits only with its audit event.
CREATE CONSTRAINT TRIGGER must_audit AFTER INSERT OR UPDATE OR DELETE ON public.deployments_permit
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.deployments_must_audit('permit', 'id');
