-- Makes a login, as Vault's own. PostgreSQL 16 or newer: there whoever makes a role may grant and drop that one, and no other.
DO $$
BEGIN
  -- One that could not be revoked takes no place: nobody gets in by it any more.
  IF (SELECT count(*) FROM pg_roles WHERE rolname LIKE 'lease\_%' AND rolvaliduntil > now()) >= @LOGINS@ THEN
    RAISE EXCEPTION 'all @LOGINS@ logins are lent';
  END IF;
  CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' CONNECTION LIMIT @CONNECTIONS@;
  -- No rights, but manners: whoever wants to may set them otherwise.
  ALTER ROLE "{{name}}" SET default_transaction_read_only = on;
  ALTER ROLE "{{name}}" SET statement_timeout = '5min';
  GRANT SELECT ON events, store_metadata TO "{{name}}";
END $$;
