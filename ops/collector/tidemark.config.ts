import { defineConfig } from '../../lib/model/config.ts';

/** What collector.yaml here is generated from: three services, three back ends, and what each of these may see. */
export default defineConfig({
  telemetry: {
    redaction: {
      // Leaves the house: only what is listed may.
      partner: {
        allowKeys: [
          'http.request.method',
          'http.response.status_code',
          'http.route',
          'url.full',
          'error.type',
          'messaging.*',
          'cloud.*',
        ],
        tokenKey: 'secretsmanager:tidemark/redaction-key',
      },
      // Stays in the house: everything but personal data and secrets.
      house: { blockKeys: ['user.*', 'enduser.*'], patterns: { orderNumber: 'ORD-[0-9]{8}' } },
    },
    backEnds: {
      tempo: { url: 'http://tempo:4318/v1/traces', redaction: 'house', compression: 'zstd' },
      datadog: {
        url: 'https://otlp.datadoghq.eu/v1/traces',
        redaction: 'partner',
        secretHeaders: { 'dd-api-key': 'secretsmanager:tidemark/datadog' },
      },
      jaeger: { url: 'http://jaeger:4318/v1/traces', redaction: 'house', encoding: 'json', maxQueue: 512 },
    },
    routes: [
      { service: 'auth-service', backEnds: ['tempo'] },
      { servicePrefix: 'payment-', backEnds: ['datadog', 'tempo'] },
      { servicePattern: '(debug|canary)-[a-z]+', backEnds: ['jaeger'] },
    ],
    defaultBackEnds: ['tempo'],
  },
});
