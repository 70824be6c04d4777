import { BlockList, isIP } from 'node:net';

/**
 * Addresses that the public internet has, by the IANA special-purpose registries: everything private, local, shared,
 * link-local (instance metadata), multicast, reserved or for documentation is not. IPv6 forms that embed an IPv4 address
 * are as public as that one.
 */
export const isPublicAddress = (address: string): boolean => {
  const family = isIP(address);
  if (family === 4) return !special4.check(address, 'ipv4');
  if (family !== 6) return false;
  const groups = groupsOf(address);
  if (groups === undefined) return false;
  const embedded = embedded4(groups);
  if (embedded !== undefined) return isPublicAddress(embedded);
  return !special6.check(address, 'ipv6');
};

const special4 = new BlockList();
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  special4.addSubnet(net, prefix, 'ipv4');
}

const special6 = new BlockList();
for (const [net, prefix] of [
  ['::', 8],
  ['64:ff9b:1::', 48],
  ['100::', 64],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['3fff::', 20],
  ['5f00::', 16],
  ['fc00::', 7],
  ['fe80::', 10],
  ['fec0::', 10],
  ['ff00::', 8],
] as const) {
  special6.addSubnet(net, prefix, 'ipv6');
}

/** The eight groups of an IPv6 address as numbers. */
const groupsOf = (address: string): number[] | undefined => {
  // A zone index names an interface of this machine.
  if (address.includes('%')) return undefined;
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address);
  const plain =
    dotted === null
      ? address
      : `${dotted[1]}${((Number(dotted[2]) << 8) | Number(dotted[3])).toString(16)}:${((Number(dotted[4]) << 8) | Number(dotted[5])).toString(16)}`;
  const [head = '', tail] = plain.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].map((group) => Number.parseInt(group, 16));
};

/** The IPv4 address inside v4-mapped, NAT64, 6to4 and Teredo addresses. */
const embedded4 = (groups: readonly number[]): string | undefined => {
  const text = (high = 0, low = 0) => `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  const zero = (from: number, to: number) => groups.slice(from, to).every((group) => group === 0);
  if (zero(0, 5) && groups[5] === 0xffff) return text(groups[6], groups[7]);
  if (groups[0] === 0x64 && groups[1] === 0xff9b && zero(2, 6)) return text(groups[6], groups[7]);
  if (groups[0] === 0x2002) return text(groups[1], groups[2]);
  // Teredo keeps the client's address with all bits turned over.
  if (groups[0] === 0x2001 && groups[1] === 0) return text((groups[6] ?? 0) ^ 0xffff, (groups[7] ?? 0) ^ 0xffff);
  return undefined;
};
