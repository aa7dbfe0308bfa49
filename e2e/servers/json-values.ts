// Typed looks at parsed JSON of unknown shape.

/** A parsed JSON object. */
export type JsonObject = Record<string, unknown>

/** The value when it is an object, else an empty one. */
export function toObject(value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {}
}

/** The value when it is a string, else the fallback. */
export function toText(value: unknown, fallback = ''): string {
  return typeof value === 'string' ? value : fallback
}

/** The value when it is a number, else the fallback. */
export function toNumber(value: unknown, fallback = 0): number {
  return typeof value === 'number' ? value : fallback
}

/** Bytes to a parsed object; an empty one for no bytes and for anything but an object. */
export function parseObject(bytes: Buffer | undefined): JsonObject {
  return bytes === undefined ? {} : toObject(JSON.parse(bytes.toString('utf8')))
}
