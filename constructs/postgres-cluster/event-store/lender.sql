-- Where Vault lends logins (lend.sql): what it may hand on, which is what the reader may read.
SELECT FROM pg_temp.require(to_regrole('lighthouse_lender') IS NOT NULL,
  'role lighthouse_lender does not exist: declare it as a role of the cluster');

GRANT SELECT ON events, store_metadata TO lighthouse_lender WITH GRANT OPTION;
