import { createServer } from 'node:http';
import { startCluster } from '../../examples/shop/kubernetes.ts';
import { systemClock } from '../../lib/adapters/clock.ts';
import type { Alert } from '../../lib/model/alert.ts';
import { startRobot, wecomRobot } from '../../test/support/robots/index.ts';
import { identityOf } from './outcome.ts';

/** What lies around tidemark: a Kubernetes API, a WeCom robot, an audit endpoint. */
export const startSurroundings = async (withFaults: boolean) => {
  const robot = await startRobot(wecomRobot(), { clock: systemClock });
  const audited: Alert[] = [];
  const audit = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => void chunks.push(chunk));
    request.on('end', () => {
      audited.push((JSON.parse(Buffer.concat(chunks).toString()) as { data: Alert }).data);
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((done) => audit.listen(0, '127.0.0.1', done));
  const { port } = audit.address() as { port: number };
  const cluster = await startCluster({ clock: systemClock, token: 'local-token' });
  return {
    kubernetesUrl: cluster.url,
    secrets: {
      'secretsmanager:shop/robot-url': robot.url,
      'secretsmanager:shop/audit-url': `http://127.0.0.1:${port}/alerts`,
      'secretsmanager:shop/audit-secret': `whsec_${Buffer.from('a secret of thirty-two characters').toString('base64')}`,
      'secretsmanager:shop/alerts-token': 'local-token',
      'secretsmanager:shop/alerts-hmac': 'local-hmac',
      'secretsmanager:shop/kubernetes-token': 'local-token',
    },
    /** The pod fills up over half of the run, is restarted, and is well again. */
    setMemory: (share: number) => cluster.setMemory(withFaults ? share : 0.4),
    /** Identities of the alerts that each destination was sent, in order. */
    seen: (): Record<string, readonly string[]> => ({
      audit: audited.map(identityOf),
      oncall: robot.received.flatMap(({ body }) =>
        identitiesInText((body['markdown'] as { content: string } | undefined)?.content ?? ''),
      ),
    }),
    stop: async () => {
      audit.close();
      audit.closeAllConnections();
      await robot.stop();
      await cluster.stop();
    },
  };
};

export type Surroundings = Awaited<ReturnType<typeof startSurroundings>>;

/** A message names the fingerprint and start of each of its alerts, after a head that tells their status. */
export const identitiesInText = (content: string): string[] => {
  const found: string[] = [];
  let status: 'firing' | 'resolved' = 'resolved';
  const pattern = /\[(FIRING|RESOLVED)\]|(\d{4}-\d\d-\d\dT[\d:.]+Z) · ([0-9a-f]{16})/g;
  for (const [, head, startsAt, fingerprint] of content.matchAll(pattern)) {
    if (head !== undefined) status = head === 'FIRING' ? 'firing' : 'resolved';
    else found.push(identityOf({ fingerprint: fingerprint ?? '', status, startsAt: startsAt ?? '' }));
  }
  return found;
};
