/** Told of every single thing that a check saw. */
export type Report = (name: string, ok: boolean, detail?: string) => void;
