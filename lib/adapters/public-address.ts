import { BlockList, isIP } from 'node:net';

/**
 * `public`: the internet has it. `private`: a network of one's own has it, and may be reached where it is listed. `special`: never to
 * be sent to, since it is this machine, its neighbours on the link (instance metadata, container credentials), everybody, or nobody.
 */
export type AddressKind = 'public' | 'private' | 'special';

export const isPublicAddress = (address: string): boolean => addressKind(address) === 'public';

/**
 * By the IANA special-purpose address registries, of which every entry is excluded, even those that are reachable: nobody runs a chat
 * tool on a DNS sink. IPv6 forms that embed an IPv4 address are what that is. Anything that is no address is `special`.
 */
export const addressKind = (address: string): AddressKind => {
  const family = isIP(address);
  if (family === 4)
    return special4.check(address, 'ipv4') ? 'special' : private4.check(address, 'ipv4') ? 'private' : 'public';
  const groups = family === 6 ? groupsOf(address) : undefined;
  if (groups === undefined) return 'special';
  const embedded = embedded4(groups);
  // The worst of them decides.
  if (embedded.length > 0) {
    const kinds = embedded.map(addressKind);
    return kinds.includes('special') ? 'special' : kinds.includes('private') ? 'private' : 'public';
  }
  if (special6.check(address, 'ipv6')) return 'special';
  if (private6.check(address, 'ipv6')) return 'private';
  // Global unicast; what lies outside is not given to anyone.
  return ((groups[0] ?? 0) & 0xe000) === 0x2000 ? 'public' : 'special';
};

const nets = (family: 'ipv4' | 'ipv6', list: readonly string[]): BlockList => {
  const blocked = new BlockList();
  for (const net of list) {
    const [address = '', prefix] = net.split('/');
    blocked.addSubnet(address, Number(prefix), family);
  }
  return blocked;
};

const private4 = nets('ipv4', ['10.0.0.0/8', '100.64.0.0/10', '172.16.0.0/12', '192.168.0.0/16']);

const special4 = nets('ipv4', [
  '0.0.0.0/8', // this network (RFC 791)
  '127.0.0.0/8', // loopback, and there the Lambda Runtime API at 127.0.0.1:9001 (RFC 1122)
  '169.254.0.0/16', // link-local: instance metadata .169.254, ECS credentials .170.2, EKS credentials .170.23 (RFC 3927)
  '192.0.0.0/24', // IETF protocol assignments (RFC 6890)
  '192.0.2.0/24', // documentation (RFC 5737)
  '192.31.196.0/24', // AS112 (RFC 7535)
  '192.52.193.0/24', // AMT (RFC 7450)
  '192.88.99.0/24', // 6to4 relays, no more (RFC 7526)
  '192.175.48.0/24', // AS112 (RFC 7534)
  '198.18.0.0/15', // benchmarking (RFC 2544)
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast (RFC 1112)
]);

const private6 = nets('ipv6', ['fc00::/7']);

const special6 = nets('ipv6', [
  '::/8', // unspecified, loopback, v4-compatible, v4-translated and whatever else is no address of a host (RFC 4291)
  '64:ff9b:1::/48', // NAT64 of a local network: what stands behind it is not known (RFC 8215)
  '100::/32', // discard and dummy prefixes (RFC 6666, RFC 9780)
  '2001::/23', // IETF protocol assignments, Teredo among them (RFC 2928)
  '2001:db8::/32', // documentation (RFC 3849)
  '2620:4f:8000::/48', // AS112 (RFC 7534)
  '3fff::/20', // documentation (RFC 9637)
  '5f00::/16', // segment routing (RFC 9602)
  'fd00:ec2::/32', // instance metadata ::254, DNS, NTP and EKS credentials of EC2
  'fe80::/10', // link-local
  'fec0::/10', // site-local, no more (RFC 3879)
  'ff00::/8', // multicast
]);

/** The eight groups of an IPv6 address as numbers; undefined for one with a zone index, which names an interface of this machine. */
const groupsOf = (address: string): number[] | undefined => {
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

/** The IPv4 addresses inside v4-mapped, NAT64, 6to4, Teredo and ISATAP addresses: where a packet to them goes in the end. */
const embedded4 = (groups: readonly number[]): string[] => {
  const text = (high = 0, low = 0) => `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
  const zero = (from: number, to: number) => groups.slice(from, to).every((group) => group === 0);
  if (zero(0, 5) && groups[5] === 0xffff) return [text(groups[6], groups[7])];
  if (groups[0] === 0x64 && groups[1] === 0xff9b && zero(2, 6)) return [text(groups[6], groups[7])];
  if (groups[0] === 0x2002) return [text(groups[1], groups[2])];
  // Teredo names its server, and the client's address with all bits turned over.
  if (groups[0] === 0x2001 && groups[1] === 0)
    return [text(groups[2], groups[3]), text((groups[6] ?? 0) ^ 0xffff, (groups[7] ?? 0) ^ 0xffff)];
  // ISATAP (RFC 5214): an interface identifier behind any prefix.
  if (((groups[4] ?? 0) & 0xfdff) === 0 && groups[5] === 0x5efe) return [text(groups[6], groups[7])];
  return [];
};
