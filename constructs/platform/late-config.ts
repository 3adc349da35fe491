import { Lazy } from 'cdk8s';
import { Construct } from 'constructs';
import { ConfigMap, Volume } from '../../imports/k8s';
import { contentHash } from './config-files';
import { objectName } from './names';

/**
 * Generated files that are complete only when everything is declared, as an immutable ConfigMap whose name ends in a hash
 * of its content.
 */
export class LateConfig extends Construct {
  /**
   * @param produce file name → content; asked when the platform is read
   * @param annotations of the ConfigMap
   */
  constructor(
    scope: Construct,
    id: string,
    private readonly produce: () => Readonly<Record<string, string>>,
    annotations: Readonly<Record<string, string>> = {},
  ) {
    super(scope, id);
    new ConfigMap(this, 'Resource', {
      metadata: {
        name: Lazy.any({ produce: () => this.name }),
        ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
      },
      immutable: true,
      data: Lazy.any({ produce }),
    });
  }

  /** A pod volume with all files, readable by everybody, writable by nobody. */
  volume(name: string): Volume {
    return { name, configMap: { name: Lazy.any({ produce: () => this.name }), defaultMode: 0o444 } };
  }

  /** Its name, once everything is declared. */
  get name(): string {
    return `${objectName(this)}-${contentHash(this.produce())}`;
  }
}
