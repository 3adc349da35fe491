import { ApiObject } from 'cdk8s';
import { IConstruct } from 'constructs';

/** A Kubernetes object as it is printed. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

const cache = new WeakMap<ApiObject, Manifest>();

/** What an object says, resolved once; only to be read when the whole tree is built. */
export function manifestOf(object: ApiObject): Manifest {
  const known = cache.get(object);
  if (known) return known;
  const manifest: Manifest = object.toJson();
  cache.set(object, manifest);
  return manifest;
}

/** All Kubernetes objects at and below a construct, in the order of the tree. */
export function objectsIn(construct: IConstruct): ApiObject[] {
  return construct.node.findAll().filter((node) => ApiObject.isApiObject(node));
}

/** A map of fields, of which nothing more is known. */
export type Fields = Readonly<Record<string, unknown>>;

/** Whether a value of an object is a map of fields, rather than a list or a single value. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
