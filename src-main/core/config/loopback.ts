import { BlockList, isIP } from 'node:net'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether only this computer reaches an address to listen on: 127.0.0.0/8, ::1 (in brackets or not) and localhost. */
export function isLoopback(host: string): boolean {
  const bare = withoutBrackets(host)
  const family = isIP(bare)
  if (family === 0) return bare.toLowerCase() === 'localhost'
  return loopback.check(bare, family === 4 ? 'ipv4' : 'ipv6')
}

/** An IPv6 address as it is listened on: `[::1]` becomes `::1`, all else stays. */
export function withoutBrackets(host: string): string {
  return /^\[(.*)\]$/.exec(host)?.[1] ?? host
}
