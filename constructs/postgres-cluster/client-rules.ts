/**
 * Who gets in, as lines of pg_hba.conf; after them the operator has a last one, which lets passwords travel without TLS and
 * alone. Password and certificate, both: of the owner a certificate that names it, of all others any that the operator signed,
 * for what comes by way of the pooler shows the pooler's. Standbys and poolers have rules of the operator's before these.
 *
 * @param byPassword roles that no certificate can be made for
 */
export function clientRules(owner: string, byPassword: readonly string[] = []): string[] {
  return [
    'hostnossl all all all reject',
    ...byPassword.map((role) => `hostssl all ${role} all scram-sha-256`),
    `hostssl all ${owner} all scram-sha-256 clientcert=verify-full`,
    'hostssl all all all scram-sha-256 clientcert=verify-ca',
  ];
}
