/** Where Lighthouse looks for its file system; it cannot be told otherwise. */
export const POINT = '/mnt/lighthouse/project';

/** The volume that it is mounted in, one level above: what is mounted inside a volume spreads to who has the volume. */
export const VOLUME = { name: 'lighthouse', mountPath: '/mnt/lighthouse' } as const;

/** Folder of the scripts. */
export const SCRIPTS = '/fuse';

/** The volume by which a restricted server asks the node's opener for a descriptor. */
export const HANDOVER = { name: 'fuse-handover', mountPath: '/run/fuse-handover' } as const;

/** Resource that a node's device plugin offers: `/dev/fuse` in a container that asks for it. */
export const DEVICE = 'squat.ai/fuse';
