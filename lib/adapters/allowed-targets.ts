import { BlockList, isIP } from 'node:net';

/** Whether a list of `host`, `address` or `network`, each with a port if it is not 443, names an address at a host and port. */
export type AllowedTargets = (target: {
  readonly hostname: string;
  readonly address: string;
  readonly port: number;
}) => boolean;

/** Reads the `allowTargets` option; entries that are none were refused at synth and match nothing here. */
export const allowedTargets = (entries: readonly string[] = []): AllowedTargets => {
  const rules = entries.map(ruleOf);
  return ({ hostname, address, port }) =>
    rules.some((rule) => rule.port === port && (rule.hostname === hostname || rule.holds(address)));
};

interface Rule {
  readonly port: number;
  readonly hostname?: string;
  readonly holds: (address: string) => boolean;
}

const ruleOf = (entry: string): Rule => {
  const [, bracketed, plain, portText] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(entry) ?? [];
  // An IPv6 address without brackets cannot be followed by a port.
  const target = bracketed ?? plain ?? entry;
  const port = portText === undefined ? 443 : Number(portText);
  const [address = '', prefix] = target.split('/');
  const family = isIP(address);
  if (family === 0) return { port, hostname: target.toLowerCase(), holds: () => false };
  const nets = new BlockList();
  const kind = family === 4 ? 'ipv4' : 'ipv6';
  nets.addSubnet(address, prefix === undefined ? (family === 4 ? 32 : 128) : Number(prefix), kind);
  return { port, holds: (each) => isIP(each) !== 0 && nets.check(each, isIP(each) === 4 ? 'ipv4' : 'ipv6') };
};
