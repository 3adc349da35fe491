const SUFFIXES: Readonly<Record<string, number>> = {
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** A Kubernetes quantity: digits, perhaps a fraction, perhaps a suffix (`250m`, `1.5`, `8Gi`, `10G`). */
export const QUANTITY_PATTERN = '^([0-9]+(?:\\.[0-9]+)?)(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$';

const QUANTITY = new RegExp(QUANTITY_PATTERN);

/**
 * The number a quantity stands for: cores for CPU, bytes for memory and storage.
 * @throws Error where the text is no Kubernetes quantity
 */
export function parseQuantity(text: string | number): number {
  const [, digits, suffix = ''] = QUANTITY.exec(String(text)) ?? [];
  if (digits === undefined) {
    throw new Error(`"${text}" is no Kubernetes quantity; write for example 250m, 2, 512Mi or 8Gi`);
  }
  return Number(digits) * (SUFFIXES[suffix] ?? 1);
}

/** Bytes as a quantity in Mi, rounded up; exact Gi where it comes out even. */
export function formatBytes(bytes: number): string {
  const mebibytes = Math.ceil(bytes / 2 ** 20);
  return mebibytes > 0 && mebibytes % 1024 === 0 ? `${mebibytes / 1024}Gi` : `${mebibytes}Mi`;
}

/** Cores as a quantity: whole cores where it comes out even, else millicores, rounded up. */
export function formatCores(cores: number): string {
  const millicores = Math.ceil(Number((cores * 1000).toFixed(6)));
  return millicores % 1000 === 0 ? String(millicores / 1000) : `${millicores}m`;
}

/** A part of a quantity of bytes, rounded down to whole Mi (a share must not come out above its whole). */
export function shareOf(quantity: string, share: number): string {
  return `${Math.floor((parseQuantity(quantity) * share) / 2 ** 20)}Mi`;
}
