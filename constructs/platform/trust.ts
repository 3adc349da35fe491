/** The name of the trust bundle: a ConfigMap and a Secret of this name, key `ca.crt`, in every platform namespace. */
export const TRUST_BUNDLE = 'lighthouse-trust';

/** File name of the roots inside a mounted trust bundle. */
export const TRUST_FILE = 'ca.crt';

/** The ClusterIssuer of all that the platform signs by itself. */
export const ISSUER = 'lighthouse';
