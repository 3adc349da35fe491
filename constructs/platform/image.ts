/** Parts of an image's reference. */
export interface ImageReference {
  /** Registry and repository. */
  readonly repository: string;
  /** Empty where there is none. */
  readonly tag: string;
  readonly digest?: string;
}

/** Takes a reference apart, whether it is a good one or not. */
export function imageReference(image: string): ImageReference {
  const [name = '', digest] = image.split('@');
  const colon = name.lastIndexOf(':');
  // One before the last slash is of the registry's port.
  const [repository, tag] =
    colon > name.lastIndexOf('/') ? [name.slice(0, colon), name.slice(colon + 1)] : [name, ''];
  return { repository, tag, ...(digest === undefined ? {} : { digest }) };
}
