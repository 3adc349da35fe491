-- Ends a login that lend.sql made, and its sessions. Again and again, if need be: Vault repeats what failed.
DO $$
BEGIN
  IF to_regrole('"{{name}}"') IS NULL THEN RETURN; END IF;
  -- Who ends somebody's sessions must have his rights; to have made him is not enough.
  GRANT "{{name}}" TO CURRENT_USER WITH INHERIT TRUE, SET FALSE;
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{{name}}';
  DROP OWNED BY "{{name}}";
  DROP ROLE "{{name}}";
END $$;
