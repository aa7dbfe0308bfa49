import { realpath } from 'node:fs/promises'
import path from 'node:path'

/** Whether two paths lead to the same place, by whatever links. The file itself need not be there. */
export async function isSameFile(left: string, right: string): Promise<boolean> {
  if (left === right) return true
  const [one, other] = await Promise.all([toRealPath(left), toRealPath(right)])
  return one === other
}

async function toRealPath(file: string): Promise<string> {
  try {
    return await realpath(file)
  } catch {
    // Not there, or not to be looked at: its folder may still be one by another name.
    const folder = path.dirname(path.resolve(file))
    return path.join(await realpath(folder).catch(() => folder), path.basename(file))
  }
}
