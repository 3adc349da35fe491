import { join } from 'node:path';
import { Construct } from 'constructs';
import type { CertificateAuthority } from '../certificate-authority';
import type { Bucket } from '../platform/bucket';
import { renderPayload } from '../platform/config-files';
import { NamespaceScope, namespaceOf } from '../platform/names';
import type { Spreading } from '../platform/pod';
import { CollectorAgent } from './collector/agent';
import { CollectorGateway } from './collector/gateway';
import type { LogSource } from './collector/parsers';
import { Loki, LokiProps } from './loki';
import type { LogLoad, TraceLoad } from './sizing';
import { Tempo } from './tempo';

/** What is kept of logs: by how many members, where, for how long. */
export type LogsKept = LogLoad & Pick<LokiProps, 'bucket' | 'retentionDays'>;

/** What is kept of traces: where, for how long, and how many gateways see them before. */
export interface TracesKept extends TraceLoad {
  readonly bucket: Bucket;
  readonly retentionDays: number;
  readonly gateways: number;
}

export interface TelemetryProps {
  readonly images: Readonly<Record<'loki' | 'tempo' | 'collector', string>>;
  readonly logs: LogsKept;
  readonly traces: TracesKept;
  /** Namespace of what reads the nodes' own files. */
  readonly agents: NamespaceScope;
  /** Nodes of the cluster. */
  readonly nodes: number;
  readonly storageClass: string;
  readonly spreading: Spreading;
  readonly authority: CertificateAuthority;
}

/** Logs and traces, from the nodes' files and from whoever sends them to where they are found again. */
export class Telemetry extends Construct {
  readonly loki: Loki;
  readonly tempo: Tempo;
  readonly gateway: CollectorGateway;
  readonly agent: CollectorAgent;

  constructor(scope: Construct, id: string, props: TelemetryProps) {
    super(scope, id);
    const { images, logs, traces } = props;
    this.loki = new Loki(this, 'loki', { ...props, ...logs, image: images.loki });
    this.tempo = new Tempo(this, 'tempo', { ...props, ...traces, image: images.tempo });
    this.gateway = new CollectorGateway(this, 'collector', {
      ...props,
      image: images.collector,
      replicas: traces.gateways,
      loki: this.loki.endpoint,
      tempo: this.tempo.spans,
      spansPerSecond: traces.spansPerSecond,
    });
    this.agent = new CollectorAgent(props.agents, 'collector', {
      ...props,
      image: images.collector,
      gateway: this.gateway.grpc,
    });
    const parser = renderPayload(join(__dirname, 'logs.yaml'));
    for (const construct of [this, this.agent]) this.read(construct, { parser });
  }

  /** Makes fields of the lines of all containers in a construct's namespace that its parser names. */
  read(construct: Construct, { parser, counters = {}, tenant = 'platform' }: LogParser): void {
    this.agent.read({ namespace: namespaceOf(construct), parser, counters, tenant });
  }
}

/** How the lines of a service are read. */
export interface LogParser
  extends Pick<LogSource, 'parser'>, Partial<Pick<LogSource, 'counters' | 'tenant'>> {}
