import { Lazy } from 'cdk8s';
import type { IConstruct } from 'constructs';
import type { LabelSelector } from '../../imports/k8s';
import { objectsIn } from './manifest';

/** Selects the namespaces that a platform makes, once it is built. */
export function inNamespacesOf(platform: IConstruct): LabelSelector {
  const names = (): string[] =>
    objectsIn(platform)
      .filter(({ kind }) => kind === 'Namespace')
      .map(({ name }) => name)
      .sort();
  return {
    matchExpressions: [
      {
        key: 'kubernetes.io/metadata.name',
        operator: 'In',
        values: Lazy.any({ produce: names }) as string[],
      },
    ],
  };
}
