INSERT INTO deployments_installation (uuid, created_at) VALUES (gen_random_uuid(), now());
