import { setting } from '../setting.ts';

const SAMPLERS = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
export type SamplerName = (typeof SAMPLERS)[number];
const PROTOCOLS = ['http/protobuf', 'http/json'] as const;

/**
 * OpenTelemetry's own variables, as its specification has them. What concerns the connection alone (`OTEL_EXPORTER_OTLP_HEADERS`,
 * `_TIMEOUT`, `_COMPRESSION`, `_CERTIFICATE`, `_CLIENT_CERTIFICATE`, `_CLIENT_KEY`, and each with `TRACES_`) the exporter reads itself.
 */
export const otelSettings = {
  otelDisabled: setting.boolean('OTEL_SDK_DISABLED', { default: false, description: 'true: nothing is traced, whatever else is set' }),
  tracesExporter: setting.oneOf('OTEL_TRACES_EXPORTER', ['otlp', 'none'], { default: 'otlp', description: 'none: nothing is traced' }),
  otlpEndpoint: setting.url('OTEL_EXPORTER_OTLP_ENDPOINT', {
    optional: true,
    description: 'Base URL of an OpenTelemetry collector (OTLP over HTTP; `/v1/traces` is added); without it nothing is traced',
  }),
  otlpTracesEndpoint: setting.url('OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', {
    optional: true,
    description: 'The whole URL for traces instead; nothing is added to it',
  }),
  otlpProtocol: setting.oneOf('OTEL_EXPORTER_OTLP_PROTOCOL', PROTOCOLS, {
    default: 'http/protobuf',
    description: 'How traces are written; gRPC is not spoken: collectors take HTTP on port 4318',
  }),
  otelServiceName: setting.string('OTEL_SERVICE_NAME', {
    optional: true,
    defaultText: '`runnel-` and the service',
    description: 'What the service is called in traces',
  }),
  otelResource: setting.string('OTEL_RESOURCE_ATTRIBUTES', {
    default: '',
    pattern: '^(\\s*[^=,]+=[^,]*(,|$))*$',
    description: 'More about this process in traces: `key=value`, comma-separated, percent-encoded',
  }),
  otelSampler: setting.oneOf('OTEL_TRACES_SAMPLER', SAMPLERS, {
    default: 'parentbased_always_on',
    description: 'Which traces are kept',
  }),
  otelSamplerArg: setting.number('OTEL_TRACES_SAMPLER_ARG', {
    default: 1,
    minimum: 0,
    maximum: 1,
    description: 'The part of traces that the samplers with `traceidratio` keep',
  }),
};

/** What tracing is told, as the configuration has it. */
export interface OtelConfig {
  otelDisabled: boolean;
  tracesExporter: 'otlp' | 'none';
  otlpEndpoint?: string | undefined;
  otlpTracesEndpoint?: string | undefined;
  otlpProtocol: (typeof PROTOCOLS)[number];
  otelServiceName?: string | undefined;
  otelResource: string;
  otelSampler: SamplerName;
  otelSamplerArg: number;
}

/** Where spans go; undefined: nowhere. Pure. */
export const tracesUrl = ({ otelDisabled, tracesExporter, otlpEndpoint, otlpTracesEndpoint }: OtelConfig): string | undefined => {
  if (otelDisabled || tracesExporter === 'none') return undefined;
  return otlpTracesEndpoint ?? (otlpEndpoint && `${otlpEndpoint.replace(/\/+$/, '')}/v1/traces`);
};

/** `a=1,b=%20` as a record; a value that is not encoded well is taken as it stands. Pure. */
export const resourceOf = (text: string): Record<string, string> => {
  const decoded = (value: string): string => {
    try {
      return decodeURIComponent(value);
    } catch {
      return value;
    }
  };
  const pairs = text.split(',').flatMap((pair) => {
    const at = pair.indexOf('=');
    return at < 1 ? [] : [[decoded(pair.slice(0, at).trim()), decoded(pair.slice(at + 1).trim())] as const];
  });
  return Object.fromEntries(pairs);
};
