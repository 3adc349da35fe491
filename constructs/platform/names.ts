import { Chart } from 'cdk8s';
import { Construct, IConstruct } from 'constructs';

/** Ids that name what a construct is for itself and therefore add nothing to an object's name. */
const SILENT_IDS: ReadonlySet<string> = new Set(['Resource', 'Default']);

/**
 * The longest name an object may have: StatefulSet pods carry it in a label together with an 11-character revision
 * suffix, and a label value ends at 63 characters.
 */
const MAX_NAME = 52;

/**
 * A namespace as a scope of the construct tree. Everything built inside it lives in that namespace, and its name is not
 * repeated in the names of the objects: `foundation/redis/cache/Proxy` is `cache-proxy` in namespace `redis`.
 */
export abstract class NamespaceScope extends Construct {
  /** The namespace's name. */
  readonly name: string;

  constructor(
    scope: Construct,
    id: string,
    /** Whether the service mesh takes in the pods of this namespace. */
    readonly isMeshed: boolean = false,
  ) {
    super(scope, id);
    this.name = kebab(id);
  }

  /** The namespace a construct lives in; undefined for what belongs to the whole cluster. */
  static of(construct: IConstruct): NamespaceScope | undefined {
    return construct.node.scopes.findLast((scope) => scope instanceof NamespaceScope);
  }
}

/**
 * The name of the namespace a construct lives in.
 * @throws Error where it lives in none
 */
export function namespaceOf(construct: IConstruct): string {
  return namespaceAround(construct).name;
}

/**
 * The namespace that a construct with pods lives in.
 * @throws Error where it lives in none
 */
export function namespaceAround(construct: IConstruct): NamespaceScope {
  const namespace = NamespaceScope.of(construct);
  if (!namespace) {
    throw new Error(`${construct.node.path}: must be built inside a namespace (PlatformNamespaces.add)`);
  }
  return namespace;
}

/**
 * The name of the objects a construct makes: the ids below its namespace (or chart), without hash, so that a name can be
 * typed from memory and survives refactoring of what lies above it.
 * @throws Error where the name would be empty or longer than 52 characters
 */
export function objectName(construct: IConstruct): string {
  const { scopes } = construct.node;
  const start = scopes.findLastIndex((scope) => scope instanceof NamespaceScope || Chart.isChart(scope));
  const ids = scopes.slice(start + 1).map((scope) => scope.node.id);
  const name = ids
    .filter((id) => !SILENT_IDS.has(id))
    .map(kebab)
    .join('-');
  if (name === '' || name.length > MAX_NAME) {
    throw new Error(
      `${construct.node.path}: "${name}" has ${name.length} characters; a name has 1 to ${MAX_NAME}: shorten an id`,
    );
  }
  return name;
}

function kebab(id: string): string {
  return id
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/[^a-zA-Z0-9]+/g, '-')
    .toLowerCase();
}
